//! The bounds of a connection, each a setting.

use std::time::Duration;

use tokio_rustls::rustls::pki_types::CertificateDer;

use crate::provider::config::ProviderConfig;

/// The bounds of a connection.
#[derive(Debug, Clone)]
pub struct Settings {
    /// Time to find the host, to connect and to agree on TLS.
    pub connect: Duration,
    /// Time until the head of a streamed answer, connecting included.
    pub headers: Duration,
    /// Time until something of a streamed answer can be seen; doubled where the model is asked to think.
    pub first_content: Duration,
    /// Time without a byte of a streamed answer.
    pub between: Duration,
    /// Time for a streamed answer in all.
    pub total: Duration,
    /// Time for an answer that comes whole; doubled where the model is asked to think.
    pub whole: Duration,
    /// Bytes of an answer that comes whole.
    pub answer_bytes_max: usize,
    /// Bytes of a streamed answer.
    pub stream_bytes_max: usize,
    /// Time that a connection is kept without use.
    pub idle: Duration,
    /// Connections that are kept without use.
    pub idle_max: usize,
    /// Where requests go through, as `http://127.0.0.1:8080`; the environment's proxies are not used.
    pub proxy: Option<String>,
    /// Authorities that are trusted beside the machine's.
    pub roots: Vec<CertificateDer<'static>>,
}

impl Settings {
    /// The bounds that follow from the time which an operator gives a request.
    #[must_use]
    pub fn of(config: &ProviderConfig) -> Self {
        /// A host that is there answers within a round trip or two.
        const CONNECT_MAX: Duration = Duration::from_secs(10);
        /// A stream that goes on may take as many times longer than an answer that comes whole.
        const TOTAL_TIMES: u32 = 10;
        let timeout = config.timeout();
        Self {
            // Shorter than the others, so that who cannot be reached is told as that, and costs nothing.
            connect: CONNECT_MAX.min(timeout / 2),
            headers: timeout,
            first_content: timeout,
            between: timeout,
            total: timeout.saturating_mul(TOTAL_TIMES),
            whole: timeout,
            // The longest answers are pictures in base64.
            answer_bytes_max: 32 << 20,
            // Events around each token are a hundred times its size: 128,000 tokens.
            stream_bytes_max: 256 << 20,
            // Servers close theirs after a minute or more.
            idle: Duration::from_secs(55),
            idle_max: 32,
            proxy: None,
            roots: Vec::new(),
        }
    }
}
