//! `wasi:filesystem`: folders a person granted, under the names they are bound to.
//!
//! Permissions `fs:<folder>:read` and `fs:<folder>:write`. Every method that touches a file first asks
//! the gate for the folder its descriptor came from; what makes a folder grow is charged to the
//! grant's account (`quota`); then the work is left to wasmtime's implementation on cap-std, where no
//! `..`, symlink, trailing slash, hard link or rename leaves the folder. Streams end with the call
//! they were made in (`lease`). Bounds: [`limits::HANDLES`] descriptors and listings at once,
//! [`limits::WRITTEN_BYTES`], [`limits::WRITTEN_FILES`].
//!
//! Not here: which folder a name means ([`super::super::super::folder`]).

use std::collections::HashMap;
use std::sync::Arc;

use ax_manifest::{Access, Capability};
use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::filesystem::{
    Descriptor, Dir, OpenMode, WasiFilesystemCtx, WasiFilesystemCtxView,
};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    Advice, DescriptorFlags, DescriptorStat, DescriptorType, DirectoryEntry, DirectoryEntryStream,
    ErrorCode, Filesize, Host, HostDescriptor, HostDirectoryEntryStream, MetadataHashValue,
    NewTimestamp, OpenFlags, PathFlags,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult};

use super::super::super::folder::Folder;
use super::super::super::gate::{Needs, Refusal};
use super::super::super::guest::Guest;
use super::super::super::limits::{self, Limit};
use super::super::super::rights::Ruling;
use super::super::super::written::{Account, turns};
use super::file_stream::FileStream;
use super::file_writer::{FileWriter, QuotaUsedUp};
use super::lease::Leases;
use super::quota::may_link;

pub(super) struct HasFiles;

impl HasData for HasFiles {
    type Data<'a> = Files<'a>;
}

pub(super) struct Files<'a>(pub(super) &'a mut Guest);

pub(super) fn view(guest: &mut Guest) -> Files<'_> {
    Files(guest)
}

/// Bytes the host holds for one entry of a listing: a short name, its kind and their bookkeeping.
const LISTING_ENTRY_BYTES: usize = 96;

/// What a guest calls a file or a folder.
pub(super) type Handle = Resource<Descriptor>;

impl Files<'_> {
    /// Wasmtime's implementation, which does the work once the gate said yes.
    pub(super) fn wasi(&mut self) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView { ctx: &mut self.0.files.ctx, table: &mut self.0.table }
    }

    /// Asks the gate for the folder that `handle` came from; returns the folder's index.
    pub(super) fn ask(&mut self, handle: &Handle, access: Access) -> FsResult<usize> {
        let Guest { gate, files, .. } = &mut *self.0;
        // A handle the guest made up fails in wasmtime's own table later; it belongs to no folder.
        let index = *files.open.get(&handle.rep()).ok_or(ErrorCode::BadDescriptor)?;
        let folder = files.folders.get(index).ok_or(ErrorCode::BadDescriptor)?;
        let needs = Needs::Permission(folder.permission(access));
        gate.pass(Capability::WasiFilesystemTypes, needs, 0).map_err(refused)?;
        Ok(index)
    }

    /// Refuses one more descriptor than a call may hold.
    fn room(&mut self) -> FsResult<()> {
        let files = &self.0.files;
        if files.open.len() + files.leases.count() >= limits::HANDLES as usize {
            self.0.gate.exhaust(Limit::Handles);
            return Err(ErrorCode::InsufficientMemory.into());
        }
        Ok(())
    }

    /// Counts the entries of a folder, at most one more than may be listed.
    async fn count_entries(&mut self, dir: &Handle) -> FsResult<usize> {
        let Descriptor::Dir(dir) = self.0.table.get(dir)? else {
            return Err(ErrorCode::NotDirectory.into());
        };
        let dir = Arc::clone(&dir.dir);
        let counted = tokio::task::spawn_blocking(move || {
            let entries = rustix::fs::Dir::read_from(&*dir)?;
            Ok::<_, rustix::io::Errno>(entries.take(limits::LISTING_ENTRIES + 1).count())
        });
        match counted.await {
            Ok(Ok(count)) => Ok(count),
            Ok(Err(error)) => Err(ErrorCode::from(std::io::Error::from(error)).into()),
            Err(_) => Err(ErrorCode::Io.into()),
        }
    }

    /// Makes a stream into a file.
    fn writer(
        &mut self,
        file: Handle,
        at: Option<Filesize>,
    ) -> FsResult<Resource<DynOutputStream>> {
        let account = self.known_account(&file)?;
        self.room()?;
        let Descriptor::File(opened) = self.0.table.get(&file)? else {
            return Err(ErrorCode::IsDirectory.into());
        };
        let opened = Arc::clone(&opened.file);
        let made = match at {
            Some(offset) => self.wasi().write_via_stream(file, offset)?,
            None => self.wasi().append_via_stream(file)?,
        };
        let inner = self.0.table.delete(made)?;
        let counted = FileWriter::new(inner, opened, account, at, self.0.files.leases.give());
        Ok(self.0.table.push(Box::new(counted) as DynOutputStream)?)
    }

    fn charge(&mut self, bytes: usize) -> FsResult<()> {
        self.0
            .gate
            .pass(Capability::WasiFilesystemTypes, Needs::Nothing, bytes as u64)
            .map_err(refused)
    }
}

fn refused(refusal: Refusal) -> FsError {
    match refusal {
        Refusal::Denied(_) => ErrorCode::NotPermitted.into(),
        Refusal::Exhausted(_) => FsError::trap(refusal),
    }
}

impl preopens::Host for Files<'_> {
    /// Offers the folders this call may read. A folder that is declared and not granted is asked
    /// for all the same, so that the denial is on record and the person is told.
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Handle, String)>> {
        self.0.gate.called("get-directories", "");
        self.0.files.is_asked = true;
        let folders = Arc::clone(&self.0.files.folders);
        let mut offered = Vec::new();
        for (index, folder) in folders.iter().enumerate() {
            let wanted = folder.permission(Access::Read);
            let Guest { gate, .. } = &mut *self.0;
            let rights = Arc::clone(gate.rights());
            if !rights.declared().any(|declared| declared.covers(wanted)) {
                continue;
            }
            let needs = Needs::Permission(wanted);
            match gate.pass(Capability::WasiFilesystemPreopens, needs, 0) {
                Ok(()) => {}
                Err(Refusal::Denied(_)) => continue,
                Err(refusal @ Refusal::Exhausted(_)) => return Err(refusal.into()),
            }
            self.room().map_err(|_| Refusal::Exhausted(Limit::Handles))?;
            // Each change is asked for by itself; without the right there is no way to even try.
            let (perms, mode) = match rights.decide(folder.permission(Access::Write)) {
                Ruling::Allowed(_) => (FsPerms::ReadWrite, OpenMode::READ | OpenMode::WRITE),
                Ruling::Denied(_) => (FsPerms::ReadOnly, OpenMode::READ),
            };
            let dir = Dir::new(folder.handle()?, perms, mode, false);
            let handle = self.0.table.push(Descriptor::Dir(dir))?;
            self.0.files.open.insert(handle.rep(), index);
            offered.push((handle, folder.guest_path()));
        }
        Ok(offered)
    }
}

impl Host for Files<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        self.wasi().convert_error_code(error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        let failed = self.0.table.get(&error)?;
        // The engine has no word for a quota and would call it a defect of the disk.
        let full = Some(rustix::io::Errno::DQUOT.raw_os_error());
        let said = failed.downcast_ref::<std::io::Error>();
        let is_of_disk = said.is_some_and(|said| said.raw_os_error() == full);
        if is_of_disk || failed.is::<QuotaUsedUp>() {
            return Ok(Some(ErrorCode::Quota));
        }
        self.wasi().filesystem_error_code(error)
    }
}

/// Each method: ask the gate, then let wasmtime do it.
impl HostDescriptor for Files<'_> {
    async fn open_at(
        &mut self,
        dir: Handle,
        path_flags: PathFlags,
        path: String,
        open_flags: OpenFlags,
        flags: DescriptorFlags,
    ) -> FsResult<Handle> {
        self.0.gate.called("open-at", &path);
        let creates = OpenFlags::CREATE | OpenFlags::TRUNCATE | OpenFlags::EXCLUSIVE;
        let writes = DescriptorFlags::WRITE | DescriptorFlags::MUTATE_DIRECTORY;
        let access = if open_flags.intersects(creates) || flags.intersects(writes) {
            Access::Write
        } else {
            Access::Read
        };
        let folder = self.ask(&dir, access)?;
        self.room()?;
        self.charge(path.len())?;
        let account = match access {
            Access::Write => Some(self.account(&dir).await?),
            Access::Read => None,
        };
        let _turn = match &account {
            Some(account) => Some(account.turn().await),
            None => None,
        };
        // As opening goes: what a link leads to is made or cut, not the link.
        let standing = self.standing(&dir, path_flags, &path).await;
        if standing.is_some_and(|found| found.may_block()) {
            return Err(ErrorCode::Unsupported.into());
        }
        let account = account.as_ref();
        let creates = standing.is_none() && open_flags.contains(OpenFlags::CREATE);
        if let Some(account) = account.filter(|_| creates) {
            account.add_file().map_err(|limit| self.full(limit))?;
        }
        let opened =
            HostDescriptor::open_at(&mut self.wasi(), dir, path_flags, path, open_flags, flags)
                .await;
        match (account, &opened, standing) {
            (Some(account), Err(_), _) if creates => account.remove_file(),
            (Some(account), Ok(_), Some(was)) if open_flags.contains(OpenFlags::TRUNCATE) => {
                account.shrink(was.bytes);
            }
            _ => {}
        }
        let handle = opened?;
        self.0.files.open.insert(handle.rep(), folder);
        self.note_opened(&handle, folder).await?;
        Ok(handle)
    }

    async fn read_directory(&mut self, dir: Handle) -> FsResult<Resource<DirectoryEntryStream>> {
        self.0.gate.called("read-directory", "");
        let folder = self.ask(&dir, Access::Read)?;
        self.room()?;
        let entries = self.count_entries(&dir).await?;
        if entries > limits::LISTING_ENTRIES {
            return Err(ErrorCode::Overflow.into());
        }
        // Wasmtime holds a listing whole; what it takes counts as moved.
        self.charge(entries * LISTING_ENTRY_BYTES)?;
        let listing = self.wasi().read_directory(dir).await?;
        self.0.files.open.insert(listing.rep(), folder);
        Ok(listing)
    }

    async fn read(
        &mut self,
        file: Handle,
        len: Filesize,
        offset: Filesize,
    ) -> FsResult<(Vec<u8>, bool)> {
        self.0.gate.called("read", "");
        self.ask(&file, Access::Read)?;
        let (bytes, end) = HostDescriptor::read(&mut self.wasi(), file, len, offset).await?;
        self.charge(bytes.len())?;
        Ok((bytes, end))
    }

    fn read_via_stream(
        &mut self,
        file: Handle,
        offset: Filesize,
    ) -> FsResult<Resource<DynInputStream>> {
        self.0.gate.called("read-via-stream", "");
        self.ask(&file, Access::Read)?;
        self.room()?;
        let made = self.wasi().read_via_stream(file, offset)?;
        let inner = self.0.table.delete(made)?;
        let counted = FileStream::new(inner, self.0.files.leases.give());
        Ok(self.0.table.push(Box::new(counted) as DynInputStream)?)
    }

    async fn advise(
        &mut self,
        file: Handle,
        offset: Filesize,
        len: Filesize,
        advice: Advice,
    ) -> FsResult<()> {
        self.0.gate.called("advise", "");
        self.ask(&file, Access::Read)?;
        HostDescriptor::advise(&mut self.wasi(), file, offset, len, advice).await
    }

    async fn get_flags(&mut self, file: Handle) -> FsResult<DescriptorFlags> {
        self.0.gate.called("get-flags", "");
        self.ask(&file, Access::Read)?;
        HostDescriptor::get_flags(&mut self.wasi(), file).await
    }

    async fn get_type(&mut self, file: Handle) -> FsResult<DescriptorType> {
        self.0.gate.called("get-type", "");
        self.ask(&file, Access::Read)?;
        HostDescriptor::get_type(&mut self.wasi(), file).await
    }

    async fn stat(&mut self, file: Handle) -> FsResult<DescriptorStat> {
        self.0.gate.called("stat", "");
        self.ask(&file, Access::Read)?;
        HostDescriptor::stat(&mut self.wasi(), file).await
    }

    async fn stat_at(
        &mut self,
        dir: Handle,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<DescriptorStat> {
        self.0.gate.called("stat-at", &path);
        self.ask(&dir, Access::Read)?;
        HostDescriptor::stat_at(&mut self.wasi(), dir, path_flags, path).await
    }

    async fn readlink_at(&mut self, dir: Handle, path: String) -> FsResult<String> {
        self.0.gate.called("readlink-at", &path);
        self.ask(&dir, Access::Read)?;
        HostDescriptor::readlink_at(&mut self.wasi(), dir, path).await
    }

    async fn is_same_object(&mut self, a: Handle, b: Handle) -> wasmtime::Result<bool> {
        self.0.gate.called("is-same-object", "");
        HostDescriptor::is_same_object(&mut self.wasi(), a, b).await
    }

    async fn metadata_hash(&mut self, file: Handle) -> FsResult<MetadataHashValue> {
        self.0.gate.called("metadata-hash", "");
        self.ask(&file, Access::Read)?;
        HostDescriptor::metadata_hash(&mut self.wasi(), file).await
    }

    async fn metadata_hash_at(
        &mut self,
        dir: Handle,
        path_flags: PathFlags,
        path: String,
    ) -> FsResult<MetadataHashValue> {
        self.0.gate.called("metadata-hash-at", &path);
        self.ask(&dir, Access::Read)?;
        HostDescriptor::metadata_hash_at(&mut self.wasi(), dir, path_flags, path).await
    }

    async fn sync(&mut self, file: Handle) -> FsResult<()> {
        self.0.gate.called("sync", "");
        self.ask(&file, Access::Write)?;
        HostDescriptor::sync(&mut self.wasi(), file).await
    }

    async fn sync_data(&mut self, file: Handle) -> FsResult<()> {
        self.0.gate.called("sync-data", "");
        self.ask(&file, Access::Write)?;
        HostDescriptor::sync_data(&mut self.wasi(), file).await
    }

    async fn set_size(&mut self, file: Handle, size: Filesize) -> FsResult<()> {
        self.0.gate.called("set-size", "");
        let account = self.account(&file).await?;
        let _turn = account.turn().await;
        let before = self.size(&file).await?;
        let growth = size.saturating_sub(before);
        account.grow(growth).map_err(|limit| self.full(limit))?;
        let done = HostDescriptor::set_size(&mut self.wasi(), file, size).await;
        account.shrink(if done.is_ok() { before.saturating_sub(size) } else { growth });
        done
    }

    async fn set_times(
        &mut self,
        file: Handle,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.0.gate.called("set-times", "");
        self.account(&file).await?;
        HostDescriptor::set_times(&mut self.wasi(), file, accessed, modified).await
    }

    async fn set_times_at(
        &mut self,
        dir: Handle,
        path_flags: PathFlags,
        path: String,
        accessed: NewTimestamp,
        modified: NewTimestamp,
    ) -> FsResult<()> {
        self.0.gate.called("set-times-at", &path);
        self.account(&dir).await?;
        let mut wasi = self.wasi();
        HostDescriptor::set_times_at(&mut wasi, dir, path_flags, path, accessed, modified).await
    }

    async fn write(
        &mut self,
        file: Handle,
        bytes: Vec<u8>,
        offset: Filesize,
    ) -> FsResult<Filesize> {
        self.0.gate.called("write", "");
        let account = self.account(&file).await?;
        self.charge(bytes.len())?;
        let _turn = account.turn().await;
        let before = self.size(&file).await?;
        let growth = offset.saturating_add(bytes.len() as u64).saturating_sub(before);
        account.grow(growth).map_err(|limit| self.full(limit))?;
        let done = HostDescriptor::write(&mut self.wasi(), file, bytes, offset).await;
        if done.is_err() {
            account.shrink(growth);
        }
        done
    }

    fn write_via_stream(
        &mut self,
        file: Handle,
        offset: Filesize,
    ) -> FsResult<Resource<DynOutputStream>> {
        self.0.gate.called("write-via-stream", "");
        self.writer(file, Some(offset))
    }

    fn append_via_stream(&mut self, file: Handle) -> FsResult<Resource<DynOutputStream>> {
        self.0.gate.called("append-via-stream", "");
        self.writer(file, None)
    }

    async fn create_directory_at(&mut self, dir: Handle, path: String) -> FsResult<()> {
        self.0.gate.called("create-directory-at", &path);
        let account = self.account(&dir).await?;
        account.add_file().map_err(|limit| self.full(limit))?;
        let done = HostDescriptor::create_directory_at(&mut self.wasi(), dir, path).await;
        if done.is_err() {
            account.remove_file();
        }
        done
    }

    async fn remove_directory_at(&mut self, dir: Handle, path: String) -> FsResult<()> {
        self.0.gate.called("remove-directory-at", &path);
        let account = self.account(&dir).await?;
        HostDescriptor::remove_directory_at(&mut self.wasi(), dir, path).await?;
        account.remove_file();
        Ok(())
    }

    async fn unlink_file_at(&mut self, dir: Handle, path: String) -> FsResult<()> {
        self.0.gate.called("unlink-file-at", &path);
        let account = self.account(&dir).await?;
        let _turn = account.turn().await;
        let standing = self.standing(&dir, PathFlags::empty(), &path).await;
        let object = self.object(&dir, &path).await;
        HostDescriptor::unlink_file_at(&mut self.wasi(), dir, path).await?;
        if let Some(was) = standing {
            self.give_back(&account, was, object);
        }
        Ok(())
    }

    async fn symlink_at(&mut self, dir: Handle, target: String, path: String) -> FsResult<()> {
        self.0.gate.called("symlink-at", &path);
        let account = self.account(&dir).await?;
        if !may_link(&target) {
            return Err(ErrorCode::NotPermitted.into());
        }
        account.add_file().map_err(|limit| self.full(limit))?;
        let done = HostDescriptor::symlink_at(&mut self.wasi(), dir, target, path).await;
        if done.is_err() {
            account.remove_file();
        }
        done
    }

    async fn link_at(
        &mut self,
        dir: Handle,
        path_flags: PathFlags,
        path: String,
        to_dir: Handle,
        to_path: String,
    ) -> FsResult<()> {
        self.0.gate.called("link-at", &path);
        let from = self.account(&dir).await?;
        let account = self.account(&to_dir).await?;
        let _turns = turns(&from, &account).await;
        account.add_file().map_err(|limit| self.full(limit))?;
        let mut wasi = self.wasi();
        let done = HostDescriptor::link_at(&mut wasi, dir, path_flags, path, to_dir, to_path).await;
        if done.is_err() {
            account.remove_file();
        }
        done
    }

    async fn rename_at(
        &mut self,
        dir: Handle,
        path: String,
        to_dir: Handle,
        to_path: String,
    ) -> FsResult<()> {
        self.0.gate.called("rename-at", &path);
        let from = self.account(&dir).await?;
        let account = self.account(&to_dir).await?;
        let _turns = turns(&from, &account).await;
        let moved = self.object(&dir, &path).await;
        let target = self.object(&to_dir, &to_path).await;
        let standing = self.standing(&to_dir, PathFlags::empty(), &to_path).await;
        HostDescriptor::rename_at(&mut self.wasi(), dir, path, to_dir, to_path).await?;
        // What it takes the place of is freed: to write beside a file and rename is how to save one.
        // Another name of the same file, or the same name, replaces nothing.
        if let Some(was) = standing.filter(|_| moved.is_some() && moved != target) {
            self.give_back(&account, was, target);
        }
        Ok(())
    }

    fn drop(&mut self, handle: Handle) -> wasmtime::Result<()> {
        self.0.files.open.remove(&handle.rep());
        HostDescriptor::drop(&mut self.wasi(), handle)
    }
}

impl HostDirectoryEntryStream for Files<'_> {
    async fn read_directory_entry(
        &mut self,
        listing: Resource<DirectoryEntryStream>,
    ) -> FsResult<Option<DirectoryEntry>> {
        self.0.gate.called("read-directory-entry", "");
        let entry = self.wasi().read_directory_entry(listing).await?;
        self.charge(entry.as_ref().map_or(0, |entry| entry.name.len()))?;
        Ok(entry)
    }

    fn drop(&mut self, listing: Resource<DirectoryEntryStream>) -> wasmtime::Result<()> {
        self.0.files.open.remove(&listing.rep());
        HostDirectoryEntryStream::drop(&mut self.wasi(), listing)
    }
}

/// What the writing of a call came to.
pub(in super::super::super) struct Ended {
    /// The accounts the call wrote under or tried to.
    pub(in super::super::super) accounts: Vec<Arc<Account>>,
    /// Whether a stream found a quota used up.
    pub(in super::super::super) is_full: bool,
}

/// The descriptors one call holds, and the folder each came from.
pub(in super::super::super) struct OpenFiles {
    ctx: WasiFilesystemCtx,
    pub(super) folders: Arc<[Folder]>,
    open: HashMap<u32, usize>,
    /// Whether the instance ever asked which folders there are; most keep the answer.
    pub(in super::super::super) is_asked: bool,
    /// What the running call wrote to or tried to, by the folder's index.
    pub(super) accounts: HashMap<usize, Arc<Account>>,
    /// The same of the calls before in a warm instance.
    pub(super) accounts_before: HashMap<usize, Arc<Account>>,
    leases: Leases,
}

impl OpenFiles {
    /// Starts with nothing open; `folders` are what may be offered.
    pub(in super::super::super) fn new(folders: Arc<[Folder]>) -> Self {
        Self {
            ctx: WasiFilesystemCtx::default(),
            folders,
            open: HashMap::new(),
            is_asked: false,
            accounts: HashMap::new(),
            accounts_before: HashMap::new(),
            leases: Leases::default(),
        }
    }

    /// Starts the next call of a warm instance: what is open stays, its rights are asked anew.
    pub(in super::super::super) fn restart(&mut self) {
        // A file may have been opened several calls ago.
        self.accounts_before.extend(self.accounts.drain());
    }

    /// Ends what the call writes: its streams, which nobody asks, are over, and what one of them has
    /// begun is done.
    pub(in super::super::super) async fn end(&mut self) -> Ended {
        self.leases.end();
        let accounts: Vec<_> = self.accounts.values().map(Arc::clone).collect();
        if !accounts.is_empty() {
            let wait = async {
                for account in &accounts {
                    drop(account.turn().await);
                }
            };
            tokio::time::timeout(limits::LAST_WRITE_WAIT, wait).await.ok();
        }
        Ended { accounts, is_full: self.leases.renew() }
    }

    /// Takes the bytes that streams moved since the last time.
    pub(in super::super::super) fn take_streamed_bytes(&self) -> u64 {
        self.leases.take_bytes()
    }
}
