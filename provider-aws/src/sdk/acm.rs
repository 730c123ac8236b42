//! Certificate Manager. Nothing that makes a plan or a load balancer calls it: only descriptions of the account do.

use aws_sdk_acm::Client;
use aws_sdk_acm::types::{CertificateStatus, CertificateSummary, CertificateType, Filters, KeyAlgorithm};
use cloud_lb_core::error::Result;
use jiff::Timestamp;

use super::call::{ServiceCalls, required};
use crate::facts::Certificate;

/// Items of a page: the most that the API gives.
const PAGE_SIZE: i32 = 1000;

/// The client with its calls.
#[derive(Debug)]
pub(super) struct Acm {
    pub(super) client: Client,
    pub(super) calls: ServiceCalls,
}

impl Acm {
    /// All certificates of the region. Kinds of keys that are not asked for are left out, and by default these are
    /// all but RSA of at most 2048 bits.
    pub(super) async fn list_certificates(&self) -> Result<Vec<Certificate>> {
        let all = KeyAlgorithm::values().iter().map(|word| KeyAlgorithm::from(*word)).collect();
        let all = Filters::builder().set_key_types(Some(all)).build();
        let page = async |token| {
            let request = self.client.list_certificates().includes(all.clone()).max_items(PAGE_SIZE);
            let request = request.set_next_token(token);
            let answer = self.calls.read("ListCertificates", request.send()).await?;
            let list: Result<Vec<_>> = answer.certificate_summary_list().iter().map(certificate).collect();
            Ok((list?, answer.next_token))
        };
        self.calls.pages("ListCertificates", page).await
    }
}

fn certificate(summary: &CertificateSummary) -> Result<Certificate> {
    let time = |time: &aws_sdk_acm::primitives::DateTime| Timestamp::from_second(time.secs()).ok();
    let text = |word: Option<&str>| word.unwrap_or_default().to_owned();
    Ok(Certificate {
        certificate_arn: required(summary.certificate_arn(), "CertificateArn")?,
        domain_name: text(summary.domain_name()),
        subject_alternative_name_summaries: summary.subject_alternative_name_summaries().to_vec(),
        status: text(summary.status().map(CertificateStatus::as_str)),
        kind: text(summary.r#type().map(CertificateType::as_str)),
        key_algorithm: text(summary.key_algorithm().map(KeyAlgorithm::as_str)),
        not_after: summary.not_after().and_then(time),
    })
}
