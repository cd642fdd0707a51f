//! The tables, one file a provider. The second half is in builds with the feature `all-providers` only.

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

pub use desec::DESEC;
pub use digitalocean::DIGITALOCEAN;
pub use dnsimple::DNSIMPLE;
pub use gandi::GANDI;
pub use godaddy::GODADDY;
pub use hetzner::HETZNER;
pub use ionos::IONOS;
pub use linode::LINODE;
pub use namesilo::NAMESILO;
pub use netcup::NETCUP;
pub use ovh::OVH;
pub use porkbun::PORKBUN;
pub use powerdns::POWERDNS;
pub use route53::ROUTE53;
pub use vultr::VULTR;

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
pub use aliyun::ALIYUN;
#[cfg(feature = "all-providers")]
pub use dnspod::DNSPOD;
#[cfg(feature = "all-providers")]
pub use luadns::LUADNS;
#[cfg(feature = "all-providers")]
pub use njalla::NJALLA;
#[cfg(feature = "all-providers")]
pub use ns1::NS1;
#[cfg(feature = "all-providers")]
pub use scaleway::SCALEWAY;
#[cfg(feature = "all-providers")]
pub use servercow::SERVERCOW;
#[cfg(feature = "all-providers")]
pub use tencent::TENCENT;
