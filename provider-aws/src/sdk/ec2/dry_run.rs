use aws_sdk_ec2::types::{Tag, TagSpecification};
use cloud_lb_core::error::Result;

use super::Ec2;
use crate::facts::lookup::CLUSTER_TAG;

/// A network nobody can reach us from (RFC 5737).
const NOBODY: &str = "192.0.2.0/32";

impl Ec2 {
    /// Asks whether a security group with our tag could be made, without making it. EC2 answers every
    /// dry run with an error, the permitted ones too.
    pub(crate) async fn dry_run_create(&self, vpc_id: &str) -> Result<()> {
        let tag = Tag::builder().key(CLUSTER_TAG).value("dry-run").build();
        let tags = TagSpecification::builder().resource_type("security-group".into()).tags(tag).build();
        let request = self
            .client
            .create_security_group()
            .group_name("cloud-lb-dry-run")
            .description("never made")
            .vpc_id(vpc_id)
            .tag_specifications(tags)
            .dry_run(true);
        self.calls.write("CreateSecurityGroup", request.send()).await.map(drop)
    }

    /// Asks whether Elastic Load Balancing may read with our credentials what we do not read.
    pub(crate) async fn dry_run_read(&self, action: &str) -> Result<()> {
        let (client, calls) = (&self.client, &self.calls);
        if action == "DescribeInternetGateways" {
            let request = client.describe_internet_gateways().dry_run(true);
            return calls.read("DescribeInternetGateways", request.send()).await.map(drop);
        }
        let request = client.describe_account_attributes().dry_run(true);
        calls.read("DescribeAccountAttributes", request.send()).await.map(drop)
    }

    /// The same of a write to a security group that exists.
    pub(crate) async fn dry_run(&self, action: &str, group_id: &str) -> Result<()> {
        let (client, calls) = (&self.client, &self.calls);
        let tag = Tag::builder().key("cloud-lb-dry-run").build();
        match action {
            "DeleteSecurityGroup" => {
                let request = client.delete_security_group().group_id(group_id).dry_run(true);
                calls.write("DeleteSecurityGroup", request.send()).await.map(drop)
            }
            "AuthorizeSecurityGroupIngress" => {
                let request = client.authorize_security_group_ingress().group_id(group_id).dry_run(true);
                let request = request.ip_protocol("tcp").from_port(1).to_port(1).cidr_ip(NOBODY);
                calls.write("AuthorizeSecurityGroupIngress", request.send()).await.map(drop)
            }
            "RevokeSecurityGroupIngress" => {
                let request = client.revoke_security_group_ingress().group_id(group_id).dry_run(true);
                let request = request.ip_protocol("tcp").from_port(1).to_port(1).cidr_ip(NOBODY);
                calls.write("RevokeSecurityGroupIngress", request.send()).await.map(drop)
            }
            "CreateTags" => {
                let request = client.create_tags().resources(group_id).tags(tag).dry_run(true);
                calls.write("CreateTags", request.send()).await.map(drop)
            }
            _ => {
                let request = client.delete_tags().resources(group_id).tags(tag).dry_run(true);
                calls.write("DeleteTags", request.send()).await.map(drop)
            }
        }
    }
}
