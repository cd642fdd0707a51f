//! `token`: add, list, delete.

use super::args::Token as Command;
use super::{account, failed, output, Failure, DONE};
use crate::server::clock;
use crate::server::name;
use crate::server::store::{Account, Id, Store, Token};
use crate::sys::os;
use crate::types::digest::{hex, sha256};
use serde_json::json;

/// What every token begins with, so that people and scanners know what it is.
const PREFIX: &str = "hs_";
/// 32 characters of 5 bits.
const BYTES: usize = 20;
const LONGEST_LABEL: usize = 255;

pub(super) async fn run(command: Command, store: &Store) -> Result<u8, Failure> {
    match command {
        Command::Add { user, host, txt, label } => add(store, &user, &host, txt, label).await?,
        Command::List { user, json } => list(store, &user, json).await?,
        Command::Delete { id } => {
            let found = match Id::parse(&id) {
                Some(id) => store.delete_token(id).await?,
                None => false,
            };
            if !found {
                return failed(format!("token '{}' does not exist: 'token list' shows the ids", output::shown(&id)));
            }
        }
    }
    Ok(DONE)
}

async fn add(store: &Store, user: &str, hosts: &[String], txt: bool, label: String) -> Result<(), Failure> {
    let account = account(store, user).await?;
    if label.len() > LONGEST_LABEL || label.chars().any(char::is_control) {
        let what = "--label: longer than 255 bytes, or with control characters";
        return Err(Failure::Wrong(what.to_string()));
    }
    let mut names = Vec::new();
    for host in hosts {
        let fqdn = own_host(store, &account, host).await?;
        if !names.contains(&fqdn) {
            names.push(fqdn);
        }
    }
    let text = new_text();
    let digest = hex(&sha256(&[text.as_bytes()]));
    let created = clock::wall();
    let new = Token { id: Id::new(), account: account.id, digest, label, hosts: names, txt, created };
    store.add_token(&new).await?;
    output::line(&text);
    Ok(())
}

/// The stored form of a hostname of this user.
async fn own_host(store: &Store, account: &Account, host: &str) -> Result<String, Failure> {
    let shown = output::shown(host);
    let fqdn = name::stored(host).map_err(|why| Failure::Wrong(format!("hostname '{shown}': {why}")))?;
    match store.host_by_fqdn(&fqdn).await? {
        Some(host) if host.account == account.id => Ok(fqdn),
        _ => failed(format!("hostname '{shown}' does not exist or belongs to another user than '{}'", account.name)),
    }
}

fn new_text() -> String {
    const DIGITS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let mut bytes = [0; BYTES];
    os::random(&mut bytes);
    let mut text = PREFIX.to_string();
    for five in bytes.chunks(5) {
        let bits = five.iter().fold(0u64, |bits, byte| bits << 8 | u64::from(*byte));
        text.extend((0..8).rev().map(|at| char::from(DIGITS[(bits >> (5 * at) & 31) as usize])));
    }
    text
}

async fn list(store: &Store, user: &str, json: bool) -> Result<(), Failure> {
    let account = account(store, user).await?;
    let tokens = store.tokens_of_account(account.id).await?;
    if json {
        let object = |token: &Token| json!({"id": token.id.to_string(), "label": token.label, "hosts": token.hosts, "txt": token.txt});
        output::json(tokens.iter().map(object).collect());
        return Ok(());
    }
    let row = |token: &Token| {
        let hosts = if token.hosts.is_empty() { "all".to_string() } else { token.hosts.join(",") };
        vec![token.id.to_string(), if token.txt { "txt" } else { "addresses" }.to_string(), hosts, token.label.clone()]
    };
    output::table(&["ID", "MAY SET", "HOSTS", "LABEL"], &tokens.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_160_random_bits() {
        let token = new_text();
        assert_eq!(token.len(), 35);
        let rest = token.strip_prefix("hs_").unwrap();
        assert!(rest.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'2'..=b'7')), "{token}");
        assert_ne!(token, new_text());
    }
}
