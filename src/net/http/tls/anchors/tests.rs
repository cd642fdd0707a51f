use super::*;
use rustls::client::WebPkiServerVerifier;
use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use std::fs;
use std::sync::Arc;
use std::time::Duration;

const ROOT: &str = include_str!("../testdata/root.pem");
const TWIN: &str = include_str!("../testdata/twin.pem");
const OTHER: &str = include_str!("../testdata/other.pem");
const BETWEEN: &str = include_str!("../testdata/between.pem");
const CROSSED: &str = include_str!("../testdata/crossed.pem");
const LEAF: &str = include_str!("../testdata/leaf.pem");
const ITSELF: &str = include_str!("../testdata/itself.pem");

/// 2030-01-01.
const NOW: Duration = Duration::from_secs(1_893_456_000);

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("homing-anchors-{name}-{}", std::process::id()));
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn der(pem: &str) -> CertificateDer<'static> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
}

/// A verdict as text: `Ok(())`, or the error.
fn judge(verifier: &dyn ServerCertVerifier, chain: &[&str], name: &str, now: Duration) -> String {
    let chain: Vec<_> = chain.iter().map(|pem| der(pem)).collect();
    let name = ServerName::try_from(name.to_string()).unwrap();
    let verdict = verifier.verify_server_cert(&chain[0], &chain[1..], &name, &[], UnixTime::since_unix_epoch(now));
    format!("{:?}", verdict.map(|_| ()))
}

fn anchors(stores: Vec<PathBuf>) -> Anchors {
    Anchors::new(stores, ring::default_provider().signature_verification_algorithms)
}

/// rustls's own verifier over everything that rustls-pki-types finds; `None` where that is no anchor.
fn whole(texts: &[&[u8]]) -> Option<Arc<WebPkiServerVerifier>> {
    let mut roots = RootCertStore::empty();
    for text in texts {
        roots.add_parsable_certificates(CertificateDer::pem_slice_iter(text).flatten());
    }
    WebPkiServerVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider())).build().ok()
}

/// What servers show: complete, without its middle, by the other way, a middle too many, signed by itself.
const CHAINS: [&[&str]; 6] =
    [&[LEAF, BETWEEN], &[LEAF], &[LEAF, CROSSED], &[LEAF, BETWEEN, CROSSED], &[LEAF, OTHER, BETWEEN], &[ITSELF]];

/// A certificate in lines of another width or with other ends of lines.
fn wrapped(pem: &str, width: usize, newline: &str) -> String {
    let lines: Vec<&str> = pem.lines().collect();
    let body = lines[1..lines.len() - 1].concat();
    let mut all = vec![lines[0]];
    all.extend(body.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).unwrap()));
    all.push(lines[lines.len() - 1]);
    all.join(newline) + newline
}

fn prefixed(pem: &str, prefix: &str) -> String {
    pem.lines().map(|line| format!("{prefix}{line}\n")).collect()
}

#[test]
fn the_verdict_is_that_of_the_whole_bundle() {
    let folder = Folder::new("bundle");
    let broken = ROOT.replacen("M", "!", 1);
    let unfinished = &ROOT[..ROOT.len() / 2];
    let inside = ROOT.replacen('\n', &format!("\n{OTHER}"), 1);
    let lying = {
        // The first line of base64 says a length that is one too small.
        let mut lines: Vec<String> = ROOT.lines().map(String::from).collect();
        lines[1].replace_range(4..8, "AXAw");
        lines.join("\n")
    };
    // Text, and whether the complete chain is trusted by it.
    let bundles: [(&str, String, bool); 29] = [
        ("one root", ROOT.to_string(), true),
        ("three roots", [OTHER, TWIN, ROOT].concat(), true),
        ("CRLF", wrapped(ROOT, 64, "\r\n"), true),
        ("CR alone", wrapped(ROOT, 64, "\r"), true),
        ("76 columns", wrapped(ROOT, 76, "\n"), true),
        ("76 columns and CRLF", wrapped(OTHER, 76, "\r\n") + &wrapped(ROOT, 76, "\r\n"), true),
        ("61 columns", wrapped(ROOT, 61, "\n"), true),
        ("one line", wrapped(ROOT, 10_000, "\n"), true),
        ("mixed widths", wrapped(OTHER, 61, "\n") + &wrapped(TWIN, 10_000, "\n") + &wrapped(ROOT, 48, "\r\n"), true),
        ("no end of line at the end", ROOT.trim_end().to_string(), true),
        ("texts between", format!("subject=CN=Another\n{OTHER}\n\n# Root\nissuer=-----\n{ROOT}bye\n"), true),
        ("commented out", prefixed(ROOT, "# "), false),
        ("one of two commented out", prefixed(ROOT, "#") + OTHER, false),
        ("indented", prefixed(ROOT, " "), false),
        ("blanks at the ends of lines", ROOT.replace('\n', " \n"), true),
        ("empty lines within", ROOT.replace('\n', "\n\n"), true),
        ("a broken one first", broken.clone() + OTHER + ROOT, true),
        ("a broken one alone", broken, false),
        ("a lying length first", lying + "\n" + ROOT, true),
        ("one without an end first", format!("{unfinished}\n{OTHER}{ROOT}"), true),
        ("the last one cut", format!("{OTHER}{unfinished}"), false),
        ("one inside another", inside, false),
        ("the same name with another key", TWIN.to_string(), false),
        ("the same name with another key first", [TWIN, ROOT].concat(), true),
        ("the other authority, for the crossed one", OTHER.to_string(), false),
        ("what is in between, as an anchor", BETWEEN.to_string(), true),
        ("not a root: the certificate itself", LEAF.to_string(), false),
        ("another label", ROOT.replace("CERTIFICATE", "TRUSTED CERTIFICATE"), false),
        (
            "a byte order mark and a key",
            format!("\u{feff}-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n{ROOT}"),
            true,
        ),
    ];
    for (name, text, trusted) in &bundles {
        let ours = anchors(vec![folder.write("bundle.pem", text)]);
        let theirs = whole(&[text.as_bytes()]);
        for chain in CHAINS {
            for host in ["host.example", "elsewhere.example"] {
                for now in [NOW, Duration::ZERO, NOW * 4] {
                    let verdict = judge(&ours, chain, host, now);
                    match &theirs {
                        Some(theirs) => assert_eq!(verdict, judge(&**theirs, chain, host, now), "{name} for {host}"),
                        // No anchor at all. Ours names that, or what is wrong with the certificate besides.
                        None => assert!(verdict.starts_with("Err("), "{name}: {verdict}"),
                    }
                }
            }
        }
        let verdict = judge(&ours, CHAINS[0], "host.example", NOW);
        assert_eq!(verdict == "Ok(())", *trusted, "{name}: {verdict}");
    }
}

/// The messages for "no authority in this file" and "another authority" differ.
#[test]
fn a_file_without_a_certificate_is_named_as_the_reason() {
    let folder = Folder::new("empty");
    for text in ["", "nothing of the kind\n", "-----BEGIN NOTHING-----\n"] {
        let verdict = judge(&anchors(vec![folder.write("bundle.pem", text)]), CHAINS[0], "host.example", NOW);
        assert!(verdict.contains("no certificate of an authority"), "{text:?}: {verdict}");
    }
    let verdict = judge(&anchors(vec![folder.write("bundle.pem", OTHER)]), CHAINS[0], "host.example", NOW);
    assert!(verdict.contains("UnknownIssuer"), "{verdict}");
}

#[test]
fn all_files_of_all_folders_count() {
    let folder = Folder::new("folders");
    let root = folder.write("plain/root.pem", ROOT);
    folder.write("plain/.hidden", OTHER);
    folder.write("other/README", "no certificate\n");
    folder.write("other/deep/root.pem", ROOT);
    fs::create_dir_all(folder.0.join("linked")).unwrap();
    std::os::unix::fs::symlink(&root, folder.0.join("linked/0a1b2c3d.0")).unwrap();
    std::os::unix::fs::symlink(folder.0.join("gone"), folder.0.join("linked/ffffffff.0")).unwrap();
    let [plain, other, linked, missing] = ["plain", "other", "linked", "missing"].map(|name| folder.0.join(name));
    for (stores, trusted, what) in [
        (vec![plain.clone()], true, "a folder"),
        (vec![missing, other.clone(), plain], true, "several, of which one is missing"),
        (vec![linked], true, "links, of which one leads nowhere"),
        (vec![other], false, "a folder in the folder is not searched"),
    ] {
        let verdict = judge(&anchors(stores), CHAINS[0], "host.example", NOW);
        assert_eq!(verdict == "Ok(())", trusted, "{what}: {verdict}");
    }
}
