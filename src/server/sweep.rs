//! Expiry, and what must be sent to the name server again.
