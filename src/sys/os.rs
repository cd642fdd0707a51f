//! The only door to `rustix`: the few things the standard library can't ask of Linux, in the standard library's types.
//! It stands apart so that the package can be swapped in one file and nobody else thinks about EINTR, process
//! numbers or kernel structures. It decides nothing. What netlink's bytes mean is in `os/netlink.rs`.

mod netlink;
mod wait;

pub use netlink::route::DefaultRoute;
pub use netlink::{Held, Link};

use crate::types::address::Family;
use rustix::event::PollFlags;
use rustix::fd::{AsFd, BorrowedFd, OwnedFd};
use rustix::fs::{Mode, OFlags, CWD};
use rustix::io::{retry_on_intr, Errno};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::process::{DumpableBehavior, Pid, PidfdFlags, Resource, Rlimit, Signal, WaitId, WaitIdOptions};
use rustix::rand::GetRandomFlags;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileTypeExt;
use std::path::Path;
use std::time::{Duration, Instant};

/// Fills `buf` with bytes nobody can guess (getrandom(2)).
///
/// # Panics
/// Where the system has no randomness to give. Keys and transaction numbers made without it would be guessable, so
/// there is no second-best answer to return.
pub fn random(buf: &mut [u8]) {
    let mut filled = 0;
    while let Some(rest) = buf.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match rustix::rand::getrandom(&mut *rest, GetRandomFlags::empty()) {
            Ok(n) if n > 0 => filled += n,
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => match random_from_device(rest) {
                Ok(()) => return,
                Err(error) => panic!("this system gives no random numbers: {error}"),
            },
        }
    }
}

/// For kernels before 3.17 and sandboxes that forbid the call. /dev/urandom answers before it has been seeded, so
/// /dev/random must first say that it is (random(4)); and in a bad chroot it may be a plain file.
fn random_from_device(buf: &mut [u8]) -> io::Result<()> {
    let seeded = File::open("/dev/random")?;
    if wait_readable(&[seeded.as_fd()], Instant::now() + Duration::from_secs(10))? != [true] {
        return Err(io::Error::new(io::ErrorKind::TimedOut, "/dev/random is not ready"));
    }
    let mut device = File::open("/dev/urandom")?;
    if !device.metadata()?.file_type().is_char_device() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "/dev/urandom is not a device"));
    }
    device.read_exact(buf)
}

/// This machine's name, as the kernel has it (hostname(1)); `None` where it was never given one.
pub fn hostname() -> Option<String> {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").ok()?;
    Some(name.trim().to_string()).filter(|name| !name.is_empty() && name != "(none)")
}

/// Kills every process of the group that `leader` leads. The leader must not have been reaped yet, or its number
/// may by now be another's.
pub fn kill_group(leader: u32) {
    // 0 would be our own group, and 1 becomes kill(-1): every process there is (kill(2)).
    if leader > 1 {
        if let Some(group) = pid(leader) {
            let _ = rustix::process::kill_process_group(group, Signal::KILL);
        }
    }
}

/// Whether a child of ours has ended. It is left unreaped, so that its number stays its own.
pub fn has_ended(child: u32) -> bool {
    let Some(child) = pid(child) else { return true };
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    match retry_on_intr(|| rustix::process::waitid(WaitId::Pid(child), options)) {
        Ok(status) => status.is_some(),
        Err(error) => error == Errno::CHILD, // not ours any more: there is nothing to wait for
    }
}

/// A descriptor that becomes readable when `child` ends (pidfd_open(2), Linux 5.3); `None` where there are none.
pub fn end_of(child: u32) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid(child)?, PidfdFlags::empty()).ok()
}

/// Forbids core dumps, which would hold secrets: ours, and by the limit those of the programs we start.
/// It is a precaution, so errors are passed over. `/proc/self` belongs to root afterwards (proc(5)).
pub fn no_core_dumps() {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    let _ = rustix::process::setrlimit(Resource::Core, none);
    let _ = rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable);
}

/// Waits until a descriptor can be read without blocking, or `until`. One answer for each descriptor, in order; all
/// `false` at the deadline. End of file, hang-up and errors count as readable: the read tells which.
/// A deadline in the past looks once and does not wait.
pub fn wait_readable(fds: &[BorrowedFd<'_>], until: Instant) -> io::Result<Vec<bool>> {
    wait(fds, PollFlags::IN, until)
}

/// Waits until something can be written without blocking; `false` at the deadline, or when it can't be told.
pub fn wait_writable(fd: BorrowedFd<'_>, until: Instant) -> bool {
    wait(&[fd], PollFlags::OUT, until).is_ok_and(|ready| ready == [true])
}

fn wait(fds: &[BorrowedFd<'_>], what: PollFlags, until: Instant) -> io::Result<Vec<bool>> {
    loop {
        // An hour at a time: no deadline is too far for a 32-bit time_t.
        let left = until.saturating_duration_since(Instant::now());
        let turn = left.min(Duration::from_secs(3600));
        match wait::once(fds, what, turn) {
            Ok(ready) if turn < left && !ready.contains(&true) => {}
            Ok(ready) => return Ok(ready),
            Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// For `OpenOptions::custom_flags`: do not follow a link in the last part of a path (open(2)).
pub const NOFOLLOW: i32 = rustix::fs::OFlags::NOFOLLOW.bits() as i32;
/// What the system says of a link that is not followed, as `raw_os_error` has it.
pub const LOOP: i32 = Errno::LOOP.raw_os_error();
/// For `OpenOptions::custom_flags`: do not wait for the other side of a pipe (open(2)).
pub const NONBLOCK: i32 = rustix::fs::OFlags::NONBLOCK.bits() as i32;

/// Whether a file can be read, in one system call.
pub fn may_read(path: &Path) -> io::Result<()> {
    Ok(rustix::fs::access(path, rustix::fs::Access::READ_OK)?)
}

/// Opens a file or a folder for reading, whatever it is. As `File::open` does it, in one system call: musl's own way asks
/// for close-on-exec once more, for kernels before 2.6.23.
pub fn open(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDONLY, 0)
}

/// Opens a file for reading: no link in the last part of its path, and no waiting for the other side of a pipe.
pub fn open_own(path: &Path) -> io::Result<File> {
    open_with(path, OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK, 0)
}

/// Makes a file that must not be there yet, for writing.
pub fn make(path: &Path, mode: u32) -> io::Result<File> {
    open_with(path, OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW, mode)
}

fn open_with(path: &Path, flags: OFlags, mode: u32) -> io::Result<File> {
    let mode = Mode::from_raw_mode(mode as _);
    Ok(retry_on_intr(|| rustix::fs::openat(CWD, path, flags | OFlags::CLOEXEC, mode))?.into())
}

/// Who we act as (geteuid(2)); 0 is root.
pub fn euid() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// Every address of one family that this machine's interfaces hold, switched on or not, in the kernel's order.
/// All of them or an error: a list that may lack one is never given. Takes 2 seconds at most for each question.
pub fn held_addresses(family: Family) -> io::Result<Vec<Held>> {
    let links = links()?;
    let about = netlink::number(family);
    dump(netlink::GET_ADDRESS, about, netlink::NEW_ADDRESS, |body| netlink::held(body, family, &links))
}

/// Every network interface.
pub fn links() -> io::Result<Vec<Link>> {
    dump(netlink::GET_LINK, 0, netlink::NEW_LINK, netlink::link)
}

/// The IPv4 default routes of the main table, best first.
pub fn default_routes() -> io::Result<Vec<DefaultRoute>> {
    use netlink::route::{default_route, GET_ROUTE, NEW_ROUTE};
    let mut found = dump(GET_ROUTE, netlink::number(Family::V4), NEW_ROUTE, default_route)?;
    found.sort_by_key(|route| route.rank);
    Ok(found)
}

/// The kernel's number for the interface of that name; an error of kind `NotFound` where there is none.
pub fn interface_index(name: &str) -> io::Result<u32> {
    links()?.into_iter().find(|link| link.name == name).map(|link| link.index).ok_or_else(|| missing(name))
}

fn missing(name: &str) -> io::Error {
    io::Error::new(io::ErrorKind::NotFound, format!("there is no interface {name}"))
}

/// One question to the kernel's routing tables, asked again a few times when they change under it (NLM_F_DUMP_INTR).
fn dump<T>(ask: u16, family: u8, answer: u16, read: impl Fn(&[u8]) -> Option<T>) -> io::Result<Vec<T>> {
    let until = Instant::now() + Duration::from_secs(2);
    for _ in 0..5 {
        if let Some(found) = dump_once(ask, family, answer, &read, until)? {
            return Ok(found);
        }
    }
    Err(io::Error::other("the interfaces kept changing while the kernel listed them"))
}

/// `None` when the kernel was interrupted. A socket for each try: what is left of the last one goes with it.
fn dump_once<T>(
    ask: u16,
    family: u8,
    answer: u16,
    read: impl Fn(&[u8]) -> Option<T>,
    until: Instant,
) -> io::Result<Option<Vec<T>>> {
    const SEQUENCE: u32 = 1;
    const MOST: usize = 1 << 20; // thousands of addresses; no home has them
    let kernel = SocketAddrNetlink::new(0, 0);
    // No protocol means NETLINK_ROUTE, which is 0.
    let socket = rustix::net::socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    let request = netlink::request(ask, family, SEQUENCE);
    retry_on_intr(|| rustix::net::sendto(&socket, &request, SendFlags::empty(), &kernel))?;

    let mut buffer = vec![0; 32 * 1024]; // what the kernel fills at most in a dump (netlink(7))
    let (mut found, mut total, mut interrupted) = (Vec::new(), 0, false);
    while total <= MOST {
        // TRUNC makes the length the true one, so that a datagram too long for us is seen.
        let flags = RecvFlags::DONTWAIT | RecvFlags::TRUNC;
        let (len, sender) = match rustix::net::recvfrom(&socket, &mut buffer[..], flags) {
            Ok((_, len, sender)) => (len, sender),
            Err(Errno::INTR) => continue,
            Err(Errno::AGAIN) if wait_readable(&[socket.as_fd()], until)? == [true] => continue,
            Err(Errno::AGAIN) => return Err(io::Error::new(io::ErrorKind::TimedOut, "the kernel does not answer")),
            Err(error) => return Err(error.into()),
        };
        total += len.max(1);
        // Any process may send to our socket; only the kernel is number 0.
        if sender.and_then(|from| SocketAddrNetlink::try_from(from).ok()).map(|from| from.pid()) != Some(0) {
            continue;
        }
        let part = buffer.get(..len).ok_or_else(|| io::Error::other("the kernel's answer is too long"))?;
        let progress = netlink::read(part, answer, SEQUENCE, |body| found.extend(read(body)))?;
        interrupted |= progress.interrupted;
        if progress.done {
            return Ok((!interrupted).then_some(found));
        }
    }
    Err(io::Error::other("the kernel's answer does not end"))
}

fn pid(number: u32) -> Option<Pid> {
    Pid::from_raw(i32::try_from(number).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::net::IpAddr;
    use std::os::unix::net::UnixStream;

    #[test]
    fn random_bytes_differ_and_fill_the_buffer() {
        let (mut a, mut b) = ([0; 64], [0; 64]);
        random(&mut a);
        random(&mut b);
        assert_ne!(a, b);
        assert!(a[32..].iter().any(|byte| *byte != 0));
        random(&mut []);
        let mut c = [0; 64];
        random_from_device(&mut c).unwrap();
        assert_ne!(c, [0; 64]);
    }

    #[test]
    fn nobody_is_killed_by_a_wrong_number() {
        for wrong in [0, 1, u32::MAX, 1 << 31] {
            kill_group(wrong);
        }
    }

    #[test]
    fn a_socket_is_readable_when_written_and_when_closed() {
        let (reader, mut writer) = UnixStream::pair().unwrap();
        let past = Instant::now();
        let far = past + Duration::from_secs(20);
        assert_eq!(wait_readable(&[reader.as_fd()], past).unwrap(), [false]);
        let (quiet, _keep) = UnixStream::pair().unwrap();
        writer.write_all(b"x").unwrap();
        assert_eq!(wait_readable(&[quiet.as_fd(), reader.as_fd()], far).unwrap(), [false, true]);
        drop(writer);
        assert_eq!(wait_readable(&[reader.as_fd()], far).unwrap(), [true]);
        assert!(wait_readable(&[], past).unwrap().is_empty());
    }

    #[test]
    fn the_deadline_of_a_wait_holds() {
        let (reader, _writer) = UnixStream::pair().unwrap();
        let until = Instant::now() + Duration::from_millis(30);
        assert_eq!(wait_readable(&[reader.as_fd()], until).unwrap(), [false]);
        assert!(Instant::now() >= until);
    }

    #[test]
    fn the_loopback_is_there() {
        let name = links().unwrap().into_iter().find(|link| link.index == 1).unwrap().name;
        assert_eq!(interface_index(&name).unwrap(), 1);
        assert_eq!(interface_index("no-such-thing").unwrap_err().kind(), io::ErrorKind::NotFound);
        if !links().unwrap().iter().any(|link| link.name == name && link.up) {
            return eprintln!("SKIPPED: {name} is down here and holds no address");
        }
        let held = held_addresses(Family::V4).unwrap();
        let home = held.iter().find(|held| held.address == IpAddr::from([127, 0, 0, 1])).unwrap();
        assert_eq!((home.interface, home.up, home.global_scope, home.prefix_len), (1, true, false, 8));
        assert!(held.iter().all(|held| held.address.is_ipv4()));
        assert!(held_addresses(Family::V6).unwrap().iter().all(|held| held.address.is_ipv6()));
    }
}
