use super::*;
use proptest::prelude::*;
use serde_json::json;

fn refusal(text: &str) -> String {
    read_text("a.yaml", text).unwrap_err().to_string()
}

#[test]
fn documents_lists_and_json_are_objects() {
    let yaml = "---\n# nothing\n---\napiVersion: v1\nkind: Service\nmetadata: {name: a}\n---\napiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Node\n  metadata:\n    name: b\n- {apiVersion: v1, kind: Service, metadata: {name: c, namespace: d}}\n";
    let subjects: Vec<String> = read_text("a.yaml", yaml).unwrap().iter().map(Manifest::subject).collect();
    assert_eq!(subjects, ["Service default/a", "Node b", "Service d/c"]);
    let json = "{\n\t\"apiVersion\": \"v1\",\n\t\"kind\": \"Service\",\n\t\"metadata\": {\"name\": \"a\"},\n\t\"spec\": {\"ports\": [{\"port\": 80}]}\n}\n";
    let manifests = read_text("a.json", json).unwrap();
    assert_eq!(manifests[0].object["spec"], json!({"ports": [{"port": 80}]}));
    assert_eq!(manifests[0].complain("spec.ports[0].port", "no"), "a.json:5: Service default/a: no");
}

#[test]
fn a_complaint_names_file_line_document_and_object() {
    let yaml = "apiVersion: v1\nkind: Service\nmetadata:\n  name: a\nspec:\n  ports:\n  - name: x\n    port: 1\n---\napiVersion: v1\nkind: Service\nmetadata:\n  name: b\nspec:\n  types: x\n";
    let manifests = read_text("a.yaml", yaml).unwrap();
    let cases = [
        (0, "spec.ports[0].port", "a.yaml:8: document 1, Service default/a: no"),
        // Not written: the line of the port that lacks it.
        (0, "spec.ports[0].nodePort", "a.yaml:7: document 1, Service default/a: no"),
        (1, "spec.types", "a.yaml:15: document 2, Service default/b: no"),
        (1, "", "a.yaml:10: document 2, Service default/b: no"),
    ];
    for (index, field, expected) in cases {
        assert_eq!(manifests[index].complain(field, "no"), expected);
    }
}

#[test]
fn what_is_no_object_is_refused_with_its_place() {
    let cases = [
        (
            "just words\n",
            "a.yaml:1: found text, expected a Kubernetes object: a mapping with apiVersion, kind and metadata",
        ),
        ("kind: Service\n", "a.yaml:1: apiVersion is missing, expected for example \"v1\""),
        ("apiVersion: v1\n", "a.yaml:1: kind is missing, expected for example \"Service\""),
        (
            "apiVersion: 1\nkind: Service\n",
            "a.yaml:1: apiVersion: found a number, expected text such as \"v1\"",
        ),
        (
            "apiVersion: v1\nkind: Pod\n---\n- a\n",
            "a.yaml:4: document 2: found a sequence, expected a Kubernetes object: a mapping with apiVersion, kind and metadata",
        ),
        (
            "apiVersion: v1\nkind: List\n",
            "a.yaml:1: List without a name: items is missing, expected a sequence of objects",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(refusal(text), expected, "{text}");
    }
}

#[test]
fn what_is_not_yaml_is_refused_with_line_and_column() {
    for text in ["apiVersion: v1\nkind: [Service\n", "apiVersion: v1\n\tkind: Service\n", "a: 1\na: 2\n"] {
        let message = refusal(text);
        assert!(message.starts_with("a.yaml:") && message.contains(": not YAML: "), "{message}");
        assert!(!message.contains('\n'), "{message}");
    }
    assert_eq!(refusal("a: 1\na: 2\n"), "a.yaml:2:1: not YAML: duplicate mapping key: a");
}

#[test]
fn every_unreadable_file_is_named() {
    let missing = [PathBuf::from("/nowhere/a.yaml"), PathBuf::from("/nowhere/b.yaml")];
    let message = read(&missing).unwrap_err().to_string();
    assert_eq!(message.lines().count(), 2, "{message}");
    assert!(message.starts_with("/nowhere/a.yaml: cannot be read: No such file"), "{message}");
}

const EXAMPLES: [&str; 3] = [
    include_str!("../../../examples/manifests/loadbalancer.yaml"),
    include_str!("../../../examples/manifests/nodes.yaml"),
    include_str!("../../../examples/manifests/dual-stack.yaml"),
];

/// A manifest in which some places were typed over.
fn mistyped() -> impl Strategy<Value = String> {
    let typed = prop_oneof!["[ -~\n\t]{0,6}", ".{0,3}", Just("\n---\n".to_owned()), Just("{".to_owned())];
    let edit = (any::<prop::sample::Index>(), 0..8_usize, typed);
    let edits = prop::collection::vec(edit, 0..6);
    (prop::sample::select(EXAMPLES.to_vec()), edits).prop_map(|(text, edits)| {
        let mut letters: Vec<char> = text.chars().collect();
        for (place, gone, typed) in edits {
            let start = place.index(letters.len() + 1);
            let end = (start + gone).min(letters.len());
            letters.splice(start..end, typed.chars());
        }
        letters.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn any_text_is_manifests_or_refused_with_its_place(
        text in prop_oneof![9 => mistyped(), 1 => ".{0,80}"], field in "[a-zA-Z.\\[\\]0-9]{0,20}"
    ) {
        match read_text("a.yaml", &text) {
            Ok(manifests) => {
                for manifest in manifests {
                    prop_assert!(manifest.complain(&field, "no").starts_with("a.yaml:"));
                }
            }
            Err(failure) => prop_assert!(failure.to_string().contains("a.yaml"), "{}", failure),
        }
        Lines::of_text(&text).of(&field);
    }
}
