//! What others do to an account behind the provider's back.

use aws_sdk_elasticloadbalancingv2::types::Tag;

use crate::account::Account;

impl Account {
    /// Changes a setting that the provider looks after.
    pub(crate) async fn tamper(&self, id: &str) -> bool {
        if id.contains(":loadbalancer/") {
            let mut groups = self.groups_of(id).await;
            groups.pop();
            self.set_groups(id, groups).await;
            return true;
        }
        if id.contains(":targetgroup/") {
            let request = self.elbv2.modify_target_group().target_group_arn(id);
            request.health_check_interval_seconds(11).send().await.unwrap();
            return true;
        }
        let groups = self.groups().await;
        let group = groups.iter().find(|group| group.group_id() == Some(id)).unwrap();
        let Some(rule) = group.ip_permissions().last().cloned() else { return false };
        let request = self.ec2.revoke_security_group_ingress().group_id(id);
        request.ip_permissions(rule).send().await.unwrap();
        true
    }

    /// Removes something, and what cannot be without it.
    pub(crate) async fn remove(&self, id: &str) {
        if id.contains(":loadbalancer/") {
            self.elbv2.delete_load_balancer().load_balancer_arn(id).send().await.unwrap();
        } else if id.contains(":targetgroup/") {
            self.remove_target_group(id).await;
        } else {
            self.remove_group(id).await;
        }
    }

    async fn remove_target_group(&self, arn: &str) {
        for lb in self.load_balancers().await {
            for listener in self.listeners(lb.load_balancer_arn().unwrap()).await {
                if listener.default_actions().iter().any(|action| action.target_group_arn() == Some(arn)) {
                    let request =
                        self.elbv2.delete_listener().set_listener_arn(listener.listener_arn.clone());
                    request.send().await.unwrap();
                }
            }
        }
        self.elbv2.delete_target_group().target_group_arn(arn).send().await.unwrap();
    }

    async fn remove_group(&self, id: &str) {
        for lb in self.load_balancers().await {
            let mut groups = lb.security_groups().to_vec();
            groups.retain(|group| group != id);
            self.set_groups(lb.load_balancer_arn().unwrap(), groups).await;
        }
        for group in self.groups().await {
            let admits = |pair: &aws_sdk_ec2::types::UserIdGroupPair| pair.group_id() == Some(id);
            let rules = group.ip_permissions().iter();
            for rule in rules.filter(|rule| rule.user_id_group_pairs().iter().any(admits)) {
                let request = self.ec2.revoke_security_group_ingress().group_id(group.group_id().unwrap());
                request.ip_permissions(rule.clone()).send().await.unwrap();
            }
        }
        self.ec2.delete_security_group().group_id(id).send().await.unwrap();
    }

    /// Takes all marks away and sets another's.
    pub(crate) async fn estrange(&self, id: &str) {
        if !id.starts_with("arn:") {
            let groups = self.groups().await;
            let group = groups.iter().find(|group| group.group_id() == Some(id)).unwrap();
            let request = self.ec2.delete_tags().resources(id);
            request.set_tags(Some(group.tags().to_vec())).send().await.unwrap();
            let theirs = aws_sdk_ec2::types::Tag::builder().key("owner").value("them").build();
            self.ec2.create_tags().resources(id).tags(theirs).send().await.unwrap();
            return;
        }
        let keys = self.tags(id).await.into_keys().collect();
        self.elbv2.remove_tags().resource_arns(id).set_tag_keys(Some(keys)).send().await.unwrap();
        self.elbv2.add_tags().resource_arns(id).tags(tag("owner", "them")).send().await.unwrap();
    }

    /// Makes a second one with the same marks. Of target groups and shared groups there may be several.
    pub(crate) async fn duplicate(&self, id: &str) -> bool {
        if id.contains(":loadbalancer/") {
            let all = self.load_balancers().await;
            let lb = all.iter().find(|lb| lb.load_balancer_arn() == Some(id)).unwrap();
            let zones = lb.availability_zones().iter().map(|zone| zone.subnet_id().unwrap().to_owned());
            let tags = self.tags(id).await;
            let request = self
                .elbv2
                .create_load_balancer()
                .name("copy")
                .r#type("network".into())
                .set_scheme(lb.scheme.clone())
                .set_subnets(Some(zones.collect()))
                .set_security_groups(lb.security_groups.clone())
                .set_tags(Some(tags.iter().map(|(key, value)| tag(key, value)).collect()));
            request.send().await.unwrap();
            return true;
        }
        let groups = self.groups().await;
        let Some(group) = groups.iter().find(|group| group.group_id() == Some(id)) else { return false };
        if group.description().unwrap().contains("Backend") {
            return false;
        }
        let tags = aws_sdk_ec2::types::TagSpecification::builder()
            .resource_type(aws_sdk_ec2::types::ResourceType::SecurityGroup)
            .set_tags(group.tags.clone());
        let request = self.ec2.create_security_group().group_name("copy").set_vpc_id(group.vpc_id.clone());
        let request = request.set_description(group.description.clone()).tag_specifications(tags.build());
        request.send().await.unwrap();
        true
    }

    /// Machines behind the load balancer of a Service.
    pub(crate) async fn targets_of(&self, stack: &str) -> Vec<String> {
        let mut ids = Vec::new();
        for group in self.target_groups().await {
            let arn = group.target_group_arn().unwrap();
            if self.tags(arn).await.get("service.k8s.aws/stack").is_some_and(|tag| tag == stack) {
                let targets = self.targets(arn).await;
                ids.extend(targets.iter().map(|target| target["Id"].as_str().unwrap().to_owned()));
            }
        }
        ids
    }

    async fn groups_of(&self, arn: &str) -> Vec<String> {
        let all = self.load_balancers().await;
        all.iter().find(|lb| lb.load_balancer_arn() == Some(arn)).unwrap().security_groups().to_vec()
    }

    async fn set_groups(&self, arn: &str, groups: Vec<String>) {
        let request = self.elbv2.set_security_groups().load_balancer_arn(arn);
        request.set_security_groups(Some(groups)).send().await.unwrap();
    }
}

fn tag(key: &str, value: &str) -> Tag {
    Tag::builder().key(key).value(value).build()
}
