//! The options of requests, as the real server checks them before it looks at anything else.

use super::field::FieldError;
use super::request::{Query, Verb};
use super::status::ApiError;
use serde_json::{Value, json};

/// The longest name of a manager of fields.
const MANAGER_LIMIT: usize = 128;

/// Refuses options that contradict each other or have a value that is none of theirs.
///
/// `body` is that of a delete, which may carry options, too.
pub(crate) fn check(verb: Verb, query: &Query, is_apply: bool, body: &Value) -> Result<(), ApiError> {
    let (kind, errors) = match verb {
        Verb::Get => return Ok(()),
        Verb::List => ("ListOptions", list_errors(query)),
        Verb::Watch => ("ListOptions", watch_errors(query)),
        Verb::Create => ("CreateOptions", write_errors(query)),
        Verb::Update => ("UpdateOptions", write_errors(query)),
        Verb::Patch => ("PatchOptions", [patch_errors(query, is_apply), write_errors(query)].concat()),
        Verb::Delete | Verb::DeleteCollection => ("DeleteOptions", delete_errors(query, body)),
    };
    if errors.is_empty() { Ok(()) } else { Err(ApiError::invalid_options(kind, errors)) }
}

/// `ValidateListOptions`.
fn list_errors(query: &Query) -> Vec<FieldError> {
    const FIELD: &str = "resourceVersionMatch";
    let rule = query.text(FIELD);
    let mut errors = Vec::new();
    if !rule.is_empty() {
        let mut forbid = |why: &str| errors.push(FieldError::forbidden(FIELD, why));
        if query.text("resourceVersion").is_empty() {
            forbid("resourceVersionMatch is forbidden unless resourceVersion is provided");
        }
        if !query.text("continue").is_empty() {
            forbid("resourceVersionMatch is forbidden when continue is provided");
        }
        if rule == "Exact" && query.text("resourceVersion") == "0" {
            forbid("resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"");
        }
        if !matches!(rule, "Exact" | "NotOlderThan") {
            errors.push(FieldError::not_supported(FIELD, rule, &["Exact", "NotOlderThan", ""]));
        }
    }
    if !query.text("sendInitialEvents").is_empty() {
        errors.push(FieldError::forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"));
    }
    errors
}

/// `validateWatchOptions`.
fn watch_errors(query: &Query) -> Vec<FieldError> {
    const FIELD: &str = "resourceVersionMatch";
    let rule = query.text(FIELD);
    let streams_list = !query.text("sendInitialEvents").is_empty();
    let mut errors = Vec::new();
    if streams_list && rule != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        errors.push(FieldError::forbidden(FIELD, why));
    }
    if !rule.is_empty() {
        if !streams_list {
            let why = "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided";
            errors.push(FieldError::forbidden(FIELD, why));
        }
        if rule != "NotOlderThan" {
            errors.push(FieldError::not_supported(FIELD, rule, &["NotOlderThan"]));
        }
        if !query.text("continue").is_empty() {
            errors.push(FieldError::forbidden(
                FIELD,
                "resourceVersionMatch is forbidden when continue is provided",
            ));
        }
    }
    errors
}

/// What creates, updates and patches have in common.
fn write_errors(query: &Query) -> Vec<FieldError> {
    let mut errors = Vec::new();
    let manager = query.text("fieldManager");
    if manager.len() > MANAGER_LIMIT {
        errors.push(FieldError::too_long("fieldManager", MANAGER_LIMIT));
    }
    let dry_run = query.text("dryRun");
    errors.extend(dry_run_error(&if dry_run.is_empty() { json!([]) } else { json!([dry_run]) }));
    let validation = query.text("fieldValidation");
    if !matches!(validation, "" | "Ignore" | "Strict" | "Warn") {
        let known = ["", "Ignore", "Strict", "Warn"];
        errors.push(FieldError::not_supported("fieldValidation", validation, &known));
    }
    errors
}

/// `ValidatePatchOptions`.
fn patch_errors(query: &Query, is_apply: bool) -> Vec<FieldError> {
    if is_apply && query.text("fieldManager").is_empty() {
        return vec![FieldError::required("fieldManager", "is required for apply patch")];
    }
    if !is_apply && !query.text("force").is_empty() {
        return vec![FieldError::forbidden("force", "may not be specified for non-apply patch")];
    }
    Vec::new()
}

/// `ValidateDeleteOptions`: the options of the body, or, without one, of the query.
fn delete_errors(query: &Query, body: &Value) -> Vec<FieldError> {
    let from_query = |name: &str| Some(json!(query.text(name))).filter(|text| text != "");
    let policy = match body {
        Value::Null => from_query("propagationPolicy"),
        body => body.get("propagationPolicy").cloned().filter(|policy| !policy.is_null()),
    };
    let known = ["Foreground", "Background", "Orphan", "nil"];
    let unknown = policy.filter(|policy| !known.iter().take(3).any(|known| policy == known));
    let mut errors: Vec<FieldError> = unknown
        .map(|policy| FieldError::not_supported("propagationPolicy", policy, &known))
        .into_iter()
        .collect();
    let dry_run = body.get("dryRun").cloned().or_else(|| from_query("dryRun").map(|value| json!([value])));
    errors.extend(dry_run_error(&dry_run.unwrap_or_default()));
    errors
}

fn dry_run_error(values: &Value) -> Option<FieldError> {
    let unknown = values.as_array().into_iter().flatten().any(|value| value != "All");
    unknown.then(|| FieldError::not_supported("dryRun", values.clone(), &["All"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(verb: Verb, query: &str, is_apply: bool, body: &Value) -> Option<String> {
        let query = Query::parse(&format!("/?{query}").parse().unwrap());
        check(verb, &query, is_apply, body).err().map(|error| format!("{} {error}", error.code()))
    }

    /// The message of a refusal, which is about options of this kind.
    fn message(verb: Verb, query: &str, kind: &str) -> Option<String> {
        let refusal = refusal(verb, query, false, &Value::Null)?;
        refusal.strip_prefix(&format!("422 {kind}.meta.k8s.io \"\" is invalid: ")).map(ToOwned::to_owned)
    }

    #[test]
    fn options_of_lists_are_refused_in_the_words_of_kubernetes() {
        let forbidden = "resourceVersionMatch: Forbidden: ";
        let cases = [
            (
                "resourceVersionMatch=Exact",
                "resourceVersionMatch is forbidden unless resourceVersion is provided",
            ),
            (
                "resourceVersionMatch=Exact&resourceVersion=0",
                "resourceVersionMatch \"exact\" is forbidden for resourceVersion \"0\"",
            ),
        ];
        for (query, why) in cases {
            assert_eq!(
                message(Verb::List, query, "ListOptions"),
                Some(format!("{forbidden}{why}")),
                "{query}"
            );
        }
        assert_eq!(
            message(Verb::List, "resourceVersionMatch=Some&resourceVersion=1", "ListOptions").as_deref(),
            Some(
                "resourceVersionMatch: Unsupported value: \"Some\": supported values: \"Exact\", \"NotOlderThan\", \"\""
            )
        );
        assert_eq!(
            message(Verb::List, "sendInitialEvents=true", "ListOptions").as_deref(),
            Some("sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list")
        );
        let cases = [
            (
                "sendInitialEvents=true",
                "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan",
            ),
            (
                "resourceVersionMatch=NotOlderThan",
                "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided",
            ),
        ];
        for (query, why) in cases {
            assert_eq!(
                message(Verb::Watch, query, "ListOptions"),
                Some(format!("{forbidden}{why}")),
                "{query}"
            );
        }
    }

    #[test]
    fn options_of_writes_are_refused_in_the_words_of_kubernetes() {
        let cases = [
            (
                Verb::Create,
                "dryRun=Some",
                "CreateOptions",
                "dryRun: Unsupported value: [\"Some\"]: supported values: \"All\"",
            ),
            (
                Verb::Update,
                "fieldValidation=Some",
                "UpdateOptions",
                "fieldValidation: Unsupported value: \"Some\": supported values: \"\", \"Ignore\", \"Strict\", \"Warn\"",
            ),
            (
                Verb::Patch,
                "force=true",
                "PatchOptions",
                "force: Forbidden: may not be specified for non-apply patch",
            ),
            (
                Verb::Delete,
                "propagationPolicy=Some",
                "DeleteOptions",
                "propagationPolicy: Unsupported value: \"Some\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\"",
            ),
        ];
        for (verb, query, kind, expected) in cases {
            assert_eq!(message(verb, query, kind).as_deref(), Some(expected), "{query}");
        }
        let apply = "422 PatchOptions.meta.k8s.io \"\" is invalid: fieldManager: Required value: is required for apply patch";
        assert_eq!(refusal(Verb::Patch, "", true, &Value::Null).as_deref(), Some(apply));
        let dry = refusal(Verb::Delete, "", false, &json!({"dryRun": ["Some"]})).unwrap();
        assert!(dry.ends_with("dryRun: Unsupported value: [\"Some\"]: supported values: \"All\""), "{dry}");
    }

    #[test]
    fn what_clients_send_passes() {
        let watch = "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
        assert_eq!(refusal(Verb::Watch, watch, false, &Value::Null), None);
        assert_eq!(refusal(Verb::List, "resourceVersion=0&limit=500", false, &Value::Null), None);
        assert_eq!(refusal(Verb::Patch, "fieldManager=a&force=true&dryRun=All", true, &Value::Null), None);
        let options = json!({"dryRun": ["All"], "propagationPolicy": "Background"});
        assert_eq!(refusal(Verb::Delete, "", false, &options), None);
    }
}
