//! Tests of the test code itself, with a shell instead of homing.

use super::*;
use std::io::{Read, Write};
use std::net::{TcpStream, UdpSocket};
use std::path::PathBuf;
use std::time::Duration;

/// The response to these bytes.
fn exchange(server: &HttpServer, request: &str) -> String {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(request.as_bytes()).unwrap();
    let mut text = Vec::new();
    stream.read_to_end(&mut text).unwrap();
    String::from_utf8_lossy(&text).into_owned()
}

fn shell<'a>(scratch: &'a Scratch, script: &str) -> Run<'a> {
    Run::program(scratch, &["/bin/sh", "-c", script])
}

#[test]
fn the_http_server_records_requests_and_replies_in_order() {
    let server = HttpServer::replies([Reply::ok("one"), Reply::new(302, &[("Location", "/x")], "")]);
    let first = exchange(&server, "POST /a?b=c HTTP/1.1\r\nX-Y: z \r\nContent-Length: 2\r\n\r\nhi");
    assert!(first.starts_with("HTTP/1.1 200 ") && first.ends_with("\r\n\r\none"), "{first}");
    assert!(exchange(&server, "GET / HTTP/1.1\r\n\r\n").contains("\r\nLocation: /x\r\n"));
    assert!(exchange(&server, "GET / HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 500 "));
    let asked = server.asked();
    assert_eq!((asked[0].method.as_str(), asked[0].target.as_str()), ("POST", "/a?b=c"));
    assert_eq!((asked[0].header("x-y"), asked[0].text().as_str()), (Some("z"), "hi"));
    assert_eq!(server.count(), 3);
}

#[test]
fn replies_may_be_malformed() {
    let get = |reply: Reply| exchange(&HttpServer::replies([reply]), "GET / HTTP/1.1\r\n\r\n");
    let chunked = get(Reply::new(200, &[("Transfer-Encoding", "chunked")], "good"));
    assert!(chunked.ends_with("\r\n\r\n3\r\ngoo\r\n1\r\nd\r\n0\r\n\r\n"), "{chunked}");
    assert!(!chunked.contains("Content-Length"));
    assert_eq!(get(Reply::raw("no HTTP")), "no HTTP");
    assert_eq!(get(Reply::nothing()), "");
    assert_eq!(get(Reply::raw("a").then_drip("bc", Duration::from_millis(1))), "abc");
    assert!(!get(Reply::new(204, &[], "")).contains("Content-Length"));
}

#[test]
fn flooding_and_hanging_servers_end_with_their_test() {
    let server = HttpServer::on("[::1]:0", |request| match request.target.as_str() {
        "/flood" => Reply::raw("").then_flood([b'x'; 4096]),
        _ => Reply::raw("").then_hang(),
    });
    assert!(server.url().starts_with("http://[::1]:"));
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /flood HTTP/1.1\r\n\r\n").unwrap();
    let mut much = vec![0; 1 << 20];
    stream.read_exact(&mut much).unwrap();
    let mut hung = TcpStream::connect(server.address()).unwrap();
    hung.write_all(b"GET /hang HTTP/1.1\r\n\r\n").unwrap();
}

#[test]
fn the_dns_server_answers_the_question() {
    let server = DnsServer::always(vec![
        Record::Address("198.41.0.4".parse().unwrap()),
        Record::Address("2620:fe::fe".parse().unwrap()),
        Record::Text(vec!["hi".into()]),
    ]);
    let ask = |server: &DnsServer| {
        let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
        socket.connect(server.address()).unwrap();
        socket.send(b"\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x02my\x02ip\0\0\x01\0\x01").unwrap();
        let mut reply = [0; 512];
        let length = socket.recv(&mut reply).unwrap();
        reply[..length].to_vec()
    };
    let reply = ask(&server);
    assert_eq!(&reply[..12], b"\x12\x34\x85\x80\0\x01\0\x03\0\0\0\0");
    assert_eq!(&reply[12..23], b"\x02my\x02ip\0\0\x01\0\x01");
    assert_eq!(&reply[23..39], b"\xc0\x0c\0\x01\0\x01\0\0\0\0\0\x04\xc6\x29\0\x04");
    assert!(reply.ends_with(b"\0\x03\x02hi"));
    let asked = &server.asked()[0];
    assert_eq!((asked.name.as_str(), asked.kind, asked.class, server.count()), ("my.ip", 1, 1, 1));
    let failing = DnsServer::new(|query| vec![query.fail(3)]);
    assert_eq!(ask(&failing)[2..4], *b"\x85\x83");
}

#[test]
fn a_scratch_folder_is_private_and_removed() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let mode = |path: PathBuf| path.metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(scratch.root().to_path_buf()), 0o700);
    assert_eq!(mode(scratch.write("a/b.txt", "hello", 0o640)), 0o640);
    assert_eq!((scratch.read("a/b.txt").as_str(), scratch.read("none").as_str()), ("hello", ""));
    assert_eq!(scratch.files(), [(scratch.path("a/b.txt"), b"hello".to_vec())]);
    let root = scratch.root().to_path_buf();
    drop(scratch);
    assert_eq!(root.exists(), std::env::var_os("HOMING_KEEP").is_some());
}

#[test]
fn a_run_has_an_empty_environment_and_captures_all_output() {
    let scratch = Scratch::new();
    let ended = shell(&scratch, "env; pwd; echo bad >&2; exit 7").env("A", "b").go();
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(7), "bad\n"));
    let root = scratch.root().display().to_string();
    let mut lines: Vec<&str> = ended.stdout.lines().filter(|line| !line.starts_with("_=")).collect();
    assert_eq!(lines.pop(), Some(root.as_str()));
    let names = |line: &&str| line.split('=').next().unwrap().to_string();
    let mut names: Vec<String> = lines.iter().map(names).collect();
    names.sort();
    assert_eq!(names, ["A", "PATH", "PWD", "RUNTIME_DIRECTORY", "TZ"]);
    assert!(ended.stdout.contains(&format!("RUNTIME_DIRECTORY={root}/run\n")));
    assert!(ended.peak.is_none() && ended.trace.is_empty());
}

#[test]
#[should_panic(expected = "killed after")]
fn a_run_that_hangs_is_killed() {
    let scratch = Scratch::new();
    let limit = Duration::from_millis(100);
    shell(&scratch, "exec >&- 2>&-; while :; do :; done").limit(limit).go();
}

#[test]
fn peak_memory_is_measured() {
    if emulator_hides("the memory would be the emulator's") {
        return;
    }
    let scratch = Scratch::new();
    let script = "head -c 60000000 /dev/zero | tail -c 1; x=$(head -c 9000000 /dev/zero | tr '\\0' x); echo ${#x}";
    let peak = shell(&scratch, script).measure_memory().go().peak.unwrap();
    assert!((9_000..60_000).contains(&peak), "{peak}");
}

#[test]
fn the_wall_clock_is_set_and_the_monotonic_one_is_not() {
    let scratch = Scratch::new();
    let said = |run: Run<'_>| run.go().stdout;
    assert!(said(shell(&scratch, "date -u +%FT%T").at("1970-01-01 00:00:00")).starts_with("1970-01-01T00:00:0"));
    assert!(said(shell(&scratch, "date -u +%FT%T").at_noon_and(-86400)).starts_with("2026-11-19T12:00:0"));
}

#[test]
fn system_calls_are_traced() {
    let scratch = Scratch::new();
    let ended = shell(&scratch, "cat nothing/here").strace("openat").go();
    assert_eq!(ended.code, Some(1));
    assert!(ended.trace.iter().any(|line| line.contains("\"nothing/here\"") && line.contains("ENOENT")));
    assert!(!scratch.path("strace.out").exists());
}

#[test]
fn secrets_are_found_in_every_encoding() {
    let scratch = Scratch::new();
    let secret = "p@ss:w/rd%+&";
    let canary = Canary::new([secret, ""]);
    scratch.write("homing.conf", secret, 0o600);
    let quiet = shell(&scratch, "echo p@ss").go();
    canary.assert_silent(&quiet, &scratch, &["homing.conf"]);
    assert_eq!(canary.leaks(&quiet, &scratch, &[]).len(), 1);
    for user in ["a:", "al:", "ali:"] {
        let encoded = base64(format!("{user}{secret}!").as_bytes());
        let loud = shell(&scratch, &format!("echo {encoded}")).go();
        assert_eq!(canary.leaks(&loud, &scratch, &["homing.conf"]).len(), 1, "{encoded}");
    }
    for encoded in [secret.to_string(), percent(secret), percent(secret).to_lowercase()] {
        scratch.write("lib/log", &encoded, 0o600);
        assert_eq!(canary.leaks(&quiet, &scratch, &["homing.conf"]).len(), 1, "{encoded}");
    }
}

#[test]
fn base64_and_percent_encoding_are_correct() {
    for (text, encoded) in
        [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("alice:s3cret", "YWxpY2U6czNjcmV0")]
    {
        assert_eq!(base64(text.as_bytes()), encoded);
    }
    assert_eq!(percent("a-b_c.d~e /ü"), "a-b_c.d~e%20%2F%C3%BC");
}
