//! `ax:secrets/secrets`: whether a secret is there.
//!
//! Permission `secret:<name>@<origin>`, whatever the origin: without one every name is answered with
//! "no". Not here: where a secret goes ([`super::super::secrets`]).

use ax_manifest::Capability;

use super::super::gate::Needs;
use super::super::guest::Guest;
use super::bindings::ax::secrets::secrets;

impl secrets::Host for Guest {
    fn is_set(&mut self, name: String) -> wasmtime::Result<bool> {
        self.gate.pass(Capability::AxSecrets, Needs::Nothing, name.len() as u64)?;
        // Only secrets that are granted are among those of the call; but a name that was asked for in
        // vain is on record, so that the person learns what the plugin missed.
        let holdings = std::sync::Arc::clone(&self.call.holdings);
        let asked = holdings.injections.iter().find(|injection| injection.name() == name);
        if let Some(injection) = asked {
            let needs = Needs::Permission(injection.asked());
            match self.gate.pass(Capability::AxSecrets, needs, 0) {
                Ok(()) | Err(super::super::gate::Refusal::Denied(_)) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(self.call.secrets.value(&name).is_some())
    }
}
