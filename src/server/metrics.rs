//! Counters for `/metrics`, and the health page.
