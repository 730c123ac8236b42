//! Where the embedded API is known to differ from a real one.

use crate::known::Known;

/// Each entry holds for at least one field of the comparison; one that holds for none fails it.
pub(crate) const KNOWN: &[Known] = &[
    Known {
        request: "*",
        field: "*.managedFields*",
        reason: "only server-side apply is written down in managedFields; a real server writes down every manager",
    },
    Known {
        request: "* DELETE *",
        field: "body.metadata.deletion*",
        reason: "there is no grace period: what goes at once is returned as it was",
    },
    Known {
        request: "discovery: GET /api",
        field: "body.serverAddressByClientCIDRs*",
        reason: "the embedded API does not know at which address it is served",
    },
    Known {
        request: "paths: GET /apis/example.com/v1*",
        field: "*",
        reason: "paths of groups that are not served answer with a Status, not with the text of a web server",
    },
    Known {
        request: "media-types: GET /api/v1/namespaces/default/services",
        field: "*",
        reason: "answers are never protobuf",
    },
    Known {
        request: "media-types: GET /apis/apps/v1/nothing",
        field: "contentType",
        reason: "the group apps is not served",
    },
    Known {
        request: "media-types: POST /api/v1/namespaces/default/services",
        field: "body.message",
        reason: "bodies may not be YAML, and the refusal tells what may be sent",
    },
    Known {
        request: "forms: GET *",
        field: "*",
        reason: "answers are never YAML; columns have no descriptions",
    },
    Known { request: "*", field: "*.columnDefinitions*.description", reason: "columns have no descriptions" },
    Known { request: "bodies: *", field: "body.message", reason: "the words of another JSON parser" },
    Known {
        request: "patch-media-types: *",
        field: "body.message",
        reason: "the words of another JSON parser",
    },
    Known {
        request: "json-patches: *",
        field: "body.*",
        reason: "the words of another implementation of JSON patch",
    },
    Known {
        request: "unknown-fields: POST *configmaps*",
        field: "*",
        reason: "a field that a body has twice is not told",
    },
    Known {
        request: "selectors: *",
        field: "body.message",
        reason: "the words of another parser of selectors",
    },
    Known {
        request: "pods: PATCH /api/v1/namespaces/$(ns)/pods/full",
        field: "body.*",
        reason: "the message about fields that stay does not show what was to change",
    },
    Known {
        request: "reviews: POST *",
        field: "body.metadata*",
        reason: "answers to questions have no metadata",
    },
];
