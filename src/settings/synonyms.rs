//! Keys as users of other programs write them, and the keys of homing that they mean.

/// What others call a key, and our keys for it: the first one that a section offers is suggested.
const SYNONYMS: &[(&[&str], &[&str])] = &[
    (&["username", "login", "account", "usr", "user_name", "customer"], &["user", "email"]),
    (&["hostname", "hostnames", "host", "domain", "domains", "fqdn", "record", "records", "subdomain"], &["hosts"]),
    (&["pass", "passwd", "pwd", "password", "passphrase"], &["password", "token", "key"]),
    (&["api_token", "apitoken", "auth_token", "access_token", "bearer", "token"], &["token", "password", "key"]),
    (&["api_key", "apikey", "access_key", "auth_key", "key"], &["key", "token", "password"]),
    (&["api_secret", "secret_key", "client_secret", "secret"], &["secret", "token", "password", "key"]),
    (&["server", "endpoint", "api_url", "base_url", "update_url", "uri", "address_url"], &["url", "server"]),
    (&["service", "protocol", "type", "vendor", "dns_provider"], &["provider", "kind", "protocol"]),
    (&["zone_name", "zonename", "root_domain"], &["zone"]),
    (&["mail", "e_mail", "email_address"], &["email", "user"]),
    (&["use", "usev4", "ip", "detector", "detectors", "checkip", "ip_source"], &["ipv4", "address"]),
    (&["usev6", "ip6", "v6"], &["ipv6"]),
    (&["ifname", "iface", "nic", "device", "dev", "if"], &["interface", "bind"]),
    (&["cert", "cacert", "ca_path", "ca_cert", "ssl_ca_file"], &["ca_file"]),
    (&["cache", "cache_file", "statefile", "state_file"], &["state"]),
    (&["history_file", "logfile", "log_file"], &["history"]),
    (&["max_interval", "forceupdate", "force_interval", "force_update"], &["refresh"]),
    (&["exec", "script", "postscript", "hook", "cmd"], &["on_change", "command"]),
    (&["webhook", "notification", "notify_url"], &["notify"]),
    (&["http_proxy", "https_proxy", "proxy_url"], &["proxy"]),
    (&["user_agent", "useragent"], &["contact"]),
    (&["allow_http", "insecure", "plaintext"], &["allow_plaintext"]),
    (&["suffix", "interface_id"], &["ipv6_suffix"]),
];

/// The offered key that a user means by `word`. `forms` are the endings that a key may have (such as `_file`), the empty one
/// first; the result has the same ending as the word.
pub fn synonym(word: &str, offered: &[&str], forms: &[&str]) -> Option<String> {
    let mut forms = forms.iter().rev().filter(|form| word.ends_with(**form));
    forms.find_map(|form| {
        let base = &word[..word.len() - form.len()];
        let keys = SYNONYMS.iter().filter(|(words, _)| words.contains(&base)).flat_map(|(_, keys)| *keys);
        keys.map(|key| format!("{key}{form}")).find(|key| key != word && offered.contains(&key.as_str()))
    })
}

/// Whether a word is a key, or something that users write for one: then it is not a secret and may be printed.
pub fn is_known(word: &str) -> bool {
    SYNONYMS.iter().any(|(words, keys)| words.contains(&word) || keys.contains(&word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_offered_key_is_suggested() {
        let offered = ["hosts", "user", "password", "password_file", "url"];
        for (word, want) in [
            ("username", Some("user")),
            ("login", Some("user")),
            ("hostname", Some("hosts")),
            ("domain", Some("hosts")),
            ("pass", Some("password")),
            ("api_token", Some("password")),
            ("api_token_file", Some("password_file")),
            ("server", Some("url")),
            ("password", None),
            ("qqq", None),
        ] {
            assert_eq!(synonym(word, &offered, &["", "_file"]).as_deref(), want, "{word}");
        }
        assert_eq!(synonym("api_token", &["key", "token"], &[""]).as_deref(), Some("token"));
        assert!(is_known("password") && is_known("login") && !is_known("hunter2"));
    }
}
