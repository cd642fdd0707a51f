//! `make demo`: a page, a name server and two DDNS services on loopback, and homing run step by step, with its output
//! and the requests that the servers saw. Exits with 1 if a step is not as expected. Needs no other programs.

#[allow(dead_code)]
#[path = "blackbox/world/dns.rs"]
mod dns;
#[allow(dead_code)]
#[path = "blackbox/world/http.rs"]
mod http;
#[allow(dead_code)]
#[path = "blackbox/world/scratch.rs"]
mod scratch;
#[path = "blackbox/world/stop.rs"]
mod stop;
#[allow(dead_code)]
#[path = "blackbox/world/tls.rs"]
mod tls;
#[allow(dead_code)]
#[path = "blackbox/world/udp.rs"]
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
struct World {
    address: Arc<Mutex<String>>,
    seen: Arc<Mutex<Vec<String>>>,
}

impl World {
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
        let world = self.clone();
        HttpServer::new(move |request| {
            world.answer("page", &format!("{} {}", request.method, request.target), &world.address())
        })
    }

    /// A name server like OpenDNS's.
    fn resolver(&self) -> DnsServer {
        let world = self.clone();
        DnsServer::new(move |query| {
            let address = world.address();
            world.note(format!("resolver   {} A?\n           <- {address}", query.name));
            vec![query.answer(&[Record::Address(address.parse::<IpAddr>().unwrap())])]
        })
    }

    /// A DDNS service where alice has an account, and the address it published for her.
    fn service(&self) -> HttpServer {
        let (world, published) = (self.clone(), Mutex::new(HashMap::new()));
        HttpServer::new(move |request| {
            let (host, address) = asked(request);
            let answer = match request.header("Authorization") {
                Some(ALICE) if published.lock().unwrap().insert(host, address.clone()).as_ref() == Some(&address) => {
                    format!("nochg {address}")
                }
                Some(ALICE) => format!("good {address}"),
                _ => "badauth".to_string(),
            };
            world.answer("service A", &told(request), &answer)
        })
    }

    /// A DDNS service without accounts.
    fn stranger(&self) -> HttpServer {
        let world = self.clone();
        HttpServer::new(move |request| world.answer("service B", &told(request), "badauth"))
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
fn told(request: &Request) -> String {
    let proof = if request.header("Authorization").is_some() { "\n           with user and password" } else { "" };
    format!("{} {}{proof}", request.method, request.target)
}

/// The user at the keyboard.
struct Person<'a> {
    homing: PathBuf,
    scratch: &'a Scratch,
    world: &'a World,
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

impl Person<'_> {
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
        let (said, trouble) = (String::from_utf8_lossy(&ended.stdout), String::from_utf8_lossy(&ended.stderr));
        let output = format!("{said}{trouble}");
        print!("{output}");
        let seen = std::mem::take(&mut *self.world.seen.lock().unwrap());
        println!("\nexit code {}; {}", ended.status.code().map_or("none".to_string(), |code| code.to_string()), {
            match (output.is_empty(), seen.is_empty()) {
                (true, _) => "it said nothing. The servers saw:",
                (false, true) => "the servers saw nothing.",
                (false, false) => "the servers saw:",
            }
        });
        seen.iter().for_each(|line| println!("  {}", line.replace('\n', "\n  ")));

        let mut must = |holds: bool, what: String| {
            if !holds {
                self.wrong += 1;
                println!("THIS IS NOT AS IT SHOULD BE: {what}");
            }
        };
        must(ended.status.code() == Some(expect.code), format!("the exit code should be {}", expect.code));
        must(!expect.output.is_empty() || output.is_empty(), "it should say nothing".to_string());
        for text in expect.output {
            must(output.contains(text), format!("it should say '{text}'"));
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
    let (world, scratch) = (World::default(), Scratch::new());
    let (page, resolver, service, stranger) = (world.page(), world.resolver(), world.service(), world.stranger());
    *world.address.lock().unwrap() = BEFORE.to_string();
    let mut person = Person { homing, scratch: &scratch, world: &world, steps: 0, wrong: 0 };

    println!("homing keeps a DNS name pointing home. Here it does so in a small world on");
    println!("127.0.0.1: a page and a name server tell our public address, service A and");
    println!("service B publish it. These are the settings, homing.conf (mode 600):");
    let own = format!(
        "ipv4 = ipify, opendns            # who tells our address; in order\n\
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
        "\n[detector:ipify]                 # in this world they are elsewhere\nurl = {}\n\
         [detector:opendns]\nserver = {}\n",
        page.url(),
        resolver.address()
    );
    person.write(&format!("{own}{detectors}"));

    person.step(
        "Which address do we have?",
        "Every detector is asked. The lines on \"route\" are about your own machine.",
        &["--detect"],
        &Expect { code: 0, output: &["ipify", "opendns", BEFORE], seen: [1, 1, 0, 0] },
    );
    person.step(
        "The first pass",
        "Nothing is known yet: the address is found, and both names are published.",
        &[],
        &Expect {
            code: 0,
            output: &["home.example.net: ipv4 is now 198.41.0.4", "cloud.example.net: ipv4 is now 198.41.0.4"],
            seen: [1, 0, 2, 0],
        },
    );
    person.step(
        "The next pass, as cron starts it: a quiet one",
        "Nothing has changed. One look at the address; service A is left alone.",
        &[],
        &Expect { code: 0, output: &[], seen: [1, 0, 0, 0] },
    );

    // So that the history has lines to print.
    std::thread::sleep(Duration::from_secs(2));
    *world.address.lock().unwrap() = AFTER.to_string();
    person.step(
        "The router was given another address",
        "Both names follow, with one request each.",
        &[],
        &Expect {
            code: 0,
            output: &["home.example.net: ipv4 is now 193.0.14.129 (was 198.41.0.4)", "cloud.example.net: ipv4 is now"],
            seen: [1, 0, 2, 0],
        },
    );

    println!("\nNow a second account comes to homing.conf, at service B, with an old password:");
    let work = format!(
        "\n[work]\nprovider = dyndns2\nurl = {}/nic/update\nhosts = office.example.org\nuser = alice\n\
         password = old-pass\n",
        stranger.url()
    );
    person.scratch.write("homing.conf", &format!("{own}{work}{detectors}"), 0o600);
    work.trim().lines().for_each(|line| println!("    {line}"));
    person.step(
        "A service refuses",
        "The person is told what to do; [home] is not held up by it.",
        &[],
        &Expect { code: 3, output: &["office.example.org: ipv4 refused", "badauth"], seen: [1, 0, 0, 1] },
    );
    person.step(
        "The next pass: a refusal is not repeated",
        "Asking again and again is what accounts are blocked for. The exit code still\n\
         tells that a person must act; the words come once a day.",
        &[],
        &Expect { code: 3, output: &[], seen: [1, 0, 0, 0] },
    );
    person.step(
        "How do things stand?",
        "From memory alone.",
        &["--status"],
        &Expect {
            code: 0,
            output: &["home.example.net", "193.0.14.129 since", "not published", "badauth", "last pass"],
            seen: [0, 0, 0, 0],
        },
    );
    person.step(
        "Which addresses did we have?",
        "From history.log, which holds one line an address.",
        &["--history"],
        &Expect { code: 0, output: &[BEFORE, AFTER, "1 change"], seen: [0, 0, 0, 0] },
    );

    println!();
    match person.wrong {
        0 => println!("All {} steps went as they should.", person.steps),
        wrong => println!("{wrong} things were not as they should be: look for THIS IS NOT above."),
    }
    ExitCode::from(u8::from(person.wrong > 0))
}
