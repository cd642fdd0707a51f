//! Who is it: login by password or token, the queue for password hashes, the cache of successes.
