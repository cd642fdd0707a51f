//! `hostname`: list, add, modify, delete.

use super::args::{Hostname, Options};
use super::{account, failed, output, service, Failure, DONE};
use crate::server::clock::{self, Clock};
use crate::server::config::Config;
use crate::server::name;
use crate::server::store::{Error, Host, Id, Lifetime, Store};
use crate::server::zone::{Outcome, Zones};
use serde_json::json;
use std::collections::HashMap;
use std::net::Ipv6Addr;

const LONGEST_GROUP: usize = 64;
/// How often a hostname that clients update meanwhile is tried to be deleted.
const TRIES: usize = 5;

pub(super) async fn run(command: Hostname, store: &Store, config: &Config) -> Result<u8, Failure> {
    match command {
        Hostname::List { user, json } => list(store, user.as_deref(), json).await?,
        Hostname::Add { user, host, zone, options } => add(store, config, &user, &host, &zone, options).await?,
        Hostname::Modify { host, zone, options } => modify(store, &host, &zone, options).await?,
        Hostname::Delete { host, zone, keep_dns } => delete(store, config, &host, &zone, keep_dns).await?,
    }
    Ok(DONE)
}

async fn list(store: &Store, user: Option<&str>, json: bool) -> Result<(), Failure> {
    let hosts = match user {
        Some(user) => store.hosts_of_account(account(store, user).await?.id).await?,
        None => store.hosts().await?,
    };
    let users: HashMap<Id, String> = store.accounts().await?.into_iter().map(|one| (one.id, one.name)).collect();
    let user = |host: &Host| users.get(&host.account).cloned().unwrap_or_default();
    if json {
        let object = |host: &Host| {
            json!({
                "hostname": host.fqdn, "zone": host.zone, "user": user(host),
                "dns_ttl": host.dns_ttl, "expiry_ttl": host.expiry_ttl,
                "ipv4": host.have4.map(|address| address.to_string()),
                "ipv6": host.have6.map(|address| address.to_string()),
            })
        };
        output::json(hosts.iter().map(object).collect());
        return Ok(());
    }
    let address = |address: Option<String>| address.unwrap_or_else(|| "-".to_string());
    let row = |host: &Host| {
        vec![
            host.fqdn.clone(),
            host.zone.clone(),
            user(host),
            host.dns_ttl.to_string(),
            host.expiry_ttl.to_string(),
            address(host.have4.map(|address| address.to_string())),
            address(host.have6.map(|address| address.to_string())),
        ]
    };
    let head = ["HOSTNAME", "ZONE", "USER", "DNS TTL", "EXPIRY TTL", "IPV4", "IPV6"];
    output::table(&head, &hosts.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

/// The stored zone and FQDN of what was typed.
fn names(host: &str, zone: &str) -> Result<(String, String), Failure> {
    let wrong =
        |what: &str, text: &str, why: String| Failure::Wrong(format!("{what} '{}': {why}", output::shown(text)));
    let stored_zone = name::stored(zone).map_err(|why| wrong("zone", zone, why))?;
    if host == "@" {
        return Ok((stored_zone.clone(), stored_zone));
    }
    let given = format!("{host}.{stored_zone}");
    let fqdn = name::stored(&given).map_err(|why| wrong("hostname", &given, why))?;
    if fqdn.ends_with(&format!(".{stored_zone}.{stored_zone}")) {
        let why = "it has the zone already: give the part before it".to_string();
        return Err(wrong("hostname", host, why));
    }
    Ok((stored_zone, fqdn))
}

/// A suffix as it was typed: `none`, or an IPv6 address whose first bits do not matter.
pub(super) fn suffix(text: &str) -> Result<Option<Ipv6Addr>, Failure> {
    if text == "none" {
        return Ok(None);
    }
    match text.parse::<Ipv6Addr>() {
        Ok(suffix) if !suffix.is_unspecified() => Ok(Some(suffix)),
        _ => Err(Failure::Wrong(format!(
            "--ipv6-suffix: '{}' is not the host's part of an IPv6 address, such as ::1234 (or none)",
            output::shown(text)
        ))),
    }
}

/// A group as it was typed; empty for `none`.
pub(super) fn group(text: &str) -> Result<String, Failure> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match text {
        "none" => Ok(String::new()),
        text if !text.is_empty() && text.len() <= LONGEST_GROUP && text.chars().all(allowed) => Ok(text.to_string()),
        text => Err(Failure::Wrong(format!(
            "--group: '{}' is not a name of 1 to {LONGEST_GROUP} letters, digits, '-', '_' and '.'",
            output::shown(text)
        ))),
    }
}

/// A hostname for which nothing was published yet.
pub(super) fn fresh(account: Id, fqdn: String, zone: String, config: &crate::server::config::Defaults) -> Host {
    Host {
        id: Id::new(),
        account,
        fqdn,
        zone,
        dns_ttl: config.dns_ttl,
        expiry_ttl: config.expiry_ttl,
        ipv6_suffix: None,
        group: String::new(),
        want4: None,
        want6: None,
        rev: 0,
        want_at: 0,
        have4: None,
        have6: None,
        have_rev: 0,
        have_at: 0,
        settled: true,
        v4: Lifetime::default(),
        v6: Lifetime::default(),
        created: clock::wall(),
    }
}

fn apply(host: &mut Host, options: &Options) -> Result<(), Failure> {
    host.dns_ttl = options.dns_ttl.unwrap_or(host.dns_ttl);
    host.expiry_ttl = options.expiry_ttl.unwrap_or(host.expiry_ttl);
    if let Some(text) = &options.ipv6_suffix {
        host.ipv6_suffix = suffix(text)?;
    }
    if let Some(text) = &options.group {
        host.group = group(text)?;
    }
    Ok(())
}

async fn add(
    store: &Store,
    config: &Config,
    user: &str,
    host: &str,
    zone: &str,
    options: Options,
) -> Result<(), Failure> {
    let (zone, fqdn) = names(host, zone)?;
    let account = account(store, user).await?;
    let mut new = fresh(account.id, fqdn.clone(), zone, &config.defaults);
    apply(&mut new, &options)?;
    match store.add_host(&new).await {
        Err(Error::Conflict(_)) => failed(format!("hostname '{fqdn}' exists already")),
        other => Ok(other?),
    }
}

async fn find(store: &Store, host: &str, zone: &str) -> Result<Host, Failure> {
    let (zone, fqdn) = names(host, zone)?;
    match store.host_by_fqdn(&fqdn).await? {
        Some(found) if found.zone == zone => Ok(found),
        Some(found) => failed(format!("hostname '{fqdn}' is in zone '{}', not in '{zone}'", found.zone)),
        None => failed(format!("hostname '{fqdn}' does not exist")),
    }
}

async fn modify(store: &Store, host: &str, zone: &str, options: Options) -> Result<(), Failure> {
    let Options { dns_ttl, expiry_ttl, ipv6_suffix, group } = &options;
    if (dns_ttl, expiry_ttl, ipv6_suffix, group) == (&None, &None, &None, &None) {
        let what = "nothing to change: give --dns-ttl, --expiry-ttl, --ipv6-suffix or --group";
        return Err(Failure::Wrong(what.to_string()));
    }
    let mut found = find(store, host, zone).await?;
    apply(&mut found, &options)?;
    let now = Clock::fixed(store.heartbeat().await?.served).now();
    match store.modify_host(&found, now).await? {
        true => Ok(()),
        false => failed(format!("hostname '{}' does not exist", found.fqdn)),
    }
}

async fn delete(store: &Store, config: &Config, host: &str, zone: &str, keep_dns: bool) -> Result<(), Failure> {
    let first = find(store, host, zone).await?;
    let mut zones = None;
    let mut next = Some(first.clone());
    for _ in 0..TRIES {
        let Some(current) = next.take() else { return Ok(()) };
        let published = current.published() || !store.txt_of_host(current.id).await?.is_empty();
        if published && !keep_dns {
            if zones.is_none() {
                zones = Some(service::zones(store, config).await?);
            }
            if let Some(zones) = &zones {
                withdraw(zones, &current).await?;
            }
        }
        // The row as it is now: the removal of the records has changed it.
        let Some(now) = store.host_by_id(current.id).await? else { return Ok(()) };
        let withdrawn = keep_dns || (now.have4.is_none() && now.have6.is_none() && now.have_rev == now.rev);
        if withdrawn && store.delete_host(now.id, now.rev).await? {
            return Ok(());
        }
        next = Some(now);
    }
    failed(format!("hostname '{}' was not deleted: clients update it all the time; try again", first.fqdn))
}

/// Removes the records of a hostname that is to be deleted.
async fn withdraw(zones: &Zones, host: &Host) -> Result<(), Failure> {
    match zones.withdraw(host).await {
        Outcome::Done | Outcome::NoHost => Ok(()),
        Outcome::DnsError(why) | Outcome::Unknown(why) => failed(format!(
            "hostname '{}' was not deleted: its records could not be removed: {why} (--keep-dns deletes it and leaves \
             the records)",
            host.fqdn
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostname_is_typed_without_its_zone() {
        let fqdn = |host: &str, zone: &str| names(host, zone).map(|(_, fqdn)| fqdn).map_err(|_| ());
        assert_eq!(fqdn("MyPC", "Dyn.Example.").as_deref(), Ok("mypc.dyn.example"));
        assert_eq!(fqdn("a.b", "dyn.example").as_deref(), Ok("a.b.dyn.example"));
        assert_eq!(fqdn("@", "dyn.example").as_deref(), Ok("dyn.example"));
        assert_eq!(fqdn("*", "dyn.example").as_deref(), Ok("*.dyn.example"));
        assert_eq!(fqdn("b\u{fc}ro", "dyn.example").as_deref(), Ok("xn--bro-hoa.dyn.example"));
        for (host, zone) in [
            ("mypc.dyn.example", "dyn.example"),
            ("", "dyn.example"),
            ("a b", "dyn.example"),
            ("a..b", "dyn.example"),
            ("a\n", "dyn.example"),
            ("a", ""),
            (&"a".repeat(64), "dyn.example"),
            (&"a.".repeat(130), "dyn.example"),
        ] {
            assert_eq!(fqdn(host, zone), Err(()), "{host:?} {zone:?}");
        }
    }

    #[test]
    fn none_removes_a_suffix_and_a_group() {
        assert_eq!(suffix("none"), Ok(None));
        assert_eq!(suffix("::1234"), Ok(Some("::1234".parse().unwrap())));
        for text in ["", "::", "1234", "192.0.2.1", "::1234/64", "::1g"] {
            assert!(matches!(suffix(text), Err(Failure::Wrong(_))), "{text}");
        }
        assert_eq!(group("none").as_deref(), Ok(""));
        assert_eq!(group("home-1").as_deref(), Ok("home-1"));
        for text in ["", "a b", "a\n", &"a".repeat(65)] {
            assert!(matches!(group(text), Err(Failure::Wrong(_))), "{text}");
        }
    }
}
