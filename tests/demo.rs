//! `make demo`: a page, a name server and two DDNS services on loopback, and homing run step by step, with its output
//! and the requests that the servers saw. Exits with 1 if a step is not as expected. Needs no other programs.

#[allow(dead_code)]
#[path = "blackbox/testbed/dns.rs"]
mod dns;
#[allow(dead_code)]
#[path = "blackbox/testbed/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "blackbox/testbed/scratch.rs"]
mod scratch;
#[path = "blackbox/testbed/stop.rs"]
mod stop;
#[allow(dead_code)]
#[path = "blackbox/testbed/tls.rs"]
mod tls;
#[allow(dead_code)]
#[path = "blackbox/testbed/udp.rs"]
mod udp;

use dns::{DnsServer, Record};
use http::{HttpServer, Reply, Request};
use scratch::Scratch;
use std::collections::HashMap;
use std::net::IpAddr;
use std::path::PathBuf;
use std::process::{Command, ExitCode};
use std::sync::{Arc, Mutex};
use std::time::Duration;

const BEFORE: &str = "198.41.0.4";
const AFTER: &str = "193.0.14.129";
/// `alice:correct-horse`, as the first service expects it.
const ALICE: &str = "Basic YWxpY2U6Y29ycmVjdC1ob3JzZQ==";

/// What the servers share: the client's address, and the requests since the last look.
#[derive(Clone, Default)]
struct Servers {
    address: Arc<Mutex<String>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl Servers {
    fn address(&self) -> String {
        self.address.lock().unwrap().clone()
    }

    fn note(&self, line: String) {
        self.seen.lock().unwrap().push(line);
    }

    fn answer(&self, server: &str, asked: &str, answer: &str) -> Reply {
        self.note(format!("{server:<10} {asked}\n           <- {answer}"));
        Reply::ok(answer)
    }

    /// A page like api.ipify.org.
    fn page(&self) -> HttpServer {
        let servers = self.clone();
        HttpServer::new(move |request| {
            servers.answer("page", &format!("{} {}", request.method, request.target), &servers.address())
        })
    }

    /// A name server like OpenDNS's.
    fn resolver(&self) -> DnsServer {
        let servers = self.clone();
        DnsServer::new(move |query| {
            let address = servers.address();
            servers.note(format!("resolver   {} A?\n           <- {address}", query.name));
            vec![query.answer(&[Record::Address(address.parse::<IpAddr>().unwrap())])]
        })
    }

    /// A DDNS service where alice has an account, and the address it published for her.
    fn service(&self) -> HttpServer {
        let (servers, published) = (self.clone(), Mutex::new(HashMap::new()));
        HttpServer::new(move |request| {
            let (host, address) = asked(request);
            let answer = match request.header("Authorization") {
                Some(ALICE) if published.lock().unwrap().insert(host, address.clone()).as_ref() == Some(&address) => {
                    format!("nochg {address}")
                }
                Some(ALICE) => format!("good {address}"),
                _ => "badauth".to_string(),
            };
            servers.answer("service A", &described(request), &answer)
        })
    }

    /// A DDNS service without accounts.
    fn rejecting_service(&self) -> HttpServer {
        let servers = self.clone();
        HttpServer::new(move |request| servers.answer("service B", &described(request), "badauth"))
    }
}

/// The host and the address in an update.
fn asked(request: &Request) -> (String, String) {
    let query = request.target.split_once('?').map_or("", |(_, query)| query);
    let value = |name: &str| {
        let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
        pairs.filter(|(key, _)| *key == name).map(|(_, value)| value.to_string()).next().unwrap_or_default()
    };
    (value("hostname"), value("myip"))
}

/// A request in one line; credentials are named, not shown.
fn described(request: &Request) -> String {
    let proof = if request.header("Authorization").is_some() { "\n           with user and password" } else { "" };
    format!("{} {}{proof}", request.method, request.target)
}

/// The user at the keyboard.
struct User<'a> {
    homing: PathBuf,
    scratch: &'a Scratch,
    servers: &'a Servers,
    steps: usize,
    wrong: usize,
}

/// The expected result of a step.
struct Expect<'e> {
    code: i32,
    /// What its output must contain; an empty list means no output.
    output: &'e [&'e str],
    /// How often each server is asked: page, resolver, service A, service B.
    seen: [usize; 4],
}

impl User<'_> {
    fn step(&mut self, heading: &str, words: &str, args: &[&str], expect: &Expect<'_>) {
        self.steps += 1;
        println!("\n{}. {heading}", self.steps);
        println!("{}", "-".repeat(80));
        println!("{words}\n");
        println!("$ homing -c homing.conf{}", args.iter().map(|arg| format!(" {arg}")).collect::<String>());
        let mut command = Command::new(&self.homing);
        command.args(["-c", "homing.conf"]).args(args).current_dir(self.scratch.root());
        command.env_clear().env("RUNTIME_DIRECTORY", self.scratch.folder("run"));
        let ended = command.output().unwrap_or_else(|e| panic!("{}: {e}", self.homing.display()));
        let (stdout, stderr) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        let output = format!("{stdout}{stderr}");
        print!("{output}");
        let seen = std::mem::take(&mut *self.servers.seen.lock().unwrap());
        println!("\nexit code {}; {}", ended.status.code().map_or("none".to_string(), |code| code.to_string()), {
            match (output.is_empty(), seen.is_empty()) {
                (true, _) => "it printed nothing. The servers saw:",
                (false, true) => "the servers saw nothing.",
                (false, false) => "the servers saw:",
            }
        });
        seen.iter().for_each(|line| println!("  {}", line.replace('\n', "\n  ")));

        let mut must = |holds: bool, what: String| {
            if !holds {
                self.wrong += 1;
                println!("FAILED: {what}");
            }
        };
        must(ended.status.code() == Some(expect.code), format!("the exit code should be {}", expect.code));
        must(!expect.output.is_empty() || output.is_empty(), "it should print nothing".to_string());
        for text in expect.output {
            must(output.contains(text), format!("it should print '{text}'"));
        }
        for (server, count) in ["page", "resolver", "service A", "service B"].iter().zip(expect.seen) {
            let times = seen.iter().filter(|line| line.starts_with(server)).count();
            must(times == count, format!("{server} should be asked {count} times, and was {times} times"));
        }
        must(!output.contains("correct-horse") && !output.contains("old-pass"), "a password was printed".to_string());
    }

    fn write(&self, config: &str) {
        self.scratch.write("homing.conf", config, 0o600);
        println!();
        config.trim_end().lines().for_each(|line| println!("{}", format!("    {line}").trim_end()));
    }
}

fn main() -> ExitCode {
    let Some(homing) = std::env::args_os().nth(1).map(|path| PathBuf::from(path).canonicalize()) else {
        eprintln!("usage: demo PROGRAM");
        return ExitCode::from(2);
    };
    let homing = homing.expect("the program is there");
    let (servers, scratch) = (Servers::default(), Scratch::new());
    let (page, resolver, service, second_service) =
        (servers.page(), servers.resolver(), servers.service(), servers.rejecting_service());
    *servers.address.lock().unwrap() = BEFORE.to_string();
    let mut user = User { homing, scratch: &scratch, servers: &servers, steps: 0, wrong: 0 };

    println!("homing keeps DNS names up to date with your public address. Here it runs with");
    println!("servers on 127.0.0.1: a page and a name server return your address, service A and");
    println!("service B publish it. These are the settings, homing.conf (mode 600):");
    let own = format!(
        "ipv4 = ipify, opendns            # detectors, tried in order\n\
         history = history.log\n\
         state = state.json\n\
         \n\
         [home]                           # one account at one service\n\
         provider = dyndns2\n\
         url = {}/nic/update\n\
         hosts = home.example.net, cloud.example.net\n\
         user = alice\n\
         password = correct-horse\n",
        service.url()
    );
    let detectors = format!(
        "\n[detector:ipify]                 # replaced by the demo's servers\nurl = {}\n\
         [detector:opendns]\nserver = {}\n",
        page.url(),
        resolver.address()
    );
    user.write(&format!("{own}{detectors}"));

    user.step(
        "What is the public address?",
        "All detectors are queried. The lines about \"route\" describe your own machine.",
        &["--detect"],
        &Expect { code: 0, output: &["ipify", "opendns", BEFORE], seen: [1, 1, 0, 0] },
    );
    user.step(
        "The first pass",
        "Nothing is stored yet: the address is detected, and both hosts are updated.",
        &[],
        &Expect {
            code: 0,
            output: &["home.example.net: ipv4 is now 198.41.0.4", "cloud.example.net: ipv4 is now 198.41.0.4"],
            seen: [1, 0, 2, 0],
        },
    );
    user.step(
        "The next pass, as started by cron",
        "Nothing changed. The address is checked once; service A is not contacted.",
        &[],
        &Expect { code: 0, output: &[], seen: [1, 0, 0, 0] },
    );

    // So that the history has lines to print.
    std::thread::sleep(Duration::from_secs(2));
    *servers.address.lock().unwrap() = AFTER.to_string();
    user.step(
        "The router gets another address",
        "Both hosts are updated, with one request each.",
        &[],
        &Expect {
            code: 0,
            output: &["home.example.net: ipv4 is now 193.0.14.129 (was 198.41.0.4)", "cloud.example.net: ipv4 is now"],
            seen: [1, 0, 2, 0],
        },
    );

    println!("\nNow homing.conf gets a second account, at service B, with an old password:");
    let work = format!(
        "\n[work]\nprovider = dyndns2\nurl = {}/nic/update\nhosts = office.example.org\nuser = alice\n\
         password = old-pass\n",
        second_service.url()
    );
    user.scratch.write("homing.conf", &format!("{own}{work}{detectors}"), 0o600);
    work.trim().lines().for_each(|line| println!("    {line}"));
    user.step(
        "A service rejects an update",
        "homing reports what to do; [home] is not affected.",
        &[],
        &Expect { code: 3, output: &["office.example.org: ipv4 refused", "badauth"], seen: [1, 0, 0, 1] },
    );
    user.step(
        "The next pass: the rejected update is not sent again",
        "Services block accounts that repeat rejected updates. The exit code still shows\n\
         that the user has to act; the message is printed once a day.",
        &[],
        &Expect { code: 3, output: &[], seen: [1, 0, 0, 0] },
    );
    user.step(
        "What is the current state?",
        "From the state file, without contacting a server.",
        &["--status"],
        &Expect {
            code: 0,
            output: &["home.example.net", "193.0.14.129 since", "not published", "badauth", "last pass"],
            seen: [0, 0, 0, 0],
        },
    );
    user.step(
        "Which addresses were there?",
        "From history.log, which has one line per address.",
        &["--history"],
        &Expect { code: 0, output: &[BEFORE, AFTER, "1 change"], seen: [0, 0, 0, 0] },
    );

    println!();
    match user.wrong {
        0 => println!("All {} steps succeeded.", user.steps),
        wrong => println!("{wrong} checks failed: look for FAILED above."),
    }
    ExitCode::from(u8::from(user.wrong > 0))
}
