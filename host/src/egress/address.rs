//! What an address is, and whether a request may go there.
//!
//! ```text
//! resolved ──→ kind ──→ public? ─────────────────────────────→ allowed
//!                         │ no
//!                         ├─ the rule and the URL name this very address ─→ allowed
//!                         ├─ they name `localhost`, and it is loopback ───→ allowed
//!                         ├─ the operator opened its network ─────────────→ allowed
//!                         └─ else ────────────────────────────────────────→ refused
//! ```
//!
//! Invariant: what is not known to be public is not public. In IPv6 only 2000::/3 is, less what
//! is set aside in it; addresses that carry an IPv4 address are what that one is.
//! Not here: permissions, which speak of names (`manifest`), and resolution (`resolve`).

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use ax_manifest::HostPattern;

use crate::egress::network::Network;

/// What an address is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AddressKind {
    /// Anyone's, on the internet.
    Public,
    /// Where clouds hand credentials to whoever asks from the inside.
    Metadata,
    /// This machine: 127.0.0.0/8, `::1`.
    Loopback,
    /// A private network: RFC 1918, fc00::/7.
    Private,
    /// The wire this machine hangs on: 169.254.0.0/16, fe80::/10.
    LinkLocal,
    /// Between a carrier and its customers: 100.64.0.0/10.
    CarrierGrade,
    /// A former private network: fec0::/10.
    SiteLocal,
    /// Many receivers: 224.0.0.0/4, ff00::/8.
    Multicast,
    /// Every neighbour: 255.255.255.255.
    Broadcast,
    /// This host, before it has an address: 0.0.0.0/8, `::`.
    Unspecified,
    /// For examples in books: RFC 5737, 2001:db8::/32, 3fff::/20.
    Documentation,
    /// For measuring devices: 198.18.0.0/15, 2001:2::/48.
    Benchmarking,
    /// For protocols, not hosts: 192.0.0.0/24, 2001::/23.
    Protocol,
    /// Where packets end: 100::/64.
    Discard,
    /// Turned into an IPv4 address by a rule of the local network: 64:ff9b:1::/48, `::ffff:0:0:0/96`.
    Translated,
    /// For a use that is not decided.
    Reserved,
}

impl fmt::Display for AddressKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Public => "a public address",
            Self::Metadata => "a cloud's metadata address",
            Self::Loopback => "a loopback address",
            Self::Private => "a private address",
            Self::LinkLocal => "a link-local address",
            Self::CarrierGrade => "an address between a carrier and its customers",
            Self::SiteLocal => "a site-local address",
            Self::Multicast => "a multicast address",
            Self::Broadcast => "the broadcast address",
            Self::Unspecified => "an unspecified address",
            Self::Documentation => "an address for documentation",
            Self::Benchmarking => "an address for benchmarks",
            Self::Protocol => "an address for protocols",
            Self::Discard => "an address that discards",
            Self::Translated => "an address that the local network translates",
            Self::Reserved => "a reserved address",
        })
    }
}

/// What an address is asked against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Leave<'a> {
    /// The host in the URL.
    pub(super) host: &'a HostPattern,
    /// Whether a rule names this very host, rather than a pattern that includes it.
    pub(super) is_named: bool,
    /// What the operator opened.
    pub(super) opened: &'a [Network],
}

impl Leave<'_> {
    /// Decides about one address.
    ///
    /// # Errors
    ///
    /// The address' kind, when nothing allows it.
    pub(super) fn check(&self, address: IpAddr) -> Result<(), AddressKind> {
        let address = address.to_canonical();
        let kind = AddressKind::of(address);
        if kind == AddressKind::Public || self.is_named(address, kind) {
            return Ok(());
        }
        // Whoever opens 169.254.0.0/16 for a printer does not mean the credentials of the machine.
        let is_opened = |network: &&Network| match kind {
            AddressKind::Metadata => network.is_only(address),
            _ => network.contains(address),
        };
        match self.opened.iter().find(is_opened) {
            Some(_) => Ok(()),
            None => Err(kind),
        }
    }

    fn is_named(&self, address: IpAddr, kind: AddressKind) -> bool {
        self.is_named
            && match self.host {
                HostPattern::V4(literal) => address == *literal,
                HostPattern::V6(literal) => address == *literal,
                HostPattern::Name(name) => kind == AddressKind::Loopback && is_localhost(name),
                HostPattern::Any | HostPattern::Under(_) => false,
            }
    }
}

/// Tells whether every request to a host would be refused for its address, as far as that is known
/// without resolving: of an address itself, and of `localhost`.
#[must_use]
pub fn is_closed(host: &HostPattern, is_named: bool, opened: &[Network]) -> bool {
    let known: Vec<IpAddr> = match host {
        HostPattern::V4(literal) => vec![IpAddr::V4(*literal)],
        HostPattern::V6(literal) => vec![IpAddr::V6(*literal)],
        HostPattern::Name(name) if is_localhost(name) => {
            vec![Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()]
        }
        HostPattern::Name(_) | HostPattern::Any | HostPattern::Under(_) => return false,
    };
    let leave = Leave { host, is_named, opened };
    known.into_iter().all(|address| leave.check(address).is_err())
}

/// Tells whether a name means this machine and nothing else (RFC 6761).
fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// Metadata services that answer with credentials, or did, on addresses that a cloud fixed.
const METADATA_V4: [Ipv4Addr; 6] = [
    Ipv4Addr::new(169, 254, 169, 254), // AWS, Google, Azure, Oracle, OpenStack, DigitalOcean …
    Ipv4Addr::new(169, 254, 170, 2),   // AWS, tasks
    Ipv4Addr::new(169, 254, 170, 23),  // AWS, pods
    Ipv4Addr::new(100, 100, 100, 200), // Alibaba
    Ipv4Addr::new(168, 63, 129, 16),   // Azure, otherwise public
    Ipv4Addr::new(192, 0, 0, 192),     // Oracle, former
];

/// The same in IPv6.
const METADATA_V6: [Ipv6Addr; 4] = [
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254), // AWS
    Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23),  // AWS, pods
    Ipv6Addr::new(0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254),  // Google
    Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe), // OpenStack
];

impl AddressKind {
    /// Classifies an address.
    #[must_use]
    pub fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => of_v4(address),
            IpAddr::V6(address) => of_v6(address),
        }
    }
}

fn of_v4(address: Ipv4Addr) -> AddressKind {
    use AddressKind as K;
    if METADATA_V4.contains(&address) {
        return K::Metadata;
    }
    match address.octets() {
        [0, ..] => K::Unspecified,
        [127, ..] => K::Loopback,
        [10, ..] | [172, 16..=31, ..] | [192, 168, ..] => K::Private,
        [169, 254, ..] => K::LinkLocal,
        [100, 64..=127, ..] => K::CarrierGrade,
        [192, 0, 0, _] => K::Protocol,
        [192, 0, 2, _] | [198, 51, 100, _] | [203, 0, 113, _] => K::Documentation,
        // Relays of 6to4, given up in 2015.
        [192, 88, 99, _] => K::Reserved,
        [198, 18..=19, ..] => K::Benchmarking,
        [224..=239, ..] => K::Multicast,
        [255, 255, 255, 255] => K::Broadcast,
        [240..=255, ..] => K::Reserved,
        _ => K::Public,
    }
}

fn of_v6(address: Ipv6Addr) -> AddressKind {
    use AddressKind as K;
    if METADATA_V6.contains(&address) {
        return K::Metadata;
    }
    match address.segments() {
        [0, 0, 0, 0, 0, 0, 0, 0] => K::Unspecified,
        [0, 0, 0, 0, 0, 0, 0, 1] => K::Loopback,
        // IPv4-compatible, IPv4-mapped, and the well-known prefix of NAT64.
        [0, 0, 0, 0, 0, 0 | 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            of_v4(v4(high, low))
        }
        // Where the IPv4 address stands in these is the local network's choice, so it cannot be
        // judged; the usual place is still looked at, for the metadata services.
        [0, 0, 0, 0, 0xffff, 0, high, low] | [0x64, 0xff9b, 1, _, _, _, high, low] => {
            match of_v4(v4(high, low)) {
                K::Metadata => K::Metadata,
                _ => K::Translated,
            }
        }
        [0x100, 0, 0, 0, ..] => K::Discard,
        // 6to4.
        [0x2002, high, low, ..] => of_v4(v4(high, low)),
        // Teredo: its server in the clear, its client inverted.
        [0x2001, 0, high, low, _, _, client_high, client_low] => {
            worse(of_v4(v4(high, low)), of_v4(v4(!client_high, !client_low)))
        }
        [0x2001, 2, 0, ..] => K::Benchmarking,
        [0x2001, 0..=0x1ff, ..] => K::Protocol,
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => K::Documentation,
        [0x2000..=0x3fff, ..] => K::Public,
        [0xfc00..=0xfdff, ..] => K::Private,
        [0xfe80..=0xfebf, ..] => K::LinkLocal,
        [0xfec0..=0xfeff, ..] => K::SiteLocal,
        [0xff00..=0xffff, ..] => K::Multicast,
        _ => K::Reserved,
    }
}

fn v4(high: u16, low: u16) -> Ipv4Addr {
    Ipv4Addr::from_bits(u32::from(high) << 16 | u32::from(low))
}

/// Returns the kind that is harder to reach: metadata, then whatever is not public.
fn worse(one: AddressKind, other: AddressKind) -> AddressKind {
    match (one, other) {
        (AddressKind::Metadata, _) | (_, AddressKind::Metadata) => AddressKind::Metadata,
        (AddressKind::Public, other) => other,
        (one, _) => one,
    }
}

#[cfg(test)]
mod tests {
    use super::AddressKind as K;
    use super::*;
    use proptest::prelude::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn every_range_is_known_from_its_first_to_its_last_address() {
        for (first, last, kind) in [
            ("0.0.0.0", "0.255.255.255", K::Unspecified),
            ("1.0.0.0", "9.255.255.255", K::Public),
            ("10.0.0.0", "10.255.255.255", K::Private),
            ("11.0.0.0", "100.63.255.255", K::Public),
            ("100.64.0.0", "100.127.255.255", K::CarrierGrade),
            ("100.128.0.0", "126.255.255.255", K::Public),
            ("127.0.0.0", "127.255.255.255", K::Loopback),
            ("128.0.0.0", "169.253.255.255", K::Public),
            ("169.254.0.0", "169.254.255.255", K::LinkLocal),
            ("169.255.0.0", "172.15.255.255", K::Public),
            ("172.16.0.0", "172.31.255.255", K::Private),
            ("172.32.0.0", "191.255.255.255", K::Public),
            ("192.0.0.0", "192.0.0.255", K::Protocol),
            ("192.0.1.0", "192.0.1.255", K::Public),
            ("192.0.2.0", "192.0.2.255", K::Documentation),
            ("192.0.3.0", "192.88.98.255", K::Public),
            ("192.88.99.0", "192.88.99.255", K::Reserved),
            ("192.88.100.0", "192.167.255.255", K::Public),
            ("192.168.0.0", "192.168.255.255", K::Private),
            ("192.169.0.0", "198.17.255.255", K::Public),
            ("198.18.0.0", "198.19.255.255", K::Benchmarking),
            ("198.20.0.0", "198.51.99.255", K::Public),
            ("198.51.100.0", "198.51.100.255", K::Documentation),
            ("198.51.101.0", "203.0.112.255", K::Public),
            ("203.0.113.0", "203.0.113.255", K::Documentation),
            ("203.0.114.0", "223.255.255.255", K::Public),
            ("224.0.0.0", "239.255.255.255", K::Multicast),
            ("240.0.0.0", "255.255.255.254", K::Reserved),
            ("255.255.255.255", "255.255.255.255", K::Broadcast),
            ("100::", "100::ffff:ffff:ffff:ffff", K::Discard),
            ("100:0:0:1::", "1fff:ffff::ffff", K::Reserved),
            ("2000::", "2000:ffff::ffff", K::Public),
            ("2001:1::", "2001:1:ffff::ffff", K::Protocol),
            ("2001:2::", "2001:2:0:ffff::ffff", K::Benchmarking),
            ("2001:2:1::", "2001:1ff:ffff::ffff", K::Protocol),
            ("2001:200::", "2001:db7:ffff::ffff", K::Public),
            ("2001:db8::", "2001:db8:ffff::ffff", K::Documentation),
            ("2001:db9::", "2001:ffff:ffff::ffff", K::Public),
            ("2003::", "3ffe:ffff::ffff", K::Public),
            ("3fff::", "3fff:fff:ffff::ffff", K::Documentation),
            ("3fff:1000::", "3fff:ffff::ffff", K::Public),
            ("4000::", "fbff:ffff::ffff", K::Reserved),
            ("fc00::", "fdff:ffff::ffff", K::Private),
            ("fe00::", "fe7f:ffff::ffff", K::Reserved),
            ("fe80::", "febf:ffff::ffff", K::LinkLocal),
            ("fec0::", "feff:ffff::ffff", K::SiteLocal),
            ("ff00::", "ffff:ffff::ffff", K::Multicast),
        ] {
            assert_eq!(AddressKind::of(address(first)), kind, "{first}");
            assert_eq!(AddressKind::of(address(last)), kind, "{last}");
        }
        assert_eq!(AddressKind::of(address("::")), K::Unspecified);
        assert_eq!(AddressKind::of(address("::1")), K::Loopback);
    }

    /// Writes an IPv4 address in each way that IPv6 has for it.
    fn disguises(inner: Ipv4Addr) -> [Ipv6Addr; 5] {
        let [high, low] = halves(inner);
        [
            inner.to_ipv6_mapped(),
            Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
            Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
            Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low),
            Ipv6Addr::new(0x2001, 0, high, low, 0, 0, !0x0808, !0x0808),
        ]
    }

    fn halves(inner: Ipv4Addr) -> [u16; 2] {
        [(inner.to_bits() >> 16) as u16, inner.to_bits() as u16]
    }

    proptest! {
        #[test]
        fn an_address_in_disguise_is_what_it_carries(bits in any::<u32>()) {
            let inner = Ipv4Addr::from_bits(bits);
            for disguise in disguises(inner) {
                prop_assert_eq!(of_v6(disguise), of_v4(inner), "{}", disguise);
            }
        }
    }

    #[test]
    fn every_refused_kind_is_refused_in_every_disguise() {
        for inner in
            ["127.0.0.1", "10.1.2.3", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1"]
        {
            let inner: Ipv4Addr = inner.parse().unwrap();
            let [high, low] = halves(inner);
            let others = [
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, high, low >> 8, low << 8, 0, 0),
            ];
            for disguise in disguises(inner).into_iter().chain(others) {
                assert_ne!(of_v6(disguise), K::Public, "{disguise} carries {inner}");
            }
        }
    }

    #[test]
    fn metadata_services_are_known_by_their_addresses_in_all_forms() {
        let listed = METADATA_V4.map(IpAddr::V4).into_iter().chain(METADATA_V6.map(IpAddr::V6));
        for address in listed {
            assert_eq!(AddressKind::of(address), K::Metadata, "{address}");
        }
        for text in [
            "::ffff:169.254.169.254",
            "::169.254.169.254",
            "64:ff9b::169.254.169.254",
            "64:ff9b:1::169.254.169.254",
            "::ffff:0:169.254.169.254",
            "2002:a9fe:a9fe::1",
            "2001:0:808:808:0:0:5601:5601",
            "64:ff9b::168.63.129.16",
        ] {
            assert_eq!(AddressKind::of(address(text)), K::Metadata, "{text}");
        }
    }

    fn check(host: &str, is_named: bool, opened: &[&str], to: &str) -> Result<(), AddressKind> {
        let origin: ax_manifest::Origin = format!("http://{host}").parse().expect(host);
        let opened: Vec<Network> = opened.iter().map(|text| text.parse().expect(text)).collect();
        Leave { host: origin.host(), is_named, opened: &opened }.check(address(to))
    }

    #[test]
    fn a_public_address_needs_no_leave() {
        assert_eq!(check("example.org", false, &[], "93.184.215.14"), Ok(()));
        assert_eq!(check("example.org", false, &[], "2606:2800:220::1"), Ok(()));
        assert_eq!(check("example.org", false, &[], "64:ff9b::93.184.215.14"), Ok(()));
    }

    #[test]
    fn a_literal_address_is_reached_only_when_a_rule_names_it() {
        for (host, to, kind) in [
            ("10.0.0.7", "10.0.0.7", K::Private),
            ("127.0.0.1", "127.0.0.1", K::Loopback),
            ("[::1]", "::1", K::Loopback),
            ("169.254.169.254", "169.254.169.254", K::Metadata),
            ("[fd00:ec2::254]", "fd00:ec2::254", K::Metadata),
        ] {
            assert_eq!(check(host, true, &[], to), Ok(()), "{host}");
            assert_eq!(check(host, false, &[], to), Err(kind), "{host} under a pattern");
        }
        assert_eq!(check("10.0.0.7", true, &[], "10.0.0.8"), Err(K::Private));
        assert_eq!(check("intranet.example.org", true, &[], "10.0.0.7"), Err(K::Private));
    }

    #[test]
    fn localhost_is_loopback_and_nothing_else() {
        for host in ["localhost", "app.localhost"] {
            assert_eq!(check(host, true, &[], "127.0.0.1"), Ok(()));
            assert_eq!(check(host, true, &[], "127.3.2.1"), Ok(()));
            assert_eq!(check(host, true, &[], "::1"), Ok(()));
            assert_eq!(check(host, true, &[], "::ffff:127.0.0.1"), Ok(()));
            assert_eq!(check(host, false, &[], "127.0.0.1"), Err(K::Loopback));
            assert_eq!(check(host, true, &[], "10.0.0.1"), Err(K::Private));
            assert_eq!(check(host, true, &[], "0.0.0.0"), Err(K::Unspecified));
        }
        assert_eq!(check("evil-localhost", true, &[], "127.0.0.1"), Err(K::Loopback));
        assert_eq!(check("localhost.evil.org", true, &[], "127.0.0.1"), Err(K::Loopback));
    }

    #[test]
    fn an_opened_network_is_open_to_its_edges_and_in_mapped_form() {
        let opened = &["10.1.0.0/16", "fd00::/8"];
        assert_eq!(check("a.org", false, opened, "10.1.255.255"), Ok(()));
        assert_eq!(check("a.org", false, opened, "::ffff:10.1.0.1"), Ok(()));
        assert_eq!(check("a.org", false, opened, "fd12::1"), Ok(()));
        assert_eq!(check("a.org", false, opened, "10.2.0.0"), Err(K::Private));
        assert_eq!(check("a.org", false, opened, "fc00::1"), Err(K::Private));
        // Another way to the same machine is not the way that was opened.
        assert_eq!(check("a.org", false, opened, "64:ff9b::10.1.0.1"), Err(K::Private));
        assert_eq!(check("a.org", false, opened, "2002:a01:1::1"), Err(K::Private));
    }

    #[test]
    fn metadata_is_opened_by_its_own_address_alone() {
        let v4 = "169.254.169.254";
        for wide in ["0.0.0.0/0", "169.254.0.0/16", "169.254.169.254/31"] {
            assert_eq!(check("a.org", true, &[wide], v4), Err(K::Metadata), "{wide}");
        }
        assert_eq!(check("a.org", false, &["169.254.169.254/32"], v4), Ok(()));
        let v6 = "fd00:ec2::254";
        assert_eq!(check("a.org", true, &["fd00::/8"], v6), Err(K::Metadata));
        assert_eq!(check("a.org", true, &["::/0"], "64:ff9b::a9fe:a9fe"), Err(K::Metadata));
        assert_eq!(check("a.org", false, &["fd00:ec2::254"], v6), Ok(()));
    }
}
