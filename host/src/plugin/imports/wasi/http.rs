//! `wasi:http`: requests for components that were written for WASI.
//!
//! Permission `net:<origin>:<method>:<path>` for each request. Everything goes the way of `ax:http`
//! ([`super::super::super::send`]); redirects are answers. Requests and bodies are wasmtime's own
//! resources, and its code that would send is never linked.
//!
//! Bounds: those of `limits`; a set of headers [`FIELDS_BYTES`], a body [`BODY_CHUNK_BYTES`] twice, a
//! method or scheme that has no name here [`WORD_BYTES`].

use ax_manifest::{Capability, Method, RequestUrl};
use bytes::Bytes;
use http::HeaderMap;
use http_body_util::BodyExt as _;
use wasmtime::component::{Linker, Resource};
use wasmtime_wasi_http::p2::bindings::http::outgoing_handler::RequestOptions;
use wasmtime_wasi_http::p2::bindings::http::types::{self, ErrorCode, Scheme};
use wasmtime_wasi_http::p2::body::HyperOutgoingBody;
use wasmtime_wasi_http::p2::types::{
    FutureIncomingResponseHandle, HostFutureIncomingResponse, HostOutgoingRequest,
};
use wasmtime_wasi_http::p2::{HttpError, HttpResult};
use wasmtime_wasi_http::{
    Error as WasiHttpError, WasiBody, WasiHttp, WasiHttpCtx, WasiHttpCtxView, WasiHttpHooks,
};

use super::super::super::guest::Guest;
use super::super::super::send::{Hop, SendError};
use crate::egress::error::{EgressError, Phase, TlsProblem};
use crate::egress::{BodyError, OutgoingBody, REQUEST_HEADER_BYTES_MAX, Timeouts, is_refused};

/// Bytes that one set of headers may take in memory: twice what may be sent, since wasmtime counts
/// its own structures with them.
const FIELDS_BYTES: usize = 2 * REQUEST_HEADER_BYTES_MAX;

/// Bytes of a body that the guest may write at a time. As many again may wait to be sent, also in
/// requests that never are.
const BODY_CHUNK_BYTES: usize = 16 << 10;

/// Bytes of a method or scheme that is no known one; neither is ever sent.
const WORD_BYTES: usize = 64;

/// Bytes of a refused request's body that are read and thrown away, so that the guest's writing ends
/// and it sees the refusal.
const DRAINED_BYTES: usize = 1 << 20;

/// What wasmtime keeps for `wasi:http` in a store.
pub(in super::super::super) struct Http {
    context: WasiHttpCtx,
    closed: Closed,
}

impl Default for Http {
    fn default() -> Self {
        let mut context = WasiHttpCtx::new();
        context.set_field_size_limit(FIELDS_BYTES);
        Self { context, closed: Closed }
    }
}

/// Stands where wasmtime would send by itself, and sends nothing.
struct Closed;

type Exchange = (http::Response<WasiBody>, Pending<Result<(), WasiHttpError>>);
type Pending<T> = Box<dyn Future<Output = T> + Send>;

impl WasiHttpHooks for Closed {
    fn send_request(
        &mut self,
        _: http::Request<WasiBody>,
        _: Option<wasmtime_wasi_http::RequestOptions>,
        _: Pending<Result<(), WasiHttpError>>,
    ) -> Pending<Result<Exchange, WasiHttpError>> {
        Box::new(async { Err(WasiHttpError::HttpRequestDenied) })
    }

    fn p2_outgoing_body_chunk_size(&mut self) -> usize {
        BODY_CHUNK_BYTES
    }
}

fn resources(guest: &mut Guest) -> WasiHttpCtxView<'_> {
    guest.seen(Capability::WasiHttpTypes);
    let Http { context, closed } = &mut guest.http;
    WasiHttpCtxView { hooks: closed, table: &mut guest.table, ctx: context }
}

/// Links the types: nothing in them reaches outside. Words of any length, which wasmtime keeps, are
/// refused before it sees them.
#[expect(clippy::disallowed_methods, reason = "two of wasmtime's functions get a bound")]
pub(super) fn link_types(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let options = types::LinkOptions::default();
    types::add_to_linker::<Guest, WasiHttp>(linker, &options, resources)?;
    linker.allow_shadowing(true);
    let mut interface = linker.instance(TYPES)?;
    interface.func_wrap(SET_METHOD, |mut store, (request, method): Named<types::Method>| {
        let is_long = matches!(&method, types::Method::Other(word) if word.len() > WORD_BYTES);
        if is_long {
            return Ok((Err(()),));
        }
        types::HostOutgoingRequest::set_method(&mut resources(store.data_mut()), request, method)
            .map(|answer| (answer,))
    })?;
    interface.func_wrap(SET_SCHEME, |mut store, (request, scheme): Named<Option<Scheme>>| {
        let is_long = matches!(&scheme, Some(Scheme::Other(word)) if word.len() > WORD_BYTES);
        if is_long {
            return Ok((Err(()),));
        }
        types::HostOutgoingRequest::set_scheme(&mut resources(store.data_mut()), request, scheme)
            .map(|answer| (answer,))
    })?;
    linker.allow_shadowing(false);
    Ok(())
}

/// Links the one function that sends.
#[expect(clippy::disallowed_methods, reason = "wasmtime's binding asks for all types with it")]
pub(super) fn link_handler(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    let mut interface = linker.instance(HANDLER)?;
    interface.func_wrap(HANDLE, |mut store, (request, options): Handed| {
        let answer = store.data_mut().handle(request, options).map(Ok);
        // An error that `wasi:http` has no word for ends the call.
        answer.or_else(|error| error.downcast().map(Err)).map(|answer| (answer,))
    })
}

const TYPES: &str = "wasi:http/types@0.2.12";
const SET_METHOD: &str = "[method]outgoing-request.set-method";
const SET_SCHEME: &str = "[method]outgoing-request.set-scheme";

/// A request and what it is told.
type Named<T> = (Resource<HostOutgoingRequest>, T);

const HANDLER: &str = "wasi:http/outgoing-handler@0.2.12";
const HANDLE: &str = "handle";

/// A request, and how long to wait for it.
type Handed = (Resource<HostOutgoingRequest>, Option<Resource<RequestOptions>>);

impl Guest {
    fn handle(
        &mut self,
        request: Resource<HostOutgoingRequest>,
        options: Option<Resource<RequestOptions>>,
    ) -> HttpResult<Resource<HostFutureIncomingResponse>> {
        self.gate.called("handle", "");
        let options = options.map(|options| self.table.delete(options)).transpose()?;
        let mut request = self.table.delete(request)?;
        let body = request.body.take();
        let answer = self.begin_exchange(hop(request, options)?, body)?;
        Ok(self.table.push(HostFutureIncomingResponse::Pending(answer))?)
    }

    /// Checks a request and sets it going. A refusal too is something the guest waits for, since its
    /// libraries write the body before they look.
    fn begin_exchange(
        &mut self,
        hop: Hop,
        body: Option<HyperOutgoingBody>,
    ) -> HttpResult<FutureIncomingResponseHandle> {
        let prepared = match self.prepare(hop) {
            Ok(prepared) => prepared,
            Err(SendError::Ended(refusal)) => return Err(HttpError::trap(refusal)),
            Err(error) => {
                let refusing = async move {
                    if let Some(body) = body {
                        drain(body).await;
                    }
                    Err(told(&error))
                };
                return Ok(wasmtime_wasi::runtime::spawn(refusing));
            }
        };
        let body = match body {
            None => OutgoingBody::Bytes(Bytes::new()),
            Some(body) => OutgoingBody::Stream(body.map_err(BodyError::from).boxed_unsync()),
        };
        Ok(wasmtime_wasi::runtime::spawn(async move {
            let received = prepared.send(body).await.map_err(|error| told(&error))?;
            let body = received.body.map_err(|error| told(&error)).boxed_unsync();
            let mut response = http::Response::new(body);
            *response.status_mut() = received.status;
            *response.headers_mut() = received.headers;
            // `egress` drives the connection; nothing more is to be run for it here.
            Ok((response, wasmtime_wasi::runtime::spawn(std::future::ready(()))))
        }))
    }
}

/// Reads what the guest asks for.
fn hop(request: HostOutgoingRequest, options: Option<RequestOptions>) -> Result<Hop, ErrorCode> {
    let method = match &request.method {
        types::Method::Get => Method::Get,
        types::Method::Head => Method::Head,
        types::Method::Post => Method::Post,
        types::Method::Put => Method::Put,
        types::Method::Delete => Method::Delete,
        types::Method::Options => Method::Options,
        types::Method::Patch => Method::Patch,
        types::Method::Connect | types::Method::Trace | types::Method::Other(_) => {
            return Err(ErrorCode::HttpRequestMethodInvalid);
        }
    };
    let scheme = match &request.scheme {
        None | Some(Scheme::Https) => "https",
        Some(Scheme::Http) => "http",
        Some(Scheme::Other(_)) => return Err(ErrorCode::HttpProtocolError),
    };
    let authority = request.authority.ok_or(ErrorCode::HttpRequestUriInvalid)?;
    let path = request.path_with_query.as_deref().filter(|path| !path.is_empty()).unwrap_or("/");
    let url = format!("{scheme}://{authority}{path}");
    let url: RequestUrl = url.parse().map_err(|_| ErrorCode::HttpRequestUriInvalid)?;
    let mut headers = HeaderMap::from(request.headers);
    // Libraries set them without being asked; the host sets what is due.
    let refused: Vec<_> = headers.keys().filter(|name| is_refused(name)).cloned().collect();
    refused.iter().for_each(|name| drop(headers.remove(name)));
    Ok(Hop {
        capability: Capability::WasiHttpOutgoingHandler,
        method,
        url,
        headers,
        timeouts: timeouts(options.unwrap_or_default()),
        number: None,
    })
}

fn timeouts(options: RequestOptions) -> Timeouts {
    let usual = Timeouts::default();
    Timeouts {
        connect: options.connect_timeout.unwrap_or(usual.connect),
        first_byte: options.first_byte_timeout.unwrap_or(usual.first_byte),
        between_bytes: options.between_bytes_timeout.unwrap_or(usual.between_bytes),
    }
}

/// Reads a body that nobody gets, until it ends, fails or was long enough.
async fn drain(mut body: HyperOutgoingBody) {
    let mut left = DRAINED_BYTES;
    while let Some(Ok(frame)) = body.frame().await {
        let bytes = frame.data_ref().map_or(0, Bytes::len);
        match left.checked_sub(bytes) {
            Some(less) => left = less,
            None => return,
        }
    }
}

/// Says a failure in the words of `wasi:http`.
fn told(error: &SendError) -> WasiHttpError {
    match error {
        SendError::Denied { .. } => WasiHttpError::HttpRequestDenied,
        SendError::Egress(error) => told_exchange(error),
        SendError::Exhausted(_)
        | SendError::Ended(_)
        | SendError::Redirects
        | SendError::Late { .. }
        | SendError::Leak { .. } => WasiHttpError::InternalError(Some(error.to_string())),
    }
}

fn told_exchange(error: &EgressError) -> WasiHttpError {
    use WasiHttpError as W;
    match error {
        EgressError::AddressRefused { .. } => W::DestinationIpProhibited,
        EgressError::NotResolved { .. } => W::DnsError { rcode: None, info_code: None },
        EgressError::Connect { .. } => W::ConnectionRefused,
        EgressError::Tls { why: TlsProblem::NotTls | TlsProblem::Handshake, .. } => {
            W::TlsProtocolError
        }
        EgressError::Tls { .. } => W::TlsCertificateError,
        EgressError::NoRoots { .. } => W::ConfigurationError,
        EgressError::Timeout { phase: Phase::Connect, .. } => W::ConnectionTimeout,
        EgressError::Timeout { phase: Phase::FirstByte, .. } => W::HttpResponseTimeout,
        EgressError::Timeout { phase: Phase::BetweenBytes, .. } => W::ConnectionReadTimeout,
        EgressError::TooMuchOut { .. } => W::HttpRequestBodySize(None),
        EgressError::TooMuchIn { .. } | EgressError::BodyTooLarge { .. } => {
            W::HttpResponseBodySize(None)
        }
        EgressError::Header { name } => {
            W::HttpRequestHeaderSize { field_name: Some(name.clone()), field_size: None }
        }
        EgressError::RequestHeaders { .. } => W::HttpRequestHeaderSectionSize(None),
        EgressError::AnswerHeaders { .. } => W::HttpResponseHeaderSectionSize(None),
        EgressError::Target { .. } => W::HttpRequestUriInvalid,
        EgressError::Protocol { .. } => W::HttpProtocolError,
        EgressError::Cut { .. } => W::HttpResponseIncomplete,
        EgressError::Encoding { encoding, .. } | EgressError::Decode { encoding, .. } => {
            W::HttpResponseContentCoding(Some((*encoding).to_owned()))
        }
        EgressError::RequestBody { .. } | EgressError::Stopped { .. } => {
            W::InternalError(Some(error.to_string()))
        }
    }
}
