//! The fences: what a hostile server, wire, environment or config may do to homing, and what it must not. Each table
//! below is a family of such things; every one of them is met by the built binary in two roles, as a detector's page
//! and as a provider's answer, and in each the same holds whatever else does: it ends by itself within the deadline
//! and a second, in less than 16 MiB, says nothing but printable ASCII, lets no secret out, asks nobody else, and
//! neither publishes nor believes anything.

mod bodies;
mod environment;
mod frames;
mod outing;
mod redirects;
mod routes;
mod secrets;
mod slowness;
mod tls;
mod urls;
