//! No package in Cargo.lock is older than a known advisory about it requires (rustsec.org). The list is kept by hand,
//! since tests use no network: add a row when you hear of a new advisory.

/// Package, first fixed version, advisory.
const FLOORS: [(&str, [u32; 3], &str); 5] = [
    ("rustls", [0, 23, 18], "RUSTSEC-2024-0399"),
    ("rustls-webpki", [0, 103, 13], "RUSTSEC-2026-0104"),
    ("ring", [0, 17, 12], "RUSTSEC-2025-0009"),
    ("time", [0, 3, 47], "RUSTSEC-2026-0009"),
    ("rustix", [0, 38, 19], "GHSA-c827-hfw6-qwvm"),
];

#[test]
fn no_dependency_is_older_than_an_advisory_requires() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.lock")).expect("Cargo.lock");
    for (package, floor, advisory) in FLOORS {
        let heading = format!("\nname = \"{package}\"\nversion = \"");
        let found: Vec<_> = lock.split(&heading).skip(1).filter_map(|rest| rest.split('"').next()).collect();
        assert!(!found.is_empty(), "{package} is not used any more: take its row away");
        for version in found {
            let parts: Vec<u32> = version.split(['.', '-', '+']).take(3).filter_map(|part| part.parse().ok()).collect();
            assert!(parts.as_slice() >= floor.as_slice(), "{package} {version}: {advisory} asks for {floor:?}");
        }
    }
}
