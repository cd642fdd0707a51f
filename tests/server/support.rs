//! A folder with a configuration and a database for one test, and ways to run the program in it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

/// What a run of the program gave.
#[derive(Debug)]
pub struct Ran {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The standard output of a run that must have succeeded.
    #[track_caller]
    pub fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (0, ""), "{self:?}");
        self.out
    }

    /// The standard error of a run that must have failed with this code, and have printed nothing else.
    #[track_caller]
    pub fn fails(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (code, ""), "{self:?}");
        self.err
    }
}

/// A folder of its own for a test; removed at its end.
pub struct Place {
    pub folder: PathBuf,
    /// The value of [database] in its configuration.
    pub database: String,
}

/// A text that no other test has.
fn unique() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    format!("{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

fn sqlite(folder: &Path) -> String {
    format!("[database]\npath = \"{}/server.db\"\n", folder.display())
}

/// The section `[database]` for a new database: SQLite in this folder, or MariaDB where the tests run on it.
pub fn database(folder: &Path) -> String {
    let Ok(server) = std::env::var("HOMING_TEST_MARIADB") else { return sqlite(folder) };
    let name = format!("place_{}", unique());
    mariadb(&server, &[&format!("CREATE DATABASE {name}")]);
    format!("[database]\nbackend = \"mariadb\"\nurl = \"{}\"\n", server.replacen("/?", &format!("/{name}?"), 1))
}

fn mariadb(server: &str, words: &[&str]) {
    let socket = server.split_once("socket=").unwrap().1;
    let mut client = Command::new("mariadb");
    client.args(["--no-defaults", "-u", "root", "--socket", socket, "-e"]).args(words);
    assert!(client.status().unwrap().success());
}

/// Changes a database behind the program's back; `section` is what [`database`] gave.
pub fn sql(section: &str, statement: &str) {
    let value = |key: &str| section.lines().find_map(|line| line.strip_prefix(key)).map(|rest| rest.trim_matches('"'));
    if let Some(url) = value("url = ") {
        let (head, socket) = url.split_once('?').unwrap();
        let name = head.rsplit('/').next().unwrap();
        return mariadb(socket, &[statement, name]);
    }
    let mut client = Command::new("sqlite3");
    client.args(["-cmd", ".timeout 30000", value("path = ").unwrap(), statement]);
    assert!(client.status().expect("sqlite3(1)").success());
}

impl Place {
    /// With a configuration for the database that the tests run on.
    pub fn new() -> Place {
        let mut place = Place::with_sqlite();
        place.database = database(&place.folder);
        place.configure("");
        place
    }

    /// With SQLite, whatever the tests run on.
    pub fn with_sqlite() -> Place {
        let folder = std::env::temp_dir().join(format!("homing-server-test-{}", unique()));
        fs::create_dir(&folder).unwrap();
        let place = Place { database: sqlite(&folder), folder };
        place.configure("");
        place
    }

    /// Writes the configuration: the database and this.
    pub fn configure(&self, rest: &str) {
        self.file("config.toml", &format!("{}{rest}", self.database), 0o640);
    }

    /// Writes a file with this mode.
    pub fn file(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.folder.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        path
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// Runs the program with its configuration and nothing on the standard input.
    pub fn run(&self, args: &[&str]) -> Ran {
        self.run_with(args, "")
    }

    /// The same with a text on the standard input.
    pub fn run_with(&self, args: &[&str], input: &str) -> Ran {
        let mut all = vec!["--config", "config.toml"];
        all.extend(args);
        run(&self.folder, &all, input)
    }

    /// Adds a user with the password `secret`.
    pub fn add_user(&self, name: &str) {
        let email = format!("{name}@example.org");
        self.run_with(&["user", "add", name, &email, "--password-stdin"], "secret\n").ok();
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Runs the program in a folder.
pub fn run(folder: &Path, args: &[&str], input: &str) -> Ran {
    let mut command = Command::new(env!("CARGO_BIN_EXE_homing-server"));
    command.args(args).current_dir(folder);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // A program that ends without reading closes the pipe.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ran { code: output.status.code().unwrap_or(-1), out: text(output.stdout), err: text(output.stderr) }
}

/// JSON that the program printed.
pub fn json(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}
