//! What the rest of the server relies on, on the database that the tests run with.

use super::testing::{account, database, host, store, Folder};
use super::*;
use std::net::{Ipv4Addr, Ipv6Addr};

const V4: Families = Families { v4: true, v6: false };
const NONE: Families = Families { v4: false, v6: false };

fn ip4(last: u8) -> Option<Ipv4Addr> {
    Some(Ipv4Addr::new(192, 0, 2, last))
}

fn ip6(last: u16) -> Option<Ipv6Addr> {
    Some(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, last))
}

fn at(time: i64) -> Moment {
    Moment { wall: 1_000_000 + time, served: time }
}

fn want(host: &Host, rev: i64, ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) -> Want {
    Want { host: host.id, rev, ipv4, ipv6, expire: None }
}

fn have(host: &Host, rev: i64, ipv4: Option<Ipv4Addr>, ipv6: Option<Ipv6Addr>) -> Have {
    let seen = Families { v4: ipv4.is_some(), v6: ipv6.is_some() };
    Have { host: host.id, rev, ipv4, ipv6, settle: Settle::IfInOrder, seen, expired: NONE, mail: None }
}

/// A store with one user and one host.
async fn with_host() -> (Store, Folder, Host) {
    let (store, folder) = store().await;
    let alice = account("alice");
    store.add_account(&alice).await.unwrap();
    let host = host(&alice, "home.dyn.example");
    store.add_host(&host).await.unwrap();
    (store, folder, host)
}

async fn read(store: &Store, host: &Host) -> Host {
    store.host_by_id(host.id).await.unwrap().unwrap()
}

#[tokio::test]
async fn rows_come_back_as_they_were_added() {
    let (store, _folder) = store().await;
    let mut alice = account("alice");
    alice.disabled = true;
    store.add_account(&alice).await.unwrap();
    assert_eq!(store.account_by_name("alice").await, Ok(Some(alice.clone())));
    assert_eq!(store.account_by_id(alice.id).await, Ok(Some(alice.clone())));
    for other in ["Alice", "alice ", "\u{e1}lice"] {
        assert_eq!(store.account_by_name(other).await, Ok(None), "{other:?}");
        store.add_account(&account(other)).await.unwrap();
    }
    let mut home = host(&alice, "home.dyn.example");
    home.ipv6_suffix = Some("::1234".parse().unwrap());
    home.group = "lan".to_string();
    (home.want4, home.have6, home.rev, home.settled) = (ip4(1), ip6(1), 7, false);
    home.v6 = Lifetime { seen: 1, changed: 2, expired: 3, due: 4 };
    store.add_host(&home).await.unwrap();
    assert_eq!(store.host_by_fqdn("home.dyn.example").await, Ok(Some(home.clone())));
    assert_eq!(store.hosts_of_group(alice.id, "lan").await, Ok(vec![home.clone()]));
    assert_eq!(store.hosts_of_group(alice.id, "").await, Ok(vec![]));
    assert_eq!(store.hosts_of_zone("dyn.example").await, Ok(vec![home.clone()]));
    let token = Token {
        id: Id::new(),
        account: alice.id,
        digest: "0a".repeat(32),
        label: "router".to_string(),
        hosts: vec!["home.dyn.example".to_string(), "nas.dyn.example".to_string()],
        txt: true,
        created: 9,
    };
    store.add_token(&token).await.unwrap();
    assert_eq!(store.token_by_digest(&token.digest).await, Ok(Some(token.clone())));
    assert!(matches!(store.add_token(&Token { id: Id::new(), ..token.clone() }).await, Err(Error::Conflict(_))));
    // A user with hostnames stays; then tokens go with the user.
    assert!(matches!(store.delete_account(alice.id).await, Err(Error::Conflict(_))));
    assert_eq!(store.delete_host(home.id, 6).await, Ok(false));
    assert_eq!(store.delete_host(home.id, 7).await, Ok(true));
    assert_eq!(store.delete_account(alice.id).await, Ok(true));
    assert_eq!(store.tokens().await, Ok(vec![]));
}

#[tokio::test]
async fn a_name_exists_once() {
    let (store, _folder, home) = with_host().await;
    let taken = store.add_host(&Host { id: Id::new(), ..home.clone() }).await;
    assert!(matches!(taken, Err(Error::Conflict(_))), "{taken:?}");
    let orphan = host(&account("nobody"), "other.dyn.example");
    assert!(matches!(store.add_host(&orphan).await, Err(Error::Conflict(_))));
    assert!(matches!(store.add_account(&account("alice")).await, Err(Error::Conflict(_))));
}

#[tokio::test]
async fn a_want_is_confirmed_in_order() {
    let (store, _folder, home) = with_host().await;
    assert_eq!(store.set_want(&[want(&home, 0, ip4(1), ip6(1))], at(10)).await, Ok(vec![Some(1)]));
    // The same decision again is overtaken.
    assert_eq!(store.set_want(&[want(&home, 0, ip4(2), None)], at(11)).await, Ok(vec![None]));
    let row = read(&store, &home).await;
    assert_eq!((row.want4, row.want6, row.rev, row.have_rev, row.confirmed()), (ip4(1), ip6(1), 1, 0, false));
    assert_eq!(store.touch_seen(home.id, 1, V4, at(12)).await, Ok(false), "nochg before it is confirmed");
    assert_eq!(store.unconfirmed(at(9).wall, 10).await, Ok(vec![]));
    assert_eq!(store.unconfirmed(at(10).wall, 10).await.unwrap().len(), 1);

    assert_eq!(store.set_have(&[have(&home, 1, ip4(1), ip6(1))], at(20)).await, Ok(vec![true]));
    let row = read(&store, &home).await;
    assert!(row.confirmed());
    let expected = Lifetime { seen: at(20).wall, changed: at(20).wall, expired: 0, due: 20 + 3_600_000 };
    assert_eq!((row.have4, row.v4, row.v6), (ip4(1), expected, expected));
    assert_eq!(store.unconfirmed(at(99).wall, 10).await, Ok(vec![]));

    // nochg renews what it names and nothing else.
    assert_eq!(store.touch_seen(home.id, 1, V4, at(30)).await, Ok(true));
    let row = read(&store, &home).await;
    assert_eq!(row.v4, Lifetime { seen: at(30).wall, due: 30 + 3_600_000, ..expected });
    assert_eq!(row.v6, expected);

    // An overtaken have changes nothing.
    store.set_want(&[want(&home, 1, ip4(2), ip6(1))], at(40)).await.unwrap();
    assert_eq!(store.set_have(&[have(&home, 1, ip4(1), ip6(1))], at(41)).await, Ok(vec![false]));
    assert_eq!(store.set_have(&[have(&home, 2, ip4(2), ip6(1))], at(42)).await, Ok(vec![true]));
    let row = read(&store, &home).await;
    assert_eq!((row.have4, row.v4.changed, row.v6.changed), (ip4(2), at(42).wall, expected.changed));
}

#[tokio::test]
async fn a_skipped_rev_leaves_the_row_unsettled() {
    let (store, _folder, home) = with_host().await;
    store.set_want(&[want(&home, 0, ip4(1), None)], at(1)).await.unwrap();
    store.set_want(&[want(&home, 1, ip4(2), None)], at(2)).await.unwrap();
    store.set_have(&[have(&home, 2, ip4(2), None)], at(3)).await.unwrap();
    let row = read(&store, &home).await;
    assert!(!row.settled && !row.confirmed() && row.have_rev == 2);
    assert_eq!(store.touch_seen(home.id, 2, V4, at(4)).await, Ok(false));
    assert_eq!(store.unsettled(at(2).wall, 10).await, Ok(vec![]));
    assert_eq!(store.unsettled(at(3).wall, 10).await.unwrap().len(), 1);
    // Confirmed in order, it stays unsettled until somebody knows better.
    store.set_have(&[have(&home, 2, ip4(2), None)], at(5)).await.unwrap();
    assert!(!read(&store, &home).await.settled);
    store.set_have(&[Have { settle: Settle::Yes, ..have(&home, 2, ip4(2), None) }], at(6)).await.unwrap();
    assert!(read(&store, &home).await.confirmed());
    store.mark_unsettled(&[home.id], at(7).wall).await.unwrap();
    assert!(!read(&store, &home).await.settled);
    // It is as old as the last message of unknown ending.
    assert_eq!(store.unsettled(at(6).wall, 10).await, Ok(vec![]));
    assert_eq!(store.unsettled(at(7).wall, 10).await.unwrap().len(), 1);
    store.set_have(&[Have { settle: Settle::Yes, ..have(&home, 2, ip4(2), None) }], at(8)).await.unwrap();
    assert_eq!(store.mark_all_unsettled(at(9).wall).await, Ok(1));
    assert!(!read(&store, &home).await.settled);
}

#[tokio::test]
async fn a_family_expires_by_serving_time_unless_it_was_seen() {
    let (store, _folder, home) = with_host().await;
    store.set_want(&[want(&home, 0, ip4(1), ip6(1))], at(0)).await.unwrap();
    store.set_have(&[have(&home, 1, ip4(1), ip6(1))], at(0)).await.unwrap();
    assert_eq!(store.due(3_599_999, 10).await, Ok(vec![]));
    assert_eq!(store.due(3_600_000, 10).await.unwrap().len(), 1);
    let both = Want { expire: Some(Families::BOTH), ..want(&home, 1, None, None) };
    // A nochg between the listing and the expiry wins.
    store.touch_seen(home.id, 1, V4, at(3_600_000)).await.unwrap();
    assert_eq!(store.set_want(&[both], at(3_600_000)).await, Ok(vec![None]));
    let v6 = Want { expire: Some(Families { v4: false, v6: true }), ..want(&home, 1, ip4(1), None) };
    assert_eq!(store.set_want(&[v6], at(3_600_000)).await, Ok(vec![Some(2)]));
    let mail = NewMail { kind: MailKind::Expiry, account: home.account, data: "{}".to_string() };
    let expired = Families { v4: false, v6: true };
    let gone = Have { seen: NONE, expired, mail: Some(mail), ..have(&home, 2, ip4(1), None) };
    // Twice, as after a crash: one mail.
    assert_eq!(store.set_have(&[gone.clone(), gone], at(3_600_001)).await, Ok(vec![true, true]));
    let row = read(&store, &home).await;
    assert_eq!((row.v6.expired, row.v6.due, row.have6), (at(3_600_001).wall, 0, None));
    assert_eq!(row.v4.due, 7_200_000);
    let mails = store.mail_due(at(3_600_001).wall, 10).await.unwrap();
    assert_eq!(mails.len(), 1);
    assert_eq!((mails[0].kind, mails[0].rev, mails[0].host), (MailKind::Expiry, 2, home.id));
    assert_eq!(store.mail_later(mails[0].id, 9_000_000_000).await, Ok(true));
    assert_eq!(store.mail_next().await, Ok(Some(9_000_000_000)));
    assert_eq!(store.mail_due(8_000_000_000, 10).await, Ok(vec![]));
    assert_eq!(store.mail_done(mails[0].id).await, Ok(true));
    assert_eq!(store.mail_next().await, Ok(None));
}

#[tokio::test]
async fn new_options_move_the_expiry() {
    let (store, _folder, mut home) = with_host().await;
    store.set_want(&[want(&home, 0, ip4(1), None)], at(100)).await.unwrap();
    store.set_have(&[have(&home, 1, ip4(1), None)], at(100)).await.unwrap();
    for (ttl, served, due) in [(60, 500, 60_100), (0, 600, 0), (10, 700, 10_700), (20, 800, 20_700)] {
        home.expiry_ttl = ttl;
        store.modify_host(&home, at(served)).await.unwrap();
        let row = read(&store, &home).await;
        assert_eq!((row.v4.due, row.v6.due, row.expiry_ttl), (due, 0, ttl), "{ttl}");
    }
}

#[tokio::test]
async fn a_third_txt_value_replaces_the_oldest() {
    let (store, _folder, home) = with_host().await;
    let wanted = |all: &[Txt]| all.iter().filter(|txt| txt.wanted).map(|txt| txt.value.clone()).collect::<Vec<_>>();
    store.txt_want(home.id, "one", 1).await.unwrap();
    store.txt_want(home.id, "two", 2).await.unwrap();
    // Asked for again, it is the newest.
    assert_eq!(wanted(&store.txt_want(home.id, "one", 3).await.unwrap()), ["two", "one"]);
    let all = store.txt_want(home.id, "three", 4).await.unwrap();
    assert_eq!((wanted(&all), all.len()), (vec!["one".to_string(), "three".to_string()], 3));
    assert_eq!(wanted(&store.txt_of_host(home.id).await.unwrap()), ["one", "three"]);
    assert_eq!(store.txt_pending().await, Ok(vec![home.id]));
    let ids = |all: &[Txt], yes: bool| all.iter().filter(|t| t.wanted == yes).map(|t| t.id).collect::<Vec<_>>();
    store.txt_done(&ids(&all, true), &ids(&all, false)).await.unwrap();
    assert_eq!(store.txt_pending().await, Ok(vec![]));
    assert_eq!(store.txt_of_host(home.id).await.unwrap().len(), 2);
    assert_eq!(store.txt_expire(3).await, Ok(1));
    assert_eq!(store.txt_pending().await, Ok(vec![home.id]));
}

#[tokio::test]
async fn the_heartbeat_is_moved_by_one_process_only() {
    let (store, _folder) = store().await;
    let first = store.heartbeat().await.unwrap();
    assert_eq!(first, Heartbeat { at: 0, served: 0, clean: true });
    let next = Heartbeat { at: 5_000, served: 5_000, clean: false };
    assert_eq!(store.beat(first, next).await, Ok(true));
    assert_eq!(store.beat(first, next).await, Ok(false));
    assert_eq!(store.heartbeat().await, Ok(next));
    let (one, other) = (Id::new(), Id::new());
    assert_eq!(store.take_lease("mail", one, 0, 10).await, Ok(true));
    assert_eq!(store.take_lease("mail", other, 5, 15).await, Ok(false));
    assert_eq!(store.take_lease("mail", one, 5, 15).await, Ok(true));
    assert_eq!(store.take_lease("mail", other, 15, 25).await, Ok(true));
    store.drop_lease("mail", one).await.unwrap();
    assert_eq!(store.take_lease("mail", one, 20, 30).await, Ok(false));
}

#[tokio::test]
async fn of_many_writers_each_learns_its_own_outcome() {
    let (store, folder, home) = with_host().await;
    // All change the same row from the same rev, and add the same name: one wins.
    let mut tasks = Vec::new();
    for n in 0..200u8 {
        let (store, home) = (store.clone(), home.clone());
        tasks.push(tokio::spawn(async move {
            let won = store.set_want(&[want(&home, 0, ip4(n), None)], at(1)).await.unwrap()[0].is_some();
            let added = match n % 10 {
                0 => Some(store.add_account(&account("bob")).await),
                _ => None,
            };
            (n, won, added)
        }));
    }
    let (mut winners, mut added, mut conflicts) = (vec![], 0, 0);
    for task in tasks {
        let (n, won, outcome) = task.await.unwrap();
        winners.extend(won.then_some(n));
        match outcome {
            None => {}
            Some(Ok(())) => added += 1,
            Some(Err(Error::Conflict(_))) => conflicts += 1,
            Some(Err(other)) => panic!("{other}"),
        }
    }
    assert_eq!((winners.len(), added, conflicts), (1, 1, 19));
    assert_eq!(read(&store, &home).await.want4, ip4(winners[0]));
    store.close().await;
    drop(folder);
}

#[tokio::test]
async fn another_process_sees_a_change_at_once() {
    let folder = Folder::new();
    let database = database(&folder).await;
    let (one, other) = (Store::open(&database).await.unwrap(), Store::open(&database).await.unwrap());
    one.add_account(&account("alice")).await.unwrap();
    assert!(other.account_by_name("alice").await.unwrap().is_some());
    other.add_account(&account("bob")).await.unwrap();
    assert_eq!(one.accounts().await.unwrap().len(), 2);
    one.close().await;
    let closed = one.add_account(&account("carol")).await;
    assert!(matches!(closed, Err(Error::Unavailable(_))), "{closed:?}");
}
