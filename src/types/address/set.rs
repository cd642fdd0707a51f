//! The addresses of one host in one family: one nearly everywhere, several where a machine tells all that it has.
//! Apart from a list because their order means nothing: two sets of the same addresses are the same.

use std::fmt;
use std::net::IpAddr;

/// At least one address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Set(Kind);

/// As large as one address and its length: a thousand hosts have one each.
#[derive(Clone, PartialEq, Eq, Debug)]
enum Kind {
    One(IpAddr),
    /// Two or more, in numerical order.
    Several(Box<[IpAddr]>),
}

impl Set {
    /// This address and those beside it.
    pub fn of(first: IpAddr, beside: &[IpAddr]) -> Set {
        let mut all = vec![first];
        for address in beside {
            // A few at most: a sort of their own would be 3 KB of code.
            if let Err(at) = all.binary_search(address) {
                all.insert(at, *address);
            }
        }
        match all.as_slice() {
            [one] => Set(Kind::One(*one)),
            _ => Set(Kind::Several(all.into())),
        }
    }

    /// All of them, in numerical order.
    pub fn all(&self) -> &[IpAddr] {
        match &self.0 {
            Kind::One(address) => std::slice::from_ref(address),
            Kind::Several(all) => all,
        }
    }

    /// The numerically lowest, which stands for all where one is asked for.
    pub fn first(&self) -> IpAddr {
        self.all()[0]
    }

    /// The others.
    pub fn beside(&self) -> &[IpAddr] {
        &self.all()[1..]
    }

    /// The only one.
    pub fn only(&self) -> Option<IpAddr> {
        match &self.0 {
            Kind::One(address) => Some(*address),
            Kind::Several(_) => None,
        }
    }
}

impl From<IpAddr> for Set {
    fn from(address: IpAddr) -> Set {
        Set(Kind::One(address))
    }
}

/// As a list in the settings.
impl fmt::Display for Set {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.first())?;
        self.beside().iter().try_for_each(|address| write!(out, ", {address}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(last: u8) -> IpAddr {
        IpAddr::from([192, 0, 2, last])
    }

    #[test]
    fn the_order_means_nothing() {
        let set = Set::of(ip(10), &[ip(9), ip(200), ip(9)]);
        assert_eq!(set, Set::of(ip(200), &[ip(10), ip(9)]));
        assert_eq!(set.to_string(), "192.0.2.9, 192.0.2.10, 192.0.2.200");
        assert_eq!((set.first(), set.beside(), set.only()), (ip(9), &[ip(10), ip(200)][..], None));
        assert_eq!(Set::of(ip(1), &[ip(1)]), Set::from(ip(1)));
        assert_eq!((Set::from(ip(1)).only(), Set::from(ip(1)).all()), (Some(ip(1)), &[ip(1)][..]));
    }

    #[test]
    fn a_set_of_one_takes_no_more_room_than_a_pointer_with_its_length() {
        assert!(std::mem::size_of::<Set>() <= 24);
    }
}
