//! `wasi:cli/environment`: the variables a person granted by name, and nothing else.
//!
//! Permission `env:NAME`. Each declared variable is asked for at the gate, so one that was
//! declared and not granted is a recorded denial. No arguments, no current folder.

use ax_manifest::{Capability, Permission};
use wasmtime::component::HasData;
use wasmtime_wasi::p2::bindings::cli::environment;

use super::super::super::gate::{Needs, Refusal};
use super::super::super::guest::Guest;

pub(super) struct HasEnvironment;

impl HasData for HasEnvironment {
    type Data<'a> = Environment<'a>;
}

pub(super) struct Environment<'a>(&'a mut Guest);

pub(super) fn view(guest: &mut Guest) -> Environment<'_> {
    Environment(guest)
}

impl environment::Host for Environment<'_> {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        let Guest { gate, call, .. } = &mut *self.0;
        gate.called("get-environment", "");
        let rights = std::sync::Arc::clone(gate.rights());
        let mut granted = Vec::new();
        for wanted in rights.declared() {
            let Permission::Env { name } = wanted else { continue };
            let capability = Capability::WasiCliEnvironment;
            match gate.pass(capability, Needs::Permission(wanted), 0) {
                Ok(()) => {}
                Err(Refusal::Denied(_)) => continue,
                Err(refusal @ Refusal::Exhausted(_)) => return Err(refusal.into()),
            }
            if let Some(value) = (call.environment)(name) {
                gate.pass(capability, Needs::Nothing, (name.len() + value.len()) as u64)?;
                granted.push((name.clone(), value));
            }
        }
        Ok(granted)
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}
