//! Addresses: their two families, and sets of them.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::LazyLock;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::block::{around, overlap};

/// IPv4 or IPv6. A rule or an entry about one family says nothing about the other.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum AddressFamily {
    /// `ipv4`, the default of a target group.
    #[default]
    Ipv4,
    /// `ipv6`
    Ipv6,
}

impl AddressFamily {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Ipv4, Self::Ipv6];

    /// The family of a block.
    pub fn of(block: &IpNet) -> Self {
        match block {
            IpNet::V4(_) => Self::Ipv4,
            IpNet::V6(_) => Self::Ipv6,
        }
    }

    /// Those blocks that are of the family.
    pub fn only(self, blocks: impl IntoIterator<Item = IpNet>) -> Vec<IpNet> {
        blocks.into_iter().filter(|block| Self::of(block) == self).collect()
    }

    /// `0.0.0.0/0` or `::/0`.
    pub fn every_address(self) -> IpNet {
        match self {
            Self::Ipv4 => IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::UNSPECIFIED, 0)),
            Self::Ipv6 => IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::UNSPECIFIED, 0)),
        }
    }
}

/// IPv4 blocks from which no packet comes through an internet gateway (IANA special-purpose address registry; the blocks
/// for documentation are left out, so that examples may use them).
const NOT_OF_THE_INTERNET: [IpNet; 9] = [
    v4(0, 0, 8),
    v4(10, 0, 8),
    v4(100, 64, 10),
    v4(127, 0, 8),
    v4(169, 254, 16),
    v4(172, 16, 12),
    v4(192, 168, 16),
    v4(224, 0, 4),
    v4(240, 0, 4),
];

/// IPv6 addresses that the internet routes.
const GLOBAL_UNICAST: IpNet = IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3));

const fn v4(first: u8, second: u8, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(first, second, 0, 0), length))
}

/// A set of addresses of either family.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AddressSet {
    /// Disjoint.
    blocks: Vec<IpNet>,
}

impl AddressSet {
    /// The addresses of some blocks, which may overlap.
    pub fn of(blocks: impl IntoIterator<Item = IpNet>) -> Self {
        Self { blocks: IpNet::aggregate(&blocks.into_iter().collect()) }
    }

    /// The public addresses of a family.
    pub fn internet(family: AddressFamily) -> &'static Self {
        static IPV4: LazyLock<AddressSet> =
            LazyLock::new(|| AddressSet::of([AddressFamily::Ipv4.every_address()]).without(&NOT_OF_THE_INTERNET));
        static IPV6: LazyLock<AddressSet> = LazyLock::new(|| AddressSet::of([GLOBAL_UNICAST]));
        match family {
            AddressFamily::Ipv4 => &IPV4,
            AddressFamily::Ipv6 => &IPV6,
        }
    }

    /// Disjoint blocks that make up the set.
    pub fn blocks(&self) -> &[IpNet] {
        &self.blocks
    }

    /// Whether it has no address.
    pub fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The addresses that some of these blocks hold too.
    pub fn and<'a>(&self, blocks: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let shared = |block: &'a IpNet| self.blocks.iter().filter_map(move |own| overlap(own, block));
        Self::of(blocks.into_iter().flat_map(shared))
    }

    /// The addresses that none of these blocks holds.
    pub fn without<'a>(&self, blocks: impl IntoIterator<Item = &'a IpNet>) -> Self {
        let mut left = self.blocks.clone();
        for block in blocks {
            let rest = |own: IpNet| match overlap(&own, block) {
                Some(shared) => around(&own, &shared),
                None => vec![own],
            };
            left = left.into_iter().flat_map(rest).collect();
        }
        Self { blocks: left }
    }

    /// The addresses of one family.
    pub fn of_family(&self, family: AddressFamily) -> Self {
        Self { blocks: self.blocks.iter().filter(|block| AddressFamily::of(block) == family).copied().collect() }
    }

    /// The addresses of both sets.
    pub fn or(&self, other: &Self) -> Self {
        Self::of(self.blocks.iter().chain(&other.blocks).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(blocks: &[&str]) -> AddressSet {
        AddressSet::of(blocks.iter().map(|block| block.parse().expect("a block")))
    }

    #[test]
    fn the_internet_has_public_addresses_alone() {
        let internet = AddressSet::internet(AddressFamily::Ipv4);
        let is_in = |block: &str| !internet.and(set(&[block]).blocks()).is_empty();
        for block in ["10.0.0.0/8", "172.31.0.0/16", "192.168.4.0/24", "100.64.0.0/10", "224.0.0.0/3", "::/0"] {
            assert!(!is_in(block), "{block}");
        }
        for block in ["0.0.0.0/0", "198.51.100.7/32", "172.0.0.0/8", "128.0.0.0/1"] {
            assert!(is_in(block), "{block}");
        }
        let internet = AddressSet::internet(AddressFamily::Ipv6);
        assert!(internet.and(set(&["0.0.0.0/0", "fd00::/8"]).blocks()).is_empty());
    }

    #[test]
    fn what_is_taken_away_and_what_is_shared_make_up_the_whole() {
        let (whole, part) = (set(&["10.0.0.0/16", "2001:db8::/32"]), set(&["10.0.3.0/24", "10.0.64.0/18"]));
        let rest = whole.without(part.blocks());
        assert!(rest.and(part.blocks()).is_empty());
        assert_eq!(rest.or(&part), whole);
        assert_eq!(whole.and(part.blocks()), part);
    }
}
