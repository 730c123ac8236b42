//! Golden files: a Service as YAML in; per shape the plan and the desired resources out, or the error.

use std::fs;
use std::path::Path;

use cloud_lb_core::k8s;
use cloud_lb_core::model::NodeList;
use cloud_lb_core::plan::PlanReport;
use k8s_openapi::api::core::v1::Service;
use provider_mock::{Options, Shape};

use super::support::{SHAPES, ensured, make, node};

fn text(plan: &PlanReport) -> String {
    let resource =
        |resource: &cloud_lb_core::plan::ResourceReport| format!("{}\n  {}", resource.key, resource.spec);
    let resources: Vec<String> = plan.resources.iter().map(resource).collect();
    format!("{plan}\n\n{}", resources.join("\n"))
}

async fn planned(path: &Path, shape: Shape) -> String {
    let service: Service = serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap();
    let nodes: NodeList = (1..=3).map(node).collect();
    let lb = k8s::load_balancer("c1", &service, &nodes, &[]).unwrap();
    let (_, provider) = make(shape, Options::new());
    match provider.plan(&lb).await {
        Ok(plan) => {
            ensured(&*provider, &lb).await;
            let again = provider.plan(&lb).await.unwrap();
            assert!(again.is_empty(), "{again}");
            text(&plan)
        }
        Err(error) => error.to_string().replace("; ", "\n"),
    }
}

#[test]
fn services_become_resources_of_each_shape() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    insta::glob!("..", "golden/*.yaml", |path| {
        for shape in SHAPES {
            insta::with_settings!({snapshot_suffix => format!("{shape:?}-{}", path.file_stem().unwrap().display())}, {
                insta::assert_snapshot!(runtime.block_on(planned(path, shape)));
            });
        }
    });
}
