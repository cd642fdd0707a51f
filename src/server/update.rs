//! One update request in order.
