//! `cloud-lb facts` and `cloud-lb check-permissions`: looks at the cloud's account, without a cluster.

use std::fmt::Write as _;

use serde_json::json;

use crate::Verdict;
use crate::args::{FactsArgs, Output, PermissionArgs};
use crate::failure::Failure;
use crate::providers::{self, Asked, Permission, Verdict as Permitted};
use crate::style::{ERROR, QUIET, paint, print, warn};

/// Writes a description of the account.
pub(crate) async fn facts(args: FactsArgs) -> Result<Verdict, Failure> {
    let FactsArgs { provider } = args;
    let described = providers::facts(provider.provider, Asked::from(&provider)).await?;
    print(&described.text)?;
    if let Some(lacks) = &described.lacks {
        warn(lacks);
    }
    Ok(Verdict::Fine)
}

/// Writes which actions are permitted, and the statement that permits the others.
pub(crate) async fn check_permissions(args: PermissionArgs) -> Result<Verdict, Failure> {
    let PermissionArgs { output, provider } = args;
    let permissions = providers::permissions(provider.provider, Asked::from(&provider)).await?;
    let denied = denied(&permissions);
    match output {
        Output::Text => print(&table(&permissions, &denied))?,
        Output::Json => {
            let statement = (!denied.is_empty()).then(|| statement(&denied));
            print(&format!("{:#}\n", json!({"permissions": permissions, "statementToAdd": statement})))?;
        }
    }
    Ok(if denied.is_empty() { Verdict::Fine } else { Verdict::Denied })
}

fn denied(permissions: &[Permission]) -> Vec<&str> {
    let is_denied = |one: &&Permission| matches!(one.verdict, Permitted::Denied(_));
    permissions.iter().filter(is_denied).map(|one| one.action.as_str()).collect()
}

/// The statement that a policy lacks. `deploy/iam/aws.json` has it with narrower resources.
fn statement(denied: &[&str]) -> serde_json::Value {
    json!({"Effect": "Allow", "Action": denied, "Resource": "*"})
}

fn table(permissions: &[Permission], denied: &[&str]) -> String {
    let width = permissions.iter().map(|one| one.action.len()).max().unwrap_or_default();
    let mut text = String::new();
    let count = |word: &str| permissions.iter().filter(|one| verdict(one).0 == word).count();
    for permission in permissions {
        let (word, why) = verdict(permission);
        let style = if word == DENIED { ERROR } else { QUIET };
        let gap = if why.is_empty() { String::new() } else { " ".repeat(NOT_CHECKED.len() - word.len() + 2) };
        let action = &permission.action;
        // Writing into a string does not fail.
        let _ = writeln!(text, "{action:width$}  {}{gap}{}", paint(style, word), paint(QUIET, why));
    }
    let (allowed, unknown) = (count(ALLOWED), count(NOT_CHECKED));
    let _ = writeln!(text, "{allowed} allowed, {} denied, {unknown} not checked", denied.len());
    if !denied.is_empty() {
        let statement = statement(denied);
        let _ = writeln!(
            text,
            "statement to add; deploy/iam/aws.json has it with narrower resources:\n{statement:#}"
        );
    }
    text
}

const ALLOWED: &str = "allowed";
const DENIED: &str = "denied";
const NOT_CHECKED: &str = "not checked";

/// One word, and what there is to say beside it.
fn verdict(permission: &Permission) -> (&'static str, &str) {
    match &permission.verdict {
        Permitted::Granted => (ALLOWED, ""),
        Permitted::Denied(why) => (DENIED, why),
        Permitted::NotChecked(why) => (NOT_CHECKED, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn aws_252_the_table_tells_each_action_and_the_statement_to_add() {
        let of = |action: &str, verdict| Permission { action: action.to_owned(), verdict };
        let permissions = [
            of("ec2:DescribeVpcs", Permitted::Granted),
            of("ec2:CreateTags", Permitted::Denied("no policy allows it".to_owned())),
            of("iam:CreateServiceLinkedRole", Permitted::NotChecked("no dry run".to_owned())),
        ];
        let denied = denied(&permissions);
        let text = anstream::adapter::strip_str(&table(&permissions, &denied)).to_string();
        assert_eq!(
            text,
            "ec2:DescribeVpcs             allowed\n\
             ec2:CreateTags               denied       no policy allows it\n\
             iam:CreateServiceLinkedRole  not checked  no dry run\n\
             1 allowed, 1 denied, 1 not checked\n\
             statement to add; deploy/iam/aws.json has it with narrower resources:\n\
             {\n  \"Action\": [\n    \"ec2:CreateTags\"\n  ],\n  \"Effect\": \"Allow\",\n  \"Resource\": \"*\"\n}\n"
        );
        let granted = &permissions[..1];
        assert!(table(granted, &[]).ends_with("1 allowed, 0 denied, 0 not checked\n"));
    }
}
