//! The tables, and the steps that lead from each version to the next.
//! A step must stay as it is once it was released. On MariaDB, where DDL commits by itself, a step that was interrupted
//! runs again, so each statement must be one that can.

/// What leads from version `n` to `n + 1`, for each `n` from 0.
pub(super) const STEPS: &[&[&str]] = &[V1];

/// Added to CREATE TABLE on MariaDB: texts are compared byte for byte, with trailing spaces, as SQLite does.
pub(super) const MARIADB_TABLE: &str = " ENGINE=InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_nopad_bin";

/// One row in which versions and the heartbeat are kept (`one` is always 1).
/// `host.grp` is the group: `group` is a word of SQL.
const V1: &[&str] = &[
    "CREATE TABLE IF NOT EXISTS meta (
        one BIGINT NOT NULL PRIMARY KEY,
        version BIGINT NOT NULL,
        beat BIGINT NOT NULL,
        served BIGINT NOT NULL,
        clean BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS lease (
        name VARCHAR(64) NOT NULL PRIMARY KEY,
        owner VARCHAR(32) NOT NULL,
        ends BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS account (
        id VARCHAR(32) NOT NULL PRIMARY KEY,
        name VARCHAR(255) NOT NULL UNIQUE,
        email VARCHAR(320) NOT NULL,
        hash VARCHAR(512) NOT NULL,
        disabled BIGINT NOT NULL,
        admin BIGINT NOT NULL,
        created BIGINT NOT NULL)",
    "CREATE TABLE IF NOT EXISTS token (
        id VARCHAR(32) NOT NULL PRIMARY KEY,
        account VARCHAR(32) NOT NULL,
        digest VARCHAR(64) NOT NULL UNIQUE,
        label VARCHAR(255) NOT NULL,
        hosts TEXT NOT NULL,
        txt BIGINT NOT NULL,
        created BIGINT NOT NULL,
        FOREIGN KEY (account) REFERENCES account (id) ON DELETE CASCADE)",
    "CREATE TABLE IF NOT EXISTS host (
        id VARCHAR(32) NOT NULL PRIMARY KEY,
        account VARCHAR(32) NOT NULL,
        fqdn VARCHAR(253) NOT NULL UNIQUE,
        zone VARCHAR(253) NOT NULL,
        dns_ttl BIGINT NOT NULL,
        expiry_ttl BIGINT NOT NULL,
        suffix VARCHAR(45) NOT NULL,
        grp VARCHAR(64) NOT NULL,
        want4 VARCHAR(15) NOT NULL,
        want6 VARCHAR(45) NOT NULL,
        rev BIGINT NOT NULL,
        want_at BIGINT NOT NULL,
        have4 VARCHAR(15) NOT NULL,
        have6 VARCHAR(45) NOT NULL,
        have_rev BIGINT NOT NULL,
        have_at BIGINT NOT NULL,
        settled BIGINT NOT NULL,
        seen4 BIGINT NOT NULL,
        changed4 BIGINT NOT NULL,
        expired4 BIGINT NOT NULL,
        due4 BIGINT NOT NULL,
        seen6 BIGINT NOT NULL,
        changed6 BIGINT NOT NULL,
        expired6 BIGINT NOT NULL,
        due6 BIGINT NOT NULL,
        created BIGINT NOT NULL,
        FOREIGN KEY (account) REFERENCES account (id))",
    "CREATE INDEX IF NOT EXISTS host_account ON host (account)",
    "CREATE TABLE IF NOT EXISTS txt (
        id VARCHAR(32) NOT NULL PRIMARY KEY,
        host VARCHAR(32) NOT NULL,
        value VARCHAR(255) NOT NULL,
        asked BIGINT NOT NULL,
        wanted BIGINT NOT NULL,
        published BIGINT NOT NULL,
        UNIQUE (host, value),
        FOREIGN KEY (host) REFERENCES host (id) ON DELETE CASCADE)",
    "CREATE TABLE IF NOT EXISTS outbox (
        id VARCHAR(32) NOT NULL PRIMARY KEY,
        host VARCHAR(32) NOT NULL,
        account VARCHAR(32) NOT NULL,
        kind VARCHAR(16) NOT NULL,
        rev BIGINT NOT NULL,
        data TEXT NOT NULL,
        created BIGINT NOT NULL,
        attempts BIGINT NOT NULL,
        try_at BIGINT NOT NULL,
        UNIQUE (host, kind, rev))",
];
