//! One hostname's row and the wanted addresses: nothing, change or refuse. Pure.

use super::account::Identity;
use super::reply::Status;
use super::request::Wanted;
use super::store::Host;

/// What is to be done for one hostname.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision {
    /// The name server confirmed these addresses already.
    Nothing,
    /// They are wanted already but not confirmed: send them again. That is no change, and no limit counts it.
    Again,
    Change,
    Refuse(Status),
}

/// What the hostname's addresses come to. `wanted` is an error where a value of the request cannot be used.
pub fn decide(host: &Host, wanted: Result<Wanted, ()>) -> Decision {
    let Ok(wanted) = wanted else { return Decision::Refuse(Status::DnsError) };
    // A prefix alone, for a hostname without a suffix: there is no address to publish.
    if wanted.is_empty() {
        return Decision::Refuse(Status::DnsError);
    }
    let same_v4 = wanted.ipv4.is_none_or(|ip| host.want4 == Some(ip));
    let same_v6 = wanted.ipv6.is_none_or(|ip| host.want6 == Some(ip));
    match (same_v4 && same_v6, host.confirmed()) {
        (true, true) => Decision::Nothing,
        (true, false) => Decision::Again,
        (false, _) => Decision::Change,
    }
}

/// What a client wants to touch at a hostname.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Addresses,
    Txt,
}

/// Whether this client may: its own hostnames; with a token those that the token covers, and either addresses or TXT.
/// A password is for addresses: a router that knows it must not be able to get certificates.
pub fn may(who: &Identity, host: &Host, kind: Kind) -> bool {
    let token_covers = |covers: bool, txt: bool| covers && txt == (kind == Kind::Txt);
    host.account == who.account.id
        && match &who.token {
            Some(token) => token_covers(token.covers(&host.fqdn), token.txt),
            None => kind == Kind::Addresses,
        }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::server::store::{Account, Id, Lifetime, Token};
    use std::net::{Ipv4Addr, Ipv6Addr};

    fn account() -> Account {
        Account {
            id: Id::new(),
            name: "alice".into(),
            email: String::new(),
            password_hash: String::new(),
            disabled: false,
            admin: false,
            created: 0,
        }
    }

    /// Published: 9.9.9.9.
    fn host(account: &Account) -> Host {
        Host {
            id: Id::new(),
            account: account.id,
            fqdn: "a.example".into(),
            zone: "example".into(),
            dns_ttl: 60,
            expiry_ttl: 3600,
            ipv6_suffix: None,
            group: String::new(),
            want4: Some([9, 9, 9, 9].into()),
            want6: None,
            rev: 3,
            want_at: 1,
            have4: Some([9, 9, 9, 9].into()),
            have6: None,
            have_rev: 3,
            have_at: 2,
            settled: true,
            v4: Lifetime::default(),
            v6: Lifetime::default(),
            created: 0,
        }
    }

    fn wanted(ipv4: &str, ipv6: &str) -> Result<Wanted, ()> {
        Ok(Wanted { ipv4: ipv4.parse::<Ipv4Addr>().ok(), ipv6: ipv6.parse::<Ipv6Addr>().ok() })
    }

    #[test]
    fn only_what_differs_is_a_change() {
        let host = host(&account());
        assert_eq!(decide(&host, wanted("9.9.9.9", "")), Decision::Nothing);
        assert_eq!(decide(&host, wanted("9.9.9.8", "")), Decision::Change);
        assert_eq!(decide(&host, wanted("9.9.9.9", "2620:fe::9")), Decision::Change);
        assert_eq!(decide(&host, wanted("", "2620:fe::9")), Decision::Change);
        let both = Host { want6: "2620:fe::9".parse().ok(), have6: "2620:fe::9".parse().ok(), ..host };
        assert_eq!(decide(&both, wanted("9.9.9.9", "")), Decision::Nothing, "the other family is left alone");
        assert_eq!(decide(&both, wanted("9.9.9.9", "2620:fe::9")), Decision::Nothing);
    }

    #[test]
    fn what_is_not_confirmed_is_never_nothing() {
        let host = host(&account());
        let waiting = Host { rev: 4, ..host.clone() };
        let unsettled = Host { settled: false, ..host };
        for host in [waiting, unsettled] {
            assert_eq!(decide(&host, wanted("9.9.9.9", "")), Decision::Again);
            assert_eq!(decide(&host, wanted("9.9.9.8", "")), Decision::Change);
        }
    }

    #[test]
    fn no_usable_address_is_refused() {
        let host = host(&account());
        assert_eq!(decide(&host, Err(())), Decision::Refuse(Status::DnsError));
        assert_eq!(decide(&host, wanted("", "")), Decision::Refuse(Status::DnsError));
    }

    #[test]
    fn a_client_may_touch_what_is_its_own_and_no_more() {
        let (alice, bob) = (account(), account());
        let (own, foreign) = (host(&alice), host(&bob));
        let token = |hosts: &[&str], txt| Token {
            id: Id::new(),
            account: alice.id,
            digest: String::new(),
            label: String::new(),
            hosts: hosts.iter().map(|host| host.to_string()).collect(),
            txt,
            created: 0,
        };
        let of = |token| Identity { account: alice.clone(), token };
        for (who, addresses, txt) in [
            (of(None), true, false),
            (of(Some(token(&[], false))), true, false),
            (of(Some(token(&["a.example"], false))), true, false),
            (of(Some(token(&["b.example"], false))), false, false),
            (of(Some(token(&[], true))), false, true),
            (of(Some(token(&["a.example"], true))), false, true),
            (of(Some(token(&["b.example"], true))), false, false),
        ] {
            assert_eq!((may(&who, &own, Kind::Addresses), may(&who, &own, Kind::Txt)), (addresses, txt));
            assert!(!may(&who, &foreign, Kind::Addresses) && !may(&who, &foreign, Kind::Txt));
        }
    }
}
