//! Writing under a quota: which account a folder's growth goes to, and how much something grows.
//!
//! Not here: the accounts themselves ([`super::super::super::written`]), streams (`file_writer`).

use std::sync::Arc;

use ax_manifest::Access;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorStat, DescriptorType, ErrorCode, HostDescriptor, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

use super::super::super::limits::Limit;
use super::super::super::written::{Account, AccountOf, account_name};
use super::files::{Files, Handle};

/// What stands at a path, as far as a quota is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Bytes that are freed when it goes; none while another name leads to it.
    pub(super) bytes: u64,
}

impl Files<'_> {
    /// Opens the account of the folder that `handle` came from.
    pub(super) async fn account(&mut self, handle: &Handle) -> FsResult<Arc<Account>> {
        let index = self.ask(handle, Access::Write)?;
        if let Some(account) = self.0.files.accounts.get(&index) {
            return Ok(Arc::clone(account));
        }
        let guest = &mut *self.0;
        let folder = guest.files.folders.get(index).ok_or(ErrorCode::BadDescriptor)?;
        let granted = guest.gate.rights().granted_at_ms(folder.permission(Access::Write));
        // A grant for one call has an account for one call.
        let call = guest.call.id.to_string();
        let account_of = granted.map_or(AccountOf::Call(&call), AccountOf::Grant);
        let owner = &guest.call.holdings.owner;
        let name = account_name(owner, folder.name(), folder.path(), account_of);
        let outside = Arc::clone(&guest.call.outside);
        let opened = tokio::task::spawn_blocking(move || outside.accounts.open(&name)).await;
        let account = match opened {
            Ok(Ok(account)) => account,
            Ok(Err(_)) | Err(_) => return Err(ErrorCode::Io.into()),
        };
        self.0.files.accounts.insert(index, Arc::clone(&account));
        Ok(account)
    }

    /// Says that the quota is used up.
    pub(super) fn full(&mut self, limit: Limit) -> FsError {
        self.0.gate.exhaust(limit);
        ErrorCode::Quota.into()
    }

    /// Looks at what stands at a path, without following a link there.
    pub(super) async fn standing(&mut self, dir: &Handle, path: &str) -> Option<Standing> {
        let same = Resource::<Descriptor>::new_borrow(dir.rep());
        let mut wasi = self.wasi();
        let found = HostDescriptor::stat_at(&mut wasi, same, PathFlags::empty(), path.to_owned());
        let DescriptorStat { type_, size, link_count, .. } = found.await.ok()?;
        let is_freed = type_ == DescriptorType::RegularFile && link_count <= 1;
        Some(Standing { bytes: if is_freed { size } else { 0 } })
    }

    /// Returns the size of an open file.
    pub(super) async fn size(&mut self, file: &Handle) -> FsResult<u64> {
        let same = Resource::<Descriptor>::new_borrow(file.rep());
        Ok(HostDescriptor::stat(&mut self.wasi(), same).await?.size)
    }
}

/// Answers whether a symbolic link may be made: one that leads upward or to an absolute path would
/// not open for the guest, but for whoever else follows it.
pub(super) fn may_link(target: &str) -> bool {
    !target.starts_with('/') && target.split('/').all(|part| part != "..")
}

#[cfg(test)]
mod tests {
    use super::may_link;

    #[test]
    fn links_lead_downward_only() {
        for target in ["a", "a/b", "./a", "..a", "a..", "a/...", ""] {
            assert!(may_link(target), "{target:?}");
        }
        for target in ["/", "/etc/passwd", "..", "../a", "a/..", "a/../../b", "./../x"] {
            assert!(!may_link(target), "{target:?}");
        }
    }
}
