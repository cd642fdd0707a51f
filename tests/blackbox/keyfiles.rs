//! Keys for signed updates in all file formats that other programs write. No name server is contacted: a dry run prints
//! the name of the key and never its secret.

use crate::testbed::{Canary, Run, Scratch};

/// In base64, with blanks where an editor may have wrapped the line.
const SHARED: &str = "Y2FuYXJ5LXMzY3JldC1rZXlmaWxl";
const BROKEN: &str = "Y2FuYXJ5LXMz Y3JldC1r\n\tZXlmaWxl";

fn run(scratch: &Scratch, section: &str, arg: &str) -> crate::testbed::Ended {
    let text = format!(
        "ipv4 = four\nstate = state.json\nhistory = history.log\n[home]\nprovider = rfc2136\nserver = 127.0.0.1:9\n\
         zone = example.org\nhosts = a.example.org\n{section}\n[detector:four]\nkind = fixed\naddress = 198.41.0.4\n"
    );
    scratch.write("homing.conf", &text, 0o600);
    Run::pass(scratch).arg(arg).go()
}

#[test]
fn all_key_file_formats_are_read() {
    let clause = |name: &str, kind: &str, secret: &str| {
        format!("key \"{name}\" {{\n\talgorithm {kind};\n\tsecret \"{secret}\";\n}};\n")
    };
    let keygen = clause("ddns-key", "hmac-sha512", SHARED);
    let private = format!(
        "Private-key-format: v1.3\nAlgorithm: 161 (HMAC_SHA1)\nKey: {SHARED}\nBits: AAA=\nCreated: 20200101000000\n"
    );
    let two = format!("{keygen}# the other\n{}", clause("other.key.", "hmac-md5", SHARED));
    let commented = format!("// key \"no\" {{ secret \"x\"; }};\n/* {keygen} */ # {{\nkey\n\"yes\"\n{{ // of it\nsecret \"{SHARED}\" ;algorithm\nHMAC-SHA256;}};");
    let cases = [
        ("ddns.key", keygen.clone(), "", "hmac-sha512:ddns-key"),
        ("ddns.key", keygen.replace('\n', "\r\n"), "", "hmac-sha512:ddns-key"),
        ("ddns.key", format!("\u{feff}{keygen}"), "key_name = DDNS-key.\nalgorithm = sha512\n", "hmac-sha512:ddns-key"),
        ("ddns.key", clause("ddns-key", "hmac-sha224", BROKEN), "", "hmac-sha224:ddns-key"),
        ("ddns.key", commented, "", "hmac-sha256:yes"),
        ("ddns.key", two.clone(), "key_name = other.key\n", "hmac-md5:other.key"),
        ("Khome.example.org.+161+00042.private", private.clone(), "", "hmac-sha1:home.example.org"),
        ("Khome.example.org.+161+00042.private", private.replace('\n', "\r\n"), "", "hmac-sha1:home.example.org"),
        ("renamed", private.clone(), "key_name = k\n", "hmac-sha1:k"),
        ("line", format!("hmac-sha384:k.example:{SHARED}\n"), "", "hmac-sha384:k.example"),
        ("line", format!("k.example:{SHARED}\n"), "algorithm = hmac-sha1\n", "hmac-sha1:k.example"),
    ];
    let scratch = Scratch::new();
    let canary = Canary::new(vec![SHARED.to_string(), BROKEN.to_string()]);
    for (file, text, more, key) in &cases {
        scratch.write(file, text, 0o600);
        let ended =
            run(&scratch, &format!("key_file = {}\n{more}", scratch.path(file).display()), "--dry-run").expect(0);
        assert!(ended.stdout.contains(&format!("\nkey {key} ***\n")), "{text}: {}", ended.stdout);
        assert_eq!(
            canary.leaks(&ended, &scratch, &["ddns.key", "renamed", "line", "Khome.example.org.+161+00042.private"]),
            Vec::<String>::new()
        );
    }
    // Only the secret, with blanks in it.
    scratch.write("secret", "Y2FuYXJ5LXMz Y3JldC1r ZXlmaWxl\r\n", 0o600);
    let section = format!("key_name = k\nsecret_file = {}", scratch.path("secret").display());
    let ended = run(&scratch, &section, "--dry-run").expect(0);
    assert!(ended.stdout.contains("\nkey hmac-sha256:k ***\n"), "{}", ended.stdout);
}

#[test]
fn key_errors_name_file_and_line() {
    let scratch = Scratch::new();
    let one = format!("key \"one\" {{ algorithm hmac-sha256; secret \"{SHARED}\"; }};\n");
    let two = format!("{one}key \"two\" {{ algorithm hmac-sha1; secret \"{SHARED}\"; }};\n");
    let key = scratch.path("ddns.key").display().to_string();
    let cases = [
        ("", "homing.conf:9: key_file: the file contains 2 keys: select one with key_name", two.as_str()),
        ("key_name = three", "homing.conf:9: key_file: the file has no key 'three'", &two),
        (
            "key_name = two",
            "homing.conf:10: key_name: 'two' is not the name of the key: write 'one'",
            "hmac-sha1:one:AAAA",
        ),
        (
            "algorithm = hmac-sha1",
            "homing.conf:10: algorithm: 'hmac-sha1' is not the algorithm of the key: write hmac-sha256",
            &one,
        ),
        ("algorithm = rot13", "homing.conf:10: algorithm: 'rot13' is invalid: use hmac-md5, hmac-sha1", &one),
        ("", "homing.conf:9: key_file: the secret is not base64", "k:not-base64!"),
        ("", "homing.conf:9: key_file: the key in the file has no secret", "key k { algorithm hmac-md5; };"),
        ("tsig = off", "homing.conf:9: key_file: conflicts with tsig = off", &one),
        ("key_name = one\nsecret = AAAA", "homing.conf:11: secret: conflicts with 'key' or 'key_file'", &one),
    ];
    for (more, says, text) in &cases {
        scratch.write("ddns.key", text, 0o600);
        run(&scratch, &format!("key_file = {key}\n{more}"), "--check").expect(2).says(says);
    }
    run(&scratch, "", "--check").expect(2).says("homing.conf:4: [home]: no key is set: add key_file, or");
    // A secret file that others can read is a warning; settings with a secret that others can read are an error.
    scratch.write("ddns.key", &one, 0o644);
    run(&scratch, &format!("key_file = {key}"), "--check")
        .expect(0)
        .says(&format!("others can read '{key}', which contains a secret"));
    run(&scratch, &format!("key = hmac-sha256:k:{SHARED}"), "--check").expect(0);
    let text = scratch.read("homing.conf");
    scratch.write("homing.conf", &text, 0o644);
    Run::pass(&scratch).arg("--check").go().expect(2).says("homing.conf:9: key: others can read '");
}
