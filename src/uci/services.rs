//! Which request a service of ddns-scripts makes: its JSON file, as that package brings it or its operator wrote it, or,
//! where the request is made by a script of that package, the provider of ours that does the same.

use crate::json;
use crate::provider::{built_in, protocol};
use std::io::Read;
use std::path::{Path, PathBuf};

/// How a service is told.
pub enum Way {
    /// A URL with ddns-scripts' places in it, and what a good answer matches: a regular expression.
    Url {
        url: String,
        answer: Option<String>,
    },
    /// A protocol or preset of ours.
    Provider(String),
    Unknown(String),
}

/// Names of theirs that ours are not found by.
const NAMES: &[(&str, &str)] = &[
    ("bind-nsupdate", "rfc2136"),
    ("cloudflare.com-v4", "cloudflare"),
    ("no-ip.com", "noip"),
    ("dyndns.org", "dyn"),
    ("google.com", "googledomains"),
    ("afraid.org-keyauth", "afraid-key"),
    ("afraid.org-basicauth", "afraid-basic"),
    ("afraid.org-v2-token", "afraid-v2"),
    ("afraid.org-v2-basic", "afraid-v2-basic"),
    ("cloud.google.com-v1", "googlecloud"),
    ("ionos.com", "ionos-dyndns"),
];

/// The way of a service by its name. `config`: the UCI file; services are where they are in the same system.
pub fn by_name(name: &str, ipv6: bool, config: &Path) -> Way {
    let family = if ipv6 { "ipv6" } else { "ipv4" };
    // /etc/config/ddns has its services in /usr/share/ddns.
    let share = config.parent().map_or(PathBuf::new(), |folder| folder.join("../../usr/share/ddns"));
    let safe = !name.contains(['/', '\0']);
    let files = ["custom", "default"].map(|folder| share.join(folder).join(format!("{name}.json")));
    for file in files.iter().filter(|file| safe && file.is_file()) {
        let mut text = String::new();
        let read = std::fs::File::open(file).and_then(|file| file.take(64 * 1024).read_to_string(&mut text));
        let Some(json) = read.ok().and_then(|_| json::parse(&text).ok()) else {
            return Way::Unknown(format!("{} makes no sense", file.display()));
        };
        let Some(url) = json::member(&json, family).and_then(|part| json::text(part, "url")) else {
            return Way::Unknown(format!("{} has no {family}", file.display()));
        };
        if !url.ends_with(".sh") {
            let answer = json::member(&json, family).and_then(|part| json::text(part, "answer"));
            return Way::Url { url: url.to_string(), answer: answer.map(String::from) };
        }
    }
    match provider(name) {
        Some(ours) => Way::Provider(ours),
        None => Way::Unknown(format!("no {} and no provider of that kind here: set update_url", files[1].display())),
    }
}

/// The way of a script of theirs, by its path.
pub fn by_script(path: &str) -> Option<String> {
    let stem = path.rsplit('/').next()?.strip_prefix("update_")?.strip_suffix(".sh")?;
    match stem {
        "nsupdate" => Some("rfc2136".to_string()),
        _ => provider(&stem.replace('_', ".").replace(".v", "-v")),
    }
}

/// Ours for a name of theirs: by the table, the name itself, without its version, without its last part.
fn provider(name: &str) -> Option<String> {
    let known = NAMES.iter().find(|(theirs, _)| *theirs == name).map(|(_, ours)| *ours);
    let unversioned = name.rsplit_once("-v").map_or(name, |(name, _)| name);
    let first = unversioned.rsplit_once('.').map_or(unversioned, |(first, _)| first);
    let there = |name: &&str| protocol(name).is_some() || built_in(&format!("preset:{name}")).is_some();
    [known.unwrap_or(name), name, unversioned, first].iter().find(|name| there(name)).map(|name| name.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_theirs_find_ours() {
        for (theirs, ours) in [
            ("no-ip.com", Some("noip")),
            ("cloudflare.com-v4", Some("cloudflare")),
            ("he.net", Some("he.net")),
            ("selfhost.de", Some("selfhost")),
            ("example.org", None),
        ] {
            assert_eq!(provider(theirs).as_deref(), ours, "{theirs}");
        }
        assert_eq!(by_script("/usr/lib/ddns/update_cloudflare_com_v4.sh").as_deref(), Some("cloudflare"));
        assert_eq!(by_script("/usr/lib/ddns/update_nsupdate.sh").as_deref(), Some("rfc2136"));
        assert_eq!(by_script("/root/mine.sh"), None);
    }
}
