//! How the binaries for the boards copy bytes: `cross/copy.c` stands in for the C library's own way.

use crate::world::Scratch;
use std::process::Command;

#[test]
fn bytes_are_copied_whole_from_and_to_every_place() {
    let root = env!("CARGO_MANIFEST_DIR");
    // Where a word may lie anywhere, and where it may not.
    for how in ["-DANYWHERE", "-DALIGNED"] {
        let scratch = Scratch::new();
        let program = scratch.path("copying");
        let made = Command::new("cc")
            .args(["-O2", "-Wall", "-Werror", "-fno-builtin", "-fno-tree-loop-distribute-patterns", how, "-o"])
            .arg(&program)
            .args(["cross/copy.c", "tests/blackbox/copying.c"].map(|file| format!("{root}/{file}")))
            .output()
            .expect("cc starts");
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        let tried = Command::new(&program).output().expect("built");
        let told = String::from_utf8_lossy(&tried.stdout);
        assert!(tried.status.success() && told.ends_with("ways, all right\n"), "{how}: {told}");
    }
}
