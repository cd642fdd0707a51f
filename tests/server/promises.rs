//! The table of the predecessor's promises names tests that exist.

use std::fs;
use std::path::Path;

#[test]
fn every_test_in_the_table_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let table = fs::read_to_string(root.join("tests/server/promises.md")).unwrap();
    let rows = table.lines().filter(|line| line.starts_with("| "));
    let names: Vec<&str> =
        rows.flat_map(|row| row.split('`').skip(1).step_by(2)).filter(|t| t.contains("::")).collect();
    assert!(names.len() > 40, "{names:?}");
    for name in names {
        let (file, test) = name.rsplit_once("::").unwrap();
        let path = if file.ends_with(".rs") { root.join(file) } else { root.join(format!("tests/server/{file}.rs")) };
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{name}: {}: {error}", path.display()));
        assert!(source.contains(&format!("fn {test}() ")), "{name}");
    }
}
