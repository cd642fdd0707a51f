//! The text or JSON of a reply. Pure.
