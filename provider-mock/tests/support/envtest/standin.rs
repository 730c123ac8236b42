//! Executables that stand for `kube-apiserver` and `etcd`: scripts that run this test program again. The server is the
//! embedded API, with the certificates, the tokens and the port that its flags name.

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use provider_mock::apiserver::ApiServer;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Assets, Https, Pair};

/// Tells the test program whom it stands for.
const ROLE: &str = "CLOUD_LB_STANDIN";
/// Its arguments, one a line.
const ARGUMENTS: &str = "CLOUD_LB_STANDIN_ARGUMENTS";

/// What kube-apiserver has to be told; the stand-in insists on all of it and knows nothing else.
const API_FLAGS: [&str; 16] = [
    "advertise-address",
    "allow-privileged",
    "authorization-mode",
    "bind-address",
    "cert-dir",
    "client-ca-file",
    "disable-admission-plugins",
    "etcd-servers",
    "secure-port",
    "service-account-issuer",
    "service-account-key-file",
    "service-account-signing-key-file",
    "service-cluster-ip-range",
    "tls-cert-file",
    "tls-private-key-file",
    "token-auth-file",
];
const ETCD_FLAGS: [&str; 4] = ["advertise-client-urls", "data-dir", "listen-client-urls", "listen-peer-urls"];

/// A folder with stand-ins that become ready.
pub(crate) fn ready(folder: &Path) -> Assets {
    let program = std::env::current_exe().unwrap();
    for role in ["etcd", "kube-apiserver"] {
        let text = format!(
            "{ROLE}={role} {ARGUMENTS}=$(printf '%s\\n' \"$@\") exec '{}' --exact --ignored --nocapture {}\n",
            program.display(),
            "envtest::standin::stands_for_a_program"
        );
        script(folder, role, &text);
    }
    Assets::in_folder(folder).unwrap()
}

/// Writes a shell script that can be executed.
pub(crate) fn script(folder: &Path, name: &str, text: &str) {
    let path = folder.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{text}")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[test]
#[ignore = "no test: the program that the scripts of the stand-ins run"]
fn stands_for_a_program() {
    let (Ok(role), Ok(arguments)) = (std::env::var(ROLE), std::env::var(ARGUMENTS)) else { return };
    let flags = flags(&arguments);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        match role.as_str() {
            "etcd" => etcd(&flags).await,
            _ => kube_apiserver(&flags).await,
        }
    });
}

fn flags(arguments: &str) -> BTreeMap<String, String> {
    let pair = |line: &str| {
        let (flag, value) = line.trim_start_matches("--").split_once('=').unwrap();
        (flag.to_owned(), value.to_owned())
    };
    arguments.lines().map(pair).collect()
}

fn insist(flags: &BTreeMap<String, String>, known: &[&str]) {
    let given: Vec<&str> = flags.keys().map(String::as_str).collect();
    assert_eq!(given, known, "the flags");
}

/// Answers `/health` and nothing else.
async fn etcd(flags: &BTreeMap<String, String>) {
    insist(flags, &ETCD_FLAGS);
    let address = flags["listen-client-urls"].strip_prefix("http://").unwrap();
    let listener = TcpListener::bind(address).await.unwrap();
    loop {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut request = [0; 4096];
        let length = stream.read(&mut request).await.unwrap();
        let is_health = request.get(..length).is_some_and(|request| request.starts_with(b"GET /health "));
        let code = if is_health { "200 OK" } else { "404 Not Found" };
        let answer = format!("HTTP/1.1 {code}\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{{}}");
        stream.write_all(answer.as_bytes()).await.unwrap();
    }
}

async fn kube_apiserver(flags: &BTreeMap<String, String>) {
    insist(flags, &API_FLAGS);
    let store = flags["etcd-servers"].strip_prefix("http://").unwrap();
    TcpStream::connect(store).await.unwrap();
    let certificate = |flag: &str| CertificateDer::from_pem_file(&flags[flag]).unwrap().to_vec();
    let key = |flag: &str| PrivateKeyDer::from_pem_file(&flags[flag]).unwrap().secret_der().to_vec();
    key("service-account-signing-key-file");
    let public = std::fs::read_to_string(&flags["service-account-key-file"]).unwrap();
    assert!(public.contains("PUBLIC KEY"), "{public}");
    let identity = Pair { certificate: certificate("tls-cert-file"), key: key("tls-private-key-file") };
    let tokens = std::fs::read_to_string(&flags["token-auth-file"]).unwrap();
    let tokens: Vec<String> =
        tokens.lines().filter_map(|line| Some(line.split_once(',')?.0.to_owned())).collect();
    let address = format!("{}:{}", flags["bind-address"], flags["secure-port"]);
    let listener = TcpListener::bind(address).await.unwrap();
    Https::new(ApiServer::new(), &identity, &certificate("client-ca-file"), &tokens).run(listener).await;
}
