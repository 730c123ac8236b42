use crate::helpers::service;
use futures::{StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Service;
use kube::api::{PostParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Api, Client, Config};
use provider_mock::apiserver::{ApiServer, kubeconfig};
use std::time::Duration;
use tokio_util::sync::CancellationToken;

#[tokio::test(flavor = "multi_thread")]
async fn a_kubeconfig_leads_to_the_server_and_a_stop_ends_watches() {
    let server = ApiServer::new();
    let bound = server.bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let config = Kubeconfig::from_yaml(&kubeconfig(&bound.url())).unwrap();
    let stop = CancellationToken::new();
    let running = tokio::spawn(bound.run(stop.clone()));
    let config = Config::from_custom_kubeconfig(config, &KubeConfigOptions::default()).await.unwrap();
    let api: Api<Service> = Api::default_namespaced(Client::try_from(config).unwrap());
    api.create(&PostParams::default(), &service("a")).await.unwrap();
    let mut watch = api.watch(&WatchParams::default(), "0").await.unwrap().boxed();
    let first = watch.try_next().await.unwrap().unwrap();
    assert!(matches!(first, WatchEvent::Added(object) if object.metadata.name.as_deref() == Some("a")));
    stop.cancel();
    let ended = async { while watch.next().await.is_some_and(|event| event.is_ok()) {} };
    tokio::time::timeout(Duration::from_secs(30), ended).await.expect("the watch goes on");
    tokio::time::timeout(Duration::from_secs(30), running).await.expect("the server goes on").unwrap();
}
