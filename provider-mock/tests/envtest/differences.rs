//! Where the embedded API is known to differ from a real one.

use crate::known::Known;

/// Each entry holds for at least one field of the comparison; one that holds for none fails it.
pub(crate) const KNOWN: &[Known] = &[
    known(
        "*",
        "*.managedFields*",
        "only server-side apply is written down in managedFields; a real server writes down every manager",
    ),
    known(
        "* DELETE *",
        "body.metadata.deletion*",
        "there is no grace period: what goes at once is returned as it was",
    ),
    known(
        "discovery: GET /api",
        "body.serverAddressByClientCIDRs*",
        "the embedded API does not know at which address it is served",
    ),
    known(
        "paths: GET /apis/example.com/v1*",
        "*",
        "paths of groups that are not served answer with a Status, not with the text of a web server",
    ),
    known("media-types: GET /api/v1/namespaces/default/services", "*", "answers are never protobuf"),
    known(
        "media-types: POST /api/v1/namespaces/default/services",
        "body.message",
        "bodies may not be YAML, and the refusal tells what may be sent",
    ),
    known("forms: GET /api/v1/namespaces/$(ns)/services", "*", "answers are never YAML"),
    known("*", "*.columnDefinitions*.description", "columns have no descriptions"),
    known("bodies: *", "body.message", "the words of another JSON parser"),
    known("patch-media-types: *", "body.message", "the words of another JSON parser"),
    known("selectors: *", "body.message", "the words of another parser of selectors"),
    known("pages: *continue=nonsense", "body.message", "the words of another decoder"),
    known("*=yesterday*", "*", "a version that is no number is refused as any other number"),
    known("unknown-fields: POST *configmaps*", "*", "a field that a body has twice is not told"),
    known("service-status: PATCH */status", "body*", "conditions are decoded strictly"),
    known("endpoints: *", "*", "no warning that Endpoints are deprecated; addresses are not sorted"),
    known("*nodes: *", "body.status.nodeInfo*", "what a node does not tell is left out, not empty"),
    known("*nodes: *", "body.status.daemonEndpoints*", "what a node does not tell is left out, not empty"),
    known("*", "*conditions*Time", "times that are not set are left out, not null"),
    known("endpoint-slices: *", "*.conditions", "conditions that are not set are left out, not empty"),
    known("endpoint-slices: *", "*body*endpoints", "lists that are not set are left out, not null"),
    known("endpoint-slices: *", "*body*ports", "lists that are not set are left out, not null"),
    known("*events: *", "*eventTime", "times that are not set are left out, not null"),
    known("*events: *", "*eporting*", "reporters that are not set are left out, not empty"),
    known("pods: PATCH *", "body.*", "the refusal of a changed pod does not show what was to change"),
    known("reviews: POST *", "body.metadata*", "answers to questions have no metadata"),
];

const fn known(request: &'static str, field: &'static str, reason: &'static str) -> Known {
    Known { request, field, reason }
}
