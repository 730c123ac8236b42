//! The spans of the controller's work, as whoever collects traces gets them: which there are, below which, and
//! what they say of failures.
//!
//! Alone in its process: where other threads listen to nothing, `tracing` may not notice that somebody listens
//! here.

#[cfg(test)]
#[path = "spans/recorder.rs"]
mod recorder;

#[cfg(test)]
mod tests {
    use std::borrow::Cow;
    use std::time::Duration;

    use cloud_lb_core::ErrorKind;
    use cloud_lb_core::controller::{Controller, Options};
    use kube::Client;
    use parking_lot::Mutex;
    use provider_mock::apiserver::{ApiServer, Fault as ApiFault, Resource, Verb};
    use provider_mock::{CallMatch, Config, Fault, MockCloud, Shape, provider};
    use serde_json::{Value, json};
    use tokio_util::sync::CancellationToken;

    use crate::recorder::{Recorder, Recording, Span};

    /// Only one recording at a time.
    static STAGE: Mutex<()> = Mutex::new(());

    struct World {
        api: ApiServer,
        cloud: MockCloud,
        shape: Shape,
    }

    impl World {
        fn new(shape: Shape) -> Self {
            // Each call takes a moment, as those of real clouds.
            let options = provider_mock::Options::default().with_latency(Duration::from_millis(200));
            let world = Self { api: ApiServer::new(), cloud: MockCloud::new(options), shape };
            let node = json!({
                "apiVersion": "v1", "kind": "Node", "metadata": {"name": "n1"},
                "status": {"addresses": [{"type": "InternalIP", "address": "10.0.0.1"}]}
            });
            world.api.create(Resource::Nodes, node).unwrap();
            world
        }

        fn add_service(&self, name: &str) -> String {
            let service = json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
                "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]}
            });
            let service = self.api.create(Resource::Services, service).unwrap();
            service["metadata"]["uid"].as_str().unwrap().to_owned()
        }

        fn service(&self, name: &str) -> Option<Value> {
            self.api.get(Resource::Services, "default", name)
        }

        /// Runs a controller until these Services look so.
        async fn run_until(&self, names: &[&str], is_so: impl Fn(Option<&Value>) -> bool) {
            let client = Client::new(self.api.clone(), "default");
            let config = Config::new("kubernetes").with_shape(self.shape);
            let provider = provider(self.cloud.clone(), config).unwrap();
            let controller =
                Controller::new(client, provider, Options::default().with_retry_jitter(0)).unwrap();
            let (shutdown, mut changes) = (CancellationToken::new(), self.api.changes());
            let seen = async {
                while !names.iter().all(|name| is_so(self.service(name).as_ref())) {
                    changes.changed().await.unwrap();
                }
                shutdown.cancel();
            };
            let (ended, ()) = tokio::join!(controller.run(shutdown.clone()), seen);
            ended.unwrap();
        }
    }

    fn has_address(service: Option<&Value>) -> bool {
        service.is_some_and(|service| service.pointer("/status/loadBalancer/ingress/0/ip").is_some())
    }

    /// Records the spans of a play on paused time.
    fn record<F: Future<Output = ()>>(play: impl FnOnce() -> F) -> Recording {
        let _alone = STAGE.lock();
        let recorder = Recorder::default();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().start_paused(true).build();
        tracing::subscriber::with_default(recorder.subscriber(), || runtime.unwrap().block_on(play()));
        recorder.taken()
    }

    fn of_service<'a>(spans: &'a Recording, work: &str) -> &'a Span {
        let mut roots = spans.named("reconcile").filter(|span| span.field("work") == Some(work));
        let root = roots.next().unwrap();
        assert_eq!(root.parent, None);
        root
    }

    #[test]
    fn a_service_that_comes_and_goes() {
        let world = World::new(Shape::Stack);
        let uid = world.add_service("web");
        let spans = record(|| async {
            world.run_until(&["web"], has_address).await;
            world.api.delete(Resource::Services, "default", "web").unwrap();
            world.run_until(&["web"], |service| service.is_none()).await;
        });
        for work in ["ensure", "delete"] {
            let root = of_service(&spans, work);
            for (field, value) in [
                ("k8s.namespace.name", "default"),
                ("k8s.service.name", "web"),
                ("k8s.service.uid", &uid),
                ("cloud.provider", "mock"),
            ] {
                assert_eq!(root.field(field), Some(value), "{field}");
            }
        }
        for call in spans.named("cloud_call").chain(spans.named("api_write")) {
            assert_eq!(call.field("otel.kind"), Some("client"), "{call:?}");
        }
        let shown = ["op", "kind", "operation", "verb", "resource", "error.type"];
        insta::assert_snapshot!("ensure", spans.tree(of_service(&spans, "ensure"), &shown));
        insta::assert_snapshot!("delete", spans.tree(of_service(&spans, "delete"), &shown));
    }

    #[test]
    fn a_call_that_fails_shows_in_all_that_wait_for_it() {
        let world = World::new(Shape::Stack);
        world.add_service("web");
        let operation = CallMatch::Operation(Cow::Borrowed("CreateListener"));
        world.cloud.faults().on_nth(1, operation, Fault::Fail(ErrorKind::Quota));
        let spans = record(|| world.run_until(&["web"], has_address));
        let call = spans.named("cloud_call").find(|span| span.field("error.type").is_some()).unwrap();
        assert_eq!(call.field("operation"), Some("CreateListener"));
        let names: Vec<&str> = spans.ancestry(call).map(|span| span.name).collect();
        assert_eq!(names, ["cloud_call", "step", "apply", "reconcile"]);
        for span in spans.ancestry(call) {
            assert_eq!(span.field("error.type"), Some("quota"), "{span:?}");
            assert_eq!(span.field("otel.status_code"), Some("ERROR"), "{span:?}");
            let why = span.field("otel.status_description").unwrap();
            assert!(why.contains("was told to fail this call"), "{span:?}");
        }
        let failed = spans.named("reconcile").filter(|span| span.field("error.type").is_some());
        assert_eq!(failed.count(), 1, "the next run mended it");
    }

    /// Steps of several Services that go into one write.
    #[test]
    fn a_step_that_another_services_write_did_leads_to_it() {
        let (world, names) = (World::new(Shape::Shared), ["a", "b", "c"]);
        for name in names {
            world.add_service(name);
        }
        let spans = record(|| world.run_until(&names, has_address));
        let service = |span| {
            let root = spans.ancestry(span).last().unwrap();
            root.field("k8s.service.name").unwrap().to_owned()
        };
        let mut links = 0;
        for step in spans.named("step") {
            for writer in spans.linked(step) {
                links += 1;
                assert_eq!((writer.name, writer.field("op")), ("step", step.field("op")));
                assert_ne!(service(writer), service(step));
                assert_eq!(spans.within(step).count(), 0);
                assert!(spans.within(writer).any(|span| span.name == "cloud_call"));
            }
        }
        assert!(links > 0);
    }

    #[test]
    fn a_write_that_the_api_server_refuses_shows_too() {
        let world = World::new(Shape::Stack);
        world.add_service("web");
        world.api.faults().inject(Verb::Patch, Resource::Services, ApiFault::Fail(503), 1);
        let spans = record(|| world.run_until(&["web"], has_address));
        let write = spans.named("api_write").find(|span| span.field("error.type").is_some()).unwrap();
        assert_eq!((write.field("verb"), write.field("resource")), (Some("patch"), Some("services/status")));
        let names: Vec<&str> = spans.ancestry(write).map(|span| span.name).collect();
        assert_eq!(names, ["api_write", "reconcile"]);
        for span in spans.ancestry(write) {
            assert_eq!(span.field("error.type"), Some("unavailable"), "{span:?}");
            assert_eq!(span.field("otel.status_code"), Some("ERROR"), "{span:?}");
        }
    }
}
