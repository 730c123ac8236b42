//! etcd and kube-apiserver, from start to end.

use std::net::TcpListener;
use std::path::Path;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::config::AuthInfo;
use kube::{Client, Config};
use tempfile::TempDir;

use super::pki::{Authority, Pair, service_account_key, write};
use super::{Assets, Program, Running};

/// The token of the user that may do everything.
const TOKEN: &str = "cloud-lb-tests";
/// Nobody makes the service account `default` of a namespace here, and pods are not to wait for it; the others change
/// objects, which the embedded API leaves to the API itself.
const DISABLED_PLUGINS: &str = "ServiceAccount,DefaultTolerationSeconds,Priority,TaintNodesByCondition";
/// The ranges of the addresses of Services: those of the embedded API.
const SERVICE_RANGES: &str = "10.96.0.0/12,fd00:10:96::/112";
/// The group that may do everything without any rule.
const MASTERS: &str = "system:masters";

/// How a client shows who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Identity {
    Token,
    Certificate,
}

/// A running API server with its store; both end when it is dropped.
pub(crate) struct ControlPlane {
    // Dropped in this order: the server, its store, their files.
    _api: Running,
    _etcd: Running,
    /// Where etcd answers.
    pub(crate) etcd_url: String,
    access: Access,
    folder: TempDir,
}

/// Where the API is and who may use it.
#[derive(Clone)]
pub(crate) struct Access {
    url: String,
    authority: Vec<u8>,
    user: Pair,
}

impl ControlPlane {
    /// Starts both and waits, at most `patience` for each, until the API can be used. Files are made in a folder of
    /// their own below `parent`, which stays if something fails.
    ///
    /// # Errors
    /// What [`Program::start`] tells of the one that failed.
    pub(crate) async fn start(assets: &Assets, parent: &Path, patience: Duration) -> Result<Self, String> {
        let mut folder = tempfile::Builder::new().prefix("envtest-").tempdir_in(parent).unwrap();
        match Self::start_in(&folder, assets, patience).await {
            Ok((api, etcd, etcd_url, access)) => {
                Ok(Self { _api: api, _etcd: etcd, etcd_url, access, folder })
            }
            Err(error) => {
                folder.disable_cleanup(true);
                Err(error)
            }
        }
    }

    async fn start_in(
        folder: &TempDir,
        assets: &Assets,
        patience: Duration,
    ) -> Result<(Running, Running, String, Access), String> {
        let folder = folder.path();
        let (etcd, etcd_url) = start_etcd(folder, assets, patience).await?;
        let authority = Authority::new("cloud-lb tests");
        let port = free_port();
        let access = Access::new(port, &authority);
        let program = Program {
            name: "kube-apiserver",
            path: assets.kube_apiserver.clone(),
            arguments: api_arguments(folder, &authority, port, &etcd_url),
            logs: folder.to_owned(),
        };
        let client = access.client(Identity::Token);
        let api = program.start(patience, async || is_usable(&client).await).await?;
        Ok((api, etcd, etcd_url, access))
    }

    pub(crate) fn client(&self, identity: Identity) -> Client {
        self.access.client(identity)
    }

    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// A client that shows nothing.
    pub(crate) fn stranger(&self) -> Client {
        Client::try_from(self.access.config()).unwrap()
    }
}

impl Drop for ControlPlane {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.folder.disable_cleanup(true);
        }
    }
}

impl Access {
    /// Access to a server on this port of the machine, for a user of this authority.
    pub(crate) fn new(port: u16, authority: &Authority) -> Self {
        let url = format!("https://127.0.0.1:{port}");
        Self { url, authority: authority.der().to_vec(), user: authority.user("admin", MASTERS) }
    }

    /// What its [`Identity::Token`] is.
    pub(crate) fn token() -> String {
        TOKEN.to_owned()
    }

    fn config(&self) -> Config {
        let mut config = Config::new(self.url.parse().unwrap());
        config.root_cert = Some(vec![self.authority.clone()]);
        config
    }

    pub(crate) fn client(&self, identity: Identity) -> Client {
        Client::try_from(self.config_of(identity)).unwrap()
    }

    pub(crate) fn config_of(&self, identity: Identity) -> Config {
        let mut config = self.config();
        config.auth_info = match identity {
            Identity::Token => AuthInfo { token: Some(TOKEN.to_owned().into()), ..AuthInfo::default() },
            Identity::Certificate => AuthInfo {
                client_certificate_data: Some(STANDARD.encode(self.user.certificate_pem())),
                client_key_data: Some(STANDARD.encode(self.user.key_pem()).into()),
                ..AuthInfo::default()
            },
        };
        config
    }
}

async fn start_etcd(folder: &Path, assets: &Assets, patience: Duration) -> Result<(Running, String), String> {
    let url = format!("http://127.0.0.1:{}", free_port());
    let data = folder.join("etcd");
    let program = Program {
        name: "etcd",
        path: assets.etcd.clone(),
        arguments: vec![
            format!("--data-dir={}", data.display()),
            format!("--listen-client-urls={url}"),
            format!("--advertise-client-urls={url}"),
            // It has no peers; the system chooses the port.
            "--listen-peer-urls=http://127.0.0.1:0".to_owned(),
        ],
        logs: folder.to_owned(),
    };
    let client = Client::try_from(Config::new(url.parse().unwrap())).unwrap();
    let running = program.start(patience, async || answers(&client, "/health").await).await?;
    Ok((running, url))
}

fn api_arguments(folder: &Path, authority: &Authority, port: u16, etcd_url: &str) -> Vec<String> {
    let serving = authority.server(&["127.0.0.1", "localhost"]);
    let (private, public) = service_account_key(folder);
    let file = |flag: &str, name: &str, content: &str| {
        format!("--{flag}={}", write(folder, name, content).display())
    };
    vec![
        format!("--etcd-servers={etcd_url}"),
        "--bind-address=127.0.0.1".to_owned(),
        "--advertise-address=127.0.0.1".to_owned(),
        format!("--secure-port={port}"),
        format!("--cert-dir={}", folder.display()),
        file("tls-cert-file", "apiserver.crt", &serving.certificate_pem()),
        file("tls-private-key-file", "apiserver.key", &serving.key_pem()),
        file("client-ca-file", "ca.crt", &authority.pem()),
        file("token-auth-file", "tokens.csv", &format!("{TOKEN},admin,admin,\"{MASTERS}\"\n")),
        "--authorization-mode=RBAC".to_owned(),
        "--service-account-issuer=https://127.0.0.1/".to_owned(),
        format!("--service-account-key-file={}", public.display()),
        format!("--service-account-signing-key-file={}", private.display()),
        format!("--service-cluster-ip-range={SERVICE_RANGES}"),
        "--allow-privileged=true".to_owned(),
        format!("--disable-admission-plugins={DISABLED_PLUGINS}"),
    ]
}

/// Whether the API is ready and has the namespace that tests use.
async fn is_usable(client: &Client) -> Result<(), String> {
    answers(client, "/readyz").await?;
    answers(client, "/api/v1/namespaces/default").await
}

async fn answers(client: &Client, path: &str) -> Result<(), String> {
    let request = http::Request::get(path).body(kube::client::Body::empty()).unwrap();
    match client.send(request).await {
        Ok(answer) if answer.status().is_success() => Ok(()),
        Ok(answer) => Err(format!("{path} answers {}", answer.status())),
        Err(error) => Err(format!("{path}: {error}")),
    }
}

fn free_port() -> u16 {
    TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}
