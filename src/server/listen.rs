//! Connections, TLS and HTTP. The only user of hyper, axum and tokio-rustls.
