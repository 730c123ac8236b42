//! Certificates that a Service names and AWS does not take. AWS refuses the listener that they are for, and no
//! other (AWS-137), so that they are worth a warning.

use std::collections::BTreeSet;

use super::listeners::Plan;
use super::notes::Notes;
use super::stack::Context;
use crate::annotations::Annotations;
use crate::facts::{Account, Certificate};
use crate::kinds::ListenerProtocol;

/// The annotation.
const KEY: &str = "ssl-cert";
/// AWS's code for one that is not there, or in another region or account.
const NOT_FOUND: &str = "CertificateNotFound";
/// AWS's code for one that is not issued.
const UNSUPPORTED: &str = "UnsupportedCertificate";
/// Certificates that a warning names at most.
const NAMED: usize = 3;

/// Warns of each certificate that some listener would have and cannot.
pub(super) fn warn_of_unusable(context: &Context<'_>, plans: &[Plan<'_>], notes: &mut Notes) {
    if !plans.iter().any(|plan| plan.listener == ListenerProtocol::Tls) {
        return;
    }
    let asked: BTreeSet<&String> = context.asked.list(KEY).unwrap_or_default().iter().collect();
    for arn in asked {
        if let Some((reason, problem)) = problem(context.facts, arn) {
            notes.warn(reason, format!("{}: {arn} {problem}", Annotations::full(KEY)));
        }
    }
}

/// What is wrong with a certificate, as far as it is known. Those of IAM are in no description.
fn problem(facts: &Account, arn: &str) -> Option<(&'static str, String)> {
    let place = Place::of(arn);
    if place.service == Some("iam") {
        return None;
    }
    let here = &facts.region;
    if let Some(region) = place.region.filter(|region| !here.is_empty() && region != here) {
        return Some((NOT_FOUND, format!("is of region {region}, expected a certificate of {here}")));
    }
    let known = facts.certificates.as_deref()?;
    match known.iter().find(|one| one.certificate_arn == arn) {
        Some(found) if found.is_issued() => None,
        Some(found) => Some((UNSUPPORTED, not_issued(found))),
        None => Some((NOT_FOUND, missing(facts, known, &place))),
    }
}

fn not_issued(found: &Certificate) -> String {
    let until = found.not_after.map(|time| format!(" (valid until {time})")).unwrap_or_default();
    format!("is {}{until}, expected a certificate that is ISSUED", found.status)
}

fn missing(facts: &Account, known: &[Certificate], place: &Place<'_>) -> String {
    if let (Some(account), Some(ours)) = (place.account, facts.owner())
        && account != ours
    {
        return format!("is of account {account}, expected a certificate of {ours}");
    }
    let issued: Vec<&Certificate> = known.iter().filter(|one| one.is_issued()).collect();
    let named: Vec<String> = issued.iter().take(NAMED).map(|one| in_words(one)).collect();
    let choice = match issued.len() {
        0 => ", of which there is none".to_owned(),
        number if number > NAMED => format!(": {} and {} more", named.join(", "), number - NAMED),
        _ => format!(": {}", named.join(", ")),
    };
    let region = &facts.region;
    format!("does not exist, expected a certificate of region {region} that is ISSUED{choice}")
}

fn in_words(certificate: &Certificate) -> String {
    format!("{} ({})", certificate.certificate_arn, certificate.domain_name)
}

/// Where an ARN says that something is; for certificates of Certificate Manager.
struct Place<'a> {
    service: Option<&'a str>,
    region: Option<&'a str>,
    account: Option<&'a str>,
}

impl<'a> Place<'a> {
    /// `arn:aws:acm:eu-west-1:123456789012:certificate/…`
    fn of(arn: &'a str) -> Self {
        let mut parts = arn.split(':').skip(2);
        let service = parts.next();
        let mut part = || parts.next().filter(|_| service == Some("acm"));
        let region = part();
        Self { service, region, account: part() }
    }
}
