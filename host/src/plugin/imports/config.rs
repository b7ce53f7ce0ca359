//! `ax:config/config`: what the operator set for this plugin.
//!
//! No permission: the values were chosen by the operator for this very plugin and hold no secrets.
//! Not here: where they come from (`config`), their bounds (checked when they are read).

use ax_manifest::Capability;

use super::super::gate::Needs;
use super::super::guest::Guest;
use super::bindings::ax::config::config;

impl config::Host for Guest {
    fn get(&mut self, key: String) -> wasmtime::Result<Option<String>> {
        let value = self.call.holdings.settings.get(&key).map(ToString::to_string);
        let bytes = key.len() + value.as_ref().map_or(0, String::len);
        self.gate.called("get", &key);
        self.gate.pass(Capability::AxConfig, Needs::Nothing, bytes as u64)?;
        Ok(value)
    }

    fn all(&mut self) -> wasmtime::Result<String> {
        let all = serde_json::Value::Object((*self.call.holdings.settings).clone()).to_string();
        self.gate.called("all", "");
        self.gate.pass(Capability::AxConfig, Needs::Nothing, all.len() as u64)?;
        Ok(all)
    }
}
