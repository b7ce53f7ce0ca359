//! Whether a secret is set. Its value is put into requests by the host and is never seen here.

/// Answers whether the operator set a secret of this name.
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
