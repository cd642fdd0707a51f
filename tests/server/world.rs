//! A homing-server in a scratch folder: the built binary, SQLite, and BIND from Debian behind it.

use std::fs;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// The zone that BIND serves.
pub const ZONE: &str = "dyn.example";
pub const PASSWORD: &str = "correct horse";
/// Longer than anything here takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A folder with the configuration, the database and the logs.
pub struct World {
    pub dir: PathBuf,
    /// The section `[database]`.
    pub database: String,
    /// Of `[daemon]`.
    pub host: String,
    pub port: u16,
    /// More lines for `[daemon]`.
    pub daemon: String,
    /// Lines for `[dns_service]`.
    pub dns: String,
    /// Lines for `[rate_limit]`; off unless a test says otherwise.
    pub limits: String,
    /// Whole sections.
    pub sections: String,
    dns_port: u16,
    bind: Option<Child>,
    running: Option<Child>,
}

impl World {
    /// With a name server that is not there.
    pub fn without_bind() -> World {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let name = format!("homing-server-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let dir = std::env::temp_dir().join(name);
        fs::create_dir(&dir).unwrap();
        let database = crate::support::database(&dir);
        World {
            dir,
            database,
            host: "127.0.0.1".to_string(),
            port: free_port(),
            daemon: String::new(),
            dns: String::new(),
            limits: "enabled = false\n".to_string(),
            sections: String::new(),
            dns_port: free_port(),
            bind: None,
            running: None,
        }
    }

    /// With BIND, its zone and a key.
    pub fn new() -> World {
        let mut world = World::without_bind();
        world.start_bind();
        world
    }

    /// With BIND, a running daemon, the user alice and her hostname home.dyn.example.
    pub fn ready() -> World {
        let mut world = World::new();
        world.populate();
        world.start();
        world
    }

    /// The user alice and her hostname home.dyn.example.
    pub fn populate(&self) {
        self.add_user("alice");
        self.must(&["hostname", "add", "alice", "home", ZONE]);
    }

    pub fn add_user(&self, user: &str) {
        let mail = format!("{user}@example.com");
        let run = self.run_with(&["user", "add", user, &mail, "--password-stdin"], PASSWORD);
        assert!(run.status.success(), "user add {user}: {run:?}");
    }

    /// A token, made with these options.
    pub fn token(&self, options: &[&str]) -> String {
        let mut words = vec!["token", "add", "alice"];
        words.extend(options);
        self.must(&words).trim().to_string()
    }

    pub fn config_file(&self) -> PathBuf {
        self.dir.join("config.toml")
    }

    /// Writes the configuration as it is now.
    pub fn write_config(&self) {
        let dir = self.dir.display();
        let key =
            if self.bind.is_some() { format!("ddns_default_key_file = \"{dir}/ddns.key\"\n") } else { String::new() };
        let text = format!(
            "[daemon]\nhost = \"{}\"\nport = {}\n{}\n{}[dns_service]\ndns_server = \"127.0.0.1\"\ndns_port = {}\n{key}{}\n[rate_limit]\n{}\n{}\n",
            self.host, self.port, self.daemon, self.database, self.dns_port, self.dns, self.limits, self.sections
        );
        write(&self.config_file(), &text, 0o640);
    }

    /// Runs a command to its end.
    pub fn run_with(&self, words: &[&str], stdin: &str) -> Output {
        self.write_config();
        let mut child = self.command(words).stdin(Stdio::piped()).spawn().unwrap();
        // It may end without reading.
        let _ = child.stdin.take().unwrap().write_all(format!("{stdin}\n").as_bytes());
        child.wait_with_output().unwrap()
    }

    /// Runs a command that must succeed; its standard output.
    pub fn must(&self, words: &[&str]) -> String {
        let run = self.run_with(words, "");
        assert!(run.status.success(), "{words:?}: {run:?}");
        String::from_utf8(run.stdout).unwrap()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_homing-server"));
        command.arg("--config").arg(self.config_file()).args(words);
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// Starts the daemon and waits until it listens.
    pub fn start(&mut self) {
        self.write_config();
        let log = fs::File::create(self.dir.join("log")).unwrap();
        let mut command = self.command(&["--daemon"]);
        command.stdin(Stdio::null()).stdout(log.try_clone().unwrap()).stderr(log);
        self.running = Some(command.spawn().unwrap());
        let begun = Instant::now();
        while !self.log().contains("listening on ") {
            let ended = self.running.as_mut().unwrap().try_wait().unwrap();
            assert!(ended.is_none() && begun.elapsed() < PATIENCE, "not started: {ended:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Sends the daemon a signal by its name.
    pub fn signal(&self, name: &str) {
        send(name, self.running.as_ref().unwrap());
    }

    /// Waits until the daemon has ended; its exit code.
    pub fn wait(&mut self) -> Option<i32> {
        let mut child = self.running.take().unwrap();
        let begun = Instant::now();
        loop {
            if let Some(ended) = child.try_wait().unwrap() {
                return ended.code();
            }
            assert!(begun.elapsed() < PATIENCE, "still running\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Resident memory of the daemon, in KiB.
    pub fn memory(&self) -> u64 {
        let pid = self.running.as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.split_whitespace().next().unwrap().parse().unwrap()
    }

    /// What the daemon has written.
    pub fn log(&self) -> String {
        fs::read_to_string(self.dir.join("log")).unwrap_or_default()
    }

    /// Waits until the log holds this text.
    pub fn wait_for_log(&self, text: &str) {
        let begun = Instant::now();
        while !self.log().contains(text) {
            assert!(begun.elapsed() < PATIENCE, "no {text:?} in\n{}", self.log());
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub fn address(&self) -> SocketAddr {
        ([127, 0, 0, 1], self.port).into()
    }

    /// Sends bytes and reads one reply.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        Reply::read(&mut stream).unwrap_or_else(|| panic!("no reply; the daemon's log:\n{}", self.log()))
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
    }

    /// A GET with these header lines.
    pub fn get(&self, target: &str, headers: &[&str]) -> Reply {
        self.raw(request("GET", target, headers, "").as_bytes())
    }

    /// A GET by alice; her password is right.
    pub fn update(&self, query: &str) -> Reply {
        self.get(&format!("/nic/update?{query}"), &[&basic("alice", PASSWORD)])
    }

    /// A POST of a form.
    pub fn post(&self, target: &str, headers: &[&str], form: &str) -> Reply {
        let mut lines = vec!["Content-Type: application/x-www-form-urlencoded"];
        lines.extend(headers);
        self.raw(request("POST", target, &lines, form).as_bytes())
    }

    /// Starts BIND, again with the zone as it left it.
    pub fn start_bind(&mut self) {
        let dir = self.dir.display();
        let key = "key \"ddns\" { algorithm hmac-sha256; secret \"c2VjcmV0IG9mIHRoZSB0ZXN0cw==\"; };\n";
        write(&self.dir.join("ddns.key"), key, 0o640);
        let zone = format!(
            "$TTL 60\n@ SOA ns.{ZONE}. root.{ZONE}. 1 3600 600 86400 60\n@ NS ns\nns A 127.0.0.1\n\
             alias CNAME ns\nforeign A 203.0.113.77\nforeign MX 10 ns\nforeign TXT \"stays\"\n"
        );
        if !self.dir.join("zone.db").exists() {
            write(&self.dir.join("zone.db"), &zone, 0o644);
        }
        let config = format!(
            "{key}options {{ directory \"{dir}\"; pid-file none; listen-on port {port} {{ 127.0.0.1; }}; \
             listen-on-v6 {{ none; }}; recursion no; notify no; dnssec-validation no; }};\n\
             controls {{ }};\n\
             zone \"{ZONE}\" {{ type primary; file \"zone.db\"; update-policy {{ grant ddns zonesub ANY; }}; }};\n",
            port = self.dns_port
        );
        write(&self.dir.join("named.conf"), &config, 0o644);
        let log = fs::File::create(self.dir.join("named.log")).unwrap();
        let mut command = Command::new("named");
        command.env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin").args(["-g", "-n", "1", "-c"]);
        command.arg(self.dir.join("named.conf")).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        self.bind = Some(command.spawn().expect("named, of Debian's bind9"));
        let begun = Instant::now();
        while self.dig(ZONE, "SOA").is_empty() {
            let log = fs::read_to_string(self.dir.join("named.log")).unwrap_or_default();
            assert!(begun.elapsed() < PATIENCE, "BIND has not started\n{log}");
        }
    }

    /// Where the name server is, or would be.
    pub fn dns_port(&self) -> u16 {
        self.dns_port
    }

    /// Sends BIND a signal by its name.
    pub fn signal_bind(&self, name: &str) {
        send(name, self.bind.as_ref().unwrap());
    }

    /// Stops BIND for good.
    pub fn stop_bind(&mut self) {
        let mut bind = self.bind.take().unwrap();
        bind.kill().unwrap();
        bind.wait().unwrap();
    }

    /// Changes the zone as somebody else would.
    pub fn nsupdate(&self, lines: &str) {
        let mut command = Command::new("nsupdate");
        command.arg("-k").arg(self.dir.join("ddns.key")).stdin(Stdio::piped());
        let mut child = command.spawn().expect("nsupdate, of Debian's bind9-dnsutils");
        let text = format!("server 127.0.0.1 {}\nzone {ZONE}\n{lines}\nsend\n", self.dns_port);
        child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
        assert!(child.wait().unwrap().success());
    }

    /// Waits until this is so.
    pub fn wait_until(&self, what: &str, mut good: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !good() {
            assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}\n{}", self.log());
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// The records of a name, sorted.
    pub fn dig(&self, name: &str, kind: &str) -> Vec<String> {
        let port = self.dns_port.to_string();
        let words = ["+short", "+time=2", "+tries=1", "+norec", "@127.0.0.1", "-p", &port, name, kind];
        let run = Command::new("dig").args(words).output().expect("dig, of Debian's bind9-dnsutils");
        if !run.status.success() {
            return Vec::new();
        }
        let text = String::from_utf8(run.stdout).unwrap();
        let mut lines: Vec<_> = text.lines().filter(|line| !line.starts_with(';')).map(str::to_string).collect();
        lines.sort();
        lines
    }
}

impl Drop for World {
    fn drop(&mut self) {
        for mut child in [self.running.take(), self.bind.take()].into_iter().flatten() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("--- log of {}\n{}", self.dir.display(), self.log());
        }
        let _ = fs::remove_dir_all(&self.dir);
    }
}

fn send(signal: &str, child: &Child) {
    let sent = Command::new("kill").args(["-s", signal, &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
    // A process stops when one of its threads next runs, which a busy machine delays: until all of them have stopped,
    // it may still answer.
    while signal == "STOP" && !has_stopped(child.id()) {
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Whether all threads of a process are stopped (proc(5), the state in `stat`).
fn has_stopped(process: u32) -> bool {
    let threads = fs::read_dir(format!("/proc/{process}/task")).unwrap();
    threads.into_iter().all(|thread| {
        let stat = fs::read_to_string(thread.unwrap().path().join("stat")).unwrap_or_default();
        stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
    })
}

/// A reply as it came over the wire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    pub status: u16,
    /// The status line and the header lines.
    pub head: String,
    pub body: String,
}

impl Reply {
    /// Reads one reply of a known length. `None`: the connection was closed without one.
    pub fn read(stream: &mut impl Read) -> Option<Reply> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                // A read with a timeout is interrupted when the process is stopped and continued (signal(7)).
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                _ if head.is_empty() => return None,
                other => panic!("{other:?} after {:?}", String::from_utf8_lossy(&head)),
            }
        }
        let head = String::from_utf8(head).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut reply = Reply { status, head, body: String::new() };
        let length = reply.header("content-length").expect("a length").parse().unwrap();
        let mut body = vec![0; length];
        stream.read_exact(&mut body).unwrap();
        reply.body = String::from_utf8(body).unwrap();
        Some(reply)
    }

    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let pairs = self.head.lines().filter_map(|line| line.split_once(':'));
        let mut values = pairs.filter(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim());
        values.next()
    }
}

/// A request that ends its connection.
pub fn request(method: &str, target: &str, headers: &[&str], body: &str) -> String {
    let lines: String = headers.iter().map(|line| format!("{line}\r\n")).collect();
    let length = if method == "POST" { format!("Content-Length: {}\r\n", body.len()) } else { String::new() };
    format!("{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{lines}{length}\r\n{body}")
}

/// A header line.
pub fn basic(user: &str, password: &str) -> String {
    use base64::engine::general_purpose::STANDARD;
    use base64::Engine;
    format!("Authorization: Basic {}", STANDARD.encode(format!("{user}:{password}")))
}

/// A port that nobody uses: below those that the system hands out to clients, and another one for each call.
pub fn free_port() -> u16 {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    loop {
        let step = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 10_000 + (std::process::id() as usize * 97 + step) % 20_000;
        let port = u16::try_from(port).unwrap();
        // BIND needs it over UDP too.
        let taken = TcpListener::bind(("127.0.0.1", port)).is_err() || UdpSocket::bind(("127.0.0.1", port)).is_err();
        if !taken {
            return port;
        }
    }
}

pub fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}
