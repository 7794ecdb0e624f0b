//! The IP addresses to which webhooks may be sent: those of the public internet, and the networks that the operator
//! allows.
//!
//! Tenants choose the URLs of their endpoints. Without this rule a tenant could make the server call machines inside
//! the operator's network, or the metadata service of a cloud, which hands out credentials.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// The IPv4 networks outside the public internet, from IANA's registry of special-purpose addresses.
const REFUSED_V4: [Ipv4Net; 17] = [
    v4([0, 0, 0, 0], 8),        // this network, unspecified
    v4([10, 0, 0, 0], 8),       // private
    v4([100, 64, 0, 0], 10),    // shared by customers of a provider, metadata of Alibaba Cloud
    v4([127, 0, 0, 0], 8),      // loopback
    v4([168, 63, 129, 16], 32), // the host agent of Azure, at a public address
    v4([169, 254, 0, 0], 16),   // link-local, metadata of most clouds
    v4([172, 16, 0, 0], 12),    // private
    v4([192, 0, 0, 0], 24),     // protocol assignments, metadata of Oracle Cloud
    v4([192, 0, 2, 0], 24),     // documentation
    v4([192, 88, 99, 0], 24),   // relays of 6to4
    v4([192, 168, 0, 0], 16),   // private
    v4([198, 18, 0, 0], 15),    // benchmarks
    v4([198, 51, 100, 0], 24),  // documentation
    v4([203, 0, 113, 0], 24),   // documentation
    v4([224, 0, 0, 0], 4),      // multicast
    v4([240, 0, 0, 0], 4),      // reserved
    v4([255, 255, 255, 255], 32),
];

/// The IPv6 network of the public internet. Loopback, unspecified, unique local, link-local, multicast and
/// IPv4-compatible addresses are outside.
const UNICAST_V6: Ipv6Net = v6([0x2000, 0], 3);

/// The parts of [`UNICAST_V6`] that are not the public internet.
const REFUSED_V6: [Ipv6Net; 3] = [
    v6([0x2001, 0], 23),      // protocol assignments: Teredo, benchmarks, ORCHID
    v6([0x2001, 0x0db8], 32), // documentation
    v6([0x3fff, 0], 20),      // documentation
];

/// The networks outside the public internet to which webhooks may be sent, from `--webhooks-allow`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Allowed(Vec<IpNet>);

impl Allowed {
    pub(crate) fn new(networks: Vec<IpNet>) -> Self {
        Self(networks)
    }

    /// Returns whether the server may connect to this address.
    pub(crate) fn may_dial(&self, address: IpAddr) -> bool {
        is_public(address) || self.contains(address)
    }

    /// Returns whether the operator has allowed this address.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }
}

fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => !REFUSED_V4.iter().any(|network| network.contains(&address)),
        IpAddr::V6(address) => match embedded(address) {
            Some(address) => is_public(address.into()),
            None => {
                UNICAST_V6.contains(&address) && !REFUSED_V6.iter().any(|network| network.contains(&address))
            }
        },
    }
}

/// Returns the IPv4 address to which packets for an IPv6 address go in the end.
fn embedded(address: Ipv6Addr) -> Option<Ipv4Addr> {
    match address.octets() {
        // IPv4-mapped, NAT64, 6to4.
        [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d]
        | [0x00, 0x64, 0xff, 0x9b, 0, 0, 0, 0, 0, 0, 0, 0, a, b, c, d]
        | [0x20, 0x02, a, b, c, d, ..] => Some(Ipv4Addr::new(a, b, c, d)),
        _ => None,
    }
}

const fn v4([a, b, c, d]: [u8; 4], bits: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), bits)
}

const fn v6([a, b]: [u16; 2], bits: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, 0, 0, 0, 0, 0, 0), bits)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(networks: &[&str]) -> Allowed {
        Allowed::new(networks.iter().map(|network| network.parse().unwrap()).collect())
    }

    #[test]
    fn addresses_outside_the_public_internet_are_refused() {
        let refused = [
            "0.0.0.0",
            "0.1.2.3",
            "10.0.0.1",
            "10.255.255.255",
            "100.64.0.1",
            "100.100.100.200",
            "100.127.255.255",
            "127.0.0.1",
            "127.255.255.255",
            "168.63.129.16",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.0.0.192",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.1.1",
            "198.18.0.1",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::127.0.0.1",
            "::8.8.8.8",
            "::ffff:10.0.0.1",
            "::ffff:127.0.0.1",
            "::ffff:169.254.169.254",
            "::ffff:0:127.0.0.1",
            "64:ff9b::127.0.0.1",
            "64:ff9b::10.0.0.1",
            "64:ff9b:1::8.8.8.8",
            "100::1",
            "2001::1",
            "2001:2::1",
            "2001:10::1",
            "2001:20::1",
            "2001:db8::1",
            "2002:7f00:1::1",
            "2002:a00:1::1",
            "2002:a9fe:a9fe::1",
            "3fff::1",
            "5f00::1",
            "fc00::1",
            "fd00:ec2::254",
            "fe80::1",
            "fec0::1",
            "ff02::1",
        ];
        for address in refused {
            assert!(!Allowed::default().may_dial(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn addresses_of_the_public_internet_may_be_dialled() {
        let public = [
            "1.1.1.1",
            "8.8.8.8",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "126.255.255.255",
            "128.0.0.0",
            "172.15.255.255",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:4860:4860::8888",
            "2002:808:808::1",
            "2606:4700:4700::1111",
            "3ffe::1",
        ];
        for address in public {
            assert!(Allowed::default().may_dial(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn an_allowed_network_may_be_dialled_in_every_form_of_its_addresses() {
        let allowed = allowed(&["10.1.0.0/16", "fd00:1::/32"]);
        for address in ["10.1.2.3", "::ffff:10.1.2.3", "fd00:1::5"] {
            let address = address.parse().unwrap();
            assert!(allowed.may_dial(address) && allowed.contains(address), "{address}");
        }
        for address in ["10.2.0.1", "::ffff:10.2.0.1", "64:ff9b::10.1.2.3", "fd00:2::5", "127.0.0.1"] {
            assert!(!allowed.may_dial(address.parse().unwrap()), "{address}");
        }
        let public = "8.8.8.8".parse().unwrap();
        assert!(allowed.may_dial(public) && !allowed.contains(public));
    }
}
