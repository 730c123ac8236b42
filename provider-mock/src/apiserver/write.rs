//! Create, update and delete: what happens to an object between the request and the store.

mod checks;

use super::json::{list, text};
use super::meta;
use super::resource::{Endpoint, Resource};
use super::status::ApiError;
use super::store::{Key, Store, is_terminating, owners};
use super::strategy::strategy_for;
use checks::{check_new, check_preconditions, check_replaced, restrict, terminating};
use serde_json::Value;
use std::sync::Arc;

/// Namespaces that exist from the start and cannot be deleted (the last may).
pub(crate) const SYSTEM_NAMESPACES: [&str; 4] = ["default", "kube-system", "kube-public", "kube-node-lease"];

/// How often a generated name that is taken is rolled again.
const NAME_ATTEMPTS: usize = 8;

/// Whether a write is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Run {
    Commit,
    /// Everything is checked, nothing is kept (`dryRun=All`).
    Dry,
}

/// Which half of the object an update may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Surface {
    /// The object itself: metadata and specification.
    Main,
    /// The `status` subresource: metadata and status.
    Status,
}

/// What a delete insists on.
#[derive(Debug, Clone, Default)]
pub(crate) struct Preconditions {
    pub uid: Option<String>,
    pub resource_version: Option<String>,
}

/// What a delete did.
#[derive(Debug)]
pub(crate) enum Deleted {
    Gone(Arc<Value>),
    /// Finalizers hold the object; it only carries a deletionTimestamp now.
    Pending(Arc<Value>),
}

impl Store {
    /// Stores a new object, of which `namespace` is the namespace of the request.
    pub(crate) fn create(
        &mut self,
        endpoint: &'static Endpoint,
        namespace: &str,
        mut object: Value,
        run: Run,
    ) -> Result<Arc<Value>, ApiError> {
        check_new(&object, namespace, endpoint)?;
        let key = self.new_key(&object, namespace, endpoint)?;
        if endpoint.namespaced {
            self.check_namespace(endpoint, &key)?;
        }
        meta::begin(&mut object, &key, &mut self.random);
        let strategy = strategy_for(key.resource.kind());
        strategy.default(&mut object);
        let mut allocators = self.allocators.clone();
        let invalid = |errors: Vec<_>| ApiError::invalid(endpoint, &key.name, errors);
        strategy.prepare_create(&mut object, &mut allocators).map_err(invalid)?;
        let errors = strategy.validate_create(&object);
        if !errors.is_empty() {
            return Err(invalid(errors));
        }
        if self.get(&key).is_some() {
            return Err(ApiError::already_exists(endpoint, &key.name));
        }
        meta::tidy(&mut object);
        if run == Run::Dry {
            return Ok(Arc::new(object));
        }
        self.allocators = allocators;
        Ok(self.commit(key, Some(object)).unwrap_or_default())
    }

    fn new_key(&mut self, object: &Value, namespace: &str, endpoint: &Endpoint) -> Result<Key, ApiError> {
        let mut key = Key::new(endpoint.resource, namespace, "");
        for _ in 0..NAME_ATTEMPTS {
            key.name = meta::name_of(object, endpoint, &mut self.random)?;
            if self.get(&key).is_none() {
                break;
            }
        }
        Ok(key)
    }

    fn check_namespace(&self, endpoint: &Endpoint, key: &Key) -> Result<(), ApiError> {
        let namespace = self.read(&Key::new(Resource::Namespaces, "", &key.namespace))?;
        if is_terminating(&namespace) {
            let why = format!(
                "unable to create new content in namespace {} because it is being terminated",
                key.namespace
            );
            return Err(ApiError::forbidden(endpoint, &key.name, &why));
        }
        Ok(())
    }

    /// Replaces the half of a stored object that `surface` names.
    pub(crate) fn update(
        &mut self,
        key: &Key,
        mut object: Value,
        surface: Surface,
        run: Run,
    ) -> Result<Arc<Value>, ApiError> {
        let old = self.read(key)?;
        check_replaced(&object, &old, key)?;
        meta::carry_over(&mut object, &old);
        restrict(&mut object, &old, surface, key.resource);
        let mut allocators = self.allocators.clone();
        let endpoint = key.resource.stored_as();
        let invalid = |errors: Vec<_>| ApiError::invalid(endpoint, &key.name, errors);
        let strategy = strategy_for(key.resource.kind());
        strategy.default(&mut object);
        let errors = match surface {
            Surface::Main => {
                strategy.prepare_update(&mut object, &old, &mut allocators).map_err(invalid)?;
                strategy.validate_update(&object, &old)
            }
            Surface::Status => strategy.validate_status(&object, &old),
        };
        if !errors.is_empty() {
            return Err(invalid(errors));
        }
        meta::tidy(&mut object);
        meta::bump_generation(&mut object, &old);
        if run == Run::Dry || object == *old {
            return Ok(Arc::new(object));
        }
        self.allocators = allocators;
        Ok(self.keep_or_finish(key, object))
    }

    /// Commits the object, or removes it where its last finalizer has gone.
    fn keep_or_finish(&mut self, key: &Key, object: Value) -> Arc<Value> {
        if is_terminating(&object)
            && list(&object, "/metadata/finalizers").is_empty()
            && !self.holds_content(key)
        {
            let last = Arc::new(object);
            self.remove(key);
            return last;
        }
        self.commit(key.clone(), Some(object)).unwrap_or_default()
    }

    /// Deletes an object, or marks it where finalizers (or a namespace's content) hold it.
    pub(crate) fn delete(
        &mut self,
        key: &Key,
        only_if: &Preconditions,
        run: Run,
    ) -> Result<Deleted, ApiError> {
        let old = self.read(key)?;
        check_preconditions(&old, only_if, key)?;
        if key.resource == Resource::Namespaces
            && SYSTEM_NAMESPACES.iter().take(3).any(|name| *name == key.name)
        {
            let endpoint = key.resource.stored_as();
            return Err(ApiError::forbidden(endpoint, &key.name, "this namespace may not be deleted"));
        }
        if run == Run::Dry {
            return Ok(Deleted::Gone(old));
        }
        let held = !list(&old, "/metadata/finalizers").is_empty() || self.holds_content(key);
        if !held {
            self.remove(key);
            return Ok(Deleted::Gone(old));
        }
        if !is_terminating(&old) {
            self.commit(key.clone(), Some(terminating(&old, key.resource)));
        }
        if key.resource == Resource::Namespaces {
            self.empty(&key.name);
        }
        Ok(self.get(key).cloned().map_or(Deleted::Gone(old), Deleted::Pending))
    }

    fn holds_content(&self, key: &Key) -> bool {
        key.resource == Resource::Namespaces && !self.in_namespace(&key.name).is_empty()
    }

    /// Deletes what is in a namespace; what finalizers hold stays for now.
    fn empty(&mut self, namespace: &str) {
        for (key, _) in self.in_namespace(namespace) {
            // An object that an earlier round removed with its owner is gone already: nothing to do.
            drop(self.delete(&key, &Preconditions::default(), Run::Commit));
        }
    }

    /// Removes an object now, then what it owned, then its namespace if that only waited for it.
    fn remove(&mut self, key: &Key) {
        let Some(object) = self.get(key).cloned() else { return };
        strategy_for(key.resource.kind()).release(&object, &mut self.allocators);
        self.commit(key.clone(), None);
        self.collect_dependents(text(&object, "/metadata/uid"));
        self.finish_namespace(&key.namespace);
    }

    /// Deletes the objects that only the removed one owned, as the garbage collector would.
    fn collect_dependents(&mut self, uid: &str) {
        for key in self.owned_by(uid) {
            if self.get(&key).is_some_and(|object| owners(object).all(|owner| owner == uid)) {
                drop(self.delete(&key, &Preconditions::default(), Run::Commit));
            }
        }
    }

    fn finish_namespace(&mut self, namespace: &str) {
        if namespace.is_empty() {
            return;
        }
        let key = Key::new(Resource::Namespaces, "", namespace);
        let waiting = self
            .get(&key)
            .is_some_and(|object| is_terminating(object) && list(object, "/metadata/finalizers").is_empty());
        if waiting && !self.holds_content(&key) {
            self.remove(&key);
        }
    }
}
