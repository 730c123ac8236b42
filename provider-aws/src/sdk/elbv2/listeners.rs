use aws_sdk_elasticloadbalancingv2::types::{
    Action, ActionTypeEnum, Certificate, ListenerAttribute, ProtocolEnum,
};
use cloud_lb_core::error::Result;

use super::super::call::{missing, required};
use super::{Elbv2, PAGE_SIZE, facts, pair, sdk_tags};
use crate::api::{ListenerSettings, Map};
use crate::facts::ListenerFacts;
use crate::kinds::Pairs;

impl Elbv2 {
    pub(crate) async fn describe_listeners(&self, load_balancer_arn: &str) -> Result<Vec<ListenerFacts>> {
        let page = async |marker| {
            let request = self
                .client
                .describe_listeners()
                .load_balancer_arn(load_balancer_arn)
                .page_size(PAGE_SIZE)
                .set_marker(marker);
            let answer = self.calls.read("DescribeListeners", request.send()).await?;
            let list: Result<Vec<_>> = answer.listeners().iter().map(facts::listener).collect();
            Ok((list?, answer.next_marker))
        };
        self.calls.pages("DescribeListeners", page).await
    }

    pub(crate) async fn describe_listener_attributes(&self, arn: &str) -> Result<Map> {
        let request = self.client.describe_listener_attributes().listener_arn(arn);
        let answer = self.calls.read("DescribeListenerAttributes", request.send()).await?;
        Ok(answer.attributes().iter().map(|attribute| pair(attribute.key(), attribute.value())).collect())
    }

    /// The default certificate is in the answer too, marked as such.
    pub(crate) async fn describe_listener_certificates(&self, arn: &str) -> Result<Vec<String>> {
        let page = async |marker| {
            let request = self
                .client
                .describe_listener_certificates()
                .listener_arn(arn)
                .page_size(PAGE_SIZE)
                .set_marker(marker);
            let answer = self.calls.read("DescribeListenerCertificates", request.send()).await?;
            let others = answer.certificates().iter().filter(|one| one.is_default() != Some(true));
            let arns: Result<Vec<_>> =
                others.map(|one| required(one.certificate_arn(), "CertificateArn")).collect();
            Ok((arns?, answer.next_marker))
        };
        self.calls.pages("DescribeListenerCertificates", page).await
    }

    pub(crate) async fn create_listener(
        &self,
        load_balancer_arn: &str,
        port: u16,
        settings: &ListenerSettings,
        tags: &Pairs,
    ) -> Result<String> {
        let request = self
            .client
            .create_listener()
            .load_balancer_arn(load_balancer_arn)
            .port(port.into())
            .protocol(ProtocolEnum::from(settings.protocol.as_str()))
            .default_actions(forward(&settings.target_group_arn))
            .set_certificates(certificates(settings))
            .set_ssl_policy(settings.ssl_policy.clone())
            .set_alpn_policy(alpn(settings))
            .set_tags(sdk_tags(tags));
        let answer = self.calls.write("CreateListener", request.send()).await?;
        let listener = answer.listeners().first().ok_or_else(|| missing("Listeners"))?;
        required(listener.listener_arn(), "ListenerArn")
    }

    pub(crate) async fn modify_listener(&self, arn: &str, settings: &ListenerSettings) -> Result<()> {
        let request = self
            .client
            .modify_listener()
            .listener_arn(arn)
            .protocol(ProtocolEnum::from(settings.protocol.as_str()))
            .default_actions(forward(&settings.target_group_arn))
            .set_certificates(certificates(settings))
            .set_ssl_policy(settings.ssl_policy.clone())
            .set_alpn_policy(alpn(settings));
        self.calls.write("ModifyListener", request.send()).await.map(drop)
    }

    pub(crate) async fn modify_listener_attributes(&self, arn: &str, attributes: &Pairs) -> Result<()> {
        let attribute = |(key, value)| ListenerAttribute::builder().key(key).value(value).build();
        let request = self
            .client
            .modify_listener_attributes()
            .listener_arn(arn)
            .set_attributes(Some(attributes.0.iter().map(attribute).collect()));
        self.calls.write("ModifyListenerAttributes", request.send()).await.map(drop)
    }

    pub(crate) async fn add_listener_certificate(&self, arn: &str, certificate: &str) -> Result<()> {
        let request =
            self.client.add_listener_certificates().listener_arn(arn).certificates(named(certificate));
        self.calls.write("AddListenerCertificates", request.send()).await.map(drop)
    }

    pub(crate) async fn remove_listener_certificate(&self, arn: &str, certificate: &str) -> Result<()> {
        let request =
            self.client.remove_listener_certificates().listener_arn(arn).certificates(named(certificate));
        self.calls.write("RemoveListenerCertificates", request.send()).await.map(drop)
    }

    pub(crate) async fn delete_listener(&self, arn: &str) -> Result<()> {
        let request = self.client.delete_listener().listener_arn(arn);
        self.calls.write("DeleteListener", request.send()).await.map(drop)
    }
}

fn named(certificate: &str) -> Certificate {
    Certificate::builder().certificate_arn(certificate).build()
}

fn certificates(settings: &ListenerSettings) -> Option<Vec<Certificate>> {
    settings.certificate.as_deref().map(|certificate| vec![named(certificate)])
}

fn alpn(settings: &ListenerSettings) -> Option<Vec<String>> {
    settings.alpn_policy.clone().map(|policy| vec![policy])
}

fn forward(target_group: &str) -> Action {
    Action::builder().r#type(ActionTypeEnum::from("forward")).target_group_arn(target_group).build()
}
