//! The page of annotations is that of the code's own tables. `UPDATE_DOCS=1` writes it anew.

use provider_aws::{ANNOTATIONS, SHARED_ANNOTATIONS};

#[test]
fn the_page_of_annotations_is_that_of_the_tables() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/annotations/aws.md");
    let page = format!(
        "# Annotations of the AWS provider\n\n\
         All keys of the first table start with `{}`. A value that does not fit is an error, and all errors of a \
         Service are reported together; a key with this prefix that is not listed is a warning.\n\n{}\n\
         ## With the prefix `{}`\n\n{}",
        ANNOTATIONS.prefix,
        ANNOTATIONS.reference_table(),
        SHARED_ANNOTATIONS.prefix,
        SHARED_ANNOTATIONS.reference_table(),
    );
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &page).unwrap();
    }
    let written = std::fs::read_to_string(path).unwrap_or_default();
    assert_eq!(written, page, "run the test again with UPDATE_DOCS=1");
}
