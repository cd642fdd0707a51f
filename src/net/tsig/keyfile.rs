//! Keys as other programs write them: `key "name" { algorithm …; secret "…"; };` by tsig-keygen(8), the `.private`
//! file that dnssec-keygen(8) of older BINDs wrote, and `hmac:name:secret` as dig(1) and nsupdate(1) take it.

use super::algorithm;
use crate::types::secret::Secret;

/// What a text says of a key; what it leaves out must be said elsewhere.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Material {
    pub name: Option<String>,
    /// Its short name.
    pub algorithm: Option<&'static str>,
    /// In base64.
    pub secret: Secret,
}

/// Numbers of DNSSEC's registry that BIND took for HMACs in `.private` files (its dst/dst.h).
const NUMBERS: [(&str, &str); 6] = [
    ("157", "hmac-md5"),
    ("161", "hmac-sha1"),
    ("162", "hmac-sha224"),
    ("163", "hmac-sha256"),
    ("164", "hmac-sha384"),
    ("165", "hmac-sha512"),
];

/// Reads a key. `wanted` chooses among several; `file` is the name of the file, which a `.private` one has its key's
/// name from. The error says what is wrong and repeats nothing of the text but names.
pub fn read_key(text: &str, wanted: Option<&str>, file: Option<&str>) -> Result<Material, String> {
    if text.trim_start().starts_with("Private-key-format:") {
        return private(text, file);
    }
    if text.contains('{') {
        return clause(text, wanted);
    }
    let parts: Vec<&str> = text.trim().split(':').collect();
    let (kind, name, secret) = match parts.as_slice() {
        [name, secret] => (None, name, secret),
        [kind, name, secret] => {
            (Some(algorithm(kind).ok_or("the key has an unknown algorithm: use hmac-sha256")?), name, secret)
        }
        _ => return Err("the file contains no key: write key \"name\" { … }; or hmac:name:secret".to_string()),
    };
    Ok(Material { name: Some(name.to_string()), algorithm: kind, secret: Secret::new(secret) })
}

fn private(text: &str, file: Option<&str>) -> Result<Material, String> {
    let value = |key: &str| text.lines().find_map(|line| line.strip_prefix(key)).map(str::trim);
    let number = value("Algorithm:").and_then(|line| line.split(' ').next()).unwrap_or_default();
    let known = NUMBERS.iter().find(|(known, _)| *known == number).map(|(_, name)| *name);
    let algorithm = Some(known.ok_or("the private key is not for an HMAC: create one with tsig-keygen")?);
    let secret = value("Key:").ok_or("the private key has no line 'Key:': copy the whole file")?;
    // Kname.+163+12345.private
    let name = file.and_then(|file| file.rsplit('/').next()?.strip_prefix('K')?.split_once("+").map(|(name, _)| name));
    let name = name.map(|name| name.trim_end_matches('.').to_string());
    Ok(Material { name, algorithm, secret: Secret::new(secret) })
}

/// Of a file with several keys only the wanted one is taken.
fn clause(text: &str, wanted: Option<&str>) -> Result<Material, String> {
    let words = words(text);
    let same = |one: &str, other: &str| one.trim_end_matches('.').eq_ignore_ascii_case(other.trim_end_matches('.'));
    let mut keys = Vec::new();
    let mut at = 0;
    while at + 2 < words.len() {
        // named takes its words in any case.
        if !words[at].eq_ignore_ascii_case("key") || words[at + 2] != "{" {
            at += 1;
            continue;
        }
        let (name, body) = (words[at + 1], &words[at + 3..]);
        let end = body.iter().position(|word| *word == "}").ok_or("the key has no closing '}': add it")?;
        let value =
            |key: &str| body[..end].windows(2).find(|pair| pair[0].eq_ignore_ascii_case(key)).map(|pair| pair[1]);
        if wanted.is_none_or(|wanted| same(wanted, name)) {
            keys.push((name, value("algorithm"), value("secret")));
        }
        at += 3 + end;
    }
    match (keys.as_slice(), wanted) {
        ([(name, kind, Some(secret))], _) => {
            let algorithm = kind
                .map(|kind| algorithm(kind).ok_or("the key has an unknown algorithm: use hmac-sha256"))
                .transpose()?;
            Ok(Material { name: Some(name.to_string()), algorithm, secret: Secret::new(secret) })
        }
        ([_], _) => Err("the key in the file has no secret: add secret \"…\";".to_string()),
        ([], Some(wanted)) => Err(format!("the file has no key '{}': correct key_name", wanted.escape_default())),
        ([], None) => Err("the file contains no key: write key \"name\" { … };".to_string()),
        (several, _) => Err(format!("the file contains {} keys: select one with key_name", several.len())),
    }
}

/// The words of named.conf(5), without quotes and comments; braces stand alone.
fn words(text: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let skip = |mark: &str, rest: &'_ str| rest.find(mark).map_or(rest.len(), |at| at + mark.len());
        let length = match first {
            '#' => skip("\n", rest),
            '/' if rest.starts_with("//") => skip("\n", rest),
            '/' if rest.starts_with("/*") => skip("*/", rest),
            '"' => {
                let end = rest[1..].find('"').unwrap_or(rest.len() - 1);
                found.push(&rest[1..1 + end]);
                (end + 2).min(rest.len())
            }
            '{' | '}' => {
                found.push(&rest[..1]);
                1
            }
            ';' => 1,
            first if first.is_whitespace() => first.len_utf8(),
            _ => {
                let end = rest.find(|c: char| c.is_whitespace() || "{};\"#".contains(c)).unwrap_or(rest.len());
                found.push(&rest[..end]);
                end
            }
        };
        rest = &rest[length..];
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str, wanted: Option<&str>) -> Result<(String, Option<&'static str>, String), String> {
        let found = read_key(text, wanted, Some("/etc/bind/Kddns.example.+163+00042.private"))?;
        Ok((found.name.unwrap_or_default(), found.algorithm, found.secret.expose().to_string()))
    }

    fn key(name: &str, kind: &'static str, secret: &str) -> Result<(String, Option<&'static str>, String), String> {
        Ok((name.to_string(), Some(kind), secret.to_string()))
    }

    #[test]
    fn keys_are_read_as_others_write_them() {
        let keygen = "key \"ddns-key\" {\n\talgorithm hmac-sha256;\n\tsecret \"q/w+AQ==\";\n};\n";
        assert_eq!(read(keygen, None), key("ddns-key", "hmac-sha256", "q/w+AQ=="));
        let two = "// first { \n/* key \"no\" { */ KEY a { Secret AQ==; ALGORITHM HMAC-MD5.SIG-ALG.REG.INT; };\n# }\n\
                   key \"b.\" { algorithm \"sha512\"; secret \"Ag==\"; };server 10.0.0.1 { keys { a; }; };";
        assert_eq!(read(two, Some("A.")), key("a", "hmac-md5", "AQ=="));
        assert_eq!(read(two, Some("b")), key("b.", "hmac-sha512", "Ag=="));
        assert_eq!(read(two, None), Err("the file contains 2 keys: select one with key_name".to_string()));
        assert_eq!(read(two, Some("c")), Err("the file has no key 'c': correct key_name".to_string()));
        let private = "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\nKey: q/w+AQ==\nBits: AAA=\n";
        assert_eq!(read(private, None), key("ddns.example", "hmac-sha256", "q/w+AQ=="));
        assert_eq!(read("hmac-sha1:n.example:AQ==\n", None), key("n.example", "hmac-sha1", "AQ=="));
        assert_eq!(read("n:AQ==", None), Ok(("n".to_string(), None, "AQ==".to_string())));
    }

    #[test]
    fn what_is_no_key_is_told_and_not_repeated() {
        for text in [
            "",
            "q/w+AQ==",
            "key",
            "key a {",
            "key a { }",
            "key a { algorithm hmac-sha256; };",
            "key \"a { secret x",
            "key a { algorithm rot13; secret AQ==; };",
            "rot13:a:AQ==",
            "zone x { };",
            "/* key a {",
            "\"",
            "{\"",
            "Private-key-format: v1.3\nAlgorithm: 13 (ECDSAP256SHA256)\nPrivateKey: AQ==\n",
            "Private-key-format: v1.3\nAlgorithm: 163 (HMAC_SHA256)\n",
        ] {
            let told = read(text, None).unwrap_err();
            assert!(!told.contains("AQ=="), "{told}");
        }
    }
}
