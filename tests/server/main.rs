//! homing-server seen from outside: the built binary, SQLite in a scratch folder, real programs from Debian around it.
//! One test program, so that it links once.

mod clients;
mod http;
mod logins;
mod tls;
mod updates;
mod world;
