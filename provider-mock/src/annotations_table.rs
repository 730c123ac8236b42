//! The annotations that the mock reads.

use std::time::Duration;

use cloud_lb_core::annotations::{Annotation, Kind, Table};

/// Start of every annotation of the mock.
pub(crate) const PREFIX: &str = "mock.cloud-lb.dev/";

const SHORTEST: Duration = Duration::from_millis(10);

/// Annotations of Services that the mock provider reads.
pub const ANNOTATIONS: Table = Table {
    prefix: PREFIX,
    annotations: &[
        Annotation {
            key: "proxy-protocol",
            kind: Kind::Bool,
            default: "false",
            since: "0.1",
            example: "true",
            doc: "Opens each TCP connection to a node with a PROXY protocol v2 header that tells the client's \
                  address. UDP has none.",
        },
        Annotation {
            key: "drain-timeout",
            kind: Kind::Duration { min: Duration::ZERO, max: Duration::from_hours(1) },
            default: "30s",
            since: "0.1",
            example: "5m",
            doc: "How long connections to a node that is no target any more may go on.",
        },
        Annotation {
            key: "health-check-interval",
            kind: Kind::Duration { min: SHORTEST, max: Duration::from_mins(5) },
            default: "1s",
            since: "0.1",
            example: "10s",
            doc: "Time between two health checks of a node.",
        },
        Annotation {
            key: "health-check-timeout",
            kind: Kind::Duration { min: SHORTEST, max: Duration::from_mins(1) },
            default: "1s",
            since: "0.1",
            example: "5s",
            doc: "Time after which a health check without an answer has failed.",
        },
        Annotation {
            key: "health-check-healthy-threshold",
            kind: Kind::Integer { min: 1, max: 10 },
            default: "2",
            since: "0.1",
            example: "3",
            doc: "Health checks in a row that must succeed before an unhealthy node gets traffic again.",
        },
        Annotation {
            key: "health-check-unhealthy-threshold",
            kind: Kind::Integer { min: 1, max: 10 },
            default: "2",
            since: "0.1",
            example: "3",
            doc: "Health checks in a row that must fail before a node gets no more traffic.",
        },
    ],
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn defaults_and_examples_are_valid() {
        assert_eq!(ANNOTATIONS.check(), []);
    }

    #[test]
    fn the_reference_page_is_current() {
        let page = format!("# Annotations of the mock provider\n\n{}", ANNOTATIONS.reference());
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/annotations/mock.md");
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &page).unwrap();
        }
        let written = std::fs::read_to_string(path).unwrap();
        assert_eq!(written, page, "run the test again with UPDATE_DOCS=1");
    }
}
