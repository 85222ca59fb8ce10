//! The classes against a second formulation: a list of networks with lengths.

use proptest::prelude::*;

use super::*;

/// Everything that is not public, as networks; the first that fits decides nothing but that.
const NETWORKS: [(&str, u32); 46] = [
    ("0.0.0.0", 8),
    ("10.0.0.0", 8),
    ("100.64.0.0", 10),
    ("127.0.0.0", 8),
    ("169.254.0.0", 16),
    ("172.16.0.0", 12),
    ("192.0.0.0", 24),
    ("192.0.2.0", 24),
    ("192.31.196.0", 24),
    ("192.52.193.0", 24),
    ("192.88.99.0", 24),
    ("192.168.0.0", 16),
    ("192.175.48.0", 24),
    ("198.18.0.0", 15),
    ("198.51.100.0", 24),
    ("203.0.113.0", 24),
    ("224.0.0.0", 4),
    ("240.0.0.0", 4),
    ("100.100.100.200", 32),
    ("168.63.129.16", 32),
    ("::", 128),
    ("::1", 128),
    ("64:ff9b:1::", 48),
    ("100::", 64),
    ("2001::", 23),
    ("2001:db8::", 32),
    ("2002::", 16),
    ("3fff::", 20),
    ("5f00::", 16),
    ("fc00::", 7),
    ("fe80::", 10),
    ("fec0::", 10),
    ("ff00::", 8),
    ("4000::", 2),
    ("8000::", 2),
    ("c000::", 3),
    ("e000::", 4),
    ("f000::", 5),
    ("f800::", 6),
    ("fe00::", 9),
    ("0100::", 8),
    ("0200::", 7),
    ("0400::", 6),
    ("0800::", 5),
    ("1000::", 4),
    ("fd00::", 8),
];

fn bits(address: IpAddr) -> (u128, u32) {
    match address {
        IpAddr::V4(address) => (u128::from(address.to_bits()) << 96, 32),
        IpAddr::V6(address) => (address.to_bits(), 128),
    }
}

/// The address inside, by arithmetic on the number and not by segments.
fn inside(address: Ipv6Addr) -> Option<Ipv4Addr> {
    let number = address.to_bits();
    let prefixes = [0, 0xffff, 0xffff_0000, 0x0064_ff9b_u128 << 64];
    let is_carrier = prefixes.contains(&(number >> 32)) && number > 1;
    is_carrier.then(|| Ipv4Addr::from_bits(number as u32))
}

fn is_public(address: IpAddr) -> bool {
    if let IpAddr::V6(address) = address {
        if let Some(inner) = inside(address) {
            return is_public(IpAddr::V4(inner));
        }
        let number = address.to_bits();
        let is_isatap = matches!((number >> 32) as u32, 0x0000_5efe | 0x0200_5efe);
        // Only 2000::/3 is given out; what is left of it below is in the list.
        if is_isatap || number >> 125 != 1 {
            return false;
        }
    }
    let (number, width) = bits(address);
    !NETWORKS.iter().any(|(network, length)| {
        let (network, network_width) = bits(network.parse().unwrap());
        let shift = 128 - length;
        width == network_width && (number.checked_shr(shift) == network.checked_shr(shift))
    })
}

#[test]
fn the_classes_of_the_standard_library_are_never_public() {
    for text in [
        "::ffff:1.1.1.1",
        "64:ff9b::1.1.1.1",
        "2606:4700::1",
        "1.1.1.1",
        "100.128.0.1",
    ] {
        assert_eq!(
            classify(text.parse().unwrap()),
            AddressClass::Public,
            "{text}"
        );
    }
}

/// Addresses close to the borders, where mistakes are.
fn near_borders() -> impl Strategy<Value = IpAddr> {
    let network = prop::sample::select(NETWORKS.to_vec());
    (network, any::<bool>(), -2_i128..=2, any::<u128>()).prop_map(
        |((network, length), is_end, delta, noise)| {
            let (number, width) = bits(network.parse().unwrap());
            let rest = u128::MAX.checked_shr(length).unwrap_or(0);
            let edge = if is_end { number | rest } else { number };
            let step = delta << (128 - width);
            let mut number = edge.wrapping_add_signed(step);
            if noise % 3 == 0 {
                number = edge | (noise & rest);
            }
            match width {
                32 => IpAddr::V4(Ipv4Addr::from_bits((number >> 96) as u32)),
                _ => IpAddr::V6(Ipv6Addr::from_bits(number)),
            }
        },
    )
}

fn carriers() -> impl Strategy<Value = IpAddr> {
    let prefix = prop::sample::select(vec![
        0,
        0xffff,
        0xffff_0000,
        0x0064_ff9b_u128 << 64,
        0x2606_4700_u128 << 64 | 0x5efe,
        0x2606_4700_u128 << 64 | 0x0200_5efe,
    ]);
    (prefix, near_borders()).prop_map(|(prefix, address)| {
        let low = (bits(address).0 >> 96) as u32;
        IpAddr::V6(Ipv6Addr::from_bits((prefix << 32) | u128::from(low)))
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_formulations_agree_on_what_is_public(
        address in prop_oneof![
            near_borders(),
            carriers(),
            any::<u32>().prop_map(|n| IpAddr::V4(Ipv4Addr::from_bits(n))),
            any::<u128>().prop_map(|n| IpAddr::V6(Ipv6Addr::from_bits(n))),
            any::<u128>().prop_map(|n| IpAddr::V6(Ipv6Addr::from_bits(n >> 3 | 1 << 125))),
        ]
    ) {
        let class = classify(address);
        prop_assert_eq!(class == AddressClass::Public, is_public(address), "{} {:?}", address, class);
        if class == AddressClass::Public {
            prop_assert!(!address.is_loopback() && !address.is_unspecified() && !address.is_multicast());
        }
    }
}
