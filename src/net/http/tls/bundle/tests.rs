use super::*;
use base64::engine::general_purpose::STANDARD;
use base64::Engine;

const ROOT: &str = include_str!("../testdata/root.pem");
const OTHER: &str = include_str!("../testdata/other.pem");
const LEAF: &str = include_str!("../testdata/leaf.pem");

fn der(pem: &str) -> Vec<u8> {
    CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

fn found(text: &str, subjects: &[&[u8]]) -> (Vec<Vec<u8>>, usize) {
    let mut all = Vec::new();
    let count = certificates(text.as_bytes(), subjects, &mut |der| all.push(der));
    (all, count)
}

#[test]
fn names_are_read_from_a_certificate_and_from_its_beginning() {
    let (root, leaf) = (der(ROOT), der(LEAF));
    let own = names(&root).unwrap();
    assert_eq!(own.issuer, own.subject);
    assert!(own.subject.windows(4).any(|part| part == b"Root"), "{own:?}");
    assert_ne!(names(&leaf).unwrap().issuer, own.subject);
    let enough = (0..root.len()).find(|length| names(&root[..*length]).is_some()).unwrap();
    assert!(enough < root.len() / 2, "{enough}");
    assert_eq!(names(&root[..enough]), Some(own));
}

#[test]
fn only_certificates_with_one_of_the_names_are_decoded() {
    let (root, other) = (der(ROOT), der(OTHER));
    let (root_name, other_name) = (names(&root).unwrap().subject, names(&other).unwrap().subject);
    let bundle = format!("# Two\n{OTHER}\n{ROOT}");
    assert_eq!(found(&bundle, &[root_name]), (vec![root.clone()], 2));
    assert_eq!(found(&bundle, &[root_name, other_name]), (vec![other.clone(), root.clone()], 2));
    assert_eq!(found(&bundle, &[]), (vec![], 2));
    // The same in the slow way, which begins where the layout is irregular.
    let irregular = bundle.replacen("\nM", "\n M", 1);
    assert_eq!(found(&irregular, &[root_name]), (vec![root], 2));
}

/// It may be an anchor that webpki can read and this module cannot.
#[test]
fn a_certificate_whose_name_cannot_be_read_is_passed_on() {
    // The outer sequence is whole; what is in it is none.
    let text = "-----BEGIN CERTIFICATE-----\nMAMCAQU=\n-----END CERTIFICATE-----\n";
    assert_eq!(found(text, &[]), (vec![vec![0x30, 3, 2, 1, 5]], 1));
}

/// What makes the search fast. Certificates on elliptic curves are shorter than the head, those with RSA keys longer.
#[test]
fn regular_sections_are_measured_and_others_are_not() {
    let long = {
        let body = STANDARD.encode([&[0x30, 0x82, 0x07, 0x6c][..], &[5; 1900]].concat());
        let lines: Vec<&str> = body.as_bytes().chunks(64).map(|line| std::str::from_utf8(line).unwrap()).collect();
        format!("-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n", lines.join("\n"))
    };
    for pem in [ROOT, OTHER, LEAF, &long] {
        let length = |text: &str| Section::measure(text.as_bytes()).map(|section| section.length);
        let end = pem.trim_end().len();
        assert_eq!(length(&format!("{pem}{ROOT}")), Some(end));
        assert_eq!(length(pem.trim_end()), Some(end));
        let crlf = pem.replace('\n', "\r\n");
        assert_eq!(length(&crlf), Some(crlf.trim_end().len()));
        assert_eq!(length(&pem.replace("CERTIFICATE-----\n-----", "")), Some(end));
        assert_eq!(length(&pem[..end - 1]), None);
        assert_eq!(length(&pem.replacen('\n', " \n", 2)), None);
        assert_eq!(length(&pem.replacen("\nM", "\n\nM", 1)), None);
        assert_eq!(length(&pem.replace("-----END", "-----BEGIN CERTIFICATE-----\n-----END")), None);
    }
}
