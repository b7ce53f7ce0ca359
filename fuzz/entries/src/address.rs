//! Networks that an operator opens, and what an address is.

use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;

use ax_host::egress::AddressKind;
use ax_host::egress::Network;

use crate::choices::Choices;
use crate::shown;
use crate::text;

/// Checks that a network is what it prints, and that no form of IPv6 makes an IPv4 address public
/// that is not.
pub fn address(data: &[u8]) {
    if let Some(text) = text(data) {
        network(text, data);
    }
    let mut choices = Choices::new(data);
    let mut octets = [0; 16];
    for octet in &mut octets {
        *octet = choices.byte();
    }
    let [a, b, c, d, ..] = octets;
    v4(Ipv4Addr::new(a, b, c, d));
    let v6 = Ipv6Addr::from(octets);
    if v6.is_loopback() || v6.is_unspecified() || v6.is_multicast() || v6.is_unique_local() {
        assert_ne!(AddressKind::of(v6.into()), AddressKind::Public, "{v6}");
    }
    assert!(
        AddressKind::of(v6.into()) != AddressKind::Public || !v6.is_unicast_link_local(),
        "{v6}"
    );
}

fn network(text: &str, data: &[u8]) {
    let network: Network = match text.parse() {
        Ok(network) => network,
        Err(error) => return shown::refusal(&error, error.hint()),
    };
    let printed = network.to_string();
    assert_eq!(printed.parse(), Ok(network), "{text} is printed as {printed}");
    let first: IpAddr = text.split('/').next().and_then(|ip| ip.parse().ok()).expect("an address");
    assert!(network.contains(first), "{text} contains where it begins");
    assert_eq!(network.is_only(first), !printed.contains('/'), "{text}");
    let elsewhere = Ipv4Addr::new(data[0], 0, 0, 1);
    assert!(!network.is_only(elsewhere.into()) || first == IpAddr::V4(elsewhere), "{text}");
}

/// Checks an IPv4 address as itself and in each form that IPv6 has for it.
fn v4(address: Ipv4Addr) {
    let kind = AddressKind::of(address.into());
    let is_special = address.is_loopback()
        || address.is_private()
        || address.is_link_local()
        || address.is_multicast()
        || address.is_broadcast()
        || address.is_documentation()
        || address.is_unspecified();
    assert!(!is_special || kind != AddressKind::Public, "{address}");
    let [a, b, c, d] = address.octets();
    let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
    for disguised in [
        address.to_ipv6_mapped(),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
        Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !high, !low),
    ] {
        let found = AddressKind::of(disguised.into());
        assert!(
            kind == AddressKind::Public || found != AddressKind::Public,
            "{address} is {kind}, and {disguised} is not"
        );
    }
}
