//! Which addresses are public. The tables follow the IANA special-purpose registries (RFC 6890, RFC 8190).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Every IPv4 range with a special purpose, also those that are globally reachable.
const SPECIAL_V4: &[([u8; 4], u32)] = &[
    ([0, 0, 0, 0], 8),        // this network
    ([10, 0, 0, 0], 8),       // private
    ([100, 64, 0, 0], 10),    // shared address space (CGNAT)
    ([127, 0, 0, 0], 8),      // loopback
    ([168, 63, 129, 16], 32), // Azure's platform endpoint: no registry knows it, every machine there reaches it
    ([169, 254, 0, 0], 16),   // link local, cloud metadata
    ([172, 16, 0, 0], 12),    // private
    ([192, 0, 0, 0], 24),     // IETF protocol assignments
    ([192, 0, 2, 0], 24),     // documentation
    ([192, 31, 196, 0], 24),  // AS112
    ([192, 52, 193, 0], 24),  // AMT
    ([192, 88, 99, 0], 24),   // 6to4 relays
    ([192, 168, 0, 0], 16),   // private
    ([192, 175, 48, 0], 24),  // AS112
    ([198, 18, 0, 0], 15),    // benchmarking
    ([198, 51, 100, 0], 24),  // documentation
    ([203, 0, 113, 0], 24),   // documentation
    ([224, 0, 0, 0], 4),      // multicast
    ([240, 0, 0, 0], 4),      // reserved, broadcast
];

/// The IPv6 ranges with a special purpose inside `2000::/3`; everything outside of that is no global unicast at all
/// (loopback, mapped, NAT64, unique local, link local, multicast, segment routing, …).
const SPECIAL_V6: &[([u16; 3], u32)] = &[
    ([0x2001, 0, 0], 23),           // IETF protocol assignments: Teredo, ORCHID, benchmarking, …
    ([0x2001, 0x0db8, 0], 32),      // documentation
    ([0x2002, 0, 0], 16),           // 6to4
    ([0x2620, 0x004f, 0x8000], 48), // AS112
    ([0x3fff, 0, 0], 20),           // documentation
];

/// Whether `address` is plain public unicast, the only kind strangers may have us connect to.
pub(super) fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    !SPECIAL_V4.iter().any(|&(base, length)| {
        let distance = address.to_bits() ^ Ipv4Addr::from(base).to_bits();
        distance.leading_zeros() >= length
    })
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let [first, _, _, _, tag, protocol, ..] = address.segments();
    let is_global_unicast = first & 0xe000 == 0x2000;
    // ISATAP carries an IPv4 address behind this tag (RFC 5214 §6.1).
    let is_isatap = tag & 0xfdff == 0 && protocol == 0x5efe;
    let is_special = SPECIAL_V6.iter().any(|&([a, b, c], length)| {
        let distance = address.to_bits() ^ Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0).to_bits();
        distance.leading_zeros() >= length
    });
    is_global_unicast && !is_isatap && !is_special
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The registries again, written independently of the tables above, with the odd mapped form of each.
    const RANGES: &[&str] = &[
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.31.196.0/24",
        "192.52.193.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "192.175.48.0/24",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "255.255.255.255/32",
        "168.63.129.16/32",
        "169.254.169.254/32",
        "100.100.100.200/32",
        "::/128",
        "::1/128",
        "::/96",
        "::ffff:0:0/96",
        "::ffff:0:0:0/96",
        "64:ff9b::/96",
        "64:ff9b:1::/48",
        "100::/64",
        "100:0:0:1::/64",
        "2001::/23",
        "2001::/32",
        "2001:1::1/128",
        "2001:1::2/128",
        "2001:2::/48",
        "2001:3::/32",
        "2001:4:112::/48",
        "2001:10::/28",
        "2001:20::/28",
        "2001:30::/28",
        "2001:db8::/32",
        "2002::/16",
        "2620:4f:8000::/48",
        "3fff::/20",
        "5f00::/16",
        "fc00::/7",
        "fd00:ec2::254/128",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];

    fn parse(range: &str) -> (IpAddr, u32) {
        let (base, length) = range.split_once('/').unwrap();
        (base.parse().unwrap(), length.parse().unwrap())
    }

    fn contains((base, length): (IpAddr, u32), address: IpAddr) -> bool {
        match (base, address) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                length == 0 || (base.to_bits() ^ address.to_bits()) >> (32 - length) == 0
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                length == 0 || (base.to_bits() ^ address.to_bits()) >> (128 - length) == 0
            }
            _ => false,
        }
    }

    fn is_special(address: IpAddr) -> bool {
        RANGES.iter().any(|range| contains(parse(range), address))
    }

    fn ends((base, length): (IpAddr, u32)) -> [IpAddr; 2] {
        match base {
            IpAddr::V4(base) => {
                [base.into(), Ipv4Addr::from_bits(base.to_bits() | u32::MAX.checked_shr(length).unwrap_or(0)).into()]
            }
            IpAddr::V6(base) => {
                [base.into(), Ipv6Addr::from_bits(base.to_bits() | u128::MAX.checked_shr(length).unwrap_or(0)).into()]
            }
        }
    }

    #[test]
    fn both_ends_of_every_special_range_are_refused() {
        for range in RANGES {
            for address in ends(parse(range)) {
                assert!(!is_public(address), "{address} of {range}");
            }
        }
    }

    #[test]
    fn neighbours_of_special_ranges_and_well_known_hosts_are_public() {
        for address in [
            "1.0.0.0",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "168.63.129.15",
            "168.63.129.17",
            "169.253.255.255",
            "169.255.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "191.255.255.255",
            "192.0.1.0",
            "192.0.3.0",
            "192.167.255.255",
            "192.169.0.0",
            "198.17.255.255",
            "198.20.0.0",
            "198.51.99.255",
            "203.0.114.0",
            "223.255.255.255",
            "8.8.8.8",
            "2000::1",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2003::1",
            "2400::1",
            "2606:4700:4700::1111",
            "2620:4f:7fff::1",
            "3ffe:ffff::1",
        ] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_ipv4_address_inside_an_isatap_address_is_refused() {
        assert!(!is_public("2606:4700::5efe:7f00:1".parse().unwrap()));
        assert!(!is_public("2606:4700::200:5efe:7f00:1".parse().unwrap()));
    }

    fn address() -> impl Strategy<Value = IpAddr> {
        let inside = (prop::sample::select(RANGES), any::<u128>()).prop_map(|(range, noise)| {
            let (base, length) = parse(range);
            match base {
                IpAddr::V4(base) => {
                    let [low, ..] = noise.to_le_bytes().map(u32::from);
                    let noise = low.wrapping_mul(0x9e37_79b9);
                    IpAddr::from(Ipv4Addr::from_bits(
                        base.to_bits() | noise & u32::MAX.checked_shr(length).unwrap_or(0),
                    ))
                }
                IpAddr::V6(base) => {
                    let noise = noise & u128::MAX.checked_shr(length).unwrap_or(0);
                    IpAddr::from(Ipv6Addr::from_bits(base.to_bits() | noise))
                }
            }
        });
        prop_oneof![
            inside,
            any::<u32>().prop_map(|bits| Ipv4Addr::from_bits(bits).into()),
            any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits).into()),
            any::<u128>().prop_map(|bits| Ipv6Addr::from_bits(bits >> 3 | 0x2 << 124).into()),
        ]
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn no_approved_address_is_special(address in address()) {
            let special_to_std = match address {
                IpAddr::V4(v4) => v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_multicast()
                    || v4.is_broadcast() || v4.is_documentation() || v4.is_unspecified(),
                IpAddr::V6(v6) => v6.is_loopback() || v6.is_multicast() || v6.is_unspecified() || v6.is_unique_local()
                    || v6.is_unicast_link_local() || v6.to_ipv4().is_some(),
            };
            prop_assert!(!(is_public(address) && (special_to_std || is_special(address))), "{}", address);
        }

        #[test]
        fn ordinary_ipv4_stays_reachable(bits in any::<u32>()) {
            let address = IpAddr::from(Ipv4Addr::from_bits(bits));
            prop_assert_eq!(is_public(address), !is_special(address));
        }
    }
}
