//! A zone's thread against a name server that a test scripts.

use super::*;
use crate::net::dns::wire::{name_text, Reader};
use crate::server::config::{Config, DnsService};
use crate::server::store::testing::{account, host, store, Folder};
use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::mpsc;

/// What a scripted server sees: the names in an update's second and third part, and what is asked of them.
type Lines = Vec<String>;

/// A name server on UDP and TCP. The script gets each message's lines and answers an RCODE, or not at all.
struct NameServer {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Lines>>>,
    _stop: mpsc::Sender<()>,
}

fn lines(message: &[u8]) -> Lines {
    let mut reader = Reader::new(message);
    let header = reader.header().unwrap();
    reader.question().unwrap();
    let mut lines = Vec::new();
    for part in 1..3 {
        for _ in 0..header.counts[part] {
            let record = reader.record().unwrap();
            let what = match (part, record.class) {
                (1, 254) => "no",
                (1, _) => "need",
                (_, 255) => "delete",
                (_, 254) => "remove",
                _ => "add",
            };
            let data = match record.data.len() {
                4 => std::net::Ipv4Addr::from(<[u8; 4]>::try_from(record.data).unwrap()).to_string(),
                16 => Ipv6Addr::from(<[u8; 16]>::try_from(record.data).unwrap()).to_string(),
                0 => String::new(),
                _ => String::from_utf8_lossy(&record.data[1..]).to_string(),
            };
            let name = name_text(&record.owner).unwrap();
            lines.push(format!("{what} {name} {} {data}", record.kind).trim_end().to_string());
        }
    }
    lines
}

impl NameServer {
    fn new(script: impl Fn(&Lines) -> Option<u8> + Send + Sync + 'static) -> NameServer {
        // A port that is free over UDP may be taken over TCP.
        let (udp, address, tcp) = loop {
            let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
            let address = udp.local_addr().unwrap();
            if let Ok(tcp) = TcpListener::bind(address) {
                break (udp, address, tcp);
            }
        };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let script = Arc::new(script);
        let answer = {
            let seen = Arc::clone(&seen);
            // A datagram that is repeated gets what it got before.
            let known: Mutex<BTreeMap<Vec<u8>, Option<u8>>> = Mutex::default();
            Arc::new(move |message: &[u8]| {
                let mut known = lock(&known);
                let code = *known.entry(message.to_vec()).or_insert_with(|| {
                    let lines = lines(message);
                    let code = script(&lines);
                    lock(&seen).push(lines);
                    code
                });
                let mut reply = message[..12].to_vec();
                reply[2] |= 0x80;
                reply[3] = code?;
                reply[4..].fill(0);
                Some(reply)
            })
        };
        let (stop, stopped) = mpsc::channel();
        let by_udp = Arc::clone(&answer);
        std::thread::spawn(move || {
            udp.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
            let mut buffer = [0; 1500];
            while stopped.try_recv() != Err(mpsc::TryRecvError::Disconnected) {
                if let Ok((length, client)) = udp.recv_from(&mut buffer) {
                    if let Some(reply) = by_udp(&buffer[..length]) {
                        udp.send_to(&reply, client).unwrap();
                    }
                }
            }
        });
        std::thread::spawn(move || {
            for stream in tcp.incoming() {
                use std::io::{Read, Write};
                let (mut stream, answer) = (stream.unwrap(), Arc::clone(&answer));
                std::thread::spawn(move || loop {
                    let mut length = [0; 2];
                    if stream.read_exact(&mut length).is_err() {
                        return;
                    }
                    let mut message = vec![0; usize::from(u16::from_be_bytes(length))];
                    stream.read_exact(&mut message).unwrap();
                    if let Some(reply) = answer(&message) {
                        let length = u16::try_from(reply.len()).unwrap().to_be_bytes();
                        stream.write_all(&[&length[..], &reply].concat()).unwrap();
                    }
                });
            }
        });
        NameServer { address, seen, _stop: stop }
    }

    fn messages(&self) -> Vec<Lines> {
        lock(&self.seen).clone()
    }
}

fn config(server: SocketAddr, timeout: Duration) -> Config {
    let folder = Folder::new();
    let file = folder.0.join("config.toml");
    let text = format!("[database]\npath = \"{}/server.db\"\n", folder.0.display());
    std::fs::write(&file, text).unwrap();
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
    let config = crate::server::config::load(&file, crate::server::config::Extent::All);
    let config = config.unwrap_or_else(|problems| panic!("{problems:?}"));
    Config { dns: DnsService { server, timeout, ..config.dns.clone() }, ..config }
}

/// Zones over a database with these hosts in the zone `example`.
struct World {
    zones: Zones,
    store: Store,
    hosts: Vec<Host>,
    _folder: Folder,
}

const TIMEOUT: Duration = Duration::from_millis(300);

async fn world(server: SocketAddr, names: &[String], timing: Timing) -> World {
    let (store, folder) = store().await;
    let owner = account("alice");
    store.add_account(&owner).await.unwrap();
    let mut hosts = Vec::new();
    for name in names {
        let new = Host { zone: "example".to_string(), ..host(&owner, name) };
        store.add_host(&new).await.unwrap();
        hosts.push(new);
    }
    let clock = Clock::serving(0, Duration::from_secs(3600));
    let zones = Zones::with(store.clone(), &config(server, TIMEOUT), clock, Metrics::new(), timing);
    World { zones, store, hosts, _folder: folder }
}

fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("h{number}.example")).collect()
}

impl World {
    async fn row(&self, at: usize) -> Host {
        self.store.host_by_id(self.hosts[at].id).await.unwrap().unwrap()
    }

    async fn publish(&self, at: usize, address: [u8; 4]) -> Outcome {
        let host = self.row(at).await;
        self.zones.update(Change { host, ipv4: Some(address.into()), ipv6: None, notify: false }).await
    }

    /// Waits until the row is as it should be; the test's own time limit is the runner's.
    async fn until(&self, at: usize, good: impl Fn(&Host) -> bool) -> Host {
        let begun = Instant::now();
        loop {
            let row = self.row(at).await;
            if good(&row) {
                return row;
            }
            assert!(begun.elapsed() < Duration::from_secs(30), "{row:?}");
            tokio::task::yield_now().await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_change_is_recorded_sent_and_confirmed() {
    let server = NameServer::new(|_| Some(0));
    let world = world(server.address, &names(1), Timing::default()).await;
    assert_eq!(world.publish(0, [192, 0, 2, 1]).await, Outcome::Done);
    let row = world.row(0).await;
    assert!(row.confirmed() && row.have4 == Some([192, 0, 2, 1].into()) && row.rev == 1 && row.v4.seen > 0, "{row:?}");
    let expected = ["no h0.example 5", "delete h0.example 1", "add h0.example 1 192.0.2.1"];
    assert_eq!(server.messages(), [expected.map(String::from).to_vec()]);
    // The other family alone: what is confirmed is not sent again.
    let host = world.row(0).await;
    let six = "2001:db8::1".parse().ok();
    assert_eq!(world.zones.update(Change { host, ipv4: None, ipv6: six, notify: false }).await, Outcome::Done);
    assert_eq!(server.messages()[1][1], "delete h0.example 28");
    assert_eq!(world.row(0).await.have4, Some([192, 0, 2, 1].into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_queues_while_a_message_is_on_its_way_goes_together() {
    let (first, gate) = (AtomicBool::new(true), Arc::new(std::sync::Barrier::new(2)));
    let held = Arc::clone(&gate);
    let server = NameServer::new(move |_| {
        if first.swap(false, Ordering::Relaxed) {
            held.wait();
        }
        Some(0)
    });
    let mut config = config(server.address, Duration::from_secs(20));
    config.dns.timeout = Duration::from_secs(20);
    let world = world(server.address, &names(65), Timing::default()).await;
    world.zones.configure(&config);
    let world = Arc::new(world);
    let mut running = Vec::new();
    for at in 0..65 {
        let other = Arc::clone(&world);
        running.push(tokio::spawn(async move { other.publish(at, [192, 0, 2, 1]).await }));
        if at == 0 {
            // Until the first message is at the server.
            while lock(&world.zones.0.registry).len() == 0 {
                tokio::task::yield_now().await;
            }
        }
    }
    // All wants are recorded only when their thread takes them, so the queue is full when the others wait.
    tokio::task::spawn_blocking(move || gate.wait()).await.unwrap();
    for task in running {
        assert_eq!(task.await.unwrap(), Outcome::Done);
    }
    let messages = server.messages();
    assert!(messages.len() < 20, "{} messages for 65 hosts", messages.len());
    assert_eq!(messages.iter().map(|lines| lines.len() / 3).sum::<usize>(), 65);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_host_among_many_is_found_and_the_others_are_done() {
    // An alias at h7: any message with it fails its prerequisite.
    let server = NameServer::new(|lines| match lines.iter().any(|line| line.starts_with("no h7.example")) {
        true => Some(7),
        false => Some(0),
    });
    let world = Arc::new(world(server.address, &names(20), Timing::default()).await);
    let running: Vec<_> = (0..20)
        .map(|at| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.publish(at, [192, 0, 2, 1]).await })
        })
        .collect();
    for (at, task) in running.into_iter().enumerate() {
        match (at, task.await.unwrap()) {
            (7, Outcome::DnsError(why)) => assert!(why.contains("h7.example is an alias (CNAME)"), "{why}"),
            (at, outcome) => assert_eq!((at, outcome), (at, Outcome::Done)),
        }
    }
    let bad = world.row(7).await;
    assert!(bad.want4.is_some() && bad.have4.is_none() && !bad.confirmed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_name_server_is_down_until_it_answers_and_then_gets_all_wants() {
    let silent = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&silent);
    let server = NameServer::new(move |_| (!state.load(Ordering::Relaxed)).then_some(0));
    let timing =
        Timing { probe: Duration::from_millis(50), longest_probe: Duration::from_millis(100), ..Timing::default() };
    let world = world(server.address, &names(3), timing).await;
    let begun = Instant::now();
    assert!(matches!(world.publish(0, [192, 0, 2, 1]).await, Outcome::DnsError(_)));
    assert!(begun.elapsed() >= TIMEOUT && !world.row(0).await.settled, "the ending of the message is unknown");
    // At once, and recorded.
    let begun = Instant::now();
    for at in [1, 2] {
        assert!(matches!(world.publish(at, [192, 0, 2, 2]).await, Outcome::DnsError(_)));
        assert_eq!(world.row(at).await.want4, Some([192, 0, 2, 2].into()));
    }
    assert!(begun.elapsed() < TIMEOUT, "{:?}", begun.elapsed());
    silent.store(false, Ordering::Relaxed);
    for at in 0..3 {
        world.until(at, |row| row.have4 == row.want4 && row.have_rev == row.rev).await;
    }
    assert!(!world.row(0).await.settled, "an earlier message may still arrive");
    assert!(world.row(1).await.settled);
    world.until(1, |_| lock(&world.zones.0.registry).zone("example").is_none_or(|zone| !zone.is_down())).await;
    assert_eq!(world.publish(1, [192, 0, 2, 3]).await, Outcome::Done);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unsettled_host_settles_only_when_no_message_can_arrive() {
    let silent = Arc::new(AtomicBool::new(true));
    let state = Arc::clone(&silent);
    let server = NameServer::new(move |_| (!state.load(Ordering::Relaxed)).then_some(0));
    let fudge = Duration::from_millis(1500);
    let timing = Timing { probe: Duration::from_millis(10), fudge, ..Timing::default() };
    let world = world(server.address, &names(1), timing).await;
    assert!(matches!(world.publish(0, [192, 0, 2, 1]).await, Outcome::DnsError(_)));
    let sent = Instant::now();
    silent.store(false, Ordering::Relaxed);
    world.until(0, |row| row.have_rev == row.rev).await;
    world.until(0, |_| !lock(&world.zones.0.registry).zone("example").is_some_and(|zone| zone.is_down())).await;
    let row = world.row(0).await;
    assert_eq!(world.zones.resend(&row, true).await, Outcome::Done);
    if sent.elapsed() < fudge / 2 {
        assert!(!world.row(0).await.settled, "the fudge has not passed");
    }
    while sent.elapsed() <= fudge {
        tokio::task::yield_now().await;
    }
    assert_eq!(world.zones.resend(&row, true).await, Outcome::Done);
    assert!(world.row(0).await.confirmed());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_writer_that_was_overtaken_sends_the_newer_want() {
    let (store, sent) = (Arc::new(Mutex::new(None::<(Store, Id)>)), Arc::new(AtomicBool::new(false)));
    let (other, once) = (Arc::clone(&store), Arc::clone(&sent));
    let runtime = Handle::current();
    let server = NameServer::new(move |_| {
        // While our message is here, another process records another want.
        if !once.swap(true, Ordering::Relaxed) {
            let (store, id) = lock(&other).clone().unwrap();
            let want = crate::server::store::Want {
                host: id,
                rev: 1,
                ipv4: Some([9, 9, 9, 9].into()),
                ipv6: None,
                expire: None,
            };
            let at = crate::server::store::Moment { wall: 1, served: 1 };
            assert_eq!(runtime.block_on(store.set_want(&[want], at)), Ok(vec![Some(2)]));
        }
        Some(0)
    });
    let world = world(server.address, &names(1), Timing::default()).await;
    *lock(&store) = Some((world.store.clone(), world.hosts[0].id));
    assert_eq!(world.publish(0, [192, 0, 2, 1]).await, Outcome::Done);
    let row = world.until(0, |row| row.have_rev == 2).await;
    assert_eq!(row.have4, Some([9, 9, 9, 9].into()));
    assert!(!row.settled);
    assert_eq!(server.messages().last().unwrap()[2], "add h0.example 1 9.9.9.9");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_is_ours_is_withdrawn() {
    // The name has 9.9.9.9, which is not what we published.
    let server = NameServer::new(|lines| match lines.iter().any(|line| line == "need h0.example 1 192.0.2.1") {
        true => Some(8),
        false => Some(0),
    });
    let world = world(server.address, &names(2), Timing::default()).await;
    for at in [0, 1] {
        assert_eq!(world.publish(at, [192, 0, 2, 1]).await, Outcome::Done);
    }
    for at in [0, 1] {
        assert_eq!(world.zones.withdraw(&world.row(at).await).await, Outcome::Done);
        let row = world.row(at).await;
        assert!(row.confirmed() && row.have4.is_none(), "{row:?}");
    }
    let withdrawals: Vec<Lines> = server.messages().into_iter().skip(2).collect();
    let withdrawal = |host: &str| vec![format!("need {host} 1 192.0.2.1"), format!("delete {host} 1")];
    assert_eq!(withdrawals[0], withdrawal("h0.example"));
    assert_eq!(withdrawals.last(), Some(&withdrawal("h1.example")));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_family_that_is_due_expires_unless_a_client_confirms_it() {
    let server = NameServer::new(|_| Some(0));
    let world = world(server.address, &names(2), Timing::default()).await;
    for at in [0, 1] {
        assert_eq!(world.publish(at, [192, 0, 2, 1]).await, Outcome::Done);
    }
    let due = world.row(0).await.v4.due;
    world.zones.0.clock.recorded(due);
    let v4 = Families { v4: true, v6: false };
    let stale = world.row(1).await;
    assert!(world.store.touch_seen(stale.id, stale.rev, v4, world.zones.0.clock.now()).await.unwrap());
    for at in [0, 1] {
        assert_eq!(world.zones.expire(&stale_or(&stale, at, &world).await, v4).await, Outcome::Done);
    }
    let (gone, kept) = (world.row(0).await, world.row(1).await);
    assert!(gone.have4.is_none() && gone.v4.expired > 0 && gone.v4.due == 0, "{gone:?}");
    assert!(kept.have4.is_some() && kept.rev == 1, "{kept:?}");
}

async fn stale_or(stale: &Host, at: usize, world: &World) -> Host {
    if at == 1 {
        stale.clone()
    } else {
        world.row(at).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn txt_values_are_added_replaced_and_removed() {
    let server = NameServer::new(|_| Some(0));
    let world = world(server.address, &names(1), Timing::default()).await;
    let host = &world.hosts[0];
    for value in ["first", "second", "third"] {
        assert_eq!(world.zones.txt_set(host, value).await, Outcome::Done);
    }
    let there: Vec<String> = world.store.txt_of_host(host.id).await.unwrap().into_iter().map(|txt| txt.value).collect();
    assert_eq!(there, ["second", "third"]);
    let last = server.messages().pop().unwrap();
    let name = "_acme-challenge.h0.example";
    assert_eq!(last[0], format!("no {name} 5"));
    assert!(
        last.contains(&format!("remove {name} 16 first")) && last.contains(&format!("add {name} 16 third")),
        "{last:?}"
    );
    assert_eq!(world.zones.txt_remove(host, "second").await, Outcome::Done);
    assert_eq!(world.store.txt_of_host(host.id).await.unwrap().len(), 1);
    assert_eq!(world.zones.withdraw(host).await, Outcome::Done);
    assert_eq!(world.store.txt_of_host(host.id).await.unwrap(), vec![]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deleted_host_is_no_host() {
    let server = NameServer::new(|_| Some(0));
    let world = world(server.address, &names(1), Timing::default()).await;
    let host = world.row(0).await;
    assert!(world.store.delete_host(host.id, host.rev).await.unwrap());
    let change = Change { host, ipv4: Some([192, 0, 2, 1].into()), ipv6: None, notify: false };
    assert_eq!(world.zones.update(change).await, Outcome::NoHost);
    assert_eq!(server.messages(), Vec::<Lines>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn more_zones_than_threads_take_turns() {
    let server = NameServer::new(|_| Some(0));
    let world = Arc::new(world(server.address, &[], Timing::default()).await);
    let owner = account("bob");
    world.store.add_account(&owner).await.unwrap();
    let mut running = Vec::new();
    for number in 0..registry::THREADS + 10 {
        let zone = format!("z{number}.example");
        let new = Host { zone: zone.clone(), ..host(&owner, &format!("h.{zone}")) };
        world.store.add_host(&new).await.unwrap();
        let world = Arc::clone(&world);
        running.push(tokio::spawn(async move {
            world.zones.update(Change { host: new, ipv4: Some([192, 0, 2, 1].into()), ipv6: None, notify: false }).await
        }));
    }
    for task in running {
        assert_eq!(task.await.unwrap(), Outcome::Done);
    }
    assert!(world.zones.threads() <= registry::THREADS);
    assert!(world.zones.finish(Instant::now() + Duration::from_secs(10)).await);
    assert_eq!(world.zones.threads(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_refuses_everything_costs_few_messages() {
    let server = NameServer::new(|_| Some(5));
    let world = Arc::new(world(server.address, &names(200), Timing::default()).await);
    let running: Vec<_> = (0..200)
        .map(|at| {
            let world = Arc::clone(&world);
            tokio::spawn(async move { world.publish(at, [192, 0, 2, 1]).await })
        })
        .collect();
    for task in running {
        match task.await.unwrap() {
            Outcome::DnsError(why) => assert!(why.contains("an unsigned update may not change"), "{why}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(world.row(0).await.settled, "a refusal is an ending");
}
