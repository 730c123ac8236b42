//! The README says what the code does.

use std::fmt::{Display, Write};
use std::path::{Path, PathBuf};

use cloud_lb_core::backend::Backend;
use cloud_lb_core::provider::{Capabilities, TargetScope};
use provider_aws::{Account, Aws};
use provider_mock::{Config, MockCloud, Options, Shape, provider};

#[test]
fn the_table_of_the_readme_is_what_providers_declare() {
    let readme = std::fs::read_to_string(workspace().join("README.md")).unwrap();
    let mock = [Shape::Stack, Shape::Rules, Shape::Shared].map(|shape| {
        let provider = provider(MockCloud::new(Options::default()), Config::new("docs").with_shape(shape));
        provider.unwrap().capabilities().clone()
    });
    let facts = std::fs::read_to_string(workspace().join("examples/aws/facts.yaml")).unwrap();
    let account: Account = serde_saphyr::from_str(&facts).unwrap();
    let aws = Aws::offline(provider_aws::Config::for_cluster("docs"), account).unwrap();
    let all = [&[aws.capabilities().clone()], mock.as_slice()].concat();
    let table = capability_table(&all);
    assert!(readme.contains(&table), "the README should have this table:\n{table}");
}

fn capability_table(providers: &[Capabilities]) -> String {
    let mut table =
        "| | AWS | mock `stack` | mock `rules` | mock `shared` |\n|---|---|---|---|---|\n".to_owned();
    let mut row = |title: &str, cell: &dyn Fn(&Capabilities) -> String| {
        let cells: Vec<String> = providers.iter().map(cell).collect();
        // Writing to a string cannot fail.
        let _ = writeln!(table, "| {title} | {} |", cells.join(" | "));
    };
    row("protocols", &|c| join(&c.protocols));
    row("several protocols in one Service", &|c| yes(c.mixed_protocols));
    row("IP families", &|c| join(&c.families));
    row("dual stack", &|c| yes(c.dual_stack));
    row("session affinity by client IP", &|c| yes(c.session_affinity));
    row("source ranges enforced", &|c| yes(c.source_ranges));
    row("requested address", &|c| yes(c.requested_address));
    row("pods as targets, without NodePorts", &|c| yes(c.pod_targets));
    row("a changed node costs one update per", &|c| match c.target_scope {
        TargetScope::LoadBalancer => "load balancer".to_owned(),
        TargetScope::Cluster => "cluster".to_owned(),
    });
    row("nodes need `spec.providerID`", &|c| yes(c.needs_provider_id));
    row("of a node, a changed … is passed on", &|c| join(&c.node_fields));
    table
}

fn yes(flag: bool) -> String {
    if flag { "yes" } else { "no" }.to_owned()
}

fn join<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(", ")
}

fn workspace() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}
