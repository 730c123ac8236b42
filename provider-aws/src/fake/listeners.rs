//! Listeners.

use cloud_lb_core::error::{ErrorKind, Result};

use super::elb::map;
use super::state::State;
use super::{Map, not_found, refused};
use crate::api::ListenerSettings;
use crate::facts::{ListenerFacts, LoadBalancerFacts};
use crate::kinds::{ListenerProtocol, Pairs};

impl State {
    pub(super) fn describe_listeners(&mut self, arn: &str) -> Result<Vec<ListenerFacts>> {
        let bare = |listener: &ListenerFacts| {
            let mut listener = listener.clone();
            listener.certificates.truncate(1);
            ListenerFacts { attributes: Map::new(), tags: Map::new(), ..listener }
        };
        Ok(self.load_balancer(arn)?.listeners.iter().map(bare).collect())
    }

    pub(super) fn listener(&mut self, arn: &str) -> Result<&mut ListenerFacts> {
        let mut all = self.account.load_balancers.iter_mut().flat_map(|lb| &mut lb.listeners);
        all.find(|listener| listener.listener_arn == arn).ok_or_else(|| not_found(arn))
    }

    pub(super) fn create_listener(
        &mut self,
        lb_arn: &str,
        port: u16,
        settings: &ListenerSettings,
        tags: &Pairs,
    ) -> Result<String> {
        let limit = self.options.limits.listeners;
        self.check_settings(lb_arn, settings)?;
        let id = self.new_id();
        let lb = self.load_balancer(lb_arn)?;
        if lb.listeners.iter().any(|listener| listener.port == port) {
            return Err(refused(ErrorKind::Conflict, format!("there is a listener on port {port}")));
        }
        if lb.listeners.len() >= limit {
            return Err(refused(ErrorKind::Quota, "too many listeners"));
        }
        let listener_arn = format!("{}/{id}", lb_arn.replace(":loadbalancer/", ":listener/"));
        let is_tls = settings.protocol == ListenerProtocol::Tls;
        let mut listener = ListenerFacts {
            listener_arn: listener_arn.clone(),
            port,
            protocol: settings.protocol,
            target_group_arn: String::new(),
            certificates: Vec::new(),
            ssl_policy: is_tls.then(|| "ELBSecurityPolicy-2016-08".to_owned()),
            alpn_policy: is_tls.then(|| "None".to_owned()),
            attributes: Map::new(),
            tags: tags.0.clone(),
        };
        write_settings(&mut listener, settings);
        lb.listeners.push(listener);
        Ok(listener_arn)
    }

    pub(super) fn modify_listener(&mut self, arn: &str, settings: &ListenerSettings) -> Result<()> {
        self.listener(arn)?;
        let has = |lb: &&LoadBalancerFacts| lb.listeners.iter().any(|listener| listener.listener_arn == arn);
        let lb = self.account.load_balancers.iter().find(has).map(|lb| lb.load_balancer_arn.clone());
        self.check_settings(&lb.unwrap_or_default(), settings)?;
        write_settings(self.listener(arn)?, settings);
        Ok(())
    }

    /// A target group serves one load balancer, and certificates must exist.
    fn check_settings(&mut self, lb_arn: &str, settings: &ListenerSettings) -> Result<()> {
        let group = &settings.target_group_arn;
        self.target_group(group)?;
        if self.users_of(group).iter().any(|user| user != lb_arn) {
            return Err(refused(ErrorKind::Quota, format!("{group} serves another load balancer")));
        }
        let known = self.account.certificates.as_deref();
        let is_missing =
            |arn: &String| known.is_some_and(|all| all.iter().all(|c| c.certificate_arn != *arn));
        match &settings.certificate {
            None if settings.protocol == ListenerProtocol::Tls => {
                Err(refused(ErrorKind::InvalidInput, "TLS without a certificate"))
            }
            Some(arn) if is_missing(arn) => {
                Err(refused(ErrorKind::InvalidInput, format!("no certificate {arn}")))
            }
            _ => Ok(()),
        }
    }

    pub(super) fn delete_listener(&mut self, arn: &str) -> Result<()> {
        self.listener(arn)?;
        for lb in &mut self.account.load_balancers {
            lb.listeners.retain(|listener| listener.listener_arn != arn);
        }
        Ok(())
    }
}

fn write_settings(listener: &mut ListenerFacts, settings: &ListenerSettings) {
    let stays_stream = listener.protocol == settings.protocol && !listener.attributes.is_empty();
    listener.protocol = settings.protocol;
    listener.target_group_arn.clone_from(&settings.target_group_arn);
    let others: Vec<String> = listener.certificates.iter().skip(1).cloned().collect();
    listener.certificates = settings.certificate.iter().cloned().chain(others).collect();
    if settings.protocol == ListenerProtocol::Tls {
        listener.ssl_policy = settings.ssl_policy.clone().or(listener.ssl_policy.take());
        listener.alpn_policy = settings.alpn_policy.clone().or(listener.alpn_policy.take());
    } else {
        (listener.ssl_policy, listener.alpn_policy) = (None, None);
        listener.certificates.clear();
    }
    if !stays_stream && settings.protocol == ListenerProtocol::Tcp {
        listener.attributes = map(&[("tcp.idle_timeout.seconds", "350")]);
    }
}
