//! Property: however an address that is not public is written, it is refused.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use crate::{AddressClass, Guard, GuardOptions, NetError, classify};

/// One number of an address in one of the bases URLs know.
fn number(value: u32, base: u8) -> String {
    match base % 4 {
        0 => value.to_string(),
        1 => format!("0{value:o}"),
        2 => format!("0x{value:x}"),
        _ => format!("0X{value:X}"),
    }
}

/// The address in one to four parts, each in its base.
fn spelled(address: Ipv4Addr, n_parts: u8, bases: [u8; 4]) -> String {
    let [a, b, c, d] = address.octets().map(u32::from);
    let parts = match n_parts % 4 {
        0 => vec![(a << 24) | (b << 16) | (c << 8) | d],
        1 => vec![a, (b << 16) | (c << 8) | d],
        2 => vec![a, b, (c << 8) | d],
        _ => vec![a, b, c, d],
    };
    let parts = parts
        .iter()
        .zip(bases)
        .map(|(part, base)| number(*part, base));
    parts.collect::<Vec<_>>().join(".")
}

/// The same text for a URL parser, in other characters.
fn disguised(host: &str, how: u8) -> String {
    let each = |change: fn(char) -> String| host.chars().map(change).collect::<String>();
    match how % 6 {
        0 => host.to_owned(),
        1 => format!("{host}."),
        2 => each(|c| format!("%{:02x}", u32::from(c))),
        3 => each(|c| {
            let wide = char::from_u32(u32::from(c) + 0xfee0);
            wide.filter(|_| c.is_ascii_alphanumeric())
                .unwrap_or(c)
                .to_string()
        }),
        4 => host.replace('.', "。"),
        _ => host.to_uppercase(),
    }
}

fn carried(address: Ipv4Addr, how: u8) -> Ipv6Addr {
    let low = u128::from(address.to_bits());
    Ipv6Addr::from_bits(match how % 5 {
        0 => 0xffff << 32 | low,
        1 => low,
        2 => 0x0064_ff9b << 96 | low,
        3 => 0xffff_0000 << 32 | low,
        _ => 0x2002 << 112 | low << 80,
    })
}

fn not_public() -> impl Strategy<Value = Ipv4Addr> {
    let networks = [
        ([127, 0, 0, 0], 8),
        ([10, 0, 0, 0], 8),
        ([172, 16, 0, 0], 12),
        ([192, 168, 0, 0], 16),
        ([169, 254, 0, 0], 16),
        ([100, 64, 0, 0], 10),
        ([0, 0, 0, 0], 8),
        ([224, 0, 0, 0], 3),
    ];
    (prop::sample::select(networks.to_vec()), any::<u32>()).prop_map(
        |((network, length), noise)| {
            Ipv4Addr::from_bits(Ipv4Addr::from(network).to_bits() | noise >> length)
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1500, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_spelling_of_a_private_address_passes(
        address in not_public(), n_parts: u8, bases: [u8; 4], how: u8, carrier: u8,
        tail in prop::sample::select(vec!["", "/", "/x?y#z", ":80/", ":8080", "?q"]),
    ) {
        let guard = Guard::new(GuardOptions::default());
        let host = disguised(&spelled(address, n_parts, bases), how);
        let inside = format!("[{}]", carried(address, carrier));
        for host in [host, inside] {
            for scheme in ["http://", "https://", "HTTP://"] {
                let url = format!("{scheme}{host}{tail}");
                let found = guard.check_url(&url);
                prop_assert!(matches!(found, Err(NetError::Refused { .. })), "{} {:?}", url, found);
            }
        }
    }

    #[test]
    fn whatever_passes_is_a_name_or_a_public_address(text in "(http:)?[/\\\\]{0,3}[0-9a-fxX.:@%\\[\\]]{1,20}[/?#]?.{0,5}") {
        let guard = Guard::new(GuardOptions::default());
        if let Ok(target) = guard.check_url(&text) {
            let class = target.host.parse::<IpAddr>().map(classify);
            prop_assert!(class.is_err() || class == Ok(AddressClass::Public), "{} {:?}", text, target);
            // A second reading by what resolvers of old systems accept.
            prop_assert!(!target.host.chars().all(|c| c.is_ascii_digit() || c == '.') || class.is_ok());
        }
    }
}
