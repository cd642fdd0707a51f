//! Redirects are never followed, with or without credentials. minreq would follow a hundred and send Authorization
//! along.

use super::attack::{all, summary, Attack, BOTH, PASSWORD};
use crate::testbed::{percent, HttpServer, Pki, Reply, TlsBehaviour};

const CODES: [u16; 6] = [300, 301, 302, 303, 307, 308];

fn jobs() -> Vec<(u16, super::attack::Role)> {
    CODES.iter().flat_map(|code| BOTH.map(|role| (*code, role))).collect()
}

fn to(code: u16, place: &str) -> Reply {
    Reply::new(code, &[("Location", place)], "good 198.41.0.4")
}

#[test]
fn redirects_to_another_host_are_not_followed() {
    all(&jobs(), |(code, role)| {
        let second = HttpServer::new(|_| Reply::ok("198.41.0.4"));
        let place = format!("http://localhost:{}/x?password={}", second.address().port(), percent(PASSWORD));
        let code = *code;
        let first = HttpServer::new(move |_| to(code, &place));
        let attack = Attack::new(*role, &first.url(), "plain", "");
        let ended = attack.run().go();
        let mut wrong = attack.check_failed(&ended, &format!("HTTP {code}"));
        if !ended.stderr.contains(&format!("redirect to localhost:{}", second.address().port())) {
            wrong.push("the target is not reported".to_string());
        }
        if (first.count(), second.count()) != (1, 0) {
            wrong.push(format!("asked {} and {} times", first.count(), second.count()));
        }
        summary(&format!("{code} ({role:?})"), wrong, &ended)
    });
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs TLS")]
fn redirects_from_https_to_http_are_not_followed() {
    all(&jobs(), |(code, role)| {
        let second = HttpServer::new(|_| Reply::ok("198.41.0.4"));
        let (code, place) = (*code, second.url());
        let first = HttpServer::tls(&Pki::get().good, TlsBehaviour::Proper, move |_| to(code, &place));
        let attack = Attack::new(*role, &first.url(), "plain", "");
        attack.trust(&Pki::get().ca);
        let ended = attack.run().go();
        let mut wrong = attack.check_failed(&ended, &format!("HTTP {code}"));
        if (first.count(), second.count()) != (1, 0) {
            wrong.push(format!("asked {} and {} times", first.count(), second.count()));
        }
        summary(&format!("{code} ({role:?})"), wrong, &ended)
    });
}

#[test]
fn redirect_loops_are_not_followed() {
    let places = ["/", "", "?again", "//127.0.0.1/", "http://[::1", "/good 198.41.0.4"];
    let jobs: Vec<_> = places.iter().flat_map(|place| BOTH.map(|role| (*place, role))).collect();
    all(&jobs, |(place, role)| {
        let place = *place;
        let first = HttpServer::new(move |_| to(301, place));
        let attack = Attack::new(*role, &first.url(), "plain", "");
        let ended = attack.run().go();
        let mut wrong = attack.check_failed(&ended, "HTTP 301");
        if first.count() != 1 {
            wrong.push(format!("asked {} times", first.count()));
        }
        summary(&format!("{place:?} ({role:?})"), wrong, &ended)
    });
}
