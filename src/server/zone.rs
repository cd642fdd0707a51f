//! One thread a zone: groups changes, sends RFC 2136 updates, records the outcome.
