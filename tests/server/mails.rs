//! Mails, by a mail server that a test scripts.

use crate::world::{write, World, ZONE};
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::mpsc::{channel, Receiver};
use std::thread;
use std::time::Duration;

/// Accepts mails; gives for each its recipient and its text.
fn mail_server() -> (u16, Receiver<(String, String)>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, mails) = channel();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut out = stream.unwrap();
            let mut lines = BufReader::new(out.try_clone().unwrap()).lines().map_while(Result::ok);
            let mut recipient = String::new();
            out.write_all(b"220 mail.example ESMTP\r\n").unwrap();
            while let Some(line) = lines.next() {
                let word = line.split(' ').next().unwrap().to_ascii_uppercase();
                let reply = match word.as_str() {
                    "EHLO" => "250-mail.example\r\n250 8BITMIME",
                    "RCPT" => {
                        recipient = line.split(['<', '>']).nth(1).unwrap().to_string();
                        "250 ok"
                    }
                    "DATA" => {
                        out.write_all(b"354 go on\r\n").unwrap();
                        let text: Vec<String> = lines.by_ref().take_while(|line| line != ".").collect();
                        if sender.send((recipient.clone(), text.join("\n"))).is_err() {
                            return;
                        }
                        "250 taken"
                    }
                    "QUIT" => "221 bye",
                    _ => "250 ok",
                };
                if out.write_all(format!("{reply}\r\n").as_bytes()).is_err() || word == "QUIT" {
                    break;
                }
            }
        }
    });
    (port, mails)
}

fn world(port: u16, change: &str) -> World {
    let mut world = World::new();
    let dir = world.dir.clone();
    write(&dir.join("change.j2"), change, 0o644);
    write(
        &dir.join("expiry.j2"),
        "{{ fqdn }} {{ ipv4_expired }} {{ last_ipv4 }} {{ ipv6_expired }} {{ last_ipv6 }}",
        0o644,
    );
    world.dns = "cleanup_interval = 1\n".to_string();
    world.sections = format!(
        "[email]\nenabled = true\nsmtp_host = \"127.0.0.1\"\nsmtp_port = {port}\nfrom_address = \"DDNS <ddns@example.com>\"\n\
         change_notification_template = \"{0}/change.j2\"\nexpiry_notification_template = \"{0}/expiry.j2\"\n",
        dir.display()
    );
    world
}

const PATIENCE: Duration = Duration::from_secs(60);

#[test]
fn changes_and_expiries_are_mailed() {
    let (port, mails) = mail_server();
    let template = "Subject: {{ hostname }} in {{ zone }}\n\n{{ fqdn }} {{ ipv4_changed }} {{ ipv4 }} \
                    {{ ipv6_changed }} {{ ipv6 }} {{ expiry_ttl }} {{ last_ipv4_update is none }} {{ last_ipv6_update }}";
    let mut world = world(port, template);
    world.populate();
    world.must(&["hostname", "add", "alice", "short", ZONE, "--expiry-ttl", "1"]);
    world.start();
    // Without notify_change there is no mail, and without a change neither.
    assert_eq!(world.update("hostname=short.dyn.example&myip=9.9.9.1").body, "good 9.9.9.1\n");
    assert_eq!(world.update("hostname=short.dyn.example&myip=9.9.9.1&notify_change=1").body, "nochg 9.9.9.1\n");
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.2&notify_change=1").body, "good 9.9.9.2\n");
    let (to, text) = mails.recv_timeout(PATIENCE).unwrap();
    assert_eq!(to, "alice@example.com");
    for line in [
        "From: DDNS <ddns@example.com>",
        "Subject: home in dyn.example",
        "home.dyn.example True 9.9.9.2 False None 3600 False None",
    ] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
    world.wait_until("due", || !world.must(&["cleanup", "--dry-run"]).is_empty());
    world.must(&["cleanup"]);
    let (_, text) = mails.recv_timeout(PATIENCE).unwrap();
    for line in ["Subject: short.dyn.example: expired", "short.dyn.example True 9.9.9.1 False None"] {
        assert!(text.lines().any(|found| found == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_template_that_is_broken_is_a_configuration_error() {
    let (port, _mails) = mail_server();
    let world = world(port, "{{ fqdn }}\n{% if %}");
    for words in [["--check"], ["--daemon"]] {
        let run = world.run_with(&words, "");
        let said = String::from_utf8(run.stderr).unwrap();
        assert_eq!(run.status.code(), Some(2), "{said}");
        assert!(said.contains("[email] change_notification_template: ") && said.contains("change.j2:2"), "{said}");
    }
}

#[test]
fn replies_do_not_wait_for_a_mail_server_that_is_down() {
    let port = crate::world::free_port();
    let mut world = world(port, "{{ fqdn }}");
    world.populate();
    world.start();
    assert_eq!(world.update("hostname=home.dyn.example&myip=9.9.9.2&notify_change=1").body, "good 9.9.9.2\n");
    world.wait_for_log("next attempt in 1 minutes");
    // It is kept over a restart.
    world.signal("TERM");
    assert_eq!(world.wait(), Some(0));
}
