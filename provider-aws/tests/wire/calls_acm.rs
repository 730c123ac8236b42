use cloud_lb_core::error::ErrorKind;

use super::server::Server;
use crate::held;

#[tokio::test]
async fn certificates_of_all_kinds_of_keys_to_the_last_page() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    held!(server, "list_certificates", sdk.certificates());
}

#[tokio::test]
async fn a_missing_permission_is_named_with_the_policy_that_has_it() {
    let server = Server::start().await;
    let sdk = server.sdk(1).await;
    let refusal = r#"{"__type": "AccessDeniedException", "Message": "User: x is not authorized"}"#;
    server.answer_next((400, refusal.to_owned()));
    let error = sdk.certificates().await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::PermissionDenied);
    insta::assert_snapshot!(error.to_string());
    assert_eq!(sdk.counts()["acm:ListCertificates"].calls, 1);
}
