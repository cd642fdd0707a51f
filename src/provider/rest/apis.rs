//! The tables, one file a provider. The second half is in builds with the feature `all-providers` only.

use crate::provider::contract::Protocol;

mod desec;
mod digitalocean;
mod dnsimple;
mod gandi;
mod godaddy;
mod hetzner;
mod ionos;
mod linode;
mod namesilo;
mod netcup;
mod ovh;
mod porkbun;
mod powerdns;
mod route53;
mod vultr;

use desec::DESEC;
use digitalocean::DIGITALOCEAN;
use dnsimple::DNSIMPLE;
use gandi::GANDI;
use godaddy::GODADDY;
use hetzner::HETZNER;
use ionos::IONOS;
use linode::LINODE;
use namesilo::NAMESILO;
use netcup::NETCUP;
use ovh::OVH;
use porkbun::PORKBUN;
use powerdns::POWERDNS;
use route53::ROUTE53;
use vultr::VULTR;

#[cfg(feature = "all-providers")]
mod aliyun;
#[cfg(feature = "all-providers")]
mod dnspod;
#[cfg(feature = "all-providers")]
mod luadns;
#[cfg(feature = "all-providers")]
mod njalla;
#[cfg(feature = "all-providers")]
mod ns1;
#[cfg(feature = "all-providers")]
mod scaleway;
#[cfg(feature = "all-providers")]
mod servercow;
#[cfg(feature = "all-providers")]
mod tencent;

#[cfg(feature = "all-providers")]
use aliyun::ALIYUN;
#[cfg(feature = "all-providers")]
use dnspod::DNSPOD;
#[cfg(feature = "all-providers")]
use luadns::LUADNS;
#[cfg(feature = "all-providers")]
use njalla::NJALLA;
#[cfg(feature = "all-providers")]
use ns1::NS1;
#[cfg(feature = "all-providers")]
use scaleway::SCALEWAY;
#[cfg(feature = "all-providers")]
use servercow::SERVERCOW;
#[cfg(feature = "all-providers")]
use tencent::TENCENT;

/// The row of an adapter.
macro_rules! row {
    ($api:ident) => {
        Protocol {
            name: $api.name,
            what: $api.what,
            keys: $api.keys,
            make: |facts, plaintext| super::make(&$api, facts, plaintext),
        }
    };
}

pub const PROTOCOLS: &[Protocol] = &[
    row!(DESEC),
    row!(DIGITALOCEAN),
    row!(DNSIMPLE),
    row!(GANDI),
    row!(GODADDY),
    row!(HETZNER),
    row!(IONOS),
    row!(LINODE),
    row!(NAMESILO),
    row!(NETCUP),
    row!(OVH),
    row!(PORKBUN),
    row!(POWERDNS),
    row!(ROUTE53),
    row!(VULTR),
    #[cfg(feature = "all-providers")]
    row!(ALIYUN),
    #[cfg(feature = "all-providers")]
    row!(DNSPOD),
    #[cfg(feature = "all-providers")]
    row!(LUADNS),
    #[cfg(feature = "all-providers")]
    row!(NJALLA),
    #[cfg(feature = "all-providers")]
    row!(NS1),
    #[cfg(feature = "all-providers")]
    row!(SCALEWAY),
    #[cfg(feature = "all-providers")]
    row!(SERVERCOW),
    #[cfg(feature = "all-providers")]
    row!(TENCENT),
];
