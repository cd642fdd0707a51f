//! Cloudflare where a conversation would be too long: many hosts, and responses built to exhaust memory or time. All
//! other cases are in tests/conversations/cloudflare.

use crate::testbed::{runner, seconds, Canary, Ended, HttpServer, Reply, Request, Run, Scratch};
use homing::internals::json::{self, Json};

const TOKEN: &str = "cf-canary-t0ken";
/// Limit on resident memory, in KiB.
const MEMORY: u64 = 16 * 1024;

/// Writes a config with this many hosts.
fn write(scratch: &Scratch, server: &HttpServer, hosts: usize, address: &str) {
    let names: Vec<String> = (0..hosts).map(name).collect();
    let text = format!(
        "state = {dir}/lib/state.json\nhistory = {dir}/lib/history.log\nipv4 = here\n[detector:here]\nkind = fixed\n\
         address = {address}\n[dns]\nprovider = cloudflare\nurl = {}/v4\ntoken = {TOKEN}\nhosts = {}\n",
        server.url(),
        names.join(", "),
        dir = scratch.root().display()
    );
    scratch.folder("lib");
    scratch.write("homing.conf", &text, 0o600);
}

fn name(n: usize) -> String {
    format!("h{n}.example.com")
}

/// A record of maximum size: a comment as long as a free zone allows, and all other fields of the API.
fn record(n: usize, address: &str) -> String {
    format!(
        r#"{{"id":"{n:032}","name":"{}","type":"A","content":"{address}","proxiable":true,"proxied":false,"ttl":1,
        "settings":{{}},"meta":{{"auto_added":false}},"comment":"{}","tags":[],"created_on":"2014-01-01T05:20:00.12345Z",
        "modified_on":"2014-01-01T05:20:00.12345Z","comment_modified_on":"2024-01-01T05:20:00.12345Z"}}"#,
        name(n),
        "\u{fc}".repeat(100)
    )
}

fn good(result: &str, info: &str) -> Reply {
    Reply::ok(&format!(r#"{{"success":true,"errors":[],"messages":[],"result":{result},"result_info":{info}}}"#))
}

/// The operations of a kind in a batch.
fn operations(request: &Request, kind: &str) -> Vec<Json> {
    json::list(&json::parse(&request.text()).unwrap(), kind).to_vec()
}

/// An API that has records for the first `held` hosts and none for the others.
fn api(held: usize) -> HttpServer {
    HttpServer::new(move |request| {
        let page: usize = request.target.split_once("&page=").map_or(1, |(_, page)| page.parse().unwrap());
        if request.target.ends_with("/batch") {
            let content = |json: &Json| json::text(json, "content").unwrap().to_string();
            let patched = operations(request, "patches");
            let patched = patched.iter().map(|o| record(json::text(o, "id").unwrap().parse().unwrap(), &content(o)));
            let created = operations(request, "posts");
            let number = |o: &Json| json::text(o, "name").unwrap()[1..].split('.').next().unwrap().parse().unwrap();
            let created = created.iter().map(|o| record(number(o), &content(o)));
            let (patched, created): (Vec<_>, Vec<_>) = (patched.collect(), created.collect());
            return good(&format!(r#"{{"patches":[{}],"posts":[{}]}}"#, patched.join(","), created.join(",")), "null");
        }
        if request.target.contains("/dns_records") {
            let rows: Vec<_> = (0..held).skip((page - 1) * 200).take(200).map(|n| record(n, "192.0.2.1")).collect();
            let info = format!(r#"{{"page":{page},"total_pages":{},"total_count":{held}}}"#, held.div_ceil(200));
            return good(&format!("[{}]", rows.join(",")), &info);
        }
        good(r#"[{"id":"z1","name":"example.com","status":"active"}]"#, r#"{"total_pages":1,"total_count":1}"#)
    })
}

fn pass(scratch: &Scratch) -> Ended {
    let ended = Run::pass(scratch).measure_memory().go();
    Canary::new([TOKEN]).assert_silent(&ended, scratch, &["homing.conf"]);
    assert!(ended.peak.map_or(runner::emulated(), |peak| peak < MEMORY), "{:?} KiB", ended.peak);
    ended
}

/// The number of patches and posts in each batch since request `from`.
fn batches(server: &HttpServer, from: usize) -> Vec<(usize, usize)> {
    let asked = server.asked();
    let batches = asked[from..].iter().filter(|request| request.target.ends_with("/batch"));
    batches.map(|request| (operations(request, "patches").len(), operations(request, "posts").len())).collect()
}

#[test]
fn a_batch_has_at_most_200_operations() {
    let (scratch, server) = (Scratch::new(), api(300));
    write(&scratch, &server, 450, "198.41.0.4");
    let ended = pass(&scratch);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let asked: Vec<String> = server.asked().iter().map(|r| format!("{} {}", r.method, r.target)).collect();
    assert_eq!(
        asked,
        [
            "GET /v4/zones?per_page=50",
            "GET /v4/zones/z1/dns_records?per_page=200",
            "GET /v4/zones/z1/dns_records?per_page=200&page=2",
            "POST /v4/zones/z1/dns_records/batch",
            "POST /v4/zones/z1/dns_records/batch",
            "POST /v4/zones/z1/dns_records/batch",
        ]
    );
    assert_eq!(batches(&server, 0), [(200, 0), (100, 100), (0, 50)]);
    assert_eq!(ended.stdout.lines().filter(|line| line.contains("is now 198.41.0.4")).count(), 450);
}

#[test]
fn a_thousand_hosts_are_updated_in_five_requests() {
    let (scratch, server) = (Scratch::new(), api(1000));
    write(&scratch, &server, 1000, "198.41.0.4");
    assert_eq!(pass(&scratch).code, Some(0));
    assert_eq!(server.count(), 11, "one for the zones, five pages, five batches");
    let quiet = pass(&scratch);
    assert_eq!((quiet.code, quiet.stdout.as_str(), server.count()), (Some(0), "", 11));
    write(&scratch, &server, 1000, "193.0.14.129");
    let ended = pass(&scratch);
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    assert_eq!(batches(&server, 11), [(200, 0); 5]);
    assert_eq!(server.count(), 16);
    assert!(ended.took < seconds(8), "{:?}", ended.took);
    let ids: Vec<String> = server.asked()[11..].iter().flat_map(|r| operations(r, "patches")).map(id).collect();
    let all: std::collections::BTreeSet<&String> = ids.iter().collect();
    assert_eq!((ids.len(), all.len()), (1000, 1000), "each record once");
}

fn id(operation: Json) -> String {
    json::text(&operation, "id").unwrap().to_string()
}

/// The second of three batches is rejected as a whole: the others take effect, and its records are sent one by one.
#[test]
fn a_rejected_batch_does_not_stop_the_others() {
    let inner = api(450);
    let address = inner.address();
    let (scratch, server) = (
        Scratch::new(),
        HttpServer::new(move |request| {
            let bad = format!("{:032}", 207);
            let refused = r#"{"success":false,"errors":[{"code":9003,"message":"no"}],"messages":[],"result":null}"#;
            if request.text().contains(&bad) || request.target.ends_with(&bad) {
                return Reply::new(400, &[], refused);
            }
            match request.target.rsplit_once('/') {
                Some((_, id)) if request.method == "PATCH" => {
                    let content = json::parse(&request.text()).unwrap();
                    good(&record(id.parse().unwrap(), json::text(&content, "content").unwrap()), "null")
                }
                _ => ask(address, request),
            }
        }),
    );
    write(&scratch, &server, 450, "198.41.0.4");
    let ended = pass(&scratch);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert_eq!(batches(&server, 0), [(200, 0), (200, 0), (50, 0)]);
    assert_eq!(server.asked().iter().filter(|request| request.method == "PATCH").count(), 200);
    assert_eq!(ended.stdout.lines().count(), 449);
    assert!(ended.stderr.starts_with("h207.example.com: ") && ended.stderr.lines().count() == 1, "{}", ended.stderr);
}

/// Forwards a request.
fn ask(address: std::net::SocketAddr, request: &Request) -> Reply {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let head =
        format!("{} {} HTTP/1.1\r\nContent-Length: {}\r\n\r\n", request.method, request.target, request.body.len());
    stream.write_all(&[head.as_bytes(), &request.body].concat()).unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    Reply::raw(bytes)
}

/// Every request gets this response. The pass must report `word` and retry later, within the limits of memory and time.
fn hurts(answer: Reply, word: &str) {
    let (scratch, server) = (Scratch::new(), HttpServer::new(move |_| answer.clone()));
    write(&scratch, &server, 1, "198.41.0.4");
    let ended = pass(&scratch);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains(word), "{}", ended.stderr);
    assert!(ended.stderr.len() < 1000, "{} bytes reported", ended.stderr.len());
    assert!(ended.took < seconds(11), "{:?}", ended.took);
    assert_eq!(server.count(), 1, "no further request");
}

#[test]
fn a_response_of_300_kib_is_rejected() {
    hurts(good(&format!("[\"{}\"]", "x".repeat(300 * 1024)), "null"), "larger than 256 KiB");
}

#[test]
fn an_endless_response_is_rejected() {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n{\"success\":true,\"result\":[";
    hurts(Reply::raw(head).then_flood("{\"id\":\"z\"},".repeat(1000)), "larger than 256 KiB");
}

#[test]
fn deeply_nested_json_is_rejected() {
    let deep = |open: &str, close: &str, times| format!("{}1{}", open.repeat(times), close.repeat(times));
    for bomb in [deep("[", "]", 100_000), deep("{\"a\":", "}", 30_000), "[".repeat(250_000)] {
        hurts(Reply::ok(&format!("{{\"success\":true,\"result\":{bomb}}}")), "not an answer of Cloudflare's API");
    }
}

#[test]
fn many_small_json_values_need_little_memory() {
    let zeros = vec!["0"; 125_000].join(",");
    hurts(good(&format!("[{zeros}]"), "null"), "not what it should be");
}
