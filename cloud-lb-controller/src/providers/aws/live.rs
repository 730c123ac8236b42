//! The real AWS.

use std::sync::Arc;

use cloud_lb_core::engine::Engine;
use jiff::Timestamp;
use provider_aws::{Aws, Credentials, Description, Permission, Sdk};

use super::{Chosen, Described, Parts, StandIns};
use crate::failure::Failure;

/// Works on the account of the credentials that every AWS tool finds.
pub(super) async fn link(settings: &Chosen) -> Result<Parts, Failure> {
    let note = "no Nodes given, hence no targets: --against-cluster takes those of the cluster".to_owned();
    let provider = Arc::new(Engine::new(connect(settings).await?));
    Ok((provider, StandIns { nodes: String::new(), note }))
}

async fn connect(settings: &Chosen) -> Result<Aws<Sdk>, Failure> {
    Aws::from_config(settings.config.clone()).await.map_err(|error| settings.refused(&error))
}

/// Describes the account, with where, when and what could not be read above it.
pub(super) async fn facts(settings: &Chosen) -> Result<Described, Failure> {
    let Description { account, no_certificates } = connect(settings).await?.describe_account().await?;
    let unwritable = |error| Failure::because("the description cannot be written", &error);
    let text = serde_saphyr::to_string(&account).map_err(unwritable)?;
    let owner = account.owner().unwrap_or("not told by what is in it");
    let lacks = no_certificates.map(|error| {
        let why = error.to_string().replace('\n', " ");
        format!("certificates are left out, so that no plan judges those that Services name: {why}")
    });
    let lacks_line = lacks.as_ref().map(|lacks| format!("# {lacks}\n")).unwrap_or_default();
    let text = format!(
        "# What AWS has in network {} of region {}, account {owner}.\n\
         # Read by `cloud-lb facts` at {}; `cloud-lb plan --facts` plans for it.\n{lacks_line}{text}",
        account.vpc_id,
        account.region,
        now()
    );
    Ok(Described { text, lacks })
}

/// The time, for a person; nothing depends on it.
fn now() -> String {
    Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Asks for each action.
pub(super) async fn permissions(settings: &Chosen) -> Result<Vec<Permission>, Failure> {
    let refused = |error: cloud_lb_core::Error| settings.refused(&error);
    let sdk = Sdk::connect(&settings.config, Credentials::Chain).await.map_err(refused)?;
    let vpc_id = sdk.vpc_id(&settings.config).await.map_err(refused)?;
    Ok(sdk.check_permissions(&vpc_id).await)
}
