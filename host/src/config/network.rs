//! `[network]` of the user's file: what the operator opens and trusts for requests of plugins.
//!
//! ```toml
//! [network]
//! open = ["10.1.0.0/16", "fd00:1::/32"]
//! ca-file = "/etc/ssl/company.pem"
//! ```
//!
//! `open` lets requests reach addresses that are refused otherwise, private ones above all; a plugin
//! still needs its grant. `ca-file` names certificates that are trusted besides the machine's own.
//!
//! Invariant: only the user's file says so. A project's file may come from a stranger, who could
//! open the person's own network, or put a certificate between them and every host.
//! Not here: what is refused and why (`egress`), reading the certificates (`app`).

use std::path::Path;
use std::path::PathBuf;

use crate::config::document::Entry;
use crate::config::document::Located;
use crate::config::document::entries;
use crate::config::error::FileFlaw;
use crate::config::path::Bases;
use crate::config::path::resolve;
use crate::config::source::Setting;
use crate::egress::Network;

/// Networks that can be opened: more than one organisation has, few enough to try each on every
/// connection.
pub const NETWORKS_MAX: usize = 64;

/// The keys of `[network]`.
const KEYS: &[&str] = &["ca-file", "open"];

/// What the operator opened and trusts beyond the machine's own settings.
#[derive(Debug, Clone)]
pub struct NetworkSettings {
    /// Addresses that requests may reach although they are not public, at most [`NETWORKS_MAX`].
    pub open: Setting<Vec<Network>>,
    /// A PEM file of certificates that are trusted too; it may not be there.
    pub ca_file: Option<Setting<PathBuf>>,
}

/// What the file says.
#[derive(Debug, Default)]
pub(super) struct NetworkSection {
    open: Option<Vec<Network>>,
    ca_file: Option<PathBuf>,
}

impl NetworkSettings {
    /// Lays what the user's file says over the defaults: nothing opened, nothing added.
    pub(super) fn of_user(user_file: &Path, section: NetworkSection) -> Self {
        Self {
            open: Setting::of_user(user_file, section.open)
                .unwrap_or_else(|| Setting::default_of(Vec::new())),
            ca_file: Setting::of_user(user_file, section.ca_file),
        }
    }
}

/// Reads the section; `~` in it stands for `home`.
pub(super) fn parse(section: &Entry<'_>, home: Option<&Path>) -> Result<NetworkSection, Located> {
    let mut read = NetworkSection::default();
    for (name, entry) in entries(section.table()?, "network") {
        match name {
            "open" => read.open = Some(networks(&entry)?),
            "ca-file" => {
                let text = entry.text()?;
                let bases = Bases { directory: None, home };
                let path = resolve(Path::new(text), bases).map_err(|flaw| {
                    let (key, path) = (entry.key.clone(), text.to_owned());
                    entry.wrong(FileFlaw::Path { key, path, flaw })
                })?;
                read.ca_file = Some(path);
            }
            other => return Err(entry.unknown(other, KEYS)),
        }
    }
    Ok(read)
}

fn networks(list: &Entry<'_>) -> Result<Vec<Network>, Located> {
    let mut networks = Vec::new();
    for item in list.list()? {
        if networks.len() == NETWORKS_MAX {
            return Err(item.wrong(FileFlaw::TooManyNetworks { max: NETWORKS_MAX }));
        }
        let network = item.text()?.parse();
        networks.push(network.map_err(|error| item.wrong(FileFlaw::Network(error)))?);
    }
    Ok(networks)
}
