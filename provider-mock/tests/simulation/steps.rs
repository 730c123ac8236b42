//! The controller stopped after every single write, to the cloud and to the API server, of a Service's life:
//! it is made, changed and deleted; and each time the next controller brings it to its end.

use std::fs;
use std::path::Path;

use provider_mock::Shape;
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};

use crate::check::Check;
use crate::run::in_runtime;
use crate::setting::Setting;
use crate::trace::untold;
use crate::world::World;

/// More writes than any life takes.
const MANY: u64 = 500;

#[test]
fn stopped_after_any_write_stack() {
    stopped_after_any_write(Shape::Stack);
}

#[test]
fn stopped_after_any_write_rules() {
    stopped_after_any_write(Shape::Rules);
}

#[test]
fn stopped_after_any_write_shared() {
    stopped_after_any_write(Shape::Shared);
}

fn stopped_after_any_write(shape: Shape) {
    let cases = cases();
    assert!(cases.len() > 10, "the manifests were found");
    for (index, (name, service)) in cases.iter().enumerate() {
        let (other, changed) = &cases[(index + 1) % cases.len()];
        let mut writes = 0;
        while untold(|| life(shape, writes + 1, service, changed)).unwrap_or_else(|wrong| {
            panic!("{shape:?}, {name}, then {other}, stopped after {} writes: {wrong}", writes + 1)
        }) {
            writes += 1;
            assert!(writes < MANY, "{name}: a life without end");
        }
        assert!(writes > 5, "{name}: {writes} writes make no life");
    }
}

/// Plays a life of which the `fatal`th write is the last of its controller. Whether there were so many.
fn life(shape: Shape, fatal: u64, service: &Value, changed: &Value) -> Result<bool, String> {
    in_runtime(Setting::calm(fatal, shape), async |world: &mut World| {
        world.add_numbered_node(0);
        world.add_numbered_node(1);
        world.replicas[0].start(Some(fatal));
        let result = live(world, service, changed).await;
        let died = world.watchdog.deaths() > 0;
        world.replicas[0].stop().await;
        result.map(|()| died)
    })
}

async fn live(world: &mut World, service: &Value, changed: &Value) -> Check {
    world.api.create(Resource::Services, service.clone()).map_err(|error| error.to_string())?;
    world.settle("made").await?;
    let mut now = world.api.get(Resource::Services, "default", "web").unwrap_or_default();
    now["metadata"]["annotations"] = changed["metadata"]["annotations"].clone();
    now["spec"] = changed["spec"].clone();
    if world.api.update(Resource::Services, now).is_err() {
        // The first family of a Service is for life.
        world.delete_all_services();
        world.settle("deleted to be made anew").await?;
        world.api.create(Resource::Services, changed.clone()).map_err(|error| error.to_string())?;
    }
    world.settle("changed").await?;
    world.delete_all_services();
    world.settle("deleted").await?;
    world.check_wrongs()
}

/// The Services of the golden cases and of the examples, by name.
fn cases() -> Vec<(String, Value)> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases = Vec::new();
    for folder in ["tests/golden", "../examples/manifests"] {
        for entry in fs::read_dir(here.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let Ok(service) = serde_saphyr::from_str::<Value>(&fs::read_to_string(&path).unwrap()) else {
                continue;
            };
            if path.extension().is_some_and(|extension| extension == "yaml")
                && service["spec"]["ports"].is_array()
            {
                cases.push((path.file_stem().unwrap().display().to_string(), as_web(&service)));
            }
        }
    }
    cases.sort_by(|a, b| a.0.cmp(&b.0));
    cases
}

fn as_web(service: &Value) -> Value {
    let annotations = &service["metadata"]["annotations"];
    json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "web", "namespace": "default", "annotations": annotations},
        "spec": service["spec"],
    })
}
