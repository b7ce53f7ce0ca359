//! The upstream that others wrote, aimock, and the translator that others wrote, LiteLLM: started on loopback,
//! and ended when they are dropped.

use std::fs;
use std::fs::File;
use std::io::BufRead as _;
use std::io::BufReader;
use std::io::Read as _;
use std::io::Write as _;
use std::net::TcpListener;
use std::net::TcpStream;
use std::path::Path;
use std::process::Child;
use std::process::Command;
use std::process::Stdio;
use std::thread;
use std::time::Duration;
use std::time::Instant;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use super::cases::DIALECTS;
use crate::checkout::Checkout;
use crate::checkout::write_if_changed;

/// How long LiteLLM may take to start: half a minute where nothing else runs.
const PATIENCE: Duration = Duration::from_secs(180);

/// How long an answer to us may take.
const ANSWER_PATIENCE: Duration = Duration::from_secs(10);

/// A program of others that listens.
pub(super) struct Running {
    child: Child,
    /// Host and port.
    pub(super) address: String,
}

impl Drop for Running {
    fn drop(&mut self) {
        // Ours, and it keeps nothing.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Starts aimock with fixtures.
pub(super) fn aimock(
    folder: &Path,
    node: &Path,
    program: &Path,
    fixtures: &Value,
) -> Result<Running> {
    let path = folder.join("fixtures.json");
    write_if_changed(&path, fixtures.to_string().as_bytes())?;
    let mut command = Command::new(node);
    command.arg(program).args(["--port", "0", "--chunk-size", "8", "--journal-max", "0"]);
    command.arg("--validate-on-load").arg("--fixtures").arg(&path);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    let mut child = command.spawn().context("aimock cannot be started")?;
    let output = child.stdout.take().context("aimock has no output")?;
    let mut running = Running { child, address: String::new() };
    for line in BufReader::new(output).lines() {
        let line = line.context("aimock cannot be heard")?;
        if let Some((_, address)) = line.split_once("listening on http://") {
            running.address = address.trim().to_owned();
            return Ok(running);
        }
    }
    bail!("aimock ended without listening")
}

/// What aimock was asked that is about a question: when, in milliseconds.
pub(super) fn journal(aimock: &Running, question: &str) -> Result<Vec<u64>> {
    let text = get(&aimock.address, "/__aimock/journal").context("aimock's journal")?;
    let rows: Vec<Value> = serde_json::from_str(&text).context("aimock's journal is no list")?;
    let about = rows.iter().filter(|row| row["body"].to_string().contains(question));
    Ok(about.filter_map(|row| row["timestamp"].as_u64()).collect())
}

/// Starts LiteLLM in front of aimock, and waits until it answers.
pub(super) fn litellm(
    checkout: &Checkout,
    folder: &Path,
    python: &Path,
    aimock: &Running,
    key: &str,
) -> Result<Running> {
    let path = folder.join("litellm.yaml");
    write_if_changed(&path, settings(&aimock.address).as_bytes())?;
    // It cannot say which port it found.
    let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
    let log = folder.join("litellm.log");
    let output = File::create(&log).context("LiteLLM's log cannot be written")?;
    let program = python.with_file_name("litellm");
    let mut command = Command::new(program);
    command.arg("--config").arg(&path).args(["--host", "127.0.0.1", "--num_workers", "1"]);
    command.args(["--port", &port.to_string()]).current_dir(checkout.scratch("accept"));
    command.env("LITELLM_MASTER_KEY", key).env("LITELLM_LOCAL_MODEL_COST_MAP", "True");
    command.stdin(Stdio::null()).stderr(output.try_clone()?).stdout(output);
    let child = command.spawn().context("LiteLLM cannot be started")?;
    let mut running = Running { child, address: format!("127.0.0.1:{port}") };
    let begun = Instant::now();
    while get(&running.address, "/health/liveliness").is_err() {
        if running.child.try_wait()?.is_some() || begun.elapsed() > PATIENCE {
            let said = fs::read_to_string(&log).unwrap_or_default();
            let tail: Vec<&str> = said.lines().rev().take(10).collect();
            bail!(
                "LiteLLM does not answer: {}",
                tail.into_iter().rev().collect::<Vec<_>>().join("\n")
            );
        }
        thread::sleep(Duration::from_millis(250));
    }
    Ok(running)
}

/// Each model in its own dialect, and nothing tried again: that is ours to do.
fn settings(aimock: &str) -> String {
    let mut models = String::new();
    for dialect in &DIALECTS {
        let (provider, base) = match dialect.kind {
            "claude" => ("anthropic", String::new()),
            "gemini" => ("gemini", format!("/v1beta/models/{}", dialect.model)),
            _ => ("openai", "/v1".to_owned()),
        };
        let model = dialect.model;
        models.push_str(&format!(
            "  - model_name: {model}\n    litellm_params: {{ model: {provider}/{model}, \
             api_base: \"http://{aimock}{base}\", api_key: sk-upstream }}\n"
        ));
    }
    format!(
        "model_list:\n{models}litellm_settings: {{ num_retries: 0, drop_params: true }}\n\
         router_settings: {{ num_retries: 0, disable_cooldowns: true }}\n"
    )
}

/// Asks for a path, as plainly as can be.
fn get(address: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(ANSWER_PATIENCE))?;
    // HTTP/1.0: the answer comes without chunks, and ends with the connection.
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {address}\r\n\r\n")?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let text = String::from_utf8_lossy(&bytes);
    match text.split_once("\r\n\r\n") {
        Some((head, body)) if head.contains(" 200 ") => Ok(body.to_owned()),
        _ => bail!("`{path}` is answered with {}", text.lines().next().unwrap_or_default()),
    }
}
