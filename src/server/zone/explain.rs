//! What a name server's refusal means and what the operator can do, in one line.

use super::server::{Server, NXRRSET, REFUSED, YXDOMAIN, YXRRSET};
use crate::net::update_client::UpdateOutcome;
use crate::sys::clock;

/// Why updates of a zone fail, for the log. `name` is one of the names in the message.
pub fn refusal(outcome: &UpdateOutcome, server: &Server<'_>, name: &str) -> String {
    let code = match outcome.code_name() {
        Ok(code) => code,
        Err(why) => return format!("name server {}: {why}", server.shown),
    };
    let head = format!("name server {}, zone {}: {code}", server.shown, server.zone);
    let key = match &server.key {
        Some(key) => format!("the key {key}"),
        None => "an unsigned update".to_string(),
    };
    match outcome {
        UpdateOutcome::BadTime { server_clock } => format!(
            "{head}: our clock says {}, the name server's {}; set the wrong one",
            clock::stamp(clock::now()),
            clock::stamp(*server_clock)
        ),
        UpdateOutcome::TsigError { error: 16, .. } => {
            format!("{head}: the name server has another secret for {key}; compare the key files of both")
        }
        UpdateOutcome::TsigError { error: 17, .. } => format!(
            "{head}: the name server does not know {key}; compare the key's name and algorithm in the key files of both"
        ),
        UpdateOutcome::TsigError { .. } => {
            format!("{head}: the name server rejects the signature of {key}; compare the key files of both")
        }
        UpdateOutcome::Refused { verified: false, .. } => format!(
            "{head}, without a signature: the name server rejects {key}, or does not have the zone; compare the key's \
             name, algorithm and secret, the zone's name, and the clocks (ours says {})",
            clock::stamp(clock::now())
        ),
        UpdateOutcome::Refused { rcode, .. } => match *rcode {
            REFUSED => format!(
                "{head}: {key} may not change {name}; allow it in the name server (BIND: update-policy or \
                 allow-update), or name another key in [dns_service.zone_keys]"
            ),
            YXDOMAIN | YXRRSET => format!(
                "{head}: {name} is an alias (CNAME), and no address can be beside it; remove the CNAME or delete the \
                 hostname"
            ),
            NXRRSET => format!("{head}: {name} has other records than expected"),
            4 => format!("{head}: the name server takes no updates; check dns_server and dns_port"),
            9 => format!("{head}: the name server is not the primary of the zone; check the zone's name and dns_server"),
            10 => format!("{head}: {name} is not in the zone; delete the hostname and add it with its zone"),
            2 => format!("{head}: the name server could not do it; its log says why (often a zone file or folder that it may not write)"),
            _ => head,
        },
        _ => head,
    }
}
