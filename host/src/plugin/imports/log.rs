//! `ax:log/log`: lines for the operator.
//!
//! No permission. Bounds: [`MESSAGE_BYTES`], [`FIELDS`], [`NAME_BYTES`], [`VALUE_BYTES`] per line;
//! lines and bytes per call as in `limits`. Not here: who reads the lines.

use ax_manifest::Capability;

use super::super::gate::Needs;
use super::super::guest::Guest;
use super::super::log::Level;
use super::super::text;
use super::bindings::ax::log::log;

/// Bytes of a message, as `ax:log` promises; the rest is cut.
const MESSAGE_BYTES: usize = 4 << 10;
/// Fields of one line, as `ax:log` promises; further ones are left out.
const FIELDS: usize = 32;
/// Bytes of a field's name, as `ax:log` promises.
const NAME_BYTES: usize = 64;
/// Bytes of a field's value, as `ax:log` promises.
const VALUE_BYTES: usize = 1 << 10;

impl log::Host for Guest {
    fn write(
        &mut self,
        level: log::Level,
        message: String,
        fields: Vec<(String, String)>,
    ) -> wasmtime::Result<()> {
        let bytes = message.len() + fields.iter().map(|(n, v)| n.len() + v.len()).sum::<usize>();
        self.gate.called("write", "");
        self.gate.pass(Capability::AxLog, Needs::Nothing, bytes as u64)?;
        let level = match level {
            log::Level::Trace => Level::Trace,
            log::Level::Debug => Level::Debug,
            log::Level::Info => Level::Info,
            log::Level::Warn => Level::Warn,
            log::Level::Error => Level::Error,
        };
        // Secrets first: what is cut or replaced afterwards could hide a part of one.
        let scan = self.call.secrets.scan();
        let clean = |text: &str, bytes_max| text::scrub(&scan.redact(text), bytes_max);
        let mut kept: Vec<(String, String)> = Vec::new();
        for (name, value) in fields {
            if kept.len() >= FIELDS {
                break;
            }
            let name = clean(&name, NAME_BYTES);
            if !kept.iter().any(|(known, _)| *known == name) {
                kept.push((name, clean(&value, VALUE_BYTES)));
            }
        }
        self.log.push(level, &clean(&message, MESSAGE_BYTES), &kept);
        Ok(())
    }
}
