//! The APIs, one file each. To add one: its file with the constant `API`, its name twice below (`mod` and `PROTOCOLS`), and
//! the folder of its conversations.

use super::table::Api;
use crate::provider::contract::Protocol;

mod aliyun;
mod desec;
mod digitalocean;
mod dnsimple;
mod dnspod;
mod gandi;
mod godaddy;
mod hetzner;
mod ionos;
mod linode;
mod luadns;
mod namesilo;
mod netcup;
mod njalla;
mod ns1;
mod ovh;
mod porkbun;
mod powerdns;
mod route53;
mod scaleway;
mod servercow;
mod tencent;
mod vultr;

/// The rows of a list of APIs: whole ones in a build with the Cargo feature that is named first, else their names. (Their
/// modules carry no `cfg`: of a constant that is not used nothing gets into the program.)
macro_rules! rows {
    ($($feature:literal: $($module:ident)*;)*) => {
        &[$($({
            const ROW: Protocol = Protocol {
                make: Some(|facts, plaintext| super::make(&$module::API, facts, plaintext)),
                ..row(&$module::API)
            };
            ROW.with($feature, cfg!(feature = $feature))
        },)*)*]
    };
}

pub const PROTOCOLS: &[Protocol] = rows! {
    "apis": desec digitalocean dnsimple gandi godaddy hetzner ionos linode namesilo netcup ovh porkbun powerdns route53 vultr;
    "all-providers": aliyun dnspod luadns njalla ns1 scaleway servercow tencent;
};

/// The row of an API.
const fn row(api: &Api) -> Protocol {
    Protocol {
        name: api.name,
        names: api.names,
        what: api.what,
        keys: api.keys,
        lists: api.batch.is_some(),
        ..Protocol::PLAIN
    }
}
