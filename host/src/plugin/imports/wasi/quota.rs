//! Writing under a quota: which account a folder's growth goes to, and how much something grows.
//!
//! Not here: the accounts themselves ([`super::super::super::written`]), streams (`file_writer`).

use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use ax_manifest::Access;
use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    DescriptorStat, DescriptorType, ErrorCode, HostDescriptor, PathFlags,
};
use wasmtime_wasi::p2::{FsError, FsResult};

use super::super::super::held::Object;
use super::super::super::limits::Limit;
use super::super::super::rights::Ruling;
use super::super::super::written::{Account, AccountOf, account_name};
use super::files::{Files, Handle};

/// What stands at a path, as far as a quota is concerned.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    /// Bytes that are freed when it goes; none while another name leads to it.
    pub(super) bytes: u64,
    kind: DescriptorType,
}

impl Standing {
    /// Answers whether opening it can wait for somebody: a named pipe waits for its other side, and
    /// a thread that waits cannot be killed.
    pub(super) fn may_block(&self) -> bool {
        use DescriptorType as Kind;
        !matches!(self.kind, Kind::RegularFile | Kind::Directory | Kind::SymbolicLink)
    }
}

impl Files<'_> {
    /// Opens the account of the folder that `handle` came from.
    pub(super) async fn account(&mut self, handle: &Handle) -> FsResult<Arc<Account>> {
        let index = self.ask(handle, Access::Write)?;
        if let Some(account) = self.0.files.accounts.get(&index) {
            return Ok(Arc::clone(account));
        }
        let name = self.account_name(index)?;
        let outside = Arc::clone(&self.0.call.outside);
        let folders = Arc::clone(&self.0.files.folders);
        let opened = tokio::task::spawn_blocking(move || {
            let device = folders.get(index)?.handle().ok()?.metadata().ok()?.dev();
            outside.accounts.open(&name, device).ok()
        });
        let Ok(Some(account)) = opened.await else { return Err(ErrorCode::Io.into()) };
        self.0.files.accounts.insert(index, Arc::clone(&account));
        Ok(account)
    }

    /// Returns the account of a file that is open for writing, without asking the database: it was
    /// opened with the file, or in one of the calls before under the same grant.
    pub(super) fn known_account(&mut self, file: &Handle) -> FsResult<Arc<Account>> {
        let index = self.ask(file, Access::Write)?;
        if let Some(account) = self.0.files.accounts.get(&index) {
            return Ok(Arc::clone(account));
        }
        let name = self.account_name(index)?;
        let before = self.0.files.accounts_before.get(&index);
        let account = before.filter(|account| account.name() == name).map(Arc::clone);
        let account = account.ok_or(ErrorCode::NotPermitted)?;
        self.0.files.accounts.insert(index, Arc::clone(&account));
        Ok(account)
    }

    /// Names the account of what may be written in a folder.
    fn account_name(&self, index: usize) -> FsResult<String> {
        let guest = &*self.0;
        let folder = guest.files.folders.get(index).ok_or(ErrorCode::BadDescriptor)?;
        let granted = guest.gate.rights().granted_at_ms(folder.permission(Access::Write));
        // A grant for one call has an account for one call.
        let call = guest.call.id.to_string();
        let account_of = granted.map_or(AccountOf::Call(&call), AccountOf::Grant);
        let owner = &guest.call.holdings.owner;
        Ok(account_name(owner, folder.name(), folder.path(), account_of))
    }

    /// Says that the quota is used up.
    pub(super) fn full(&mut self, limit: Limit) -> FsError {
        self.0.gate.exhaust(limit);
        ErrorCode::Quota.into()
    }

    /// Looks at what stands at a path.
    pub(super) async fn standing(
        &mut self,
        dir: &Handle,
        flags: PathFlags,
        path: &str,
    ) -> Option<Standing> {
        let same = Resource::<Descriptor>::new_borrow(dir.rep());
        let mut wasi = self.wasi();
        let found = HostDescriptor::stat_at(&mut wasi, same, flags, path.to_owned());
        let DescriptorStat { type_: kind, size, link_count, .. } = found.await.ok()?;
        let is_freed = kind == DescriptorType::RegularFile && link_count <= 1;
        Some(Standing { bytes: if is_freed { size } else { 0 }, kind })
    }

    /// Says which object stands at a path, whatever its name; a link is an object of its own.
    pub(super) async fn object(&mut self, dir: &Handle, path: &str) -> Option<Object> {
        let same = Resource::<Descriptor>::new_borrow(dir.rep());
        let mut wasi = self.wasi();
        let none = PathFlags::empty();
        let found = HostDescriptor::metadata_hash_at(&mut wasi, same, none, path.to_owned());
        found.await.ok().map(|hash| (hash.lower, hash.upper))
    }

    /// Notes that a file was opened, if its folder may be written in: it can be removed while it is
    /// open.
    pub(super) async fn note_opened(&mut self, handle: &Handle, index: usize) -> FsResult<()> {
        let folder = self.0.files.folders.get(index).ok_or(ErrorCode::BadDescriptor)?;
        let write = self.0.gate.rights().decide(folder.permission(Access::Write));
        let Ruling::Allowed(_) = write else { return Ok(()) };
        let Descriptor::File(opened) = self.0.table.get(handle)? else { return Ok(()) };
        let opened = Arc::clone(&opened.file);
        let same = Resource::<Descriptor>::new_borrow(handle.rep());
        let hash = HostDescriptor::metadata_hash(&mut self.wasi(), same).await?;
        self.0.call.outside.accounts.held.add((hash.lower, hash.upper), &opened);
        Ok(())
    }

    /// Gives back what went with a name; not the bytes of a file that is still open somewhere.
    pub(super) fn give_back(&self, account: &Account, was: Standing, object: Option<Object>) {
        account.remove_file();
        if object.is_some_and(|object| !self.0.call.outside.accounts.held.has(object)) {
            account.shrink(was.bytes);
        }
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
