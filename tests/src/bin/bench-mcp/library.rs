//! Calls over HTTP, by the client of the library: what a program that speaks the protocol does.

use std::time::Instant;

use ax_tests::row::percentile;
use rmcp::model::{CallToolRequestParams, ProtocolVersion};
use rmcp::service::{ClientLifecycleMode, serve_client_with_lifecycle};
use rmcp::transport::StreamableHttpClientTransport;
use rmcp::transport::streamable_http_client::StreamableHttpClientTransportConfig;
use serde_json::json;
use tokio_rustls::rustls::crypto::ring;

use crate::Turn;
use crate::servers::Servers;

/// How a client begins.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Lifecycle {
    /// 2026-07-28.
    Stateless,
    /// 2025-11-25.
    Session,
}

/// Makes that many calls, one after another.
pub(crate) fn turn(servers: &Servers, is_ours: bool, lifecycle: Lifecycle, calls: usize) -> Turn {
    // The client wants one even where nothing is encrypted; a second turn has it already.
    drop(ring::default_provider().install_default());
    let server = servers.over_http(is_ours);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a thread").block_on(async {
        let url = format!("http://{}/mcp", server.address);
        let config = StreamableHttpClientTransportConfig::with_uri(url);
        let transport = StreamableHttpClientTransport::from_config(config);
        let mode = match lifecycle {
            Lifecycle::Stateless => ClientLifecycleMode::Discover {
                preferred_versions: vec![ProtocolVersion::V_2026_07_28],
            },
            Lifecycle::Session => ClientLifecycleMode::Initialize,
        };
        let client = serve_client_with_lifecycle((), transport, mode).await.expect("a server");
        let arguments = json!({ "text": "hello" }).as_object().cloned().unwrap_or_default();
        let call = CallToolRequestParams::new(Servers::tool(is_ours)).with_arguments(arguments);
        // The first calls make the plugin ready.
        let (mut times, mut started) = (Vec::with_capacity(calls), Instant::now());
        for number in 0..calls + 200 {
            if number == 200 {
                started = Instant::now();
            }
            let began = Instant::now();
            let answer = client.call_tool(call.clone()).await.expect("an answer");
            assert_ne!(answer.is_error, Some(true), "{answer:?}");
            if number >= 200 {
                times.push(began.elapsed());
            }
        }
        let per_second = calls as f64 / started.elapsed().as_secs_f64();
        Turn { p50: percentile(&mut times, 50), p99: percentile(&mut times, 99), per_second }
    })
}
