//! Why an exchange failed.
//!
//! Invariant: no variant carries a path, a query, a header value or a byte of a body, so an error
//! can be logged and shown to a guest without a scan for secrets. No text of a peer gets here: what
//! it named (an encoding) is one of our own words.
//!
//! Not here: codes and what a guest is told (`plugin`), and why the host could not start sending
//! ([`EgressStartError`], below).

use std::error::Error;
use std::fmt;
use std::io;
use std::net::IpAddr;
use std::time::Duration;

use tokio_rustls::rustls;

use crate::egress::address::AddressKind;

/// Why an exchange failed.
#[derive(Debug, thiserror::Error)]
pub enum EgressError {
    /// The host is, or also is, at an address that is not for everyone.
    #[error("`{host}` is at `{address}`, {why}, which no rule names")]
    AddressRefused { host: String, address: IpAddr, why: AddressKind },
    /// The name has no address.
    #[error("`{host}` could not be resolved")]
    NotResolved { host: String, source: io::Error },
    /// No address of the host took the connection.
    #[error("cannot connect to `{host}` on port {port}")]
    Connect { host: String, port: u16, source: io::Error },
    /// The server could not prove who it is, or speaks no TLS.
    #[error("`{host}` {why}")]
    Tls { host: String, why: TlsProblem, source: io::Error },
    /// This machine has no usable certificate authorities.
    #[error("this machine trusts no certificate authority, so `{host}` cannot be verified")]
    NoRoots { host: String, source: rustls::Error },
    /// The server took too long.
    #[error("`{host}` took longer than {} ms to {phase}", after.as_millis())]
    Timeout { host: String, phase: Phase, after: Duration },
    /// The call may not send that much.
    #[error("the request to `{host}` is more than this call may still send")]
    TooMuchOut { host: String },
    /// The call may not receive that much.
    #[error("the answer of `{host}` is more than this call may still receive")]
    TooMuchIn { host: String },
    /// The body is longer than its reader takes.
    #[error("the answer of `{host}` is longer than {max} bytes")]
    BodyTooLarge { host: String, max: u64 },
    /// A header that only the host may set.
    #[error("a request may not set the header `{name}`")]
    Header { name: String },
    /// The headers of the request are too many or too long.
    #[error("the request has more than {count_max} headers or more than {bytes_max} bytes of them")]
    RequestHeaders { count_max: usize, bytes_max: usize },
    /// The headers of the answer, or interim answers before it, are too many or too long.
    #[error("the answer of `{host}` has too many headers, or too long ones")]
    AnswerHeaders { host: String },
    /// The path and query cannot stand in a request.
    #[error("the path for `{host}` cannot be sent")]
    Target { host: String, source: http::uri::InvalidUri },
    /// The body of the request did not come, or was not as long as announced.
    #[error("the body of the request to `{host}` could not be read whole")]
    RequestBody { host: String, source: Box<dyn Error + Send + Sync> },
    /// The server broke the rules of HTTP/1.1.
    #[error("`{host}` answered with broken HTTP: {why}")]
    Protocol { host: String, why: &'static str },
    /// The connection ended before the answer did.
    #[error("`{host}` closed the connection before its answer was complete")]
    Cut { host: String },
    /// The body is in an encoding that the host cannot look into.
    #[error("the answer of `{host}` is encoded as `{encoding}`")]
    Encoding { host: String, encoding: &'static str },
    /// The body is not what its encoding says.
    #[error("the answer of `{host}` is not valid {encoding}")]
    Decode { host: String, encoding: &'static str, source: io::Error },
    /// The threads that serve connections are gone.
    #[error("the host is stopping, so `{host}` was not asked")]
    Stopped { host: String },
}

impl EgressError {
    /// Whether the same request can succeed later without anyone's help.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::NotResolved { .. }
            | Self::Connect { .. }
            | Self::Timeout { .. }
            | Self::Cut { .. }
            | Self::Stopped { .. } => true,
            Self::AddressRefused { .. }
            | Self::Tls { .. }
            | Self::NoRoots { .. }
            | Self::TooMuchOut { .. }
            | Self::TooMuchIn { .. }
            | Self::BodyTooLarge { .. }
            | Self::Header { .. }
            | Self::RequestHeaders { .. }
            | Self::AnswerHeaders { .. }
            | Self::Target { .. }
            | Self::RequestBody { .. }
            | Self::Protocol { .. }
            | Self::Encoding { .. }
            | Self::Decode { .. } => false,
        }
    }

    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::AddressRefused { address, .. } => Some(format!(
                "if it is meant, request `{address}` itself under a rule that names it, or let the \
                 operator open its network"
            )),
            Self::NotResolved { .. } => Some("check the name and this machine's DNS".to_owned()),
            Self::Connect { .. } => Some("check that the server runs and is reachable".to_owned()),
            Self::Tls { why, .. } => why.hint().map(str::to_owned),
            Self::NoRoots { .. } => {
                Some("install the system's certificates (package `ca-certificates`)".to_owned())
            }
            Self::TooMuchOut { .. } | Self::TooMuchIn { .. } | Self::BodyTooLarge { .. } => {
                Some("ask for less at once, in ranges or pages".to_owned())
            }
            Self::Header { name } => Some(format!("leave `{name}` out; the host sets what is due")),
            Self::RequestHeaders { .. } => Some("put long values into the body".to_owned()),
            Self::Encoding { .. } => {
                Some("ask the server for `gzip`, or for no encoding at all".to_owned())
            }
            Self::Timeout { .. }
            | Self::AnswerHeaders { .. }
            | Self::Target { .. }
            | Self::RequestBody { .. }
            | Self::Protocol { .. }
            | Self::Cut { .. }
            | Self::Decode { .. }
            | Self::Stopped { .. } => None,
        }
    }
}

/// What took too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Resolving, connecting and agreeing on TLS.
    Connect,
    /// From the request to the end of the answer's headers.
    FirstByte,
    /// From one piece of the body to the next.
    BetweenBytes,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Connect => "connect",
            Self::FirstByte => "begin its answer",
            Self::BetweenBytes => "go on with its answer",
        })
    }
}

/// Why a TLS connection was not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TlsProblem {
    /// The certificate is another host's.
    WrongName,
    /// Nobody this machine trusts issued the certificate.
    UnknownIssuer,
    /// The certificate is too old.
    Expired,
    /// The certificate is not valid yet.
    NotYetValid,
    /// The issuer took the certificate back.
    Revoked,
    /// Something else is wrong with the certificate.
    BadCertificate,
    /// What answers speaks no TLS.
    NotTls,
    /// Both sides speak TLS but could not agree.
    Handshake,
}

impl TlsProblem {
    fn hint(self) -> Option<&'static str> {
        match self {
            Self::UnknownIssuer => {
                Some("if its authority is to be trusted, the operator must add it as a root")
            }
            Self::Expired | Self::NotYetValid => Some("check this machine's clock"),
            Self::NotTls => Some("check the port, or whether `http` is meant"),
            Self::WrongName | Self::Revoked | Self::BadCertificate | Self::Handshake => None,
        }
    }
}

impl fmt::Display for TlsProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::WrongName => "has a certificate for another name",
            Self::UnknownIssuer => "has a certificate of an unknown issuer",
            Self::Expired => "has an expired certificate",
            Self::NotYetValid => "has a certificate that is not valid yet",
            Self::Revoked => "has a revoked certificate",
            Self::BadCertificate => "has a certificate that cannot be accepted",
            Self::NotTls => "does not speak TLS",
            Self::Handshake => "refused the TLS handshake, or broke it off",
        })
    }
}

/// Why the host cannot send requests at all.
#[derive(Debug, thiserror::Error)]
pub enum EgressStartError {
    /// A certificate authority that the operator added is none.
    #[error("extra root certificate number {number} is no certificate")]
    Root { number: usize, source: rustls::Error },
}

impl EgressStartError {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Root { .. } => Some("give certificates of authorities, not keys".to_owned()),
        }
    }
}
