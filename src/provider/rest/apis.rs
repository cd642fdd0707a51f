//! The tables, one file a provider.

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
