//! The wire between a backend and the cloud: paging, adoption, pending states.

use std::collections::BTreeSet;
use std::time::Duration;

use cloud_lb_core::backend::{Applied, Scope};
use cloud_lb_core::call::{Access, Calls};
use cloud_lb_core::graph::{Outputs, Owner, ResourceKey};
use cloud_lb_core::model::ServiceId;
use cloud_lb_core::ownership::{self, Marked, Tags};
use cloud_lb_core::plan::{Action, Have, Observed, Ownership, Step};
use cloud_lb_core::provider::Pending;
use cloud_lb_core::{Error, ErrorKind, Result};
use serde_json::Value;

use super::desired::{Desired, Kind};
use super::memory::{self, Memory};
use super::survey::{self, Found};
use crate::cloud::{Life, MockCloud, NewResource, Query, Record, marks_as_text};
use crate::config::{Config, Shape};

/// When to look again at what is being made, where the cloud does not say.
const POLL: Duration = Duration::from_millis(500);

#[derive(Debug)]
pub(crate) struct Link<K> {
    cloud: MockCloud,
    calls: Calls,
    config: Config,
    memory: Memory<K>,
}

/// What became of a step, and of the resource if it is there.
struct Done {
    applied: Applied,
    etag: Option<u64>,
}

impl<K: Kind> Link<K> {
    pub(crate) fn new(cloud: MockCloud, config: Config) -> Self {
        let calls = Calls::new(config.call_deadline);
        let calls = match config.budget {
            // Every operation's name starts so: one budget for all.
            Some(budget) => calls.with_limit_of(vec![String::new()], budget.limit()),
            None => calls,
        };
        Self { cloud, calls, config, memory: Memory::default() }
    }

    pub(crate) fn config(&self) -> &Config {
        &self.config
    }

    /// All resources of a kind that have these tags: every page, or an error.
    pub(crate) async fn list(&self, kind: &'static str, tags: &Tags) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        let mut after: Option<String> = None;
        loop {
            let page = || self.cloud.list(Query { kind, tags }, after.as_deref());
            let page = self.calls.make_patiently(&format!("List{kind}"), Access::Read, page).await?;
            records.extend(page.records);
            match page.next {
                Some(next) => after = Some(next),
                None => return Ok(records),
            }
        }
    }

    pub(crate) async fn find(&self, kind: &'static str, name: &str) -> Result<Option<Record>> {
        let find = || self.cloud.find(kind, name);
        self.calls.make_patiently(&format!("Describe{kind}"), Access::Read, find).await
    }

    pub(crate) async fn list_all(&self, kinds: &[&'static str], tags: &Tags) -> Result<Vec<Found>> {
        let mut found = Vec::new();
        for kind in kinds {
            found.extend(self.list(kind, tags).await?.into_iter().map(Found::from));
        }
        Ok(found)
    }

    /// Adds whoever has the names that we would take, where `observed` has nothing of ours.
    pub(crate) async fn add_foreign(
        &self,
        service: &ServiceId,
        places: Vec<(ResourceKey, String)>,
        observed: &mut Observed<Desired<K>>,
    ) -> Result<()> {
        for (key, name) in places {
            if observed.get(&key).is_some() {
                continue;
            }
            // What is ours was made a moment ago, and the list does not show it yet.
            if let Some(record) = self.find(key.kind, &name).await?
                && !survey::is_ours(&record.marks(), service)
            {
                observed.add(key, survey::foreign(&record));
            }
        }
        Ok(())
    }

    /// The sets of targets of a Service, or of nobody in particular, as they are remembered.
    pub(crate) fn recall(&self, scope: Scope<'_>) -> Option<Observed<Desired<K>>> {
        self.memory.recall(&scope.service().map(survey::owner_id))
    }

    pub(crate) fn memory(&self) -> &Memory<K> {
        &self.memory
    }

    /// Carries out a step on a resource of its own. What becomes of a set of targets is not known until it is told.
    async fn apply(&self, step: &Step<Desired<K>>) -> Result<Applied> {
        let owner = survey::owner_of(&step.action.spec().tags);
        self.memory.forget(&owner, &step.key);
        let Done { applied, etag } = self.carry_out(step).await?;
        if let Some(etag) = etag {
            self.memory.learn(&owner, &step.key, &written(step, &applied), etag);
        }
        Ok(applied)
    }

    async fn carry_out(&self, step: &Step<Desired<K>>) -> Result<Done> {
        let kind = step.key.kind;
        match &step.action {
            Action::Create(want) => self.create(kind, want).await,
            Action::Update { want, .. } => {
                let (body, etag) = (body_of(&want.body)?, memory::etag(&step.outputs));
                Ok(self.done(&self.modify(kind, id_of(&step.outputs)?, body, etag).await?))
            }
            Action::Delete(_) => {
                let applied = self.delete(kind, id_of(&step.outputs)?, None).await?;
                Ok(Done { applied, etag: None })
            }
        }
    }

    /// Carries out steps one by one; stops at the first that fails.
    pub(crate) async fn apply_each(&self, steps: &[Step<Desired<K>>]) -> Result<Vec<Applied>> {
        let mut applied = Vec::with_capacity(steps.len());
        for step in steps {
            applied.push(self.apply(step).await?);
        }
        Ok(applied)
    }

    async fn create(&self, kind: &'static str, want: &Desired<K>) -> Result<Done> {
        let body = body_of(&want.body)?;
        match self.create_new(kind, want, body.clone()).await {
            Ok(record) => Ok(self.done(&record)),
            Err(error) if error.kind() == ErrorKind::Conflict => match self.find(kind, &want.name).await? {
                Some(found) => self.adopt(&found, want, body).await,
                None => Err(error),
            },
            Err(error) => Err(error),
        }
    }

    /// Makes a resource with these settings, whatever those of `want` are.
    pub(crate) async fn create_new(
        &self,
        kind: &'static str,
        want: &Desired<K>,
        body: Value,
    ) -> Result<Record> {
        // Like Google Cloud, where many kinds have no labels.
        let (tags, description) = match self.config.shape {
            Shape::Rules => (Tags::new(), marks_as_text(&want.tags)),
            Shape::Stack | Shape::Shared => (want.tags.clone(), String::new()),
        };
        let new = NewResource { kind, name: want.name.clone(), tags, description, body };
        let create = || self.cloud.create(new.clone());
        self.calls.make_patiently(&format!("Create{kind}"), Access::Write, create).await
    }

    /// Takes over what an earlier create made, of which we never heard or which a list did not show yet.
    async fn adopt(&self, found: &Record, want: &Desired<K>, body: Value) -> Result<Done> {
        if found.marks() != want.tags {
            let refusal = format!("exists and belongs to {}; it is left alone", owner_of(&found.marks()));
            return Err(Error::new(ErrorKind::Ownership, refusal).on(&found.id));
        }
        if found.life == Life::Deleting {
            let applied = Applied { outputs: Outputs::new(), pending: self.waiting(found) };
            return Ok(Done { applied, etag: None });
        }
        Ok(self.done(&self.modify(found.kind, &found.id, body, None).await?))
    }

    pub(crate) async fn modify(
        &self,
        kind: &'static str,
        id: &str,
        body: Value,
        if_match: Option<u64>,
    ) -> Result<Record> {
        let modify = || self.cloud.modify(kind, id, body.clone(), if_match);
        self.calls.make_patiently(&format!("Modify{kind}"), Access::Write, modify).await
    }

    /// Deletes; what is gone by now is a success.
    pub(crate) async fn delete(
        &self,
        kind: &'static str,
        id: &str,
        if_match: Option<u64>,
    ) -> Result<Applied> {
        let delete = || self.cloud.delete(kind, id, if_match);
        match self.calls.make_patiently(&format!("Delete{kind}"), Access::Write, delete).await {
            Ok(left) => {
                Ok(Applied { outputs: Outputs::new(), pending: left.and_then(|left| self.waiting(&left)) })
            }
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Applied::default()),
            Err(error) => Err(error),
        }
    }

    fn done(&self, record: &Record) -> Done {
        Done { applied: self.applied(record), etag: Some(record.etag) }
    }

    pub(crate) fn applied(&self, record: &Record) -> Applied {
        Applied { outputs: outputs(record), pending: self.waiting(record) }
    }

    pub(crate) fn waiting(&self, record: &Record) -> Option<Pending> {
        let left = self.cloud.remaining(&record.id);
        let retry_after = if left.is_zero() { POLL } else { left };
        pending(record.life, record.kind).map(|pending| Pending { retry_after, ..pending })
    }
}

/// A resource as a step left it.
fn written<K: Kind>(step: &Step<Desired<K>>, applied: &Applied) -> Have<Desired<K>> {
    let ownership = match step.owner {
        Owner::Service => Ownership::Service,
        Owner::Cluster => Ownership::Cluster { used_by_others: true },
    };
    Have {
        spec: step.action.spec().clone(),
        ownership,
        container: None,
        outputs: applied.outputs.clone(),
        uses: BTreeSet::new(),
    }
}

/// What is being waited for, of a resource in this state of life.
pub(crate) fn pending(life: Life, kind: &str) -> Option<Pending> {
    let what = match life {
        Life::Active => return None,
        Life::Provisioning => "made",
        Life::Deleting => "deleted",
    };
    Some(Pending { retry_after: POLL, reason: format!("the {kind} is being {what}") })
}

/// Ids, addresses and names of a resource, and where in its life it is.
pub(crate) fn outputs(record: &Record) -> Outputs {
    let mut outputs = record.assigned.clone();
    outputs.insert("id".to_owned(), record.id.clone());
    let life = match record.life {
        Life::Provisioning => "provisioning",
        Life::Active => "active",
        Life::Deleting => "deleting",
    };
    outputs.insert("state".to_owned(), life.to_owned());
    outputs
}

/// The state of life among outputs.
pub(crate) fn life(outputs: &Outputs) -> Life {
    match outputs.get("state").map(String::as_str) {
        Some("provisioning") => Life::Provisioning,
        Some("deleting") => Life::Deleting,
        _ => Life::Active,
    }
}

/// Whose a resource is, for a person.
pub(crate) fn owner_of(tags: &Tags) -> String {
    match ownership::read(tags) {
        Marked::Service(service) => format!("{service} of cluster {:?}", service.cluster),
        Marked::Cluster { cluster } => format!("cluster {cluster:?}"),
        Marked::Foreign => "somebody else".to_owned(),
    }
}

pub(crate) fn id_of(outputs: &Outputs) -> Result<&str> {
    let missing = || Error::new(ErrorKind::Internal, "a step on an existing resource does not tell its id");
    outputs.get("id").map(String::as_str).ok_or_else(missing)
}

pub(crate) fn body_of<K: Kind>(body: &K) -> Result<Value> {
    serde_json::to_value(body)
        .map_err(|error| Error::new(ErrorKind::Internal, "settings do not serialise").with_source(error))
}
