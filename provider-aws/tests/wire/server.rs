//! AWS's endpoints on loopback: answers from files, requests kept.
#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "a helper that fails fails its test")]

use std::collections::VecDeque;
use std::path::Path;
use std::sync::{Arc, Mutex};

use provider_aws::{AccessKeys, Config, Credentials, Sdk};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// A status and a body to answer with instead of the file.
pub(crate) type Answer = (u16, String);

#[derive(Debug, Default)]
struct State {
    requests: Vec<String>,
    answers: VecDeque<Answer>,
}

/// A server that stops with the test's runtime.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    state: Arc<Mutex<State>>,
    url: String,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let server = Self { state: Arc::default(), url };
        let serving = server.clone();
        tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serving.clone().serve(stream));
            }
        });
        server
    }

    /// The adapter, connected to this server, with so many attempts per call.
    pub(crate) async fn sdk(&self, attempts: u32) -> Sdk {
        let mut config = Config::for_cluster("c");
        config.aws_region = "eu-west-1".into();
        config.endpoint_elbv2.clone_from(&self.url);
        config.endpoint_ec2.clone_from(&self.url);
        config.endpoint_acm.clone_from(&self.url);
        config.aws_max_retries = attempts;
        Sdk::connect(&config, Credentials::Keys(keys())).await.unwrap()
    }

    /// Answers the next request so.
    pub(crate) fn answer_next(&self, answer: Answer) {
        self.state.lock().unwrap().answers.push_back(answer);
    }

    /// The requests since the last look, one parameter a line.
    pub(crate) fn requests(&self) -> String {
        std::mem::take(&mut self.state.lock().unwrap().requests).join("\n")
    }

    async fn serve(self, mut stream: TcpStream) {
        while let Some(request) = read_request(&mut stream).await {
            let (status, answer) = self.respond(&request);
            let form = if request.target.is_some() { "application/x-amz-json-1.1" } else { "text/xml" };
            let head = format!(
                "HTTP/1.1 {status} X\r\ncontent-type: {form}\r\nx-amzn-requestid: id-1\r\ncontent-length: {}\r\n\r\n",
                answer.len()
            );
            stream.write_all(head.as_bytes()).await.unwrap();
            stream.write_all(answer.as_bytes()).await.unwrap();
        }
    }

    fn respond(&self, request: &Request) -> Answer {
        match &request.target {
            Some(target) => self.respond_in_json(target.rsplit('.').next().unwrap(), &request.body),
            None => self.respond_in_xml(&request.body),
        }
    }

    /// As the services with an API in JSON do.
    fn respond_in_json(&self, action: &str, body: &str) -> Answer {
        let mut state = self.state.lock().unwrap();
        state.requests.push(format!("Action={action}\nBody={body}\n"));
        let page = if body.contains("NextToken") { ".next" } else { "" };
        let path =
            Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/replies/{action}{page}.json"));
        state.answers.pop_front().unwrap_or_else(|| (200, std::fs::read_to_string(path).unwrap()))
    }

    fn respond_in_xml(&self, body: &str) -> Answer {
        let pairs: Vec<(String, String)> = form_urlencoded::parse(body.as_bytes()).into_owned().collect();
        let shown = pairs.iter().filter(|(key, _)| key != "Version");
        let lines: Vec<String> = shown.map(|(key, value)| format!("{key}={value}\n")).collect();
        let mut state = self.state.lock().unwrap();
        state.requests.push(lines.concat());
        let value = |key: &str| pairs.iter().find(|(k, _)| k == key).map(|(_, v)| v.as_str());
        let is_next = value("Marker").or(value("NextToken")).is_some();
        let is_ec2 = value("Version") == Some("2016-11-15");
        state.answers.pop_front().unwrap_or_else(|| (200, reply(value("Action").unwrap(), is_next, is_ec2)))
    }
}

pub(crate) fn keys() -> AccessKeys {
    AccessKeys {
        access_key_id: "AKIDEXAMPLE".into(),
        secret_access_key: "wJalrXUtnFEMI".into(),
        session_token: Some("a-token".into()),
    }
}

fn reply(action: &str, is_next: bool, is_ec2: bool) -> String {
    let page = if is_next { ".next" } else { "" };
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/wire/replies/{action}{page}.xml"));
    let content = std::fs::read_to_string(path).unwrap_or_default();
    if is_ec2 {
        return format!(
            "<{action}Response xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\"><requestId>id-1</requestId>\
             <return>true</return>{content}</{action}Response>"
        );
    }
    format!(
        "<{action}Response xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">\
         <{action}Result>{content}</{action}Result>\
         <ResponseMetadata><RequestId>id-1</RequestId></ResponseMetadata></{action}Response>"
    )
}

struct Request {
    /// The action, where it does not stand in the body.
    target: Option<String>,
    body: String,
}

async fn read_request(stream: &mut TcpStream) -> Option<Request> {
    let mut bytes = Vec::new();
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let header = |wanted: &str| {
                let mut all = head.lines().filter_map(|line| line.split_once(':'));
                all.find(|(name, _)| name.eq_ignore_ascii_case(wanted)).map(|(_, value)| value.trim())
            };
            let length = header("content-length").map(|value| value.parse::<usize>().unwrap());
            if body.len() >= length.unwrap_or_default() {
                assert!(!text.contains("wJalrXUtnFEMI"), "the secret is never sent");
                let target = header("x-amz-target").map(str::to_owned);
                return Some(Request { target, body: body.to_owned() });
            }
        }
        let mut buffer = [0; 8192];
        let read = stream.read(&mut buffer).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..read]);
    }
}

/// What a method sends and what it makes of the answer, as one text.
#[macro_export]
macro_rules! held {
    ($server:expr, $name:literal, $call:expr) => {{
        let result = $call.await.unwrap();
        insta::assert_snapshot!($name, format!("{}---\n{:#?}", $server.requests(), result));
    }};
}
