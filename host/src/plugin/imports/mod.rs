//! What a guest may import, linked row by row from the capability table.
//!
//! One file per interface that does something of ours; plain WASI interfaces are linked from
//! wasmtime's own implementation, with a context that holds nothing. [`link`] is one `match` over
//! [`Capability`]: a new row in the table does not compile until somebody decided how to link it,
//! and nothing is ever linked that has no row.
//!
//! Each file has the same outline: what the interface is for, its permission, its bounds, the
//! `Host` implementation. Nothing here acts before `gate::Gate::pass` said yes, and nothing here
//! blocks its thread: a host function that blocks cannot be killed.

mod call;
mod config;
mod failure;
mod http;
mod http_failure;
mod kv;
mod log;
mod model;
mod secrets;
mod task;
mod tools;
mod wasi;

pub(super) mod bindings;

pub(super) use kv::Keeping;
pub(super) use wasi::{Ended, Http, OpenFiles, Wasi};

use ax_manifest::{Capability, Served};
use wasmtime::component::{HasSelf, Linker};

use super::guest::Guest;

/// Links every interface this host serves. Once per engine.
///
/// # Errors
///
/// When two rows define the same function, which is a defect of the table.
pub(super) fn link_all(linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    for capability in Capability::ALL {
        if matches!(capability.row().served, Served::Now) {
            link(*capability, linker)?;
        }
    }
    Ok(())
}

/// Links one interface, every version of it that is served.
pub(super) fn link(capability: Capability, linker: &mut Linker<Guest>) -> wasmtime::Result<()> {
    use bindings::ax;
    match capability {
        Capability::AxLog => ax::log::log::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g),
        Capability::AxConfig => {
            ax::config::config::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g)
        }
        Capability::AxTaskCall => ax::task::call::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g),
        Capability::AxKvStore => ax::kv::store::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g),
        Capability::AxHttpClient => {
            ax::http::client::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g)
        }
        Capability::AxSecrets => {
            ax::secrets::secrets::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g)
        }
        Capability::AxModelChat => {
            ax::model::chat::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g)
        }
        Capability::AxTools => ax::tools::tools::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g),
        Capability::AxTask => ax::task::task::add_to_linker::<_, HasSelf<Guest>>(linker, |g| g),
        // Words only: an interface without functions has nothing to link.
        Capability::AxTypes => Ok(()),
        Capability::WasiIoError
        | Capability::WasiIoPoll
        | Capability::WasiIoStreams
        | Capability::WasiClocksWallClock
        | Capability::WasiClocksMonotonicClock
        | Capability::WasiRandomRandom
        | Capability::WasiRandomInsecure
        | Capability::WasiRandomInsecureSeed
        | Capability::WasiCliEnvironment
        | Capability::WasiCliExit
        | Capability::WasiCliStdin
        | Capability::WasiCliStdout
        | Capability::WasiCliStderr
        | Capability::WasiCliTerminalInput
        | Capability::WasiCliTerminalOutput
        | Capability::WasiCliTerminalStdin
        | Capability::WasiCliTerminalStdout
        | Capability::WasiCliTerminalStderr
        | Capability::WasiFilesystemTypes
        | Capability::WasiFilesystemPreopens
        | Capability::WasiSocketsNetwork
        | Capability::WasiSocketsInstanceNetwork
        | Capability::WasiSocketsTcp
        | Capability::WasiSocketsTcpCreateSocket
        | Capability::WasiSocketsUdp
        | Capability::WasiSocketsUdpCreateSocket
        | Capability::WasiSocketsIpNameLookup
        | Capability::WasiHttpTypes
        | Capability::WasiHttpOutgoingHandler => wasi::link(capability, linker),
        // Admission refuses a component that imports these and says which host will serve them.
        Capability::AxEventsBus | Capability::AxServices | Capability::AxMemory => Ok(()),
    }
}

#[cfg(test)]
mod tests;
