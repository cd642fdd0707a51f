//! What can be typed.

use crate::server::config::Extent;
use clap::{Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The longest lifetime of a record (RFC 2181 §8), and the longest expiry.
const TTL: std::ops::RangeInclusive<i64> = 0..=2_147_483_647;

#[derive(Parser)]
#[command(
    name = "homing-server",
    version,
    about = "Dynamic DNS update service (dyndns2) in front of a name server that takes RFC 2136 updates.",
    after_help = "Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.\n\
                  Files: the first that exists of /etc/ddns-service/config.toml and /etc/homing-server/config.toml."
)]
pub(super) struct Args {
    /// The configuration file
    #[arg(long, value_name = "FILE", global = true)]
    pub config: Option<PathBuf>,
    /// Create and migrate the database (every command does so)
    #[arg(long)]
    init_db: bool,
    /// Serve, in the foreground
    #[arg(long)]
    daemon: bool,
    /// With --daemon: log at level DEBUG
    #[arg(long, requires = "daemon")]
    debug: bool,
    /// Check the configuration, its key files and templates
    #[arg(long)]
    check: bool,
    #[command(subcommand)]
    command: Option<Command>,
}

/// One of the things to do.
pub(super) enum Task {
    InitDb,
    Daemon { debug: bool },
    Check,
    Command(Command),
}

impl Args {
    /// What was asked for, taken out of the arguments. The error is a text about wrong usage.
    pub fn task(&self) -> Result<Task, String> {
        let tasks = [
            self.init_db.then_some(Task::InitDb),
            self.daemon.then_some(Task::Daemon { debug: self.debug }),
            self.check.then_some(Task::Check),
            self.command.clone().map(Task::Command),
        ];
        let mut tasks = tasks.into_iter().flatten();
        match (tasks.next(), tasks.next()) {
            (Some(task), None) => Ok(task),
            (None, _) => Err("no command: --help lists them".to_string()),
            (Some(_), Some(_)) => {
                Err("more than one command: give one of --init-db, --daemon, --check or a command".to_string())
            }
        }
    }
}

#[derive(Clone, Subcommand)]
pub(super) enum Command {
    /// Users
    #[command(subcommand)]
    User(User),
    /// Access tokens of users
    #[command(subcommand)]
    Token(Token),
    /// Hostnames
    #[command(subcommand)]
    Hostname(Hostname),
    /// Remove the records of hostnames that have expired
    Cleanup {
        /// Print what would be removed
        #[arg(long)]
        dry_run: bool,
        /// Do it even though the clock is implausible
        #[arg(long)]
        force: bool,
    },
    /// Read users, tokens and hostnames as JSON lines
    Import {
        /// The file; - for the standard input
        file: PathBuf,
    },
    /// Print users, tokens and hostnames as JSON lines, with password hashes
    Export,
    /// Copy everything into the empty database of another configuration
    Migrate {
        /// The configuration whose [database] is filled
        #[arg(long, value_name = "CONFIG")]
        to: PathBuf,
    },
}

impl Command {
    /// What the configuration must be able to give.
    pub fn extent(&self) -> Extent {
        match self {
            Command::Cleanup { .. } => Extent::Dns,
            Command::Hostname(Hostname::Delete { keep_dns, .. }) if !keep_dns => Extent::Dns,
            _ => Extent::Database,
        }
    }
}

#[derive(Clone, Subcommand)]
pub(super) enum User {
    /// List users
    List {
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Add a user; asks for the password
    Add {
        user: String,
        email: String,
        /// Read the password from the standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Delete a user; fails while the user has hostnames
    Delete { user: String },
    /// Change a user's password
    Passwd {
        user: String,
        /// Read the password from the standard input, one line
        #[arg(long)]
        password_stdin: bool,
    },
    /// Change a user's mail address
    Email { user: String, email: String },
    /// Reject the user's logins
    Disable { user: String },
    /// Accept the user's logins again
    Enable { user: String },
    /// Set whether the user is an administrator
    Admin { user: String, admin: OnOff },
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum OnOff {
    On,
    Off,
}

#[derive(Clone, Subcommand)]
pub(super) enum Token {
    /// Add a token and print it, once
    Add {
        user: String,
        /// A hostname (FQDN) that it may update; without it: all of the user
        #[arg(long, value_name = "FQDN")]
        host: Vec<String>,
        /// It may set TXT records for ACME, and nothing else
        #[arg(long)]
        txt: bool,
        /// A text to know it by
        #[arg(long, value_name = "TEXT", default_value = "")]
        label: String,
    },
    /// List a user's tokens
    List {
        user: String,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Delete a token
    Delete {
        /// As 'token list' shows it
        id: String,
    },
}

#[derive(Clone, Default, clap::Args)]
pub(super) struct Options {
    /// Lifetime of the records, in seconds
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(TTL))]
    pub dns_ttl: Option<u32>,
    /// Seconds without an update after which the records are removed; 0: never
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = clap::value_parser!(u32).range(TTL))]
    pub expiry_ttl: Option<u32>,
    /// The host's part of its IPv6 address for prefix updates, such as ::1234; none removes it
    #[arg(long, value_name = "S")]
    pub ipv6_suffix: Option<String>,
    /// The group for prefix updates with related=1; none removes it
    #[arg(long, value_name = "NAME")]
    pub group: Option<String>,
}

#[derive(Clone, Subcommand)]
pub(super) enum Hostname {
    /// List hostnames
    List {
        /// Only those of this user
        #[arg(long)]
        user: Option<String>,
        /// As a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Add a hostname
    Add {
        user: String,
        /// The name before the zone; may contain dots; @ for the zone itself
        host: String,
        zone: String,
        #[command(flatten)]
        options: Options,
    },
    /// Change a hostname's options
    Modify {
        host: String,
        zone: String,
        #[command(flatten)]
        options: Options,
    },
    /// Delete a hostname; its records are removed first
    Delete {
        host: String,
        zone: String,
        /// Leave the records in DNS
        #[arg(long)]
        keep_dns: bool,
    },
}
