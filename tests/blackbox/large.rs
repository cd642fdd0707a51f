//! A history longer than 4 GiB is read from its end and extended, on 32-bit machines too.

use crate::testbed::{Home, HttpServer, Reply, FOUR, OTHER};
use std::fs::OpenOptions;
use std::io::{Read, Seek, SeekFrom, Write};
use std::sync::{Arc, Mutex};

/// Beyond the range of signed and unsigned 32-bit numbers. All but the end of the file is a hole.
const LENGTHS: [u64; 2] = [(2 << 30) + 5, (4 << 30) + 5];

#[test]
fn a_history_of_gigabytes_is_read_and_extended() {
    for length in LENGTHS {
        let address = Arc::new(Mutex::new(FOUR));
        let page_address = Arc::clone(&address);
        let page = HttpServer::new(move |_| Reply::ok(*page_address.lock().unwrap()));
        let home = Home::new();
        home.config("ipv4 = w", &format!("[detector:w]\nkind = web\nurl = {}/\n", page.url())).passes(0);
        let path =
            home.stored_files().into_iter().map(|(path, _)| path).find(|path| path.ends_with("history.log")).unwrap();
        let mut file = OpenOptions::new().read(true).write(true).open(&path).unwrap();
        file.set_len(length).unwrap();
        file.seek(SeekFrom::End(0)).unwrap();
        file.write_all(format!("\n2026-11-01T00:00:00Z ipv4 {FOUR} w\n").as_bytes()).unwrap();
        let before = file.metadata().unwrap().len();
        home.pass().go().expect(0).silent();
        assert_eq!(file.metadata().unwrap().len(), before, "the address is the last one in the file");
        *address.lock().unwrap() = OTHER;
        home.pass().go().expect(0);
        file.seek(SeekFrom::Start(before)).unwrap();
        let mut line = String::new();
        file.read_to_string(&mut line).unwrap();
        assert!(line.ends_with(&format!(" ipv4 {OTHER} w\n")) && line.lines().count() == 1, "{length}: {line:?}");
    }
}
