//! Requests over `wasi:http`.

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    ErrorCode, Fields, FutureIncomingResponse, IncomingBody, IncomingResponse, Method,
    OutgoingBody, OutgoingRequest, RequestOptions, Scheme,
};
use wasip2::io::streams::StreamError;

use crate::bindings::exports::test::caller::acts;

type Outcome = Result<acts::Answer, acts::Failure>;

/// Bytes that are read at a time.
const PIECE_BYTES: u64 = 64 << 10;

/// Begins all, then reads each to its end.
pub(crate) fn all(requests: &[acts::WasiRequest]) -> Vec<Outcome> {
    let begun: Vec<_> = requests.iter().map(|request| begin(request, true)).collect();
    let ended = begun.into_iter().zip(requests).map(|(begun, request)| {
        let (answer, _) = begun?;
        read(&wait(&answer)?, request)
    });
    ended.collect()
}

/// Begins all and leaves them as they are.
pub(crate) fn leave(requests: &[acts::WasiRequest], how: &str) -> Vec<String> {
    match how {
        "filled" => return vec![fill(&OutgoingRequest::new(Fields::new())).to_string()],
        "hoarded" => hoard(),
        "printed" => print(),
        _ => {}
    }
    let mut words = Vec::new();
    for request in requests {
        words.push(match left(request, how) {
            Ok(word) => word,
            Err(failure) => failure.kind,
        });
    }
    words
}

/// Writes into the body of a request as much as is taken before it is sent; counts the bytes.
fn fill(request: &OutgoingRequest) -> u64 {
    let Ok(body) = request.body() else { return 0 };
    let Ok(stream) = body.write() else { return 0 };
    let mut taken = 0;
    while let Ok(room @ 1..) = stream.check_write() {
        if stream.write(&vec![b'x'; room as usize]).is_err() {
            break;
        }
        taken += room;
    }
    taken
}

/// Keeps filled requests until something ends it.
fn hoard() -> ! {
    let mut kept = Vec::new();
    loop {
        let request = OutgoingRequest::new(Fields::new());
        fill(&request);
        kept.push(request);
    }
}

/// Writes far more lines at once than a stream offers to take.
fn print() {
    let stream = wasip2::cli::stdout::get_stdout();
    stream.write(&vec![b'\n'; 1 << 20]).ok();
}

fn left(request: &acts::WasiRequest, how: &str) -> Result<String, acts::Failure> {
    let (answer, body) = begin(request, how != "unsent")?;
    if matches!(how, "unasked" | "unsent") {
        std::mem::forget((answer, body));
        return Ok("left".to_owned());
    }
    let response = wait(&answer)?;
    let status = response.status().to_string();
    if how == "begun" {
        let body = response.consume().map_err(|()| failed("consumed"))?;
        let stream = body.stream().map_err(|()| failed("no stream"))?;
        stream.blocking_read(1).map_err(|_| failed("unreadable"))?;
        std::mem::forget((stream, body));
    }
    std::mem::forget((response, answer));
    Ok(status)
}

fn begin(
    request: &acts::WasiRequest,
    is_ended: bool,
) -> Result<(FutureIncomingResponse, Option<OutgoingBody>), acts::Failure> {
    let fields = Fields::new();
    for (name, value) in &request.headers {
        fields.append(name, value.as_bytes()).map_err(|error| failed(&format!("{error:?}")))?;
    }
    let outgoing = OutgoingRequest::new(fields);
    let method = match request.method.as_str() {
        "GET" => Method::Get,
        "HEAD" => Method::Head,
        "POST" => Method::Post,
        "PUT" => Method::Put,
        "DELETE" => Method::Delete,
        "OPTIONS" => Method::Options,
        "PATCH" => Method::Patch,
        "CONNECT" => Method::Connect,
        "TRACE" => Method::Trace,
        other => Method::Other(other.to_owned()),
    };
    let scheme = match request.scheme.as_str() {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    outgoing.set_method(&method).map_err(|()| failed("method"))?;
    outgoing.set_scheme(Some(&scheme)).map_err(|()| failed("scheme"))?;
    outgoing.set_authority(Some(&request.authority)).map_err(|()| failed("authority"))?;
    outgoing.set_path_with_query(Some(&request.path)).map_err(|()| failed("path"))?;
    let options = RequestOptions::new();
    let ns = request.first_byte_ms.map(|ms| u64::from(ms) * 1_000_000);
    options.set_first_byte_timeout(ns).map_err(|()| failed("timeout"))?;
    let body = crate::body(request.body.as_ref(), request.filler);
    let writer = match body.is_some() || !is_ended {
        true => Some(outgoing.body().map_err(|()| failed("body"))?),
        false => None,
    };
    let answer = outgoing_handler::handle(outgoing, Some(options)).map_err(|code| told(&code))?;
    let Some(writer) = writer else { return Ok((answer, None)) };
    write(&writer, body.as_deref().unwrap_or_default());
    if !is_ended {
        return Ok((answer, Some(writer)));
    }
    // What could not be written shows in the answer.
    OutgoingBody::finish(writer, None).ok();
    Ok((answer, None))
}

/// Writes as much as is taken.
fn write(body: &OutgoingBody, bytes: &[u8]) {
    let Ok(stream) = body.write() else { return };
    for piece in bytes.chunks(4096) {
        if stream.blocking_write_and_flush(piece).is_err() {
            return;
        }
    }
}

fn wait(answer: &FutureIncomingResponse) -> Result<IncomingResponse, acts::Failure> {
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => Ok(response),
        Some(Ok(Err(code))) => Err(told(&code)),
        Some(Err(())) | None => Err(failed("no answer")),
    }
}

fn read(response: &IncomingResponse, request: &acts::WasiRequest) -> Outcome {
    let headers = response.headers().entries();
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    let headers = headers.iter().map(|(name, value)| (name.clone(), text(value))).collect();
    let body = response.consume().map_err(|()| failed("consumed"))?;
    let whole = read_all(&body)?;
    Ok(acts::Answer {
        status: response.status(),
        url: format!("{}://{}{}", request.scheme, request.authority, request.path),
        headers,
        bytes: whole.len() as u64,
        body: crate::shown(&whole),
    })
}

fn read_all(body: &IncomingBody) -> Result<Vec<u8>, acts::Failure> {
    let stream = body.stream().map_err(|()| failed("no stream"))?;
    let mut whole = Vec::new();
    loop {
        match stream.blocking_read(PIECE_BYTES) {
            Ok(piece) => whole.extend_from_slice(&piece),
            Err(StreamError::Closed) => return Ok(whole),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = wasip2::http::types::http_error_code(&error);
                return Err(code.map_or_else(|| failed(&error.to_debug_string()), |it| told(&it)));
            }
        }
    }
}

/// Says an error by the name of its case.
fn told(code: &ErrorCode) -> acts::Failure {
    let message = format!("{code:?}");
    let kind = message.strip_prefix("ErrorCode::").unwrap_or(&message);
    let kind = kind.split(['(', ' ', '{']).next().unwrap_or_default().to_owned();
    acts::Failure { kind, code: String::new(), message }
}

fn failed(why: &str) -> acts::Failure {
    acts::Failure { kind: "guest".to_owned(), code: String::new(), message: why.to_owned() }
}
