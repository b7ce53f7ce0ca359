//! What a connection's failures mean, in words of ours.

use std::error::Error as _;
use std::io;

use tokio_rustls::rustls;
use tokio_rustls::rustls::CertificateError;

use crate::chat::{Class, Error};
use crate::provider::dialect::cut;

/// Which of the times was over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Late {
    /// [`super::Settings::connect`].
    Connect,
    /// [`super::Settings::headers`].
    Headers,
    /// [`super::Settings::first_content`].
    FirstContent,
    /// [`super::Settings::between`].
    Between,
    /// [`super::Settings::total`].
    Total,
    /// [`super::Settings::whole`].
    Whole,
}

impl Late {
    /// Says so.
    pub(super) fn error(self) -> Error {
        let (code, what) = match self {
            Self::Connect => ("timeout-connect", "no connection was made in time"),
            Self::Headers => ("timeout-headers", "no answer began in time"),
            Self::FirstContent => ("timeout-first-token", "no word of the answer came in time"),
            Self::Between => ("timeout-between-chunks", "the answer stood still for too long"),
            Self::Total => ("timeout-total", "the answer took too long"),
            Self::Whole => ("timeout", "no answer came in time"),
        };
        // Only who was not reached has surely done nothing.
        let may_cost = self != Self::Connect;
        Error { may_cost, ..Error::new(Class::Transient, code, what) }
    }
}

/// Says why a request got no answer from `place`.
pub(super) fn of_sending(error: &reqwest::Error, place: &str) -> Error {
    if let Some(tls) = find(error, rustls_error) {
        return of_tls(tls, place);
    }
    let refused = find(error, |it| {
        it.downcast_ref::<io::Error>().filter(|it| it.kind() == io::ErrorKind::ConnectionRefused)
    });
    let (code, what) = if error.is_connect() && error.is_timeout() {
        return Late::Connect.error();
    } else if is_lookup(error) {
        ("dns", format!("there is no host of `{place}`"))
    } else if refused.is_some() {
        ("connect", format!("nobody listens at `{place}`"))
    } else if error.is_connect() {
        ("connect", format!("no connection to `{place}` could be made"))
    } else {
        ("cut", format!("`{place}` broke off, or did not answer in HTTP"))
    };
    Error::new(Class::Transient, code, &what)
}

/// Says why an answer went no further.
pub(super) fn of_reading(_: &reqwest::Error) -> Error {
    cut()
}

fn of_tls(error: &rustls::Error, place: &str) -> Error {
    let (code, what) = match error {
        rustls::Error::InvalidCertificate(certificate) => match certificate {
            CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                ("tls-expired", "its certificate is over")
            }
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                ("tls-not-yet", "its certificate is not valid yet")
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                ("tls-name", "its certificate is another host's")
            }
            CertificateError::UnknownIssuer => {
                ("tls-issuer", "nobody who is trusted here vouches for its certificate")
            }
            CertificateError::Revoked => ("tls-revoked", "its certificate was revoked"),
            _ => ("tls-certificate", "its certificate is not in order"),
        },
        rustls::Error::InvalidMessage(_) => ("tls", "it does not speak TLS"),
        _ => ("tls", "no agreement on TLS could be reached"),
    };
    Error::new(Class::Transient, code, &format!("`{place}` cannot be trusted: {what}"))
}

/// hyper's resolver says so in words alone.
fn is_lookup(error: &reqwest::Error) -> bool {
    find(error, |it| it.to_string().starts_with("dns error").then_some(it)).is_some()
}

fn rustls_error<'a>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a rustls::Error> {
    if let Some(found) = error.downcast_ref::<rustls::Error>() {
        return Some(found);
    }
    // An I/O error hides what it was made of from `source`.
    let inner = error.downcast_ref::<io::Error>()?.get_ref()?;
    match inner.downcast_ref::<rustls::Error>() {
        Some(found) => Some(found),
        None => rustls_error(inner),
    }
}

/// Looks for something among an error's causes.
fn find<'a, T: ?Sized>(
    error: &'a reqwest::Error,
    what: impl Fn(&'a (dyn std::error::Error + 'static)) -> Option<&'a T>,
) -> Option<&'a T> {
    /// Causes of a cause: a chain that is longer is none.
    const DEPTH_MAX: usize = 16;
    let mut next: Option<&'a (dyn std::error::Error + 'static)> = error.source();
    for _ in 0..DEPTH_MAX {
        let cause = next?;
        if let Some(found) = what(cause) {
            return Some(found);
        }
        next = cause.source();
    }
    None
}
