//! TLS, signals, and the addresses that are listened on.

use crate::world::{free_port, World};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

/// A certificate for localhost that says this name, and its key.
fn certificate(dir: &Path, name: &str) {
    let file = |name: &str| dir.join(name).display().to_string();
    let subject = format!("/CN={name}");
    let run = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"])
        .args(["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-subj", &subject])
        .args(["-keyout", &file("key.pem"), "-out", &file("cert.pem")])
        .output()
        .unwrap();
    assert!(run.status.success(), "{run:?}");
    let mode = Command::new("chmod").args(["640", &file("key.pem")]).status().unwrap();
    assert!(mode.success());
}

/// What curl gets over HTTPS, trusting the certificate in the folder.
fn fetch(world: &World) -> String {
    let url = format!("https://localhost:{}/myip", world.port);
    let run = Command::new("curl").args(["-sS", "-4", "--cacert"]).arg(world.dir.join("cert.pem")).arg(url).output();
    let run = run.unwrap();
    String::from_utf8_lossy(&run.stdout).into_owned() + &String::from_utf8_lossy(&run.stderr)
}

#[test]
fn a_renewed_certificate_is_taken_on_sighup_and_a_broken_one_is_not() {
    let mut world = World::without_bind();
    let dir = world.dir.display().to_string();
    certificate(&world.dir, "first");
    world.daemon = format!("ssl = true\nssl_cert_file = \"{dir}/cert.pem\"\nssl_key_file = \"{dir}/key.pem\"\n");
    world.must(&["--init-db"]);
    world.start();
    assert_eq!(fetch(&world), "127.0.0.1\n");
    certificate(&world.dir, "second");
    assert_ne!(fetch(&world), "127.0.0.1\n", "not the certificate that is served");
    world.signal("HUP");
    let begun = Instant::now();
    while fetch(&world) != "127.0.0.1\n" {
        assert!(begun.elapsed() < Duration::from_secs(30), "{}", world.log());
    }
    let cert = std::fs::read(world.dir.join("cert.pem")).unwrap();
    std::fs::write(world.dir.join("cert.pem"), "nonsense").unwrap();
    world.signal("HUP");
    world.wait_for_log("ssl_cert_file");
    std::fs::write(world.dir.join("cert.pem"), cert).unwrap();
    assert_eq!(fetch(&world), "127.0.0.1\n", "the old one stays");
}

#[test]
fn a_client_without_tls_is_not_waited_for() {
    use std::io::{Read, Write};
    let mut world = World::without_bind();
    let dir = world.dir.display().to_string();
    certificate(&world.dir, "first");
    world.daemon = format!("ssl = true\nssl_cert_file = \"{dir}/cert.pem\"\nssl_key_file = \"{dir}/key.pem\"\n");
    world.must(&["--init-db"]);
    world.start();
    let begun = Instant::now();
    let (mut silent, mut plain) = (world.connect(), world.connect());
    plain.write_all(b"GET /myip HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut all = Vec::new();
    let _ = plain.read_to_end(&mut all);
    assert!(!String::from_utf8_lossy(&all).contains("HTTP/1.1 200"), "{all:?}");
    all.clear();
    let _ = silent.read_to_end(&mut all);
    assert!(all.is_empty() && begun.elapsed() < Duration::from_secs(30), "{all:?} {:?}", begun.elapsed());
}

#[test]
fn localhost_is_both_loopback_addresses() {
    let mut world = World::without_bind();
    world.host = "localhost".to_string();
    world.port = free_port();
    world.must(&["--init-db"]);
    world.start();
    assert_eq!(world.get("/myip", &[]).body, "127.0.0.1\n");
    match std::net::TcpListener::bind("[::1]:0") {
        Ok(_) => assert!(TcpStream::connect(("::1", world.port)).is_ok()),
        Err(_) => eprintln!("no ::1 here: left out that localhost is listened on over IPv6"),
    }
}

#[test]
fn a_port_in_use_is_an_error_with_its_name() {
    let mut world = World::without_bind();
    world.must(&["--init-db"]);
    world.start();
    let run = world.run_with(&["--daemon"], "");
    let said = String::from_utf8_lossy(&run.stderr).into_owned() + &String::from_utf8_lossy(&run.stdout);
    assert_eq!(run.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("port = {}", world.port)), "{said}");
}

#[test]
fn sigterm_ends_with_code_zero() {
    let mut world = World::ready();
    let _idle = world.connect();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.9").body, "good 9.9.9.9\n");
    world.signal("TERM");
    let begun = Instant::now();
    assert_eq!(world.wait(), Some(0));
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
}
