//! What the operator has set for this plugin. It does not change during a call; the whole of it is at
//! most 64 KiB of JSON.
//!
//! ```
//! # fn main() -> ax_sdk::Result<()> {
//! # ax_sdk::fake::config("depth", 3);
//! let depth: u32 = ax_sdk::config::get("depth")?.unwrap_or(1);
//! assert_eq!(depth, 3);
//! # Ok(())
//! # }
//! ```
//!
//! Secrets are never in here: see [`secrets`](crate::secrets).

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::read::read;
use crate::{Error, Result};

/// Returns a setting; none when the operator set none. Keys match exactly.
///
/// # Errors
///
/// [`ErrorKind::Invalid`](crate::ErrorKind::Invalid) when it does not fit the type, naming the setting.
pub fn get<T: DeserializeOwned>(key: &str) -> Result<Option<T>> {
    let Some(value) = host::get(key) else { return Ok(None) };
    read(value, key).map(Some).map_err(|misfit| {
        Error::invalid(misfit.place(), format!("the setting does not fit: {misfit}"))
    })
}

/// Returns all settings, an object; an empty one when nothing is set.
pub fn all() -> Value {
    host::all()
}

#[cfg(target_arch = "wasm32")]
mod host {
    use serde_json::Value;

    use crate::bindings::ax::config::config;

    pub(super) fn get(key: &str) -> Option<Value> {
        config::get(key).and_then(|text| serde_json::from_str(&text).ok())
    }

    pub(super) fn all() -> Value {
        serde_json::from_str(&config::all()).unwrap_or_default()
    }
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use serde_json::Value;

    use crate::fake;

    pub(super) fn get(key: &str) -> Option<Value> {
        fake::with(|world| world.config.get(key).cloned())
    }

    pub(super) fn all() -> Value {
        fake::with(|world| Value::Object(world.config.clone()))
    }
}
