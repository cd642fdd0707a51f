//! `--detect`: every detector's answer side by side, what it means, and a section to paste. What a beginner runs
//! first, so it explains instead of only failing.

use crate::cli::output::{out, Report};
use crate::config::Config;
use crate::detect::{self, AllowedScopes, DetectError, Kind, NamedDetector};
use crate::net::http::Http;
use crate::pass::event::ExitCode;
use crate::settings::{Section, Settings};
use crate::sys::clock;
use crate::types::address::{self, Family};
use crate::types::json::Object;
use std::net::IpAddr;
use std::time::{Duration, Instant};

/// How long a router that nobody named may take.
const ROUTERS_TIME: Duration = Duration::from_secs(3);

/// What is looked at for the explanation may be an address of the home's.
const PRIVATE: AllowedScopes = AllowedScopes { private: true, teredo: false };

/// One detector's answer.
struct Row {
    name: String,
    family: Family,
    answer: Result<IpAddr, DetectError>,
    /// What the router says of itself, if it was asked.
    router: Option<IpAddr>,
    /// Milliseconds.
    took: u128,
    /// Looked at for the explanation only: the settings do not name it.
    aside: bool,
}

/// Asks and explains. `beginner`: there are no settings, so IPv6 is looked at too.
pub fn run(config: &Config, settings: &Settings, beginner: bool, http: &Http<'_>, report: &Report) {
    let mut rows = Vec::new();
    let mut own = [None, None];
    for family in Family::BOTH {
        let route = NamedDetector::aside("route", Kind::Route);
        let routed = look(&route, family, PRIVATE, true, http);
        own[family as usize] = routed.answer.as_ref().ok().copied();
        let six_works = family == Family::V6 && routed.answer.is_ok();
        let mut asked: Vec<&str> = Vec::new();
        for source in config.sources.iter().filter(|source| source.family == family) {
            // A beginner's IPv6 sources were added by us: without a route they can only time out.
            if beginner && family == Family::V6 && !six_works {
                continue;
            }
            for detector in &source.detectors {
                if !asked.contains(&detector.name.as_str()) {
                    asked.push(&detector.name);
                    rows.push(look(detector, family, source.leave, false, http));
                }
            }
        }
        let spare = config.spare.iter().filter(|(of, spare)| *of == family && !asked.contains(&spare.name.as_str()));
        rows.extend(spare.map(|(_, spare)| look(spare, family, PRIVATE, true, http)));
        // Behind a NAT the router knows more than we do; it is asked as a beginner would have to.
        let inside = own[family as usize].is_some_and(|own| address::not_public(own).is_some());
        if beginner && family == Family::V4 && inside {
            let http = http.until(http.context.request_deadline().min(Instant::now() + ROUTERS_TIME));
            let row = NamedDetector::router().map(|router| look(&router, family, PRIVATE, true, &http));
            rows.extend(row.filter(|row| row.router.is_some()));
        }
        if !asked.contains(&"route") {
            rows.push(routed);
        }
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0).max(8);
    if !report.json {
        out(&format!("{:width$}  family  {:>8}  answer", "detector", "time"));
    }
    for row in &rows {
        tell(row, width, report);
    }
    let found = rows.iter().any(|row| !row.aside && row.answer.is_ok());
    if !found {
        report.raise(ExitCode::Retry);
    }
    let meanings = meanings(&rows, own);
    if !report.json {
        out("");
    }
    for meaning in &meanings {
        out(&match report.json {
            true => Object::new().text("event", "meaning").text("text", meaning).end(),
            false => format!("- {meaning}"),
        });
    }
    // Whoever has a section needs none to begin with.
    if !report.json && found && config.targets.is_empty() && !settings.sections[1..].iter().any(is_target) {
        paste(&rows, settings);
    }
}

fn look(detector: &NamedDetector, family: Family, leave: AllowedScopes, aside: bool, http: &Http<'_>) -> Row {
    let from = Instant::now();
    let said = detect::learn(detector, family, leave, http);
    let router = said.as_ref().ok().copied().filter(|_| detector.is_gateway());
    let answer = said.and_then(|address| detect::judge(detector, address, leave));
    Row { name: detector.name.clone(), family, answer, router, took: from.elapsed().as_millis(), aside }
}

fn tell(row: &Row, width: usize, report: &Report) {
    if report.json {
        let object = Object::new().text("detector", &row.name).text("family", row.family.name());
        let object = match &row.answer {
            Ok(address) => object.text("address", &address.to_string()),
            Err(error) => object.text("error", &error.why),
        };
        return out(&object.number("ms", i64::try_from(row.took).unwrap_or(i64::MAX)).end());
    }
    let answer = match &row.answer {
        Ok(address) => address.to_string(),
        Err(error) => format!("- {}", error.why),
    };
    out(&format!("{:width$}  {}    {:>5} ms  {answer}", row.name, row.family, row.took));
}

fn is_target(section: &Section) -> bool {
    !section.name.contains(':')
}

/// What the answers mean together, in words. `own`: from which addresses the kernel would reach the Internet.
fn meanings(rows: &[Row], own: [Option<IpAddr>; 2]) -> Vec<String> {
    let mut meanings = Vec::new();
    if !clock::plausible(clock::now()) {
        let now = clock::stamp(clock::now());
        meanings
            .push(format!("this machine's clock reads {now}: certificates cannot be verified until it is set (NTP)"));
    }
    for family in Family::BOTH {
        let of = || rows.iter().filter(move |row| row.family == family);
        let mut seen: Vec<IpAddr> =
            of().filter(|row| !row.aside).filter_map(|row| row.answer.as_ref().ok()).copied().collect();
        seen.sort();
        seen.dedup();
        let public = seen.iter().find(|ip| address::not_public(**ip).is_none());
        match (public, own[family as usize]) {
            (Some(public), Some(own)) if own == *public => {
                meanings.push(format!("{family}: {public} is this machine's own: no NAT stands between"));
            }
            (Some(public), Some(own)) if address::is_carrier_nat(own) => meanings.push(format!(
                "{family}: this machine has {own}, and the web sees {public}: your provider shares that address among \
                 many customers (carrier-grade NAT, RFC 6598). Dynamic DNS cannot make you reachable there: ask for a \
                 public address, or use IPv6"
            )),
            (Some(public), Some(own)) if address::not_public(own).is_some() => meanings.push(format!(
                "{family}: this machine has {own} behind a router with {public}, as is usual at home. If the router's \
                 own page shows another address than {public}, your provider runs a NAT too and dynamic DNS cannot help"
            )),
            (Some(public), Some(own)) => {
                meanings.push(format!("{family}: the kernel would use {own}, and the web sees {public}"));
            }
            (Some(public), None) => meanings.push(format!("{family}: {public}")),
            (None, Some(own)) if address::is_carrier_nat(own) => meanings.push(format!(
                "{family}: this machine has {own}, an address that your provider shares among many customers \
                 (carrier-grade NAT, RFC 6598), and no detector told a public one. Dynamic DNS cannot make you \
                 reachable there: ask for a public address, or use IPv6"
            )),
            (None, Some(own)) if family == Family::V6 && address::not_public(own).is_some() => {
                meanings.push(format!(
                    "{family}: this machine has {own}, which is for the home only, and no public address: \
                     leave ipv6 = off until the router hands out one"
                ));
            }
            (None, Some(own)) if family == Family::V4 && of().any(|row| !row.aside) => {
                meanings.push(format!("{family}: this machine has {own}, and no detector told a public address"));
            }
            (None, Some(own)) if family == Family::V6 && of().any(|row| !row.aside) => {
                meanings.push(format!("{family}: this machine has {own}, and no detector told a public address"));
            }
            (None, Some(own)) if family == Family::V6 => {
                meanings.push(format!("{family}: this machine has {own}; set ipv6 = route or ipify to publish it"));
            }
            (None, Some(_)) => {}
            (None, None) => {
                meanings.push(format!("{family}: none: this machine has no {family} route to the Internet"))
            }
        }
        meanings.extend(of().find_map(|row| row.router).and_then(|router| of_router(family, router, public.copied())));
        if seen.len() > 1 {
            let all: Vec<String> = seen.iter().map(IpAddr::to_string).collect();
            meanings
                .push(format!("{family}: the detectors disagree: {} (a proxy or a VPN? see agree)", all.join(", ")));
        }
        if of().any(|row| row.answer.as_ref().is_err_and(|error| error.web_page)) {
            meanings.push(format!("{family}: a web page came where an address should be: a captive portal or proxy?"));
        }
    }
    meanings
}

/// What it means that the router has this address while the web sees that one.
fn of_router(family: Family, router: IpAddr, public: Option<IpAddr>) -> Option<String> {
    let (from_carrier, private) = (address::is_carrier_nat(router), address::not_public(router).is_some());
    Some(match public {
        _ if from_carrier => format!(
            "{family}: the router itself has {router}, an address that your provider shares among many customers \
             (carrier-grade NAT, RFC 6598). Dynamic DNS cannot make you reachable there: ask for a public address, or use IPv6"
        ),
        _ if private => format!(
            "{family}: the router itself has {router}: another router stands before it. Ports must be forwarded on both, \
             or the outer one be made a bridge"
        ),
        Some(public) if public != router => format!(
            "{family}: the router has {router} and the web sees {public}: a VPN, a proxy or a second line leads there"
        ),
        _ => return None,
    })
}

/// A section to begin with, and the detectors that it names and that are not built in.
fn paste(rows: &[Row], settings: &Settings) {
    out("\nTo begin, put this into /etc/homing.conf (chmod 600) and try homing --dry-run:\n");
    let mut own: Vec<&Section> = Vec::new();
    for family in Family::BOTH {
        let good = rows.iter().filter(|row| row.family == family && !row.aside && row.answer.is_ok());
        let good: Vec<&str> = good.map(|row| row.name.as_str()).collect();
        for section in good.iter().filter_map(|name| settings.section(&format!("detector:{name}"))) {
            if !own.contains(&section) {
                own.push(section);
            }
        }
        match good.is_empty() {
            true => out(&format!("{family} = off")),
            false => out(&format!("{family} = {}", good.join(", "))),
        }
    }
    for section in own {
        out(&format!("\n[{}]", section.name));
        for entry in &section.entries {
            match entry.quoted {
                true => {
                    let value = entry.value.replace('\\', "\\\\").replace('"', "\\\"");
                    out(&format!("{} = \"{value}\"", entry.key));
                }
                false => out(&format!("{} = {}", entry.key, entry.value)),
            }
        }
    }
    out("\n[home]");
    out("# or a service by its name, which needs no url: homing --list");
    out("provider = dyndns2");
    out("url = https://dyndns.example.com/nic/update");
    out("hosts = home.example.com");
    out("user = your-user");
    out("# the password in one line, chmod 600");
    out("password_file = /etc/homing/home.key");
}
