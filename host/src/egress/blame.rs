//! Says why an exchange failed, from what hyper and the wire know.
//!
//! Not here: certificates (`tls`), and failures before there was a connection (`connect`).

use std::error::Error;
use std::io;
use std::io::ErrorKind;

use crate::egress::error::EgressError;
use crate::egress::payload::PayloadError;
use crate::egress::wire::Fault;
use crate::egress::wire::Tap;

/// Turns an error of hyper into one of ours. What the host itself stopped comes first: hyper only
/// sees the consequences.
pub(super) fn blame(error: hyper::Error, tap: &Tap, host: &str) -> EgressError {
    let host = host.to_owned();
    match tap.fault() {
        Some(Fault::TooMuchIn) => return EgressError::TooMuchIn { host },
        Some(Fault::TooMuchOut) => return EgressError::TooMuchOut { host },
        Some(Fault::NoAnswer) => return EgressError::AnswerHeaders { host },
        None => {}
    }
    if find::<PayloadError>(&error).is_some() {
        return EgressError::RequestBody { host, source: error.into() };
    }
    if error.is_parse_too_large() {
        return EgressError::AnswerHeaders { host };
    }
    if error.is_parse() {
        return EgressError::Protocol { host, why: "its head cannot be read" };
    }
    match find::<io::Error>(&error).map(io::Error::kind) {
        Some(ErrorKind::InvalidData | ErrorKind::InvalidInput) => {
            EgressError::Protocol { host, why: "its body cannot be read" }
        }
        // Whatever else ends a connection, it ended before the answer did.
        Some(_) | None => EgressError::Cut { host },
    }
}

/// Finds an error of type `E` among the causes.
fn find<E: Error + 'static>(error: &hyper::Error) -> Option<&E> {
    let mut cause: Option<&(dyn Error + 'static)> = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}
