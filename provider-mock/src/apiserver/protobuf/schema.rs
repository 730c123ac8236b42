//! Field numbers, from `generated.proto` of `k8s.io/api/core/v1` and `k8s.io/apimachinery`.

/// A field: its number, its name in JSON and its shape.
#[derive(Debug)]
pub(super) struct Field(pub u64, pub &'static str, pub Shape);

/// What a field holds. Plain shapes are always on the wire and mean nothing where they are zero;
/// optional ones are only there where they are set.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    OptionalText,
    Texts,
    /// Base64 in JSON.
    Bytes,
    Number,
    OptionalNumber,
    Flag,
    OptionalFlag,
    TextMap,
    BytesMap,
    IntOrString,
    Message(&'static [Field]),
    Messages(&'static [Field]),
    /// What only the server writes.
    Ignored,
}

use Shape::{
    Bytes, BytesMap, Flag, Ignored, IntOrString, Message, Messages, Number, OptionalFlag, OptionalNumber,
    OptionalText, Text, TextMap, Texts,
};

/// The fields of the kinds that can be sent as protobuf.
pub(super) fn message_of(api_version: &str, kind: &str) -> Option<&'static [Field]> {
    match (api_version, kind) {
        ("v1", "Namespace") => Some(NAMESPACE),
        ("v1", "ConfigMap") => Some(CONFIG_MAP),
        ("v1", "Secret") => Some(SECRET),
        ("v1", "Service") => Some(SERVICE),
        _ => None,
    }
}

/// `runtime.Unknown`, which is around every object.
pub(super) const ENVELOPE: &[Field] = &[
    Field(1, "typeMeta", Message(&[Field(1, "apiVersion", Text), Field(2, "kind", Text)])),
    Field(2, "raw", Bytes),
    Field(3, "contentEncoding", Ignored),
    Field(4, "contentType", Ignored),
];

pub(super) const TEXT_ENTRY: &[Field] = &[Field(1, "key", Text), Field(2, "value", Text)];
pub(super) const BYTES_ENTRY: &[Field] = &[Field(1, "key", Text), Field(2, "value", Bytes)];
pub(super) const INT_OR_STRING: &[Field] =
    &[Field(1, "type", Number), Field(2, "intVal", Number), Field(3, "strVal", Text)];

const OWNER: &[Field] = &[
    Field(1, "kind", Text),
    Field(3, "name", Text),
    Field(4, "uid", Text),
    Field(5, "apiVersion", Text),
    Field(6, "controller", OptionalFlag),
    Field(7, "blockOwnerDeletion", OptionalFlag),
];

const METADATA: &[Field] = &[
    Field(1, "name", Text),
    Field(2, "generateName", Text),
    Field(3, "namespace", Text),
    Field(4, "selfLink", Ignored),
    Field(5, "uid", Text),
    Field(6, "resourceVersion", Text),
    Field(7, "generation", Ignored),
    Field(8, "creationTimestamp", Ignored),
    Field(9, "deletionTimestamp", Ignored),
    Field(10, "deletionGracePeriodSeconds", Ignored),
    Field(11, "labels", TextMap),
    Field(12, "annotations", TextMap),
    Field(13, "ownerReferences", Messages(OWNER)),
    Field(14, "finalizers", Texts),
    Field(17, "managedFields", Ignored),
];

const NAMESPACE: &[Field] = &[
    Field(1, "metadata", Message(METADATA)),
    Field(2, "spec", Message(&[Field(1, "finalizers", Texts)])),
    Field(3, "status", Ignored),
];

const CONFIG_MAP: &[Field] = &[
    Field(1, "metadata", Message(METADATA)),
    Field(2, "data", TextMap),
    Field(3, "binaryData", BytesMap),
    Field(4, "immutable", OptionalFlag),
];

const SECRET: &[Field] = &[
    Field(1, "metadata", Message(METADATA)),
    Field(2, "data", BytesMap),
    Field(3, "type", Text),
    Field(4, "stringData", TextMap),
    Field(5, "immutable", OptionalFlag),
];

const SERVICE: &[Field] = &[
    Field(1, "metadata", Message(METADATA)),
    Field(2, "spec", Message(SERVICE_SPEC)),
    Field(3, "status", Ignored),
];

const SERVICE_SPEC: &[Field] = &[
    Field(1, "ports", Messages(SERVICE_PORT)),
    Field(2, "selector", TextMap),
    Field(3, "clusterIP", Text),
    Field(4, "type", Text),
    Field(5, "externalIPs", Texts),
    Field(7, "sessionAffinity", Text),
    Field(8, "loadBalancerIP", Text),
    Field(9, "loadBalancerSourceRanges", Texts),
    Field(10, "externalName", Text),
    Field(11, "externalTrafficPolicy", Text),
    Field(12, "healthCheckNodePort", Number),
    Field(13, "publishNotReadyAddresses", Flag),
    Field(14, "sessionAffinityConfig", Message(AFFINITY)),
    Field(17, "ipFamilyPolicy", OptionalText),
    Field(18, "clusterIPs", Texts),
    Field(19, "ipFamilies", Texts),
    Field(20, "allocateLoadBalancerNodePorts", OptionalFlag),
    Field(21, "loadBalancerClass", OptionalText),
    Field(22, "internalTrafficPolicy", OptionalText),
    Field(23, "trafficDistribution", OptionalText),
];

const AFFINITY: &[Field] = &[Field(1, "clientIP", Message(&[Field(1, "timeoutSeconds", OptionalNumber)]))];

const SERVICE_PORT: &[Field] = &[
    Field(1, "name", Text),
    Field(2, "protocol", Text),
    Field(3, "port", Number),
    Field(4, "targetPort", IntOrString),
    Field(5, "nodePort", Number),
    Field(6, "appProtocol", OptionalText),
];
