//! homing-server as its users see it: the built program with its files and database, and real programs from Debian around
//! it. One test program, so that it links once.
//! With `HOMING_TEST_MARIADB` set (see `with-mariadb`) every test uses MariaDB where it does not name SQLite.

mod accounts;
mod clients;
mod configuration;
mod database;
mod delivery;
mod dependencies;
mod documents;
mod expiry;
mod hostile;
mod hostnames;
mod http;
mod logins;
mod mails;
mod packaging;
mod promises;
mod support;
mod tls;
mod transfer;
mod updates;
mod world;
