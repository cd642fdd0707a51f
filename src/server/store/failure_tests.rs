//! Tests: migrations, and a database that does not answer, breaks off or is full.

use super::testing::{account, database, Folder};
use super::*;
use crate::server::config::{Database, MariaDb};
use crate::types::secret::Secret;
use std::time::Instant;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// A next version as it could be.
const NEXT: &[&str] = &[
    "ALTER TABLE account ADD COLUMN note VARCHAR(10) NOT NULL DEFAULT 'new'",
    "CREATE INDEX IF NOT EXISTS host_zone ON host (zone)",
];
/// A next version with a mistake in its second statement.
const BROKEN: &[&str] = &[NEXT[0], "UPDATE nothing SET nothing = 1"];

fn steps(next: &'static [&'static str]) -> Vec<&'static [&'static str]> {
    let mut steps = schema::STEPS.to_vec();
    steps.push(next);
    steps
}

async fn notes(store: &Store) -> Vec<String> {
    let rows = store.rows("SELECT note FROM account ORDER BY name", vec![]).await.unwrap();
    statement::all(&rows, |row| row.text("note")).unwrap()
}

#[tokio::test]
async fn a_copy_is_kept_before_a_migration() {
    let folder = Folder::new();
    let database = database(&folder).await;
    let old = Store::open(&database).await.unwrap();
    old.add_account(&account("alice")).await.unwrap();
    old.close().await;

    // A step that fails changes nothing that matters, and runs again.
    let failed = Store::open_at(&database, &steps(BROKEN)).await;
    assert!(failed.is_err());
    let again = Store::open(&database).await.unwrap();
    assert!(again.account_by_name("alice").await.unwrap().is_some());
    again.close().await;

    let version = schema::STEPS.len();
    let new = Store::open_at(&database, &steps(NEXT)).await.unwrap();
    assert_eq!(notes(&new).await, ["new"]);
    new.add_account(&account("bob")).await.unwrap();
    new.close().await;
    // An older program leaves it alone.
    let refused = Store::open(&database).await.err().unwrap();
    assert!(matches!(&refused, Error::Unusable(why) if why.contains("newer homing-server")), "{refused}");

    match &database {
        Database::Sqlite { path } => {
            let copy = path.with_file_name(format!("server.db.v{version}"));
            let copy = Store::open(&Database::Sqlite { path: copy }).await.unwrap();
            let names: Vec<String> = copy.accounts().await.unwrap().into_iter().map(|account| account.name).collect();
            assert_eq!(names, ["alice"]);
            copy.close().await;
        }
        Database::MariaDb(_) => {
            let new = Store::open_at(&database, &steps(NEXT)).await.unwrap();
            assert_eq!(version, 1, "the table's name below");
            let rows = new.rows("SELECT name FROM account_v1", vec![]).await.unwrap();
            assert_eq!(statement::all(&rows, |row| row.text("name")), Ok(vec!["alice".to_string()]));
        }
    }
}

#[tokio::test]
async fn many_processes_create_the_tables_at_once() {
    let folder = Folder::new();
    let database = database(&folder).await;
    let open = |_| {
        let database = database.clone();
        tokio::spawn(async move { Store::open_at(&database, &steps(NEXT)).await.map(drop) })
    };
    let tasks: Vec<_> = (0..8).map(open).collect();
    for task in tasks {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
}

#[tokio::test]
async fn a_full_disk_is_reported_as_such() {
    let folder = Folder::new();
    let Database::Sqlite { path } = database(&folder).await else { return };
    let store = Store::open(&Database::Sqlite { path }).await.unwrap();
    // SQLite's own limit has the same result code as a full disk.
    store.write("PRAGMA max_page_count = 1", vec![]).await.unwrap();
    let mut outcome = Ok(());
    for n in 0..1000 {
        outcome = store.add_account(&account(&format!("user-{n}-{}", "x".repeat(200)))).await;
        if outcome.is_err() {
            break;
        }
    }
    assert!(matches!(outcome, Err(Error::DiskFull(_))), "{outcome:?}");
    assert!(store.ping().await.is_ok());
    store.write("PRAGMA max_page_count = 4294967294", vec![]).await.unwrap();
    store.add_account(&account("later")).await.unwrap();
}

/// A request with this text arrives and is carried out; then its connection ends.
const BREAK: &str = "connection-breaks";
/// A request with this text arrives and is carried out; its answer never comes.
const MUTE: &str = "no-answer";

/// A socket in front of MariaDB's.
async fn proxy(listener: UnixListener, server: String) {
    while let Ok((client, _)) = listener.accept().await {
        let Ok(server) = UnixStream::connect(&server).await else { return };
        tokio::spawn(relay(client, server));
    }
}

async fn relay(mut client: UnixStream, mut server: UnixStream) {
    let (mut request, mut answer) = ([0; 4096], [0; 4096]);
    loop {
        tokio::select! {
            length = client.read(&mut request) => {
                let Ok(length @ 1..) = length else { return };
                let request = &request[..length];
                server.write_all(request).await.unwrap();
                let asks = |text: &str| request.windows(text.len()).any(|part| part == text.as_bytes());
                if asks(BREAK) || asks(MUTE) {
                    // The answer shows that it was carried out.
                    server.readable().await.unwrap();
                    if asks(MUTE) {
                        std::future::pending::<()>().await;
                    }
                    return;
                }
            }
            length = server.read(&mut answer) => {
                let Ok(length @ 1..) = length else { return };
                if client.write_all(&answer[..length]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test]
async fn an_answer_that_does_not_come_leaves_the_outcome_unknown() {
    let folder = Folder::new();
    let Database::MariaDb(server) = database(&folder).await else {
        eprintln!("NOT TESTED: needs MariaDB (tests/server/with-mariadb)");
        return;
    };
    let (head, socket) = server.url.expose().split_once("?socket=").unwrap();
    let own = folder.0.join("socket");
    tokio::spawn(proxy(UnixListener::bind(&own).unwrap(), socket.to_string()));
    let url = Secret::new(&format!("{head}?socket={}", own.display()));
    let store = Store::open(&Database::MariaDb(MariaDb { url })).await.unwrap();
    let direct = Store::open(&Database::MariaDb(server.clone())).await.unwrap();
    store.add_account(&account("before")).await.unwrap();

    let broken = store.add_account(&account(BREAK)).await;
    assert!(matches!(broken, Err(Error::Unknown(_))), "{broken:?}");
    assert!(direct.account_by_name(BREAK).await.unwrap().is_some(), "it was done all the same");
    let broken = store.account_by_name(BREAK).await;
    assert!(matches!(broken, Err(Error::Unavailable(_))), "{broken:?}");

    let begun = Instant::now();
    let muted = account(MUTE);
    let (write, read) = tokio::join!(store.add_account(&muted), store.account_by_name(MUTE));
    assert!(matches!(write, Err(Error::Unknown(_))), "{write:?}");
    assert!(matches!(read, Err(Error::Unavailable(_))), "{read:?}");
    assert!(begun.elapsed() < DEADLINE * 2, "{:?}", begun.elapsed());
    assert!(direct.account_by_name(MUTE).await.unwrap().is_some(), "it was done all the same");
    // A connection with an answer that is still to come is not used again.
    for _ in 0..20 {
        assert_eq!(store.accounts().await.unwrap().len(), 3);
    }
}
