//! The files under packaging/server, and the demonstration.

use crate::world::{write, World};
use std::path::{Path, PathBuf};
use std::process::Command;

fn packaged(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("packaging/server").join(name)
}

/// Checks a configuration; what was wrong with it.
fn check(world: &World, text: &str) -> String {
    let file = world.dir.join("example.toml");
    write(&file, text, 0o640);
    let mut command = Command::new(env!("CARGO_BIN_EXE_homing-server"));
    let run = command.arg("--config").arg(&file).arg("--check").output().unwrap();
    String::from_utf8(run.stderr).unwrap()
}

#[test]
fn the_example_templates_are_correct() {
    let world = World::without_bind();
    let (change, expiry) = (packaged("change_notification.j2"), packaged("expiry_notification.j2"));
    let text = format!(
        "[database]\npath = \"{}/x.db\"\n[email]\nenabled = true\nsmtp_host = \"localhost\"\nfrom_address = \"a@b.example\"\n\
         change_notification_template = \"{}\"\nexpiry_notification_template = \"{}\"\n",
        world.dir.display(),
        change.display(),
        expiry.display()
    );
    assert_eq!(check(&world, &text), "");
}

#[test]
fn the_systemd_unit_exposes_little() {
    let unit = packaged("homing-server.service");
    let run = Command::new("systemd-analyze").args(["security", "--offline=yes"]).arg(unit).output().unwrap();
    let text = String::from_utf8(run.stdout).unwrap();
    let line = text.lines().find(|line| line.contains("Overall exposure level")).unwrap_or_else(|| panic!("{text}"));
    let level: f32 = line.split(':').nth(1).unwrap().split_whitespace().next().unwrap().parse().unwrap();
    assert!(level <= 1.5, "{line}");
}

#[test]
fn every_step_of_the_demonstration_is_as_it_should_be() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/demo-server");
    let programs = [env!("CARGO_BIN_EXE_homing"), env!("CARGO_BIN_EXE_homing-server")];
    let run = Command::new(script).args(programs).output().unwrap();
    assert!(run.status.success(), "{}{}", String::from_utf8_lossy(&run.stdout), String::from_utf8_lossy(&run.stderr));
}
