//! Requests over `ax:http`.

use crate::bindings::ax::http::client;
use crate::bindings::ax::types::types::{Error, ErrorKind};
use crate::bindings::exports::test::caller::acts;

type Outcome = Result<acts::Answer, acts::Failure>;

pub(crate) fn in_turn(requests: Vec<acts::Request>) -> Vec<Outcome> {
    requests.iter().map(|request| told(client::send(&wanted(request)))).collect()
}

pub(crate) fn together(requests: Vec<acts::Request>) -> Vec<Outcome> {
    let all: Vec<client::Request> = requests.iter().map(wanted).collect();
    client::send_all(&all).into_iter().map(told).collect()
}

pub(crate) fn many(request: &acts::Request, times: u32, together: bool) -> Vec<String> {
    let request = wanted(request);
    let answers = if together {
        client::send_all(&vec![request; times as usize])
    } else {
        (0..times).map(|_| client::send(&request)).collect()
    };
    answers.into_iter().map(|answer| in_a_word(&told(answer))).collect()
}

/// `200`, or `exhausted(requests)`.
pub(crate) fn in_a_word(outcome: &Outcome) -> String {
    match outcome {
        Ok(answer) => answer.status.to_string(),
        Err(failure) if failure.code.is_empty() => failure.kind.clone(),
        Err(failure) => format!("{}({})", failure.kind, failure.code),
    }
}

pub(crate) fn wanted(request: &acts::Request) -> client::Request {
    client::Request {
        method: request.method.clone(),
        url: request.url.clone(),
        headers: request.headers.clone(),
        body: crate::body(request.body.as_ref(), request.filler),
        redirects: request.redirects,
        timeout_ms: request.timeout_ms,
        body_bytes_max: request.body_bytes_max,
    }
}

pub(crate) fn told(answer: Result<client::Response, Error>) -> Outcome {
    match answer {
        Ok(response) => Ok(acts::Answer {
            status: response.status,
            url: response.url,
            headers: response.headers,
            bytes: response.body.len() as u64,
            body: crate::shown(&response.body),
        }),
        Err(error) => Err(acts::Failure {
            kind: word(error.kind).to_owned(),
            code: error.code,
            message: error.message,
        }),
    }
}

fn word(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Invalid => "invalid",
        ErrorKind::Denied => "denied",
        ErrorKind::Exhausted => "exhausted",
        ErrorKind::NotFound => "not-found",
        ErrorKind::Conflict => "conflict",
        ErrorKind::Unavailable => "unavailable",
        ErrorKind::Failed => "failed",
        ErrorKind::InDoubt => "in-doubt",
        ErrorKind::Cancelled => "cancelled",
        ErrorKind::Other => "other",
    }
}
