//! `ax:secrets/secrets`: whether a secret is there.
//!
//! Permission `secret:<name>@<origin>`, whatever the origin: without one every name is answered with
//! "no". Not here: where a secret goes ([`super::super::secrets`]).

use std::sync::Arc;

use ax_manifest::Capability;

use super::super::gate::{Needs, Refusal};
use super::super::guest::Guest;
use super::bindings::ax::secrets::secrets;

impl secrets::Host for Guest {
    fn is_set(&mut self, name: String) -> wasmtime::Result<bool> {
        self.gate.called("is-set", &name);
        self.gate.pass(Capability::AxSecrets, Needs::Nothing, name.len() as u64)?;
        let holdings = Arc::clone(&self.call.holdings);
        let mut may_know = false;
        for injection in holdings.injections.iter().filter(|it| it.name() == name) {
            // A secret that is asked for in vain is on record, so that the person learns what the
            // plugin missed.
            let needs = Needs::Permission(injection.asked());
            match self.gate.pass(Capability::AxSecrets, needs, 0) {
                Ok(()) => may_know = true,
                Err(Refusal::Denied(_)) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Ok(may_know && self.call.secrets.value(&name).is_some())
    }
}
