//! Notifications by mail, from the outbox.
