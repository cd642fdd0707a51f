//! Starts, reloads and ends the parts of a running service.
