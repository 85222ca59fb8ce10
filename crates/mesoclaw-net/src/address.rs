//! What kind of address an address is: only the public ones are reached without being allowed.
//!
//! Classes follow the special-purpose registries of IANA (RFC 6890 and its updates). Addresses
//! that carry another one inside (mapped, NAT64) are judged by what is inside.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The kind of an address.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AddressClass {
    /// Reachable from everywhere.
    Public,
    /// This machine: 127.0.0.0/8, `::1`.
    Loopback,
    /// A private network: 10/8, 172.16/12, 192.168/16, fc00::/7, fec0::/10.
    Private,
    /// A carrier's network: 100.64.0.0/10.
    Shared,
    /// The same cable: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// Test networks: 198.18.0.0/15, 2001:2::/48.
    Benchmarking,
    /// Examples in documents: 192.0.2.0/24 and its like.
    Documentation,
    /// The service of a cloud that hands out keys and secrets of the machine.
    Metadata,
    /// `0.0.0.0/8` and `::`, which many systems take for this machine.
    Unspecified,
    /// Many machines at once.
    Multicast,
    /// 255.255.255.255.
    Broadcast,
    /// A tunnel whose other end cannot be judged: 6to4, Teredo, ISATAP.
    Tunnel,
    /// Not for use.
    Reserved,
}

impl AddressClass {
    /// Whether a host allowed by name may have such an address.
    pub(crate) fn is_allowed_by_name(self) -> bool {
        match self {
            Self::Public
            | Self::Loopback
            | Self::Private
            | Self::Shared
            | Self::LinkLocal
            | Self::Benchmarking
            | Self::Documentation => true,
            Self::Metadata
            | Self::Unspecified
            | Self::Multicast
            | Self::Broadcast
            | Self::Tunnel
            | Self::Reserved => false,
        }
    }

    /// Whether an address that is allowed itself may be of this class.
    pub(crate) fn is_allowed_as_address(self) -> bool {
        self == Self::Metadata || self.is_allowed_by_name()
    }

    /// The class in words, to stand after "is".
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Loopback => "this machine itself",
            Self::Private => "in a private network",
            Self::Shared => "in a carrier's network",
            Self::LinkLocal => "in the local network",
            Self::Benchmarking => "in a test network",
            Self::Documentation => "an example address",
            Self::Metadata => "the secrets service of a cloud",
            Self::Unspecified => "unspecified",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "a broadcast address",
            Self::Tunnel => "behind a tunnel",
            Self::Reserved => "reserved",
        }
    }
}

/// Metadata services that have an address of their own.
const METADATA_V4: [Ipv4Addr; 5] = [
    Ipv4Addr::new(169, 254, 169, 254),
    Ipv4Addr::new(169, 254, 170, 2),
    Ipv4Addr::new(100, 100, 100, 200),
    Ipv4Addr::new(168, 63, 129, 16),
    Ipv4Addr::new(192, 0, 0, 192),
];
const METADATA_V6: [Ipv6Addr; 2] = [
    Ipv6Addr::new(0xfd00, 0x0ec2, 0, 0, 0, 0, 0, 0x0254),
    Ipv6Addr::new(0xfd20, 0x00ce, 0, 0, 0, 0, 0, 0x0254),
];

/// The class of an address.
pub fn classify(address: IpAddr) -> AddressClass {
    match address {
        IpAddr::V4(address) => classify_v4(address),
        IpAddr::V6(address) => classify_v6(address),
    }
}

fn classify_v4(address: Ipv4Addr) -> AddressClass {
    if METADATA_V4.contains(&address) {
        return AddressClass::Metadata;
    }
    match address.octets() {
        [0, ..] => AddressClass::Unspecified,
        [127, ..] => AddressClass::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => AddressClass::Private,
        [100, 64..=127, ..] => AddressClass::Shared,
        [169, 254, ..] => AddressClass::LinkLocal,
        [198, 18..=19, ..] => AddressClass::Benchmarking,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => AddressClass::Documentation,
        [224..=239, ..] => AddressClass::Multicast,
        [255, 255, 255, 255] => AddressClass::Broadcast,
        // The first five are protocol assignments, the relay of 6to4, AS112 and AMT.
        [192, 0, 0, _]
        | [192, 88, 99, _]
        | [192, 31, 196, _]
        | [192, 52, 193, _]
        | [192, 175, 48, _]
        | [240..=255, ..] => AddressClass::Reserved,
        _ => AddressClass::Public,
    }
}

fn classify_v6(address: Ipv6Addr) -> AddressClass {
    if METADATA_V6.contains(&address) {
        return AddressClass::Metadata;
    }
    let segments = address.segments();
    match segments {
        [0, 0, 0, 0, 0, 0, 0, 0] => AddressClass::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => AddressClass::Loopback,
        // Compatible (::a.b.c.d), mapped (::ffff:a.b.c.d), translated (::ffff:0:a.b.c.d) and the
        // well-known prefix of NAT64 (64:ff9b::a.b.c.d).
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low]
        | [0, 0, 0, 0, 0xffff, 0, high, low]
        | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => classify_v4(inner(high, low)),
        // The first is NAT64 inside one network.
        [0x64, 0xff9b, 1, ..] | [0xfc00..=0xfdff | 0xfec0..=0xfeff, ..] => AddressClass::Private,
        [0xfe80..=0xfebf, ..] => AddressClass::LinkLocal,
        [0xff00..=0xffff, ..] => AddressClass::Multicast,
        [0x2001, 0, ..] | [0x2002, ..] => AddressClass::Tunnel,
        [0x2001, 2, 0, ..] => AddressClass::Benchmarking,
        [0x2001, 0x0db8, ..] | [0x3fff, 0..=0x0fff, ..] => AddressClass::Documentation,
        // The rest of 2001::/23 is for protocols, 5f00::/16 for segment routing.
        [0x2001, 0..=0x01ff, ..] => AddressClass::Reserved,
        [0x2000..=0x3fff, _, _, _, 0 | 0x0200, 0x5efe, ..] => AddressClass::Tunnel,
        [0x2000..=0x3fff, ..] => AddressClass::Public,
        _ => AddressClass::Reserved,
    }
}

fn inner(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from((u32::from(high) << 16) | u32::from(low))
}

#[cfg(test)]
mod tests;
