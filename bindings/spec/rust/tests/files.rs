//! The files of `bindings/spec/conformance` keep to the format every runner can read.

use std::collections::BTreeSet;
use std::path::Path;

use doozer_conformance::{check_file, load};

#[test]
fn all_files_keep_to_the_format() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../conformance");
    let mut names = BTreeSet::new();
    let mut files = BTreeSet::new();
    for scenario in load(&directory).expect("the scenarios can be read") {
        files.insert(scenario.file);
    }
    for file in files {
        if let Err(why) = check_file(&file, &mut names) {
            panic!("{why}");
        }
    }
    assert!(names.len() >= 36, "only {} scenarios", names.len());
}
