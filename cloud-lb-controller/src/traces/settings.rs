//! What flags and OpenTelemetry's environment variables say of traces, together and checked.
//!
//! The variables mean what OpenTelemetry's specification says. An empty one is as one that is not there.

use std::path::PathBuf;
use std::time::Duration;

use http::header::{HeaderMap, HeaderName, HeaderValue};
use http::uri::{Scheme, Uri};
use serde_json::{Value, json};

use super::pairs::pairs;
use crate::args::TraceArgs;
use crate::failure::{Failure, all};

/// Time that a batch of spans may take, where nobody says: that of OpenTelemetry's specification.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Where traces go, and how.
#[derive(Debug)]
pub(super) struct Settings {
    /// The whole URL.
    pub(super) endpoint: Uri,
    pub(super) headers: HeaderMap,
    pub(super) certificate: Option<PathBuf>,
    /// Of all traces.
    pub(super) ratio: f64,
    pub(super) timeout: Duration,
    /// What OpenTelemetry calls a resource: who sends.
    pub(super) sender: Vec<(String, String)>,
}

/// A value, and which flag or variable it is from.
struct Given {
    name: &'static str,
    text: String,
}

impl Given {
    fn refused(&self, expected: &str) -> Failure {
        Failure::new(format!("{}: {:?}: {expected}", self.name, self.text))
    }

    /// The same for what must not be shown.
    fn refused_unseen(&self, complaint: &str) -> Failure {
        Failure::new(format!("{}: {complaint}", self.name))
    }
}

/// Asks for environment variables.
pub(super) struct Environment<'a>(pub(super) &'a dyn Fn(&str) -> Option<String>);

impl Environment<'_> {
    /// The first of these variables that is set and not empty.
    fn first(&self, names: &[&'static str]) -> Option<Given> {
        let given = |name: &&'static str| Some(Given { name, text: (self.0)(name)? });
        names.iter().filter_map(given).find(|given| !given.text.is_empty())
    }

    /// The flag, if it is there, else the first of the variables.
    fn or(&self, flag: &'static str, text: Option<String>, names: &[&'static str]) -> Option<Given> {
        match text {
            Some(text) => Some(Given { name: flag, text }).filter(|given| !given.text.is_empty()),
            None => self.first(names),
        }
    }
}

impl Settings {
    /// `None`: traces go nowhere.
    ///
    /// # Errors
    /// Names every flag and variable that is wrong, and what is expected.
    pub(super) fn of(args: &TraceArgs, environment: &Environment<'_>) -> Result<Option<Self>, Failure> {
        let TraceArgs { otlp_endpoint, otlp_headers, otlp_certificate, otlp_sampling_ratio } = args.clone();
        if environment
            .first(&["OTEL_SDK_DISABLED"])
            .is_some_and(|given| given.text.eq_ignore_ascii_case("true"))
        {
            return Ok(None);
        }
        let Some(endpoint) = endpoint(otlp_endpoint, environment) else {
            return without_endpoint(args).map(|()| None);
        };
        let headers = otlp_headers.map(|headers| headers.0);
        let headers = environment.or("--otlp-headers", headers, &HEADERS);
        let ratio = environment.or("--otlp-sampling-ratio", otlp_sampling_ratio, &[]);
        let certificate = otlp_certificate.map(|path| path.display().to_string());
        let certificate = environment.or("--otlp-certificate", certificate, &CERTIFICATE);
        // All that is wrong is told together.
        let mut wrong = Vec::new();
        let endpoint = keep(&mut wrong, endpoint.url());
        let headers = keep(&mut wrong, headers.as_ref().map_or_else(|| Ok(HeaderMap::new()), header_map));
        let ratio = keep(&mut wrong, ratio.as_ref().map_or_else(|| sampler(environment), share));
        let timeout = keep(&mut wrong, timeout(environment));
        let sender = keep(&mut wrong, sender(environment));
        let protocol = keep(&mut wrong, protocol(environment));
        let (Some(endpoint), Some(headers), Some(ratio), Some(timeout), Some(sender), Some(())) =
            (endpoint, headers, ratio, timeout, sender, protocol)
        else {
            return Err(wrong.into_iter().collect());
        };
        let certificate = certificate.map(|given| given.text.into());
        Ok(Some(Self { endpoint, headers, certificate, ratio, timeout, sender }))
    }

    /// The settings for the log: of headers only the names.
    pub(super) fn to_json(&self) -> Value {
        let headers: Vec<&str> = self.headers.keys().map(HeaderName::as_str).collect();
        let sender = self.sender.iter().map(|(key, value)| format!("{key}={value}"));
        json!({
            "endpoint": self.endpoint.to_string(),
            "headers": headers,
            "certificate": self.certificate.as_ref().map(|path| path.display().to_string()),
            "samplingRatio": self.ratio,
            "timeout": format!("{:?}", self.timeout),
            "resource": sender.collect::<Vec<_>>(),
        })
    }
}

fn keep<T>(wrong: &mut Vec<Failure>, result: Result<T, Failure>) -> Option<T> {
    result.map_err(|failure| wrong.push(failure)).ok()
}

const HEADERS: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_HEADERS"];
const CERTIFICATE: [&str; 2] = ["OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE", "OTEL_EXPORTER_OTLP_CERTIFICATE"];

/// Where traces go, as it was given.
enum Endpoint {
    /// For all that OpenTelemetry knows: each kind has a path of its own below.
    Base(Given),
    /// For traces, as it is.
    Traces(Given),
}

fn endpoint(flag: Option<String>, environment: &Environment<'_>) -> Option<Endpoint> {
    if flag.is_some() {
        return environment.or("--otlp-endpoint", flag, &[]).map(Endpoint::Base);
    }
    let own = environment.first(&["OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"]).map(Endpoint::Traces);
    own.or_else(|| environment.first(&["OTEL_EXPORTER_OTLP_ENDPOINT"]).map(Endpoint::Base))
}

impl Endpoint {
    fn url(&self) -> Result<Uri, Failure> {
        let (given, text) = match self {
            Self::Base(given) => (given, format!("{}/v1/traces", given.text.trim_end_matches('/'))),
            Self::Traces(given) => (given, given.text.clone()),
        };
        if given.text.contains('@') {
            return Err(given.refused_unseen("expected a URL without credentials: headers are for those"));
        }
        let is_fine = |uri: &Uri| {
            let scheme = uri.scheme().is_some_and(|scheme| [Scheme::HTTP, Scheme::HTTPS].contains(scheme));
            scheme && uri.host().is_some_and(|host| !host.is_empty()) && uri.query().is_none()
        };
        let uri = text.parse().ok().filter(is_fine);
        uri.ok_or_else(|| given.refused("expected a URL such as http://collector:4318"))
    }
}

/// Flags that would do nothing.
fn without_endpoint(args: &TraceArgs) -> Result<(), Failure> {
    let flags = [
        ("--otlp-headers", args.otlp_headers.is_some()),
        ("--otlp-certificate", args.otlp_certificate.is_some()),
        ("--otlp-sampling-ratio", args.otlp_sampling_ratio.is_some()),
    ];
    let lost = flags.into_iter().filter(|(_, given)| *given && args.otlp_endpoint.is_none());
    let complaint =
        |(flag, _)| Failure::new(format!("{flag}: traces go nowhere, expected --otlp-endpoint too"));
    all(lost.map(|flag| Err(complaint(flag)))).map(|_: Vec<()>| ())
}

fn header_map(given: &Given) -> Result<HeaderMap, Failure> {
    let pairs = pairs(&given.text).map_err(|complaint| given.refused_unseen(&complaint))?;
    let mut headers = HeaderMap::new();
    for (key, value) in pairs {
        let name = HeaderName::try_from(&key)
            .map_err(|_| given.refused_unseen(&format!("{key:?}: expected the name of an HTTP header")))?;
        let mut value = HeaderValue::try_from(value)
            .map_err(|_| given.refused_unseen(&format!("{key}: expected a value of one line of ASCII")))?;
        value.set_sensitive(true);
        headers.insert(name, value);
    }
    Ok(headers)
}

fn share(given: &Given) -> Result<f64, Failure> {
    let ratio = given.text.parse().ok().filter(|ratio| (0.0..=1.0).contains(ratio));
    ratio.ok_or_else(|| given.refused("expected a number from 0 to 1"))
}

/// Every trace begins here: whether a sampler asks parents makes no difference.
fn sampler(environment: &Environment<'_>) -> Result<f64, Failure> {
    let Some(sampler) = environment.first(&["OTEL_TRACES_SAMPLER"]) else { return Ok(1.0) };
    match sampler.text.strip_prefix("parentbased_").unwrap_or(&sampler.text) {
        "always_on" => Ok(1.0),
        "always_off" => Ok(0.0),
        "traceidratio" => environment.first(&["OTEL_TRACES_SAMPLER_ARG"]).as_ref().map_or(Ok(1.0), share),
        _ => Err(sampler.refused(
            "expected always_on, always_off or traceidratio, each also with parentbased_ in front of it",
        )),
    }
}

fn timeout(environment: &Environment<'_>) -> Result<Duration, Failure> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"];
    let Some(given) = environment.first(&names) else { return Ok(TIMEOUT) };
    let milliseconds = given.text.parse().ok().filter(|milliseconds| (1..=600_000).contains(milliseconds));
    milliseconds
        .map(Duration::from_millis)
        .ok_or_else(|| given.refused("expected milliseconds from 1 to 600000"))
}

fn protocol(environment: &Environment<'_>) -> Result<(), Failure> {
    let names = ["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL"];
    match environment.first(&names) {
        Some(given) if given.text != "http/protobuf" => {
            Err(given.refused("expected http/protobuf, which collectors take on port 4318"))
        }
        _ => Ok(()),
    }
}

fn sender(environment: &Environment<'_>) -> Result<Vec<(String, String)>, Failure> {
    let mut sender = vec![
        ("service.name".to_owned(), "cloud-lb".to_owned()),
        ("service.version".to_owned(), env!("CARGO_PKG_VERSION").to_owned()),
        ("service.instance.id".to_owned(), uuid::Uuid::new_v4().to_string()),
    ];
    let mut set = |key: String, value: String| {
        sender.retain(|(known, _)| *known != key);
        sender.push((key, value));
    };
    if let Some(given) = environment.first(&["OTEL_RESOURCE_ATTRIBUTES"]) {
        let pairs = pairs(&given.text).map_err(|complaint| given.refused(&complaint))?;
        for (key, value) in pairs {
            set(key, value);
        }
    }
    if let Some(given) = environment.first(&["OTEL_SERVICE_NAME"]) {
        set("service.name".to_owned(), given.text);
    }
    Ok(sender)
}

#[cfg(test)]
mod tests;
