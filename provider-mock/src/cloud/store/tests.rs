use std::num::NonZeroUsize;

use serde_json::json;

use super::*;

fn new(kind: &'static str, name: &str, body: Value) -> NewResource {
    NewResource { kind, name: name.to_owned(), tags: BTreeMap::new(), description: String::new(), body }
}
