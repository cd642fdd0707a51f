//! Conversations: what homing must say to a provider, what it is answered, and how that must end. They are
//! texts below tests/conversations, one folder a provider or preset, so that one can be added without code.

mod compare;
mod format;
mod play;
mod script;
mod service;
#[cfg(test)]
mod tests;
mod walk;
