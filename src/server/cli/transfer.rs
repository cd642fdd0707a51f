//! `export` and `import`: users, tokens and hostnames as JSON lines.

use super::hostname::{fresh, group, suffix};
use super::user::{check_email, check_name};
use super::{failed, output, Failure, DONE, FAILED};
use crate::server::clock;
use crate::server::config::Defaults;
use crate::server::store::{Account, Error, Host, Id, Store, Token};
use crate::server::{name, password};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// A line of the file.
#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(untagged)]
enum Line {
    Hostname(HostLine),
    Token(TokenLine),
    User(UserLine),
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct UserLine {
    user: String,
    email: String,
    password_hash: String,
    #[serde(default)]
    disabled: bool,
    #[serde(default)]
    admin: bool,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct TokenLine {
    /// In hexadecimal.
    token_sha256: String,
    user: String,
    #[serde(default)]
    label: String,
    #[serde(default)]
    hosts: Vec<String>,
    #[serde(default)]
    txt: bool,
}

#[derive(Serialize, Deserialize, PartialEq, Eq, Debug)]
#[serde(deny_unknown_fields)]
struct HostLine {
    hostname: String,
    zone: String,
    user: String,
    dns_ttl: Option<u32>,
    expiry_ttl: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ipv6_suffix: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    group: Option<String>,
}

/// What became of a line.
enum Fate {
    Added,
    /// It exists just so.
    Unchanged,
}

pub(super) async fn export(store: &Store) -> Result<u8, Failure> {
    let accounts = store.accounts().await?;
    let users: HashMap<Id, &str> = accounts.iter().map(|one| (one.id, one.name.as_str())).collect();
    let user = |id: Id| users.get(&id).copied().unwrap_or_default();
    let tokens = store.tokens().await?;
    let hosts = store.hosts().await?;
    let lines = accounts.iter().map(|account| Line::User(user_line(account)));
    let lines = lines.chain(hosts.iter().map(|host| Line::Hostname(host_line(host, user(host.account)))));
    let lines = lines.chain(tokens.iter().map(|token| Line::Token(token_line(token, user(token.account)))));
    for line in lines {
        output::line(&serde_json::to_string(&line).map_err(|error| Failure::Failed(error.to_string()))?);
    }
    Ok(DONE)
}

fn user_line(account: &Account) -> UserLine {
    UserLine {
        user: account.name.clone(),
        email: account.email.clone(),
        password_hash: account.password_hash.clone(),
        disabled: account.disabled,
        admin: account.admin,
    }
}

fn token_line(token: &Token, user: &str) -> TokenLine {
    TokenLine {
        token_sha256: token.digest.clone(),
        user: user.to_string(),
        label: token.label.clone(),
        hosts: token.hosts.clone(),
        txt: token.txt,
    }
}

fn host_line(host: &Host, user: &str) -> HostLine {
    HostLine {
        hostname: host.fqdn.clone(),
        zone: host.zone.clone(),
        user: user.to_string(),
        dns_ttl: Some(host.dns_ttl),
        expiry_ttl: Some(host.expiry_ttl),
        ipv6_suffix: host.ipv6_suffix.map(|suffix| suffix.to_string()),
        group: Some(host.group.clone()).filter(|group| !group.is_empty()),
    }
}

pub(super) async fn import(store: &Store, defaults: &Defaults, file: &Path) -> Result<u8, Failure> {
    let unreadable = |error: std::io::Error| Failure::Failed(format!("{}: cannot be read: {error}", file.display()));
    let lines: Box<dyn BufRead> = match file.as_os_str() == "-" {
        true => Box::new(BufReader::new(std::io::stdin())),
        false => Box::new(BufReader::new(std::fs::File::open(file).map_err(unreadable)?)),
    };
    let (mut added, mut unchanged, mut skipped) = (0, 0, 0);
    for (number, text) in lines.lines().enumerate() {
        let text = text.map_err(unreadable)?;
        if text.trim().is_empty() {
            continue;
        }
        match line(store, defaults, &text).await {
            Ok(Fate::Added) => added += 1,
            Ok(Fate::Unchanged) => unchanged += 1,
            Err(Failure::Failed(why) | Failure::Wrong(why)) => {
                skipped += 1;
                output::error(&format!("{}:{}: {why}", file.display(), number + 1));
            }
        }
    }
    output::line(&format!("added: {added}, unchanged: {unchanged}, skipped: {skipped}"));
    Ok(if skipped == 0 { DONE } else { FAILED })
}

async fn line(store: &Store, defaults: &Defaults, text: &str) -> Result<Fate, Failure> {
    // By its telling key, so that a mistake is reported for what the line is.
    let object: serde_json::Value = serde_json::from_str(text).map_err(not_json)?;
    if object.get("hostname").is_some() {
        return host(store, defaults, serde_json::from_value(object).map_err(not_json)?).await;
    }
    if object.get("token_sha256").is_some() {
        return token(store, serde_json::from_value(object).map_err(not_json)?).await;
    }
    user(store, serde_json::from_value(object).map_err(not_json)?).await
}

/// serde_json's text quotes no values but unknown names.
fn not_json(error: serde_json::Error) -> Failure {
    Failure::Failed(format!("not one of the objects that 'export' prints: {}", output::shown(&error.to_string())))
}

async fn user(store: &Store, line: UserLine) -> Result<Fate, Failure> {
    let shown = output::shown(&line.user);
    check_name(&line.user).map_err(|why| Failure::Failed(format!("user '{shown}': {why}")))?;
    check_email(&line.email)?;
    password::check(&line.password_hash)
        .map_err(|why| Failure::Failed(format!("user '{shown}': password_hash: {}", output::shown(&why))))?;
    if let Some(old) = store.account_by_name(&line.user).await? {
        return same(user_line(&old) == line, format!("user '{shown}'"));
    }
    let new = Account {
        id: Id::new(),
        name: line.user,
        email: line.email,
        password_hash: line.password_hash,
        disabled: line.disabled,
        admin: line.admin,
        created: clock::wall(),
    };
    added(store.add_account(&new).await, format!("user '{shown}'"))
}

async fn token(store: &Store, mut line: TokenLine) -> Result<Fate, Failure> {
    line.token_sha256.make_ascii_lowercase();
    if line.token_sha256.len() != 64 || !line.token_sha256.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return failed("token_sha256: 64 hexadecimal digits are expected");
    }
    let what = format!("token {}…", &line.token_sha256[..8]);
    let account = super::account(store, &line.user).await?;
    for host in &mut line.hosts {
        let stored = name::stored(host);
        *host = stored.map_err(|why| Failure::Failed(format!("hosts: '{}': {why}", output::shown(host))))?;
    }
    if let Some(old) = store.token_by_digest(&line.token_sha256).await? {
        return same(old.account == account.id && token_line(&old, &line.user) == line, what);
    }
    let new = Token {
        id: Id::new(),
        account: account.id,
        digest: line.token_sha256,
        label: line.label,
        hosts: line.hosts,
        txt: line.txt,
        created: clock::wall(),
    };
    added(store.add_token(&new).await, what)
}

async fn host(store: &Store, defaults: &Defaults, line: HostLine) -> Result<Fate, Failure> {
    let wrong = |what: &str, text: &str, why: &str| Failure::Failed(format!("{what} '{}': {why}", output::shown(text)));
    let zone = name::stored(&line.zone).map_err(|why| wrong("zone", &line.zone, &why))?;
    let fqdn = name::stored(&line.hostname).map_err(|why| wrong("hostname", &line.hostname, &why))?;
    if name::within(&fqdn, &zone).is_none() {
        return Err(wrong("hostname", &line.hostname, &format!("it is not in zone '{zone}'")));
    }
    let account = super::account(store, &line.user).await?;
    let mut new = fresh(account.id, fqdn.clone(), zone, defaults);
    for (key, given, to) in
        [("dns_ttl", line.dns_ttl, &mut new.dns_ttl), ("expiry_ttl", line.expiry_ttl, &mut new.expiry_ttl)]
    {
        if given.is_some_and(|seconds| i32::try_from(seconds).is_err()) {
            return Err(wrong("hostname", &fqdn, &format!("{key} is over 2147483647")));
        }
        *to = given.unwrap_or(*to);
    }
    new.ipv6_suffix = line.ipv6_suffix.as_deref().map_or(Ok(None), suffix)?;
    new.group = line.group.as_deref().map_or(Ok(String::new()), group)?;
    let what = format!("hostname '{fqdn}'");
    if let Some(old) = store.host_by_fqdn(&fqdn).await? {
        let line = |host: &Host| host_line(host, &line.user);
        return same(old.account == account.id && line(&old) == line(&new), what);
    }
    added(store.add_host(&new).await, what)
}

fn same(same: bool, what: String) -> Result<Fate, Failure> {
    match same {
        true => Ok(Fate::Unchanged),
        false => failed(format!("{what} exists with other values: skipped")),
    }
}

fn added(outcome: Result<(), Error>, what: String) -> Result<Fate, Failure> {
    match outcome {
        Ok(()) => Ok(Fate::Added),
        Err(Error::Conflict(_)) => failed(format!("{what} was added by somebody else meanwhile: skipped")),
        Err(error) => Err(error.into()),
    }
}
