//! A database for one test: SQLite in a folder of its own, or, where `HOMING_TEST_MARIADB` names a MariaDB server
//! (`mysql://root@localhost/?socket=…`), a new database there.

use super::{Account, Host, Id, Lifetime, Store};
use crate::server::config::{Database, MariaDb};
use crate::types::secret::Secret;
use sqlx::Connection;
use std::path::PathBuf;

/// A folder that is removed at the end of the test.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        let path = std::env::temp_dir().join(format!("homing-server-{}", Id::new()));
        std::fs::create_dir(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An empty database, opened, and what it lives in.
pub(crate) async fn store() -> (Store, Folder) {
    let folder = Folder::new();
    let store = Store::open(&database(&folder).await).await.unwrap();
    (store, folder)
}

/// Where an empty database is to be.
pub(crate) async fn database(folder: &Folder) -> Database {
    let Ok(server) = std::env::var("HOMING_TEST_MARIADB") else {
        return Database::Sqlite { path: folder.0.join("server.db") };
    };
    sqlx::any::install_default_drivers();
    let name = format!("test_{}", Id::new());
    let mut connection = sqlx::AnyConnection::connect(&server).await.unwrap();
    let create = sqlx::AssertSqlSafe(format!("CREATE DATABASE {name}"));
    sqlx::query(create).execute(&mut connection).await.unwrap();
    Database::MariaDb(MariaDb { url: Secret::new(&server.replacen("/?", &format!("/{name}?"), 1)) })
}

pub(crate) fn account(name: &str) -> Account {
    Account {
        id: Id::new(),
        name: name.to_string(),
        email: format!("{name}@example.org"),
        password_hash: "$argon2id$none".to_string(),
        disabled: false,
        admin: false,
        created: 1,
    }
}

pub(crate) fn host(account: &Account, fqdn: &str) -> Host {
    Host {
        id: Id::new(),
        account: account.id,
        fqdn: fqdn.to_string(),
        zone: fqdn.split_once('.').unwrap().1.to_string(),
        dns_ttl: 60,
        expiry_ttl: 3600,
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
        created: 1,
    }
}
