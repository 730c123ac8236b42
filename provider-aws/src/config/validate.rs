use cloud_lb_core::error::{Error, Result, Violation};

use super::Config;
use crate::kinds::{TAG_RULE, TargetType, is_tag};

/// Start of the keys of tracking tags: neither default tags nor those that others manage may use them.
const TRACKING_PREFIXES: [&str; 2] = ["elbv2.k8s.aws/", "service.k8s.aws/"];

impl Config {
    /// Reports everything that is wrong, together, before any call (AWS-3).
    ///
    /// # Errors
    /// `InvalidInput` with one violation per wrong key.
    pub fn validate(&self) -> Result<()> {
        let mut violations = self.bad_tags();
        violations.extend(self.bad_groups());
        violations.extend(self.bad_limits());
        violations.extend(self.bad_places());
        if violations.is_empty() { Ok(()) } else { Err(Error::invalid("aws configuration", violations)) }
    }

    fn bad_places(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        if self.cluster_name.is_empty() {
            violations.push(Violation::new("cluster-name", "", "the name of the cluster"));
        }
        if !self.aws_vpc_id.is_empty() && !self.aws_vpc_tags.is_empty() {
            violations.push(Violation::new("aws-vpc-tags", "set", "no value where aws-vpc-id has one"));
        }
        if !self.aws_vpc_id.is_empty() && !self.aws_vpc_id.starts_with("vpc-") {
            violations.push(Violation::new("aws-vpc-id", &self.aws_vpc_id, "an id such as vpc-0123"));
        }
        let endpoints = [
            ("endpoint-elbv2", &self.endpoint_elbv2),
            ("endpoint-ec2", &self.endpoint_ec2),
            ("endpoint-acm", &self.endpoint_acm),
        ];
        for (key, url) in endpoints {
            if !url.is_empty() && !["http://", "https://"].iter().any(|scheme| url.starts_with(scheme)) {
                violations.push(Violation::new(key, url, "an http or https URL"));
            }
        }
        if self.default_target_type == TargetType::Ip && !self.enable_ip_target_type {
            let expected = "instance while enable-ip-target-type is false";
            violations.push(Violation::new("default-target-type", "ip", expected));
        }
        violations
    }

    fn bad_groups(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        let (key, group) = ("backend-security-group", &self.backend_security_group);
        if !group.is_empty() && !group.starts_with("sg-") {
            violations.push(Violation::new(key, group, "an id such as sg-0123"));
        }
        if !group.is_empty() && !self.enable_backend_security_group {
            let expected = "no value while enable-backend-security-group is false";
            violations.push(Violation::new(key, group, expected));
        }
        if self.enable_manage_backend_security_group_rules && !self.enable_backend_security_group {
            let key = "enable-manage-backend-security-group-rules";
            violations.push(Violation::new(
                key,
                "true",
                "false while enable-backend-security-group is false",
            ));
        }
        violations
    }

    fn bad_limits(&self) -> Vec<Violation> {
        let numbers = [
            ("node-sg-rule-budget", self.node_sg_rule_budget, 1..=60),
            ("sg-rule-limit", self.sg_rule_limit, 1..=1000),
            ("aws-max-retries", usize::try_from(self.aws_max_retries).unwrap_or(usize::MAX), 1..=50),
        ];
        let bad = numbers.into_iter().filter(|(_, number, range)| !range.contains(number));
        let mut violations: Vec<Violation> = bad
            .map(|(key, number, range)| {
                Violation::new(key, number, format!("{} to {}", range.start(), range.end()))
            })
            .collect();
        for throttle in &self.aws_api_throttle {
            let is_known = ["elbv2", "ec2"].contains(&throttle.service.as_str());
            if !is_known || throttle.burst == 0 || !throttle.rate.is_finite() || throttle.rate <= 0.0 {
                let value = format!("{}={}:{}", throttle.service, throttle.rate, throttle.burst);
                let expected = "service elbv2 or ec2, with a rate and a burst above 0";
                violations.push(Violation::new("aws-api-throttle", value, expected));
            }
        }
        violations
    }

    fn bad_tags(&self) -> Vec<Violation> {
        let mut violations = Vec::new();
        for (key, value) in &self.default_tags {
            if !is_tag(key, value) {
                violations.push(Violation::new("default-tags", format!("{key}={value}"), TAG_RULE));
            }
            if is_tracking(key) || self.external_managed_tags.contains(key) {
                let expected = "a key that neither tracks ownership nor is in external-managed-tags";
                violations.push(Violation::new("default-tags", key, expected));
            }
        }
        for key in self.external_managed_tags.iter().filter(|key| is_tracking(key)) {
            violations.push(Violation::new(
                "external-managed-tags",
                key,
                "a key that does not track ownership",
            ));
        }
        violations
    }
}

fn is_tracking(key: &str) -> bool {
    TRACKING_PREFIXES.iter().any(|prefix| key.starts_with(prefix))
}
