//! Whether a secret is set. Its value is put into requests by the host and is never seen here.
//!
//! ```
//! use ax_sdk::{Error, ErrorKind, Result, secrets};
//!
//! fn check() -> Result<()> {
//!     match secrets::is_set("github-token") {
//!         true => Ok(()),
//!         false => Err(Error::new(ErrorKind::Denied, "set the secret `github-token` first")),
//!     }
//! }
//! assert!(check().is_err());
//! # ax_sdk::fake::secret("github-token");
//! # assert!(check().is_ok());
//! ```

/// Answers whether the operator set a secret of this name and granted it to the plugin, for whatever
/// place.
pub fn is_set(name: &str) -> bool {
    host::is_set(name)
}

#[cfg(target_arch = "wasm32")]
mod host {
    pub(super) use crate::bindings::ax::secrets::secrets::is_set;
}

#[cfg(not(target_arch = "wasm32"))]
mod host {
    use crate::fake;

    pub(super) fn is_set(name: &str) -> bool {
        fake::with(|world| world.secrets.contains(name))
    }
}
