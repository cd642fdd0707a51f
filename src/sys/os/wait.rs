//! One wait for descriptors, and the two calls that it may be. Which of them depends on the processor: rustix has its own
//! form of a time for poll(2), and on a machine of 32 bits that begins with the high end musl reads the nanoseconds elsewhere
//! (it pads before them). There epoll(7) is asked, whose time is a number of milliseconds.

use rustix::event::{PollFlags, Timespec};
use rustix::fd::BorrowedFd;
use rustix::io::Errno;
use std::time::Duration;

/// Waits until one of them is ready, or for that long: one answer for each, in order, all `false` when the time is over.
#[cfg(not(all(target_pointer_width = "32", target_endian = "big")))]
pub fn once(fds: &[BorrowedFd<'_>], what: PollFlags, at_most: Duration) -> Result<Vec<bool>, Errno> {
    use rustix::event::{poll, PollFd};
    let mut watched: Vec<PollFd<'_>> = fds.iter().map(|fd| PollFd::from_borrowed_fd(*fd, what)).collect();
    poll(&mut watched, Some(&time(at_most)))?;
    Ok(watched.iter().map(|fd| !fd.revents().is_empty()).collect())
}

#[cfg(all(target_pointer_width = "32", target_endian = "big"))]
pub use by_epoll as once;

/// The same by epoll, which takes no plain files. A wait may be a millisecond longer than `at_most`.
#[cfg(any(test, all(target_pointer_width = "32", target_endian = "big")))]
pub fn by_epoll(fds: &[BorrowedFd<'_>], what: PollFlags, at_most: Duration) -> Result<Vec<bool>, Errno> {
    use rustix::event::epoll::{add, create, wait, CreateFlags, Event, EventData, EventFlags};
    let epoll = create(CreateFlags::CLOEXEC)?;
    let flags = if what.contains(PollFlags::OUT) { EventFlags::OUT } else { EventFlags::IN };
    for (index, fd) in fds.iter().enumerate() {
        add(&epoll, fd, EventData::new_u64(index as u64), flags)?;
    }
    let mut happened: Vec<Event> = Vec::with_capacity(fds.len());
    wait(&epoll, rustix::buffer::spare_capacity(&mut happened), Some(&time(at_most)))?;
    let ready = |index| happened.iter().any(|event| { event.data }.u64() == index as u64);
    Ok((0..fds.len()).map(ready).collect())
}

fn time(length: Duration) -> Timespec {
    Timespec { tv_sec: length.as_secs() as _, tv_nsec: length.subsec_nanos() as _ }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    #[test]
    fn both_calls_tell_the_same() {
        let (quiet, _open) = UnixStream::pair().expect("a pair of sockets");
        let (told, mut teller) = UnixStream::pair().expect("a pair of sockets");
        let (ended, gone) = UnixStream::pair().expect("a pair of sockets");
        teller.write_all(b"x").expect("a socket takes a byte");
        drop(gone);
        let all = [quiet.as_fd(), told.as_fd(), ended.as_fd()];
        for (fds, what, ready) in [
            (&all[..], PollFlags::IN, &[false, true, true][..]),
            (&all[..1], PollFlags::IN, &[false]),
            (&all[..1], PollFlags::OUT, &[true]),
        ] {
            for call in [once, by_epoll] {
                assert_eq!(call(fds, what, Duration::from_millis(1)).as_deref(), Ok(ready), "{what:?}");
            }
        }
    }
}
