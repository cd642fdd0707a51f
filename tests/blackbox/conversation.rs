//! Conversations: the requests that homing must send, the replies it gets, and the expected result. They are text files
//! below tests/conversations, one folder per provider or preset, so that one can be added without code.

mod compare;
mod format;
mod play;
mod script;
mod service;
#[cfg(test)]
mod tests;
mod walk;
