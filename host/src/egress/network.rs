//! A range of addresses that the operator opened, in CIDR form: `10.0.0.0/8`, `fd00:1::/32`, `::1`.
//!
//! Invariant: bits behind the prefix are zero and IPv4 is never kept as IPv6, so that two values
//! are equal exactly if they hold the same addresses. Any spelling of the address is read; one is
//! printed.
//! Not here: what an address is when nobody opened it (`address`).

use std::fmt;
use std::net::IpAddr;
use std::net::Ipv4Addr;
use std::net::Ipv6Addr;
use std::str::FromStr;

use ax_manifest::Quoted;

/// A range of addresses; without a prefix length it is one address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Network {
    first: IpAddr,
    prefix_bits: u8,
}

/// Why a text is no network.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NetworkError {
    /// What stands before the `/` is no address.
    #[error("{} is not a network: its address cannot be read", Quoted(.text))]
    Address { text: String },
    /// The number after the `/` does not fit.
    #[error("{} is not a network: its prefix is not a number from 0 to {max}", Quoted(.text))]
    Prefix { text: String, max: u8 },
    /// An IPv4 address in IPv6 form.
    #[error("{} is an IPv4 network in disguise", Quoted(.text))]
    Mapped { text: String, wanted: IpAddr },
    /// The address is not the first one of the range.
    #[error("{} does not start at its first address", Quoted(.text))]
    NotFirst { text: String, wanted: Network },
}

impl NetworkError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Address { .. } => Some("write it like `10.1.0.0/16` or `fd00::/8`".to_owned()),
            Self::Prefix { .. } => None,
            Self::Mapped { wanted, .. } => Some(format!("write the IPv4 form, `{wanted}`")),
            Self::NotFirst { wanted, .. } => Some(format!("write `{wanted}`")),
        }
    }
}

impl Network {
    /// Tells whether `address` lies in the range. IPv4 and IPv6 are never in one another: the
    /// caller turns a mapped address into the one it stands for.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first, address) {
            (IpAddr::V4(_), IpAddr::V4(_)) | (IpAddr::V6(_), IpAddr::V6(_)) => {
                first_of(address, self.prefix_bits) == self.first
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }

    /// Tells whether the range is `address` and nothing else.
    #[must_use]
    pub fn is_only(&self, address: IpAddr) -> bool {
        self.first == address && self.prefix_bits == width(address)
    }
}

fn width(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Returns the first address of the range of `prefix_bits` that `address` lies in.
fn first_of(address: IpAddr, prefix_bits: u8) -> IpAddr {
    // A shift by the whole width is what a prefix of zero asks for; it leaves no bit.
    let host_bits = u32::from(width(address).saturating_sub(prefix_bits));
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv4Addr::from_bits(address.to_bits() & mask).into()
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(host_bits).unwrap_or(0);
            Ipv6Addr::from_bits(address.to_bits() & mask).into()
        }
    }
}

impl FromStr for Network {
    type Err = NetworkError;

    /// # Errors
    ///
    /// [`NetworkError`] for what is no range, for an IPv4 range written as IPv6, and for bits behind
    /// the prefix.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr =
            address.parse().map_err(|_| NetworkError::Address { text: text.to_owned() })?;
        if address.to_canonical() != address {
            return Err(NetworkError::Mapped {
                text: text.to_owned(),
                wanted: address.to_canonical(),
            });
        }
        let max = width(address);
        let prefix_bits = match prefix {
            None => max,
            Some(digits) => parse_prefix(digits)
                .filter(|bits| *bits <= max)
                .ok_or_else(|| NetworkError::Prefix { text: text.to_owned(), max })?,
        };
        let network = Self { first: first_of(address, prefix_bits), prefix_bits };
        if network.first != address {
            return Err(NetworkError::NotFirst { text: text.to_owned(), wanted: network });
        }
        Ok(network)
    }
}

/// Reads digits only: `+8` and `08` are other spellings of 8.
fn parse_prefix(digits: &str) -> Option<u8> {
    let bits: u8 = digits.parse().ok()?;
    (bits.to_string() == digits).then_some(bits)
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.first)?;
        if self.prefix_bits == width(self.first) {
            return Ok(());
        }
        write!(f, "/{}", self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn network(text: &str) -> Network {
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }

    fn address(text: &str) -> IpAddr {
        text.parse().expect(text)
    }

    #[test]
    fn a_network_holds_its_first_and_last_address_and_no_neighbour() {
        for (text, first, last, outside) in [
            ("10.1.0.0/16", "10.1.0.0", "10.1.255.255", ["10.0.255.255", "10.2.0.0"]),
            ("192.168.7.9", "192.168.7.9", "192.168.7.9", ["192.168.7.8", "192.168.7.10"]),
            ("fd00::/8", "fd00::", "fdff:ffff::ffff", ["fc00::", "fe00::"]),
            ("0.0.0.0/0", "0.0.0.0", "255.255.255.255", ["::", "::1"]),
            ("::/0", "::", "ffff::ffff", ["0.0.0.0", "127.0.0.1"]),
        ] {
            let network = network(text);
            assert!(network.contains(address(first)) && network.contains(address(last)), "{text}");
            assert!(outside.iter().all(|other| !network.contains(address(other))), "{text}");
        }
    }

    #[test]
    fn any_spelling_of_an_address_is_read_and_one_is_printed() {
        for (text, printed) in [
            ("FD00:0::/8", "fd00::/8"),
            ("::0.0.0.0/8", "::/8"),
            ("0:0:0:0:0:0:0:1", "::1"),
            ("10.1.2.3/32", "10.1.2.3"),
        ] {
            assert_eq!(network(text).to_string(), printed);
            assert_eq!(network(text), network(printed));
        }
    }

    #[test]
    fn only_a_whole_prefix_is_one_address() {
        assert!(network("169.254.169.254").is_only(address("169.254.169.254")));
        assert!(network("169.254.169.254/32").is_only(address("169.254.169.254")));
        assert!(!network("169.254.169.254/31").is_only(address("169.254.169.254")));
        assert!(network("fd00:ec2::254").is_only(address("fd00:ec2::254")));
        assert!(!network("fd00:ec2::254/127").is_only(address("fd00:ec2::254")));
    }

    #[test]
    fn a_refusal_shows_what_the_text_holds_and_not_all_of_a_long_one() {
        for text in ["\0\08::", "::1\u{202e}/8", "a\nb"] {
            let error = text.parse::<Network>().expect_err(text).to_string();
            assert!(!error.contains(ax_manifest::is_hidden), "{error:?}");
        }
        let long = "x".repeat(100_000).parse::<Network>().expect_err("no address").to_string();
        assert!(long.len() < 200, "{} bytes", long.len());
    }

    #[test]
    fn every_refusal_says_why() {
        let refusals = [
            "",
            "/8",
            "10.0.0",
            "10.0.0.0/",
            "10.0.0.0/33",
            "10.0.0.0/-1",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::/129",
            "10.0.0.1/8",
            "fd00::1/64",
            "::ffff:10.0.0.0/104",
            "a/8",
            "010.0.0.0/8",
        ]
        .map(|text| {
            let error = text.parse::<Network>().expect_err(text);
            match error.hint() {
                Some(hint) => format!("{error}; {hint}"),
                None => error.to_string(),
            }
        });
        insta::assert_snapshot!(refusals.join("\n"), @"
        `` is not a network: its address cannot be read; write it like `10.1.0.0/16` or `fd00::/8`
        `/8` is not a network: its address cannot be read; write it like `10.1.0.0/16` or `fd00::/8`
        `10.0.0` is not a network: its address cannot be read; write it like `10.1.0.0/16` or `fd00::/8`
        `10.0.0.0/` is not a network: its prefix is not a number from 0 to 32
        `10.0.0.0/33` is not a network: its prefix is not a number from 0 to 32
        `10.0.0.0/-1` is not a network: its prefix is not a number from 0 to 32
        `10.0.0.0/08` is not a network: its prefix is not a number from 0 to 32
        `10.0.0.0/+8` is not a network: its prefix is not a number from 0 to 32
        `::/129` is not a network: its prefix is not a number from 0 to 128
        `10.0.0.1/8` does not start at its first address; write `10.0.0.0/8`
        `fd00::1/64` does not start at its first address; write `fd00::/64`
        `::ffff:10.0.0.0/104` is an IPv4 network in disguise; write the IPv4 form, `10.0.0.0`
        `a/8` is not a network: its address cannot be read; write it like `10.1.0.0/16` or `fd00::/8`
        `010.0.0.0/8` is not a network: its address cannot be read; write it like `10.1.0.0/16` or `fd00::/8`
        ");
    }

    proptest! {
        #[test]
        fn one_network_has_one_text(bits in any::<u128>(), prefix in 0_u8..=128) {
            let first = first_of(Ipv6Addr::from_bits(bits).into(), prefix);
            prop_assume!(first.to_canonical() == first);
            let network = Network { first, prefix_bits: prefix };
            prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
            prop_assert!(network.contains(Ipv6Addr::from_bits(bits).into()));
        }

        #[test]
        fn any_text_is_read_or_refused(text in "[0-9a-f.:/+ ]{0,30}") {
            if let Ok(network) = text.parse::<Network>() {
                prop_assert_eq!(network.to_string().parse::<Network>(), Ok(network));
            }
        }
    }
}
