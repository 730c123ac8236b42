//! What users do to their Services.

use cloud_lb_core::k8s::FINALIZER;
use provider_mock::apiserver::Resource;
use serde_json::{Value, json};

use crate::world::World;

impl World {
    /// One thing that a user does.
    pub(crate) fn use_cluster(&mut self) {
        let name = ["a", "b", "c"][self.rng.usize(..self.setting.names)];
        let Some(service) = self.api.get(Resource::Services, "default", name) else {
            return self.create_service(name);
        };
        match self.rng.u8(..12) {
            0..=4 => self.edit(service, "spec"),
            5 | 6 => self.edit(service, "annotations"),
            7 | 8 => self.delete(&service),
            9 => {
                self.delete(&service);
                self.create_service(name);
            }
            10 => self.wipe(service),
            _ => self.strip(service),
        }
    }

    fn create_service(&mut self, name: &str) {
        let mut service = json!({
            "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "namespace": "default"},
            "spec": self.spec(),
        });
        if self.once_in(3) {
            service["metadata"]["annotations"] = self.annotations();
        }
        match self.api.create(Resource::Services, service) {
            Ok(service) => {
                let uid = service["metadata"]["uid"].as_str().unwrap_or_default();
                let spec = &service["spec"];
                tracing::info!(target: "simulation", name, uid, %spec, "a user creates a Service");
                self.count("services made");
            }
            Err(error) => {
                tracing::info!(target: "simulation", name, %error, "a user cannot create a Service");
            }
        }
    }

    fn edit(&mut self, mut service: Value, what: &str) {
        if what == "spec" {
            service["spec"] = self.spec();
        } else {
            service["metadata"]["annotations"] = self.annotations();
        }
        self.count("edits");
        let wanted = json!([service["metadata"]["annotations"], service["spec"]]);
        let (name, refused) = (name(&service), self.api.update(Resource::Services, service).err());
        let refused = refused.map(|error| error.to_string());
        tracing::info!(target: "simulation", name, %wanted, refused, "a user edits a Service");
    }

    fn delete(&mut self, service: &Value) {
        let name = name(service);
        tracing::info!(target: "simulation", name, "a user deletes a Service");
        self.count("deletions");
        self.api.delete(Resource::Services, "default", &name).unwrap();
        self.note_vanished(service);
    }

    fn strip(&mut self, mut service: Value) {
        let name = name(&service);
        tracing::info!(target: "simulation", name, "a user strips the finalizers");
        self.count("finalizers stripped");
        service["metadata"]["finalizers"] = json!([]);
        let uid = uid(&service);
        self.api.update(Resource::Services, service).unwrap();
        self.note_stripped(uid);
    }

    /// Notes that there is no finalizer to tell of this Service, should everybody who knows it forget it.
    fn note_stripped(&mut self, uid: String) {
        self.vanished.insert(uid);
        if !self.watchdog.is_anybody_working() {
            self.forget();
        }
    }

    /// Notes that the Service is gone without our finalizer having gone first.
    fn note_vanished(&mut self, service: &Value) {
        let now = self.api.get(Resource::Services, "default", &name(service));
        if now.is_none_or(|now| uid(&now) != uid(service)) {
            self.note_stripped(uid(service));
        }
    }

    fn wipe(&mut self, mut service: Value) {
        if self.once_in(3) {
            return self.mislead(service);
        }
        tracing::info!(target: "simulation", name = name(&service), "a user wipes the status");
        self.count("status wiped");
        let keep_conditions = self.rng.bool();
        let conditions = service["status"]["conditions"].take();
        service["status"] = if keep_conditions { json!({"conditions": conditions}) } else { json!({}) };
        self.api.update_status(Resource::Services, service).unwrap();
    }

    /// Writes an address into the status that nobody has.
    fn mislead(&mut self, mut service: Value) {
        if service["spec"]["type"] != "LoadBalancer" || !service["spec"]["loadBalancerClass"].is_null() {
            return;
        }
        tracing::info!(target: "simulation", name = name(&service), "a user writes another address into the status");
        self.count("status made untrue");
        service["status"]["loadBalancer"] = json!({"ingress": [{"ip": "192.0.2.1"}]});
        self.api.update_status(Resource::Services, service).unwrap();
    }

    fn spec(&mut self) -> Value {
        let mut spec = json!({"ports": self.ports()});
        spec["type"] = json!(self.pick(&[
            "LoadBalancer",
            "LoadBalancer",
            "LoadBalancer",
            "LoadBalancer",
            "ClusterIP",
            "NodePort"
        ]));
        if spec["type"] == "LoadBalancer" {
            if self.once_in(10) {
                spec["loadBalancerClass"] = json!("somebody.example/else");
            }
            if self.once_in(4) {
                spec["loadBalancerSourceRanges"] =
                    self.pick(&[json!(["10.0.0.0/8"]), json!(["192.0.2.0/24", "10.0.0.0/8"])]);
            }
        }
        if spec["type"] != "ClusterIP" {
            spec["externalTrafficPolicy"] = json!(self.pick(&["Cluster", "Cluster", "Local"]));
        }
        if self.once_in(4) {
            spec["sessionAffinity"] = json!("ClientIP");
        }
        if self.once_in(4) {
            spec["ipFamilyPolicy"] = json!("PreferDualStack");
        }
        spec
    }

    fn ports(&mut self) -> Value {
        let mut all = vec![("TCP", 80), ("TCP", 443), ("UDP", 53), ("TCP", 53)];
        if self.once_in(12) {
            all.push(("SCTP", 3868));
        }
        self.rng.shuffle(&mut all);
        let count = self.rng.usize(1..=3);
        let port = |(protocol, port): (&str, u16)| json!({"name": format!("{}-{port}", protocol.to_lowercase()), "protocol": protocol, "port": port});
        all.into_iter().take(count).map(port).collect()
    }

    fn annotations(&mut self) -> Value {
        match self.rng.u8(..6) {
            0 => json!({}),
            1 => json!({"mock.cloud-lb.dev/proxy-protocol": "true"}),
            2 => json!({"mock.cloud-lb.dev/drain-timeout": self.pick(&["5s", "1m"])}),
            3 => json!({"mock.cloud-lb.dev/health-check-interval": "soon"}),
            4 => {
                json!({"service.beta.kubernetes.io/load-balancer-source-ranges": self.pick(&["10.0.0.0/8", "10.0.0.1/33"])})
            }
            _ => json!({"gitops.example/revision": self.rng.u16(..).to_string()}),
        }
    }

    /// The controller of the other class, which shares the finalizer with us, does its work.
    pub(crate) fn serve_other_class(&mut self) {
        for mut service in self.api.list(Resource::Services) {
            if service["spec"]["loadBalancerClass"].is_string()
                && !service["metadata"]["deletionTimestamp"].is_null()
            {
                tracing::info!(target: "simulation", name = name(&service), "the other controller cleans up");
                service["metadata"]["finalizers"] = json!([]);
                self.api.update(Resource::Services, service).unwrap();
            }
        }
    }

    /// At the end every Service is deleted.
    pub(crate) fn delete_all_services(&mut self) {
        for service in self.api.list(Resource::Services) {
            self.api.delete(Resource::Services, "default", &name(&service)).unwrap();
            let finalizers = &service["metadata"]["finalizers"];
            if !finalizers.as_array().is_some_and(|names| names.iter().any(|name| name == FINALIZER)) {
                self.note_vanished(&service);
            }
        }
    }
}

fn uid(service: &Value) -> String {
    service["metadata"]["uid"].as_str().unwrap_or_default().to_owned()
}

fn name(service: &Value) -> String {
    service["metadata"]["name"].as_str().unwrap_or_default().to_owned()
}
