//! How files are written: whole or not at all, never through a link, never where others could plant one. The state
//! and the history decide what is written; everything that a power cut, a full card or a stranger in the folder
//! could do to it is met here.

use crate::sys::os;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{fchown, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// A folder in which homing keeps a file; holds the lock while it lives.
pub struct Folder {
    handle: File,
    path: PathBuf,
    /// Whose files they shall be when we are root: the folder's owner and group.
    owner: Option<(u32, u32)>,
}

impl Folder {
    /// Opens the folder of a file and checks that strangers cannot play tricks in it.
    pub fn of(file: &Path) -> Result<Folder, String> {
        let path = match file.parent() {
            Some(parent) if parent != Path::new("") => parent.to_path_buf(),
            _ => PathBuf::from("."),
        };
        let shown = path.display();
        let handle = os::open(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => format!("the folder {shown} does not exist: install -d -m 700 {shown}"),
            _ => format!("cannot open the folder {shown}: {error}"),
        })?;
        let found = handle.metadata().map_err(|error| format!("cannot look at {shown}: {error}"))?;
        if !found.is_dir() {
            return Err(format!("{shown} is not a folder"));
        }
        const STICKY: u32 = 0o1000;
        let mode = found.permissions().mode();
        if mode & 0o022 != 0 && mode & STICKY == 0 {
            return Err(format!(
                "others can write in the folder {shown} (mode {:o}): chmod go-w {shown}",
                mode & 0o7777
            ));
        }
        let (own, root) = (os::euid(), 0);
        if found.uid() != own && found.uid() != root && own != root {
            return Err(format!(
                "the folder {shown} belongs to user {}, and homing runs as user {own}: run it as that user",
                found.uid()
            ));
        }
        let owner = (own == root && found.uid() != root).then(|| (found.uid(), found.gid()));
        Ok(Folder { handle, path, owner })
    }

    /// Whether this is the same folder, by whatever name.
    pub fn is(&self, other: &Folder) -> bool {
        match (self.handle.metadata(), other.handle.metadata()) {
            (Ok(one), Ok(two)) => (one.dev(), one.ino()) == (two.dev(), two.ino()),
            _ => false,
        }
    }

    /// Waits for the lock, `until` at most. It goes with the process, however that ends.
    pub fn lock(&self, until: Instant) -> Result<(), String> {
        let mut pause = Duration::from_millis(5);
        loop {
            match self.handle.try_lock() {
                Ok(()) => return Ok(()),
                Err(std::fs::TryLockError::WouldBlock) if Instant::now() < until => {
                    std::thread::sleep(pause.min(until.saturating_duration_since(Instant::now())));
                    pause = (pause * 2).min(Duration::from_millis(100));
                }
                Err(std::fs::TryLockError::WouldBlock) => {
                    return Err(format!("another pass is still at work in {}", self.path.display()));
                }
                Err(std::fs::TryLockError::Error(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(std::fs::TryLockError::Error(error)) => {
                    return Err(format!("cannot lock {}: {error}", self.path.display()));
                }
            }
        }
    }

    /// Puts new contents in the place of a file of this folder: a temporary file beside it, fsync, rename, fsync.
    pub fn replace(&self, file: &Path, contents: &[u8]) -> io::Result<()> {
        let mut name = std::ffi::OsString::from(".");
        name.push(file.file_name().ok_or(io::ErrorKind::InvalidInput)?);
        name.push(".new");
        let fresh = self.path.join(name);
        // One that a killed pass left behind; under the lock nobody else's.
        match std::fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let written = self.write_fresh(&fresh, contents).and_then(|()| std::fs::rename(&fresh, file));
        if written.is_err() {
            let _ = std::fs::remove_file(&fresh);
        }
        written?;
        self.handle.sync_all()
    }

    fn write_fresh(&self, fresh: &Path, contents: &[u8]) -> io::Result<()> {
        let mut file = os::make(fresh, 0o600)?;
        self.give(&file)?;
        file.write_all(contents)?;
        file.sync_all()
    }

    fn give(&self, file: &File) -> io::Result<()> {
        match self.owner {
            Some((uid, gid)) => fchown(file, Some(uid), Some(gid)),
            None => Ok(()),
        }
    }

    /// Opens a file for appending, made if missing.
    fn open_append(&self, file: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true).append(true).custom_flags(os::NOFOLLOW | os::NONBLOCK);
        match options.open(file) {
            Ok(file) => Ok(regular(file)?.0),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                let made = options.create_new(true).mode(0o640).open(file)?;
                self.give(&made)?;
                self.handle.sync_all()?;
                Ok(made)
            }
            Err(error) => Err(plain(error)),
        }
    }

    /// Appends one line with one write and makes it last. What a crash left of a line is taken care of first:
    /// `keep` says whether such a tail is a whole line that only lacks its end, and then whether the new one is still
    /// to follow.
    pub fn append_line(&self, file: &Path, line: &str, keep: impl Fn(&str) -> Option<bool>) -> io::Result<()> {
        let mut log = self.open_append(file)?;
        let mut length = log.seek(SeekFrom::End(0))?;
        let tail = torn_tail(&mut log, length)?;
        let mut text = String::with_capacity(line.len() + 2);
        let kept = keep(&String::from_utf8_lossy(&tail)).filter(|_| !tail.is_empty());
        if kept.is_some() {
            text.push('\n');
        } else if !tail.is_empty() {
            length -= u64::try_from(tail.len()).unwrap_or(0);
            log.set_len(length)?;
        }
        if kept != Some(false) {
            text.push_str(line);
            text.push('\n');
        }
        let written = loop {
            match log.write(text.as_bytes()) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                written => break written,
            }
        };
        match written {
            Ok(n) if n == text.len() => log.sync_all(),
            result => {
                // Half a line is no line.
                let _ = log.set_len(length);
                Err(result.err().unwrap_or_else(|| io::Error::other("no space for a whole line")))
            }
        }
    }
}

/// What follows the last newline; bounded, for a line is short.
fn torn_tail(log: &mut File, length: u64) -> io::Result<Vec<u8>> {
    const LONGEST: u64 = 512;
    let from = length.saturating_sub(LONGEST);
    log.seek(SeekFrom::Start(from))?;
    let mut end = Vec::new();
    log.take(LONGEST).read_to_end(&mut end)?;
    let start = end.iter().rposition(|byte| *byte == b'\n').map_or(0, |at| at + 1);
    Ok(end.split_off(start))
}

/// Opens a file for reading: no link, no pipe, no device, nothing that could block. Also how many bytes it holds.
pub fn open(file: &Path) -> io::Result<(File, u64)> {
    regular(os::open_own(file).map_err(plain)?)
}

/// What the system calls a loop (ELOOP) is a link where we follow none.
fn plain(error: io::Error) -> io::Error {
    match error.raw_os_error() == Some(os::LOOP) {
        true => io::Error::other("a symbolic link, which is not followed"),
        false => error,
    }
}

fn regular(file: File) -> io::Result<(File, u64)> {
    let found = file.metadata()?;
    match found.is_file() {
        true => Ok((file, found.len())),
        false => Err(io::Error::other("not a regular file")),
    }
}

/// What such a file holds, but no more than one byte over `most`: that it is too large is for the caller to tell.
pub fn read(file: &Path, most: u64) -> io::Result<Vec<u8>> {
    let (mut file, length) = open(file)?;
    read_all(&mut file, length, most)
}

/// Reads to the end, or one byte over `most`. With one system call where the length is what the file said: one byte more
/// was asked for, and did not come.
pub fn read_all(file: &mut File, length: u64, most: u64) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; usize::try_from(length.min(most)).unwrap_or(0) + 1];
    let n = loop {
        match file.read(&mut bytes) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            read => break read?,
        }
    };
    bytes.truncate(n);
    let n = u64::try_from(n).unwrap_or(u64::MAX);
    if n == 0 || n != length {
        file.take((most + 1).saturating_sub(n)).read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Writes a small file that may be lost, where it can be written at all: no fsync, and no complaint.
pub fn jot(file: &Path, contents: &str) {
    let _ = whole(file, contents.as_bytes());
}

/// Writes a file that an operator named: whole, but not made to last. What is there already and is no file (a pipe,
/// a link such as `/dev/stdout`) is written to and not replaced.
pub fn put(file: &Path, contents: &[u8]) -> io::Result<()> {
    match file.symlink_metadata() {
        Ok(found) if !found.is_file() => OpenOptions::new().write(true).open(file)?.write_all(contents),
        _ => whole(file, contents),
    }
}

/// The whole file or the old one. Anybody may read it.
fn whole(file: &Path, contents: &[u8]) -> io::Result<()> {
    let fresh = file.with_extension("new");
    let mut made = match os::make(&fresh, 0o644) {
        // One that a killed pass left behind.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(&fresh)?;
            os::make(&fresh, 0o644)?
        }
        made => made?,
    };
    let written = made.write_all(contents).and_then(|()| std::fs::rename(&fresh, file));
    if written.is_err() {
        let _ = std::fs::remove_file(&fresh);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Scratch(PathBuf);

    impl Scratch {
        fn new(name: &str) -> Scratch {
            let path = std::env::temp_dir().join(format!("homing-disk-{name}-{}", std::process::id()));
            let _ = std::fs::remove_dir_all(&path);
            std::fs::create_dir(&path).expect("scratch folder");
            std::fs::set_permissions(&path, PermissionsExt::from_mode(0o700)).expect("own folder");
            Scratch(path)
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_torn_tail_is_cut_and_a_whole_one_ended() {
        let scratch = Scratch::new("tail");
        let file = scratch.0.join("log");
        let folder = Folder::of(&file).expect("good");
        let whole = |tail: &str| tail.ends_with("whole").then_some(!tail.starts_with("the"));
        for (before, after) in [
            ("", "new\n"),
            ("a\n", "a\nnew\n"),
            ("a\nhal", "a\nnew\n"),
            ("a\nb whole", "a\nb whole\nnew\n"),
            ("a\nthe whole", "a\nthe whole\n"),
            ("torn", "new\n"),
        ] {
            std::fs::write(&file, before).expect("written");
            folder.append_line(&file, "new", whole).expect("appended");
            assert_eq!(std::fs::read_to_string(&file).expect("read"), after);
        }
    }

    #[test]
    fn all_is_read_whatever_length_was_told() {
        let scratch = Scratch::new("read");
        let path = scratch.0.join("file");
        std::fs::write(&path, "0123456789").expect("written");
        for (told, most, read) in [
            (10, 100, "0123456789"),
            // It grew or shrank since, or its kind tells no length.
            (4, 100, "0123456789"),
            (50, 100, "0123456789"),
            (0, 100, "0123456789"),
            (10, 10, "0123456789"),
            // One more than allowed, and no more.
            (10, 3, "0123"),
            (0, 3, "0123"),
        ] {
            let mut file = File::open(&path).expect("there");
            let bytes = read_all(&mut file, told, most).expect("readable");
            assert_eq!(String::from_utf8_lossy(&bytes), read, "told {told}, at most {most}");
        }
        let mut endless = File::open("/proc/self/status").expect("there");
        assert!(read_all(&mut endless, 0, 100_000).expect("readable").starts_with(b"Name:"));
    }

    #[test]
    fn links_and_pipes_are_refused() {
        let scratch = Scratch::new("link");
        let (target, link) = (scratch.0.join("target"), scratch.0.join("link"));
        std::fs::write(&target, "x\n").expect("written");
        std::os::unix::fs::symlink(&target, &link).expect("linked");
        let folder = Folder::of(&link).expect("good");
        assert!(folder.append_line(&link, "new", |_| None).is_err());
        assert!(open(&link).unwrap_err().to_string().contains("symbolic link"));
        assert!(open(&scratch.0).is_err());
        assert_eq!(std::fs::read_to_string(&target).expect("read"), "x\n");
        folder.replace(&link, b"y").expect("a rename replaces the link itself");
        assert_eq!(std::fs::read_to_string(&target).expect("read"), "x\n");
    }

    #[test]
    fn a_folder_that_others_write_in_is_refused() {
        let scratch = Scratch::new("open");
        std::fs::set_permissions(&scratch.0, PermissionsExt::from_mode(0o777)).expect("own folder");
        let why = Folder::of(&scratch.0.join("x")).err().expect("refused");
        assert!(why.contains("chmod go-w"), "{why}");
        assert!(Folder::of(&scratch.0.join("missing/x")).err().expect("refused").contains("install -d"));
    }
}
