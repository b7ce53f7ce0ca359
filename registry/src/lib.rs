//! Packages, what is installed from them, and how that changes without ever being half done.
//!
//! Read the modules in this order: a [`Package`] is a plugin as one file; the [`Store`] keeps its
//! blobs by digest; a [`Lockfile`] names what is installed; [`Generations`] switch lock and grants
//! together, under the [`HomeLock`]; a [`Sweep`] removes what none of them names any more.
//!
//! Invariant: whatever a package or a file under `AX_HOME` holds, reading it neither panics nor
//! allocates beyond a named bound, and a death at any moment leaves the old state or the new.
//! Not here: components that run (`ax-host`); manifests, permissions and digests (`ax-manifest`);
//! the registry's server.

mod printable;

mod disk;

mod home_lock;

mod package;

mod store;

mod lock;

mod generation;

mod sweep;

pub use generation::Damage;
pub use generation::EARLIER_KEPT;
pub use generation::GRANTS_BYTES_MAX;
pub use generation::Generation;
pub use generation::GenerationError;
pub use generation::Generations;
pub use generation::KeptFor;
pub use generation::Retention;
pub use generation::Sorted;
pub use home_lock::Holder;
pub use home_lock::HomeLock;
pub use home_lock::HomeLockError;
pub use home_lock::POLL;
pub use lock::LOCK_BYTES_MAX;
pub use lock::LOCK_VERSION;
pub use lock::LockDifference;
pub use lock::LockError;
pub use lock::LockedPlugin;
pub use lock::Lockfile;
pub use lock::PluginChange;
pub use package::ARTIFACT_TYPE;
pub use package::Blobs;
pub use package::COMPONENT_TYPE;
pub use package::CONFIG_TYPE;
pub use package::DOCUMENT_BYTES_MAX;
pub use package::DOCUMENTS;
pub use package::ENTRIES_MAX;
pub use package::JSON_BYTES_MAX;
pub use package::MANIFEST_TYPE;
pub use package::NAME_BYTES_MAX;
pub use package::PACKAGE_BYTES_MAX;
pub use package::Package;
pub use package::PackageError;
pub use package::Part;
pub use package::PluginConfig;
pub use package::WIT_TYPE;
pub use package::blobs_named_by;
pub use package::digest_of;
pub use package::pack;
pub use package::read_package;
pub use package::unpack;
pub use store::BLOB_BYTES_MAX;
pub use store::Store;
pub use store::StoreError;
pub use sweep::InUse;
pub use sweep::Listing;
pub use sweep::Sweep;
pub use sweep::SweepError;
pub use sweep::Unused;
pub use sweep::UnusedKind;
