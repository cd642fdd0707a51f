//! Secrets in the settings: four sources of each, who may read the files, and that no error message contains one.

use crate::testbed::*;

const CANARY: &str = "canary-s3cret/+ä";

fn config(secret: &str) -> String {
    format!("ipv4 = off\nipv6 = off\n[home]\nprovider = infomaniak\nipv4 = ipify\nhosts = a.example.com\nuser = u\n{secret}\n")
}

fn run(scratch: &Scratch, secret: &str) -> Ended {
    scratch.write("homing.conf", &config(secret), 0o600);
    Run::pass(scratch).arg("--check").env("CREDENTIALS_DIRECTORY", scratch.path("cred")).env("SECRET", CANARY).go()
}

#[test]
fn all_four_secret_sources_are_equivalent() {
    let scratch = Scratch::new();
    let server = HttpServer::new(|_| Reply::ok("good 198.41.0.4"));
    scratch.write("key", CANARY, 0o600);
    scratch.write("key.lines", &format!("\u{feff}{CANARY}\r\n"), 0o600);
    scratch.write("cred/ddns", &format!("{CANARY}\n"), 0o600);
    scratch.folder("s");
    let key = scratch.path("key").display().to_string();
    for form in [
        format!("password = {CANARY}"),
        format!("password = \"{CANARY}\"  # note"),
        format!("password_file = {key}"),
        format!("password_file = {key}.lines"),
        "password_env = SECRET".to_string(),
        "password_credential = ddns".to_string(),
    ] {
        let head =
            "ipv4 = x\nstate = s/state.json\nhistory = s/ip.log\n[detector:x]\nkind = fixed\naddress = 198.41.0.4\n";
        let home =
            format!("[home]\nprovider = dyndns2\nurl = {}/\nhosts = a.example.com\nuser = u\n{form}\n", server.url());
        scratch.write("homing.conf", &format!("{head}{home}"), 0o600);
        let run = Run::pass(&scratch).arg("--force").arg("-v");
        let ended = run.env("CREDENTIALS_DIRECTORY", scratch.path("cred")).env("SECRET", CANARY).go();
        assert_eq!(ended.code, Some(0), "{form}: {}", ended.stderr);
        let sent = format!("Basic {}", base64(format!("u:{CANARY}").as_bytes()));
        assert_eq!(server.asked().last().unwrap().header("Authorization"), Some(sent.as_str()), "{form}");
        Canary::new([CANARY]).assert_silent(&ended, &scratch, &["homing.conf", "key", "key.lines", "cred/ddns"]);
    }
    // One file, configured in four ways, is one secret: the pass after a change of source sends nothing.
    let count = server.count();
    let quiet = Run::pass(&scratch).env("CREDENTIALS_DIRECTORY", scratch.path("cred")).go();
    assert_eq!((quiet.code, quiet.stdout.as_str(), server.count()), (Some(0), "", count));
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn secret_errors_do_not_print_the_secret() {
    let scratch = Scratch::new();
    scratch.write("empty", "\n", 0o600);
    scratch.write("two", &format!("{CANARY}\nmore\n"), 0o600);
    scratch.write("large", &CANARY.repeat(10_000), 0o600);
    scratch.write("cred/two", &format!("{CANARY}\nmore\n"), 0o600);
    scratch.folder("folder");
    let at = |name: &str| scratch.path(name).display().to_string();
    let one_word = "canary-s3cret";
    for (secret, want) in [
        ("password =".to_string(), "password: "),
        ("password = \"\"".to_string(), "password: the secret is empty"),
        (format!("password = \"{CANARY}\" x"), "password: text after the closing quote"),
        (format!("password = \"{CANARY}"), "password: the value has no closing double quote"),
        (format!("password = \"{CANARY}\\n\""), "password: the value has an invalid escape"),
        (format!("password_file = {}", at("none")), "/none': No such file"),
        (format!("password_file = {}", at("empty")), "password_file: the secret is empty"),
        (format!("password_file = {}", at("two")), "a second line"),
        (format!("password_file = {}", at("large")), "is not a file with a single line"),
        (format!("password_file = {}", at("folder")), "is not a file with a single line"),
        (format!("password_file = {CANARY}"), "password_file: cannot read"),
        (format!("password_file = {one_word}"), "write a path here, not the secret"),
        ("password_env = NONE_SUCH".to_string(), "the variable 'NONE_SUCH' is not set"),
        (format!("password_env = {one_word}"), "write its name, not the secret"),
        ("password_credential = none".to_string(), "there is no credential"),
        ("password_credential = two".to_string(), "a second line"),
        (format!("password_credential = ../{CANARY}"), "not the name of a credential"),
        (format!("password_credential = {one_word}"), "there is no credential"),
        (format!("password = {CANARY}\npassword_file = {}", at("two")), "conflicts with 'password'"),
        (format!("password = {CANARY}\npassword = {CANARY}"), "duplicate key 'password'"),
        (format!("pasword = {CANARY}"), "did you mean 'password'?"),
        (format!("Password = {CANARY}"), "invalid key 'Password'"),
        (format!("password {CANARY}"), "'=' is missing"),
        (format!("password: {CANARY}"), "'=' is missing"),
        // The key is missing, or an editor wrapped the line.
        (format!("{CANARY}=="), "the text before '=' is not a key"),
        (format!("{one_word}\n"), "'=' is missing"),
        (format!("url = https://u:{one_word}@x.example/"), "url: "),
        (format!("url = ftp://{one_word}"), "url: "),
    ] {
        let ended = run(&scratch, &secret);
        assert_eq!((ended.code, ended.stdout.as_str()), (Some(2), ""), "{secret}");
        // The path has to be named, and here it is the secret itself; this cannot be detected.
        if secret != format!("password_file = {CANARY}") {
            let leaks = Canary::new([CANARY, one_word]).leaks(&ended, &Scratch::new(), &[]);
            assert!(leaks.is_empty(), "{secret}: {leaks:?}\n{}", ended.stderr);
        }
        assert!(ended.stderr.contains(want), "{secret}: {want}\n{}", ended.stderr);
        assert!(ended.stderr.lines().all(|line| line.contains("homing.conf:")), "{secret}: {}", ended.stderr);
    }
    let ended = Run::pass(&scratch).arg("-t").go();
    assert_eq!(ended.code, Some(2));
    scratch.write("homing.conf", &config("password_credential = x"), 0o600);
    let ended = Run::pass(&scratch).arg("-t").go();
    assert!(ended.stderr.contains("CREDENTIALS_DIRECTORY is not set: add LoadCredential="), "{}", ended.stderr);
}

#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn secret_files_readable_by_others_are_reported() {
    let scratch = Scratch::new();
    for (mode, code) in [(0o644, 2), (0o604, 2), (0o640, 0), (0o600, 0), (0o400, 0)] {
        let path = scratch.write("homing.conf", &config(&format!("password = {CANARY}")), mode);
        let ended = Run::pass(&scratch).arg("--check").go();
        assert_eq!(ended.code, Some(code), "{mode:o} {}", ended.stderr);
        if code == 2 {
            let way_out = format!("chmod o-r {}", path.display());
            assert!(ended.stderr.contains(":8: password: ") && ended.stderr.contains(&way_out), "{}", ended.stderr);
        }
        Canary::new([CANARY]).assert_silent(&ended, &Scratch::new(), &[]);
        std::fs::remove_file(path).unwrap();
    }
    // Settings without a secret may be readable by others; a readable secret file is a warning.
    let key = scratch.write("key", CANARY, 0o644);
    let text = config(&format!("password_file = {}", key.display())).replace("ipv4 = ipify", "ipv4 = four");
    let four = "[detector:four]\nkind = fixed\naddress = 198.41.0.4\n";
    scratch.folder("s");
    let text = format!("state = s/state.json\nhistory = s/ip.log\n{text}url = http://127.0.0.1:9/\n{four}");
    scratch.write("homing.conf", &text, 0o644);
    let warning =
        format!("warning: others can read '{0}', which contains a secret: run chmod o-r {0}\n", key.display());
    let check = Run::pass(&scratch).arg("--check").go();
    assert_eq!((check.code, check.stderr.as_str()), (Some(0), warning.as_str()));
    let count = |args: &[&str]| Run::pass(&scratch).args(args.iter().copied()).go().stderr.matches(&warning).count();
    assert_eq!((count(&["-n", "-v"]), count(&["-n"])), (1, 0));
}

/// As a user other than root, since file modes do not apply to root.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn an_unreadable_secret_file_is_reported() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = Scratch::new();
    let homing = runner::homing_at(&scratch.path("homing")).expect("it can be copied");
    let open =
        |name: &str, mode: u32| std::fs::set_permissions(scratch.path(name), PermissionsExt::from_mode(mode)).unwrap();
    open("homing", 0o755);
    open("", 0o755);
    let key = scratch.write("key", CANARY, 0o600);
    scratch.write("homing.conf", &config(&format!("password_file = {}", key.display())), 0o644);
    let nobody = ["/usr/bin/setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"].map(String::from);
    let program = [&nobody[..], &homing[..]].concat();
    let try_it = Run::program(&scratch, &[&nobody[..], &["/bin/true".to_string()]].concat());
    if !std::path::Path::new(&nobody[0]).exists() || try_it.go().code != Some(0) {
        return left_out("needs root");
    }
    let ended = Run::program(&scratch, &program).args(["-t", "-c", "homing.conf"]).go();
    let want =
        format!("homing.conf:8: password_file: cannot read '{}': Permission denied (os error 13): check the path and its permissions\n", key.display());
    assert_eq!((ended.code, ended.stderr), (Some(2), want));
    open("homing.conf", 0o600);
    let ended = Run::program(&scratch, &program).args(["-t", "-c", "homing.conf"]).go();
    assert_eq!(
        ended.stderr,
        "cannot read the configuration file 'homing.conf': Permission denied (os error 13): check its permissions\n"
    );
    assert_eq!(ended.code, Some(2));
}

/// The secret sent and the fingerprint stored come from one reading, even if the file is rewritten meanwhile.
#[test]
#[cfg_attr(not(feature = "tls"), ignore = "needs HTTPS")]
fn a_secret_is_read_once_per_pass() {
    if emulator_hides("strace would see the emulator's calls") {
        return;
    }
    let scratch = Scratch::new();
    scratch.write("the.key", CANARY, 0o600);
    let path = scratch.path("the.key").display().to_string();
    scratch.write("homing.conf", &config(&format!("password_file = {path}")), 0o600);
    let ended = Run::pass(&scratch).arg("--check").strace("open,openat").go();
    assert_eq!(ended.code, Some(0), "{}", ended.stderr);
    let opened = ended.trace.iter().filter(|line| line.contains("the.key")).count();
    assert_eq!(opened, 1, "{}", ended.trace.join("\n"));
}

/// One letter occurs in half of all words: inside a word it reveals nothing, alone it does.
#[test]
#[cfg_attr(not(feature = "template"), ignore = "needs the protocol template")]
fn a_one_letter_secret_is_masked_as_a_whole_word() {
    let scratch = Scratch::new();
    let server = HttpServer::new(|request| Reply::ok(&format!("a bad day for {} {}", request.target, "q q1 Qq")));
    let config = format!(
        "ipv4 = x\nstate = state.json\nhistory = h.log\n[home]\nprovider = template\nhosts = a.example.com\nuser = alice\n\
         url = {}/up/{{password}}?who={{user}}{{password}}&pw={{password}}&ip={{ip}}\npassword = q\nsuccess = good\n\
         [detector:x]\nkind = fixed\naddress = 198.41.0.4\n",
        server.url()
    );
    scratch.write("homing.conf", &config, 0o600);
    let warning = "homing.conf:9: password: a secret of fewer than 4 characters is easy to guess";
    let ended = Run::pass(&scratch).arg("--check").go().expect(0).says(warning);
    assert!(ended.stdout.contains("configuration OK"), "{}", ended.stdout);
    let shown = format!("> GET {}/up/***?who=***&pw=***&ip=198.41.0.4\n", server.url());
    let ended = Run::pass(&scratch).arg("--dry-run").go().expect(0);
    assert!(ended.stdout.contains(&shown), "{}", ended.stdout);
    let ended = Run::pass(&scratch).arg("-v").go().expect(1);
    assert!(ended.stdout.contains(&shown), "{}", ended.stdout);
    let answer = "a bad day for /up/***?who=***&pw=***&ip=198.41.0.4 *** q1 Qq";
    assert!(ended.stdout.contains(answer) && ended.stderr.contains(answer), "{} {}", ended.stdout, ended.stderr);
    assert_eq!(server.asked()[0].target, "/up/q?who=aliceq&pw=q&ip=198.41.0.4");
    // Four characters are enough to be masked everywhere, without a warning.
    scratch.write("homing.conf", &config.replace("password = q", "password = qqqq"), 0o600);
    Run::pass(&scratch).arg("--check").go().expect(0).says("");
    assert_eq!(Run::pass(&scratch).arg("--check").go().stderr, "");
}
