//! Listeners with their certificates (AWS-135 to AWS-139).

use cloud_lb_core::backend::Applied;
use cloud_lb_core::error::{Error, ErrorKind, Result};

use super::{different, filled, gone, made};
use crate::api::{Api, ListenerSettings};
use crate::backend::Aws;
use crate::desired::{default_of_listener, until_reset};
use crate::inventory::Entry;
use crate::kinds::{Listener, ListenerProtocol, Pairs, key};
use crate::observe::{not_shown_yet, one_output};

impl<A: Api> Aws<A> {
    pub(super) async fn create_listener(&self, want: &Listener) -> Result<Applied> {
        let lb = filled(&want.load_balancer_arn)?;
        self.stacks.forget_owner(Some(&want.tags.0), &[lb]);
        let created = self.api.create_listener(lb, want.port, &settings(want)?, &want.tags).await;
        let arn = created.map_err(|error| self.unless_settling(error, lb))?;
        self.listener_tagged(&arn, &want.tags.0);
        self.note_user(want).await?;
        for certificate in others(want) {
            let added = self.api.add_listener_certificate(&arn, certificate).await;
            // The listener was made a moment ago.
            added.map_err(
                |error| if error.kind() == ErrorKind::NotFound { not_shown_yet(&error) } else { error },
            )?;
        }
        let attributes = different(&Pairs::default(), &want.attributes, default_of_listener);
        if !attributes.0.is_empty() {
            self.api.modify_listener_attributes(&arn, &attributes).await?;
        }
        Ok(made(one_output(key::LISTENER_ARN, &arn)))
    }

    /// Takes note of the load balancer that a target group serves from now on.
    async fn note_user(&self, listener: &Listener) -> Result<()> {
        let (lb, arn) = (filled(&listener.load_balancer_arn)?, filled(&listener.target_group_arn)?);
        if let Some(mut group) = self.view().await?.target_groups.get(arn).cloned() {
            group.load_balancer_arns = vec![lb.to_owned()];
            self.inventory.wrote(arn, Entry::TargetGroup(group));
        }
        Ok(())
    }

    /// What was made a moment ago may not be known everywhere yet (AWS-210, `eventual`).
    pub(super) fn unless_settling(&self, error: Error, arn: &str) -> Error {
        let is_early = error.kind() == ErrorKind::NotFound && self.inventory.is_settling(arn);
        if is_early { not_shown_yet(&error) } else { error }
    }

    pub(super) async fn update_listener(&self, have: &Listener, want: &Listener, arn: &str) -> Result<()> {
        self.stacks.forget_owner(Some(&want.tags.0), &[arn]);
        // Without our tags the minimal policy allows no change of attributes.
        let tags = self.retag_listener(arn, &have.tags, &until_reset(&have.tags, &want.tags)).await?;
        // A certificate that was the default one, and is to be another one now, is never missing.
        let was_tls = have.protocol == ListenerProtocol::Tls;
        if was_tls {
            self.add_certificates(have, want, arn).await?;
        }
        let wanted = settings(want)?;
        if differs(&settings(have)?, &wanted) {
            self.api.modify_listener(arn, &wanted).await?;
            self.note_user(want).await?;
        }
        if !was_tls {
            self.add_certificates(have, want, arn).await?;
        }
        // One that is the default now is in the list as well (AWS-136), and taking it out would need it twice.
        let stays = |old: &String| want.certificates.iter().any(|new| new.certificate_arn == *old);
        for certificate in others(have).filter(|old| !stays(old)) {
            self.api.remove_listener_certificate(arn, certificate).await?;
        }
        let attributes = different(&have.attributes, &want.attributes, default_of_listener);
        if !attributes.0.is_empty() {
            self.api.modify_listener_attributes(arn, &attributes).await?;
        }
        self.retag_listener(arn, &tags, &want.tags).await?;
        Ok(())
    }

    async fn add_certificates(&self, have: &Listener, want: &Listener, arn: &str) -> Result<()> {
        for certificate in others(want).filter(|new| !others(have).any(|old| old == *new)) {
            self.api.add_listener_certificate(arn, certificate).await?;
        }
        Ok(())
    }

    /// The tags that it has then.
    async fn retag_listener(&self, arn: &str, have: &Pairs, want: &Pairs) -> Result<Pairs> {
        let Some(tags) = self.retag(arn, have, want).await? else { return Ok(have.clone()) };
        self.listener_tagged(arn, &tags);
        Ok(Pairs(tags))
    }

    pub(super) async fn delete_listener(&self, have: &Listener, arn: &str) -> Result<Applied> {
        if self.another(filled(&have.load_balancer_arn)?).await?.is_some() {
            // While one load balancer replaces another, listeners serve until theirs goes, and go with it.
            return Ok(Applied::default());
        }
        self.stacks.forget_owner(None, &[arn]);
        self.stacks.forget_tags(arn);
        gone(self.api.delete_listener(arn).await)?;
        Ok(Applied::default())
    }
}

fn settings(listener: &Listener) -> Result<ListenerSettings> {
    Ok(ListenerSettings {
        protocol: listener.protocol,
        target_group_arn: filled(&listener.target_group_arn)?.to_owned(),
        certificate: listener.certificates.first().map(|one| one.certificate_arn.clone()),
        ssl_policy: listener.ssl_policy.clone(),
        alpn_policy: listener.alpn_policy.clone(),
    })
}

/// Policies that nobody asked for are as they are.
fn differs(have: &ListenerSettings, want: &ListenerSettings) -> bool {
    let have = ListenerSettings {
        ssl_policy: have.ssl_policy.clone().filter(|_| want.ssl_policy.is_some()),
        alpn_policy: have.alpn_policy.clone().filter(|_| want.alpn_policy.is_some()),
        ..have.clone()
    };
    have != *want
}

/// Certificates that are not the default one.
fn others(listener: &Listener) -> impl Iterator<Item = &String> {
    listener.certificates.iter().skip(1).map(|one| &one.certificate_arn)
}
