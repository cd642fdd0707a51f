//! Rate limits. Pure: the time is passed in.
