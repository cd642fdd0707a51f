//! What an update request asks for, read from its query, its form and its `Authorization` header. Pure: nothing here
//! knows of sockets, accounts or zones. Parameter names are the endpoint's; `ip6lanprefix`, `related` and `txt` are
//! fixed, because the predecessor had no keys for them.

mod accept;
mod addresses;
mod hosts;
mod login;
mod params;
mod source;

pub use accept::prefers_json;
pub use addresses::{Asked, Policy, Wanted};
pub use hosts::{challenge_host, hosts, Given, Hosts, MOST_HOSTS};
pub use login::{basic_or_bearer, Login};
pub use params::Params;
pub use source::source;

use super::config::Endpoint;

/// An update request, as far as it can be understood without the database. It holds a password: no `Debug`.
pub struct Request {
    pub login: Login,
    pub hosts: Hosts,
    pub asked: Asked,
    /// The value of `txt`: a TXT record is wanted, and no address.
    pub txt: Option<String>,
    /// The change mail is wanted.
    pub notify_change: bool,
    /// The prefix is also for the other hostnames of the group.
    pub related: bool,
}

impl Request {
    /// `authorization` is the header's value, `None` also where the header came more than once.
    pub fn parse(names: &Endpoint, authorization: Option<&[u8]>, query: &str, form: &[u8]) -> Request {
        let (query, form) = (Params::parse(query.as_bytes()), Params::parse(form));
        let first = |names: &[String]| query.first(names).or_else(|| form.first(names));
        let fixed = |name: &str| first(&[name.to_string()]);
        let pair = |params: &Params| {
            Login::new(params.first(&names.username).unwrap_or(""), params.first(&names.password).unwrap_or(""))
        };
        // Basic, else the query, else the form; never the user of one with the password of another.
        let login = authorization.map_or(Login::None, basic_or_bearer).or(|| pair(&query)).or(|| pair(&form));
        let ipv6 = with_alias(&names.ipv6);
        let lan_prefix = if names.ipv6.is_empty() { None } else { fixed("ip6lanprefix") };
        Request {
            login,
            hosts: hosts(first(&names.hostname).unwrap_or("")),
            asked: Asked::parse(first(&names.ipv4), first(&ipv6), lan_prefix),
            txt: fixed("txt").map(str::to_string),
            notify_change: first(&names.notify_change).is_some_and(is_on),
            related: fixed("related").is_some_and(is_on),
        }
    }
}

/// ddclient and inadyn say `myipv6`, the predecessor `myip6`: who accepts this accepts that.
fn with_alias(names: &[String]) -> Vec<String> {
    let mut names = names.to_vec();
    if names.iter().any(|name| name == "myip6") {
        names.push("myipv6".to_string());
    }
    names
}

fn is_on(value: &str) -> bool {
    ["1", "true", "yes", "on"].iter().any(|on| value.eq_ignore_ascii_case(on))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// With the predecessor's default names.
    fn endpoint() -> Endpoint {
        let list = |names: &[&str]| names.iter().map(|name| name.to_string()).collect();
        Endpoint {
            path: "/update".to_string(),
            hostname: list(&["hostname", "host"]),
            ipv4: list(&["myip", "ipv4", "ip4"]),
            ipv6: list(&["myip6", "ipv6", "ip6"]),
            username: list(&["username", "user"]),
            password: list(&["password", "pass", "token"]),
            notify_change: list(&["notify_change"]),
        }
    }

    fn parse(query: &str) -> Request {
        Request::parse(&endpoint(), None, query, b"")
    }

    fn named(request: &Request) -> Vec<String> {
        match &request.hosts {
            Hosts::Names(names) => names.iter().map(|given| given.text.clone()).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn the_first_accepted_name_with_a_value_wins() {
        assert_eq!(named(&parse("host=b.example&hostname=a.example")), ["a.example"]);
        assert_eq!(named(&parse("hostname=&host=b.example")), ["b.example"], "an empty value is not given");
        assert_eq!(parse("ip4=9.9.9.1&myip=9.9.9.2").asked.ipv4, Some([9, 9, 9, 2].into()));
        assert_eq!(named(&parse("hostname=a.example&hostname=b.example")), ["a.example"]);
    }

    #[test]
    fn every_default_alias_is_accepted() {
        for name in ["myip", "ipv4", "ip4"] {
            assert_eq!(parse(&format!("{name}=9.9.9.9")).asked.ipv4, Some([9, 9, 9, 9].into()), "{name}");
        }
        for name in ["myip6", "ipv6", "ip6", "myipv6"] {
            assert_eq!(parse(&format!("{name}=2620:fe::9")).asked.ipv6, "2620:fe::9".parse().ok(), "{name}");
        }
        for name in ["username", "user"] {
            for password in ["password", "pass", "token"] {
                let login = parse(&format!("{name}=a&{password}=b")).login;
                assert!(login == Login::Password { user: "a".into(), password: "b".into() }, "{name} {password}");
            }
        }
    }

    #[test]
    fn an_empty_list_switches_a_parameter_off() {
        let none = |mut names: Endpoint, empty: fn(&mut Endpoint) -> &mut Vec<String>| {
            empty(&mut names).clear();
            names
        };
        let query = "hostname=a.example&myip6=2620:fe::9&ip6lanprefix=2620:fe::/48&notify_change=1&user=u&pass=p";
        let of = |names: &Endpoint| Request::parse(names, None, query, b"");
        let names = none(endpoint(), |names| &mut names.ipv6);
        assert_eq!(of(&names).asked, Asked::default());
        assert!(!of(&none(endpoint(), |names| &mut names.notify_change)).notify_change);
        assert!(of(&none(endpoint(), |names| &mut names.password)).login == Login::None);
        assert!(of(&endpoint()).notify_change);
    }

    #[test]
    fn myipv6_is_accepted_where_myip6_is() {
        let named = |list: &[&str]| Endpoint { ipv6: list.iter().map(|name| name.to_string()).collect(), ..endpoint() };
        let asked = |names: &Endpoint| Request::parse(names, None, "myipv6=2620:fe::9", b"").asked;
        assert_eq!(asked(&named(&["myip6"])).ipv6, "2620:fe::9".parse().ok());
        assert_eq!(asked(&named(&["six"])), Asked::default());
    }

    #[test]
    fn credentials_come_from_the_header_then_the_query_then_the_form() {
        let names = endpoint();
        let of = |header: Option<&[u8]>, query, form: &[u8]| Request::parse(&names, header, query, form).login;
        let alice = Some(&b"Basic YWxpY2U6YQ=="[..]);
        let pair = |user: &str, password: &str| Login::Password { user: user.into(), password: password.into() };
        assert!(of(alice, "user=bob&pass=b", b"user=carol&pass=c") == pair("alice", "a"));
        assert!(of(None, "user=bob&pass=b", b"user=carol&pass=c") == pair("bob", "b"));
        assert!(of(None, "", b"user=carol&pass=c") == pair("carol", "c"));
        assert!(of(None, "user=bob", b"pass=c") == Login::None, "halves of two places make no pair");
        assert!(of(Some(b"Basic Og=="), "user=bob&pass=b", b"") == pair("bob", "b"), "\":\" is no login");
    }

    #[test]
    fn a_form_says_what_a_query_says() {
        let request = Request::parse(&endpoint(), None, "", b"hostname=a.example&myip=9.9.9.9&related=1&txt=x");
        assert_eq!(named(&request), ["a.example"]);
        assert_eq!(request.asked.ipv4, Some([9, 9, 9, 9].into()));
        assert_eq!((request.related, request.txt.as_deref()), (true, Some("x")));
    }

    #[test]
    fn a_flag_is_on_for_the_usual_words_and_off_for_all_else() {
        for (value, on) in [("1", true), ("true", true), ("YES", true), ("on", true), ("0", false), ("no", false)] {
            assert_eq!(parse(&format!("notify_change={value}")).notify_change, on, "{value}");
        }
        assert!(!parse("notify_change=").notify_change);
    }

    /// What clients send, with bytes turned: no panic, and every promise about the result holds.
    #[test]
    fn no_text_upsets_the_parser() {
        let seeds: [&[u8]; 5] = [
            b"hostname=a.example,b.example&myip=9.9.9.9,2620:fe::9&myip6=2620:fe::/48&user=u&pass=p%20q",
            b"ip6lanprefix=2a02:8010:77:10::/60&related=1&hostname=%C3%BC.example&txt=a_b-c&token=hs_aaaaaaaa",
            b"Basic YWxpY2U6c2VjcmV0",
            b"Bearer hs_abcdefghijklmnopqrstuvwxyz234567",
            b"198.41.0.4, [2620:fe::9]:4711, 10.0.0.1:80",
        ];
        let mut noise = 0x2545_f491_4f6c_dd1d_u64;
        for round in 0..20_000 {
            let mut text = seeds[round % seeds.len()].to_vec();
            for _ in 0..round % 7 {
                noise ^= noise << 13;
                noise ^= noise >> 7;
                noise ^= noise << 17;
                let at = noise as usize % text.len();
                match noise >> 60 {
                    0..=9 => text[at] = (noise >> 32) as u8,
                    10..=12 => text.truncate(at + 1),
                    _ => text.extend_from_within(..at),
                }
            }
            let query = String::from_utf8_lossy(&text);
            let request = Request::parse(&endpoint(), Some(&text), &query, &text);
            if let Hosts::Names(names) = &request.hosts {
                assert!((1..=MOST_HOSTS).contains(&names.len()));
            }
            let here = [198, 41, 0, 4].into();
            let wanted = request.asked.for_host("::1".parse().ok(), here, Policy { allow_private: false });
            assert!(wanted.is_err() || !wanted.is_ok_and(|wanted| wanted.is_empty()), "{query}");
            let _ = source(here, [text.as_slice()].into_iter(), |ip| ip == here);
            let _ = prefers_json([&*query].into_iter());
        }
    }
}
