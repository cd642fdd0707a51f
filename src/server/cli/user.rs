//! `user`: list, add, delete, passwd, email, disable, enable, admin.

use super::args::{OnOff, User};
use super::{account, failed, output, Failure, DONE};
use crate::server::clock;
use crate::server::password::{self, Memory};
use crate::server::store::{Account, Error, Id, Store};
use serde_json::json;
use std::io::{BufRead, IsTerminal};

/// In bytes; a request's head has 8 KiB.
const LONGEST_PASSWORD: usize = 1024;
/// As in the database.
const LONGEST_NAME: usize = 255;

pub(super) async fn run(command: User, store: &Store) -> Result<u8, Failure> {
    match command {
        User::List { json } => list(store, json).await?,
        User::Add { user, email, password_stdin } => add(store, user, email, password_stdin).await?,
        User::Delete { user } => delete(store, &user).await?,
        User::Passwd { user, password_stdin } => {
            let account = account(store, &user).await?;
            let hash = hash(&ask(password_stdin)?)?;
            changed(store.set_password_hash(account.id, &hash).await?, &user)?;
        }
        User::Email { user, email } => {
            check_email(&email)?;
            let account = account(store, &user).await?;
            changed(store.set_email(account.id, &email).await?, &user)?;
        }
        User::Disable { user } => disable(store, &user, true).await?,
        User::Enable { user } => disable(store, &user, false).await?,
        User::Admin { user, admin } => {
            let account = account(store, &user).await?;
            changed(store.set_admin(account.id, admin == OnOff::On).await?, &user)?;
        }
    }
    Ok(DONE)
}

/// `false`: deleted since it was read.
fn changed(found: bool, user: &str) -> Result<(), Failure> {
    match found {
        true => Ok(()),
        false => failed(format!("user '{}' does not exist", output::shown(user))),
    }
}

async fn list(store: &Store, json: bool) -> Result<(), Failure> {
    let accounts = store.accounts().await?;
    if json {
        let object = |account: &Account| json!({"user": account.name, "email": account.email, "disabled": account.disabled, "admin": account.admin});
        output::json(accounts.iter().map(object).collect());
        return Ok(());
    }
    let yes = |yes: bool| if yes { "yes" } else { "no" }.to_string();
    let row = |account: &Account| {
        vec![account.name.clone(), account.email.clone(), yes(account.disabled), yes(account.admin)]
    };
    output::table(&["USER", "EMAIL", "DISABLED", "ADMIN"], &accounts.iter().map(row).collect::<Vec<_>>());
    Ok(())
}

async fn add(store: &Store, user: String, email: String, password_stdin: bool) -> Result<(), Failure> {
    check_name(&user).map_err(|why| Failure::Wrong(format!("user '{}': {why}", output::shown(&user))))?;
    check_email(&email)?;
    // Before the password is typed twice for nothing.
    if store.account_by_name(&user).await?.is_some() {
        return failed(format!("user '{user}' exists already"));
    }
    let password_hash = hash(&ask(password_stdin)?)?;
    let created = clock::wall();
    let id = Id::new();
    let new = Account { id, name: user.clone(), email, password_hash, disabled: false, admin: false, created };
    match store.add_account(&new).await {
        Err(Error::Conflict(_)) => failed(format!("user '{user}' exists already")),
        other => Ok(other?),
    }
}

async fn delete(store: &Store, user: &str) -> Result<(), Failure> {
    let account = account(store, user).await?;
    match store.delete_account(account.id).await {
        Err(Error::Conflict(_)) => {
            let hosts = store.hosts_of_account(account.id).await?;
            let names: Vec<&str> = hosts.iter().take(5).map(|host| host.fqdn.as_str()).collect();
            let more = if hosts.len() > names.len() { ", …" } else { "" };
            let count = hosts.len();
            let names = names.join(", ");
            failed(format!("user '{user}' still has {count} hostnames ({names}{more}): delete these first"))
        }
        other => changed(other?, user),
    }
}

async fn disable(store: &Store, user: &str, disabled: bool) -> Result<(), Failure> {
    let account = account(store, user).await?;
    changed(store.set_disabled(account.id, disabled).await?, user)
}

/// A name that can be sent by HTTP Basic (RFC 7617 §2: no colon, no control characters).
pub(super) fn check_name(name: &str) -> Result<(), &'static str> {
    match name {
        "" => Err("the name is empty"),
        name if name.len() > LONGEST_NAME => Err("the name is longer than 255 bytes"),
        name if name.contains(':') => Err("a colon cannot be in a name: it ends the name in a login"),
        name if name.chars().any(|c| c.is_control() || c.is_whitespace()) => {
            Err("spaces and control characters cannot be in a name")
        }
        _ => Ok(()),
    }
}

pub(super) fn check_email(email: &str) -> Result<(), Failure> {
    match email.len() <= 320 && email.parse::<lettre::Address>().is_ok() {
        true => Ok(()),
        false => Err(Failure::Wrong(format!("'{}' is not a mail address", output::shown(email)))),
    }
}

/// The password: a line of the standard input, or asked for twice on the terminal.
fn ask(stdin: bool) -> Result<String, Failure> {
    let password = if stdin {
        let mut line = String::new();
        let read = std::io::stdin().lock().read_line(&mut line);
        read.map_err(|error| Failure::Failed(format!("the password cannot be read: {error}")))?;
        line.trim_end_matches(['\r', '\n']).to_string()
    } else if std::io::stdin().is_terminal() {
        let ask = |prompt| {
            let answer = rpassword::prompt_password(prompt);
            answer.map_err(|error| Failure::Failed(format!("the password cannot be read: {error}")))
        };
        let password = ask("Password: ")?;
        if ask("Password again: ")? != password {
            return failed("the passwords are not the same: nothing was changed");
        }
        password
    } else {
        let what = "no terminal to ask for the password: use --password-stdin and give it on the standard input";
        return Err(Failure::Wrong(what.to_string()));
    };
    match password.len() {
        0 => failed("the password is empty: nothing was changed"),
        1..=LONGEST_PASSWORD => Ok(password),
        _ => failed(format!("the password is longer than {LONGEST_PASSWORD} bytes: nothing was changed")),
    }
}

fn hash(password: &str) -> Result<String, Failure> {
    password::hash(password, &mut Memory::default()).map_err(Failure::Failed)
}
