//! How a service of ddns-scripts is told: by a URL, which stands in its JSON file as that package brings it or its
//! operator wrote it; or by a script of that package, in whose place stands a provider of ours; or, where the package's
//! files are missing, by the provider of ours that has the name.

use crate::provider::{built_in, protocol};
use crate::sys::files;
use crate::types::json;
use std::path::Path;

/// A service's file that is larger is something else.
const LARGEST: u64 = 64 * 1024;

/// How a service is told.
pub enum Way {
    /// A URL with ddns-scripts' places in it, and what a good answer matches: a regular expression.
    Url {
        url: String,
        answer: Option<String>,
    },
    /// What a script's options are to us: a line of `SCRIPTS` without its first word.
    Script(&'static str),
    /// A protocol or preset of ours.
    Provider(String),
    Unknown(String),
}

/// The scripts of ddns-scripts 2.8 (openwrt/packages, net/ddns-scripts): the service's name there, the provider's here,
/// and each key of ours with the option that says it, of which the first that is set counts; `?` where it need not be. `@`:
/// `domain` as name@zone. `parent`: `domain` without its first label. `a.b`: the name a in the zone b, or the word b= of
/// `param_opt`. A number is what the script always says.
const SCRIPTS: &str = "\
aliyun.com aliyun hosts=@ key=username secret=password
bind-nsupdate rfc2136 hosts=domain server=dns_server key=username:password ttl=600
cloudflare.com-v4 cloudflare hosts=@ email=username key=password zone_id=param_opt.zone_id?
digitalocean.com-v2 digitalocean hosts=username.domain token=password
dnsimple.com-v2 dnsimple hosts=lookup_host zone=domain token=password
dnspod.cn dnspod hosts=@ token=username,password
dnspod.cn-v3 tencent hosts=@ key=username secret=password
gandi.net gandi hosts=username.domain token=password ttl=600
gandi.net-v2 gandi hosts=username.domain token=password ttl=600
godaddy.com-v1 godaddy hosts=@ key=username secret=password
hetzner.cloud hetzner hosts=username.domain token=password
luadns.com-v1 luadns hosts=domain email=username token=password zone_id=zone_id? ttl=300
namesilo.com-v1 namesilo hosts=username.domain key=password ttl=param_opt.ttl? ttl=3600
netcup.com netcup hosts=domain zone=param_opt? zone=parent user=username key=param_enc password=password
no-ip.com noip hosts=domain user=username password=password
ns1.com ns1 hosts=lookup_host zone=domain key=password
nsupdate rfc2136 hosts=domain server=dns_server key=username:password ttl=600
ovh.com ovh hosts=domain user=username password=password
pdns powerdns hosts=username.domain url=param_opt/api/v1/servers/localhost key=password ttl=600
porkbun.com-v3 porkbun hosts=domain key=username secret=password
route53-v1 route53 hosts=lookup_host zone_id=domain key=username secret=password ttl=300
scaleway.com scaleway hosts=domain.username token=password ttl=param_opt? ttl=300
servercow.de servercow hosts=domain zone=parent user=username password=password ttl=60
";

/// The way of a service by its name. `config`: the UCI file; services are where they are in the same system.
pub fn by_name(name: &str, ipv6: bool, config: &Path) -> Way {
    let family = if ipv6 { "ipv6" } else { "ipv4" };
    // /etc/config/ddns has its services in /usr/share/ddns. The operator's own win.
    let share = config.parent().unwrap_or(config).join("../../usr/share/ddns/").display().to_string();
    let file = |folder: &str| [&share, folder, "/", name, ".json"].concat();
    for folder in ["custom", "default"].into_iter().filter(|_| !name.contains(['/', '\0'])) {
        let path = file(folder);
        let Ok(text) = files::read(Path::new(&path), LARGEST) else { continue };
        let json = json::parse(&String::from_utf8_lossy(&text)).ok();
        let part = json.as_ref().and_then(|json| json::member(json, family));
        let text = |key| part.and_then(|part| json::text(part, key)).map(String::from);
        return match text("url") {
            None => Way::Unknown([&path, " has no URL for ", family].concat()),
            Some(url) if url.starts_with("http") => Way::Url { url, answer: text("answer") },
            Some(path) => by_script(&path),
        };
    }
    if let Some(row) = script(name) {
        return Way::Script(row);
    }
    let unversioned = name.rsplit_once("-v").map_or(name, |(name, _)| name);
    let first = unversioned.rsplit_once('.').map_or(unversioned, |(first, _)| first);
    let there = |name: &&str| protocol(name).is_some() || built_in(&["preset:", name].concat()).is_some();
    match [ours(name), name, unversioned, first].iter().find(|name| there(name)) {
        Some(ours) => Way::Provider(ours.to_string()),
        None => Way::Unknown(["no ", &file("default"), " and no provider of that kind here: set update_url"].concat()),
    }
}

/// The way of a script of theirs, by its path.
pub fn by_script(path: &str) -> Way {
    let name = path.rsplit('/').next().unwrap_or(path);
    let stem = name.strip_prefix("update_").and_then(|name| name.strip_suffix(".sh")).unwrap_or_default();
    match script(&stem.replace('_', ".").replace(".v", "-v")) {
        Some(row) => Way::Script(row),
        None => {
            Way::Unknown(format!("{name}: homing runs no scripts of ddns-scripts, and has no provider in its place"))
        }
    }
}

/// The line of a service that a script tells. Some scripts' names have no ending of a domain.
fn script(name: &str) -> Option<&'static str> {
    SCRIPTS.lines().find_map(|line| {
        let (known, row) = line.split_once(' ')?;
        (known == name || known.replace(".com", "") == name).then_some(row)
    })
}

/// Ours, where it is not found by the name of theirs.
fn ours(name: &str) -> &str {
    match name {
        "dyndns.org" => "dyn",
        "google.com" => "googledomains",
        "afraid.org-keyauth" => "afraid-key",
        "afraid.org-basicauth" => "afraid-basic",
        "afraid.org-v2-token" => "afraid-v2",
        "afraid.org-v2-basic" => "afraid-v2-basic",
        "ionos.com" => "ionos-dyndns",
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(name: &str) -> Option<String> {
        match by_name(name, false, Path::new("/nowhere/etc/config/ddns")) {
            Way::Provider(ours) => Some(ours),
            Way::Script(row) => row.split(' ').next().map(String::from),
            Way::Url { .. } | Way::Unknown(_) => None,
        }
    }

    #[test]
    fn names_of_theirs_find_ours() {
        for (theirs, ours) in [
            ("no-ip.com", Some("noip")),
            ("cloudflare.com-v4", Some("cloudflare")),
            ("he.net", Some("he.net")),
            ("selfhost.de", Some("selfhost")),
            ("afraid.org-v2-token", Some("afraid-v2")),
            ("cloud.google.com-v1", None),
            ("example.org", None),
        ] {
            assert_eq!(named(theirs).as_deref(), ours, "{theirs}");
        }
    }

    #[test]
    fn scripts_of_theirs_find_ours() {
        for (file, ours) in [
            ("/usr/lib/ddns/update_cloudflare_com_v4.sh", Some("cloudflare")),
            ("update_nsupdate.sh", Some("rfc2136")),
            ("update_dnsimple_v2.sh", Some("dnsimple")),
            ("update_luadns_v1.sh", Some("luadns")),
            ("update_porkbun_v3.sh", Some("porkbun")),
            ("update_no-ip_com.sh", Some("noip")),
            ("update_dnspod_cn_v3.sh", Some("tencent")),
            ("update_transip_nl.sh", None),
            ("update_gcp_v1.sh", None),
            ("/root/mine.sh", None),
        ] {
            let found = match by_script(file) {
                Way::Script(row) => row.split(' ').next(),
                _ => None,
            };
            assert_eq!(found, ours, "{file}");
        }
    }

    #[test]
    fn what_stands_for_a_script_are_keys_of_the_provider() {
        for line in SCRIPTS.lines() {
            let mut words = line.split(' ').skip(1);
            let name = words.next().expect(line);
            if crate::provider::left_out(name).is_some() {
                continue;
            }
            let (protocol, _) = crate::provider::named(name).expect(line);
            for word in words {
                let key = word.split_once('=').expect(line).0;
                let known = protocol.keys.iter().any(|known| known.name == key) || key == "hosts";
                assert!(known, "{line}: {key}");
            }
        }
    }
}
