//! Somebody with a console changes what is ours in the cloud.

use provider_mock::Record;
use serde_json::{Value, json};

use crate::world::World;

impl World {
    pub(crate) async fn tamper_with_cloud(&mut self) {
        let mut records = self.cloud.records();
        records.retain(|record| self.foreign.iter().all(|foreign| foreign.id != record.id));
        if records.is_empty() {
            return;
        }
        let record = self.pick(&records);
        if self.once_in(3) {
            let refused = self.cloud.witness().delete(record.kind, &record.id, None).await.err();
            let refused = refused.map(|error| error.to_string());
            tracing::info!(target: "simulation", id = record.id, refused, "somebody deletes it in the cloud");
            return self.count("deleted in the cloud");
        }
        self.change_in_cloud(&record);
    }

    /// Changes what can be changed: lists lose an entry, switches are turned, times are others.
    fn change_in_cloud(&mut self, record: &Record) {
        let fields = record.body.as_object().cloned().unwrap_or_default();
        let fields: Vec<(String, Value)> =
            fields.into_iter().filter_map(|(name, value)| Some((name, changed(&value)?))).collect();
        if fields.is_empty() {
            return;
        }
        let (name, value) = self.pick(&fields);
        let refused = self.cloud.tamper(&record.id, |body| body[&name] = value.clone()).err();
        let refused = refused.map(|error| error.to_string());
        tracing::info!(target: "simulation", id = record.id, name, %value, refused, "somebody changes it in the cloud");
        self.count("changed in the cloud");
    }
}

/// Another value that makes sense in the place of this one, if there is one.
fn changed(value: &Value) -> Option<Value> {
    match value {
        Value::Array(items) => Some(json!(items.get(1..)?)),
        Value::Bool(on) => Some(json!(!on)),
        Value::String(text) if text == "5s" || text == "10s" || text == "1m" => Some(json!("7s")),
        Value::Object(fields) => {
            let change = |(name, value): (&String, &Value)| Some((name.clone(), changed(value)?));
            let (name, value) = fields.iter().find_map(change)?;
            let mut fields = fields.clone();
            fields.insert(name, value);
            Some(Value::Object(fields))
        }
        _ => None,
    }
}
