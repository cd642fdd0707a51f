//! Names of services as users of other programs write them, and the providers of homing that they mean. Further names that
//! homing accepts are in the presets (`names =`); these are only suggested, because some could mean another service.

const SYNONYMS: &[(&str, &str)] = &[
    ("he", "he.net"),
    ("hurricane", "he.net"),
    ("hurricane-electric", "he.net"),
    ("henet", "he.net"),
    ("dnspod.cn", "dnspod"),
    ("dd24", "keysystems"),
    ("hetznercloud", "hetzner"),
    ("hetzner-cloud", "hetzner"),
    ("hcloud", "hetzner"),
    ("amazon", "route53"),
    ("cf", "cloudflare"),
    ("bind", "rfc2136"),
    ("bind9", "rfc2136"),
    ("knot", "rfc2136"),
    ("dyndns1", "dyn"),
    ("pdns", "powerdns"),
    ("alibaba", "aliyun"),
];

/// The provider that someone means who writes `name`, in any case; `None` if it is not known.
pub fn synonym(name: &str) -> Option<&'static str> {
    let name = name.to_ascii_lowercase();
    SYNONYMS.iter().find(|(known, _)| *known == name).map(|(_, provider)| *provider)
}
