//! The root certificates that an operator trusts besides the machine's own: `network.ca-file`.
//!
//! Invariant: never waits and never reads more than [`ROOTS_FILE_BYTES_MAX`]. A file that was named
//! and adds nothing is an error, or the requests it was meant for would fail without a reason.
//! Not here: which file (`config`); whether a certificate can be a root (`egress`).

use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;

use crate::folder;

/// Bytes of the file: several times what all public authorities together take.
pub(super) const ROOTS_FILE_BYTES_MAX: u64 = 1024 * 1024;

/// Why the operator's root certificates cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum RootsError {
    /// The file is not there or cannot be read.
    #[error("cannot read `{path}`, which `network.ca-file` names", path = .path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// Something else is where the file should be.
    #[error("`{path}`, which `network.ca-file` names, is not a file", path = .path.display())]
    NotAFile {
        /// Where the file should be.
        path: PathBuf,
    },
    /// Others could add roots.
    #[error("`{path}` is not for root or this user alone to write (mode {mode:03o})", path = .path.display())]
    Shared {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The file is larger than any set of certificates.
    #[error("`{path}` is larger than {bytes_max} bytes", path = .path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Bytes it may have.
        bytes_max: u64,
    },
    /// A certificate is cut off or not base64.
    #[error("certificate {number} of `{path}` is damaged", path = .path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which one, from 1.
        number: usize,
    },
    /// There is no certificate in it.
    #[error("`{path}` holds no certificate", path = .path.display())]
    Empty {
        /// The file.
        path: PathBuf,
    },
}

impl RootsError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unreadable { .. } | Self::NotAFile { .. } => Some(
                "name a PEM file that you may read, or delete `ca-file` from `[network]`: \
                 ax config show --sources"
                    .to_owned(),
            ),
            Self::Shared { path, .. } => {
                Some(format!("chmod go-w {}, if it is yours", path.display()))
            }
            Self::TooLarge { .. } => Some("keep the roots that are needed".to_owned()),
            Self::Damaged { .. } => Some("get the file again from whoever gave it".to_owned()),
            Self::Empty { .. } => Some(
                "a certificate in PEM begins with `-----BEGIN CERTIFICATE-----`; from DER: \
                 openssl x509 -inform der -in FILE -out FILE.pem"
                    .to_owned(),
            ),
        }
    }
}

/// Reads every certificate of a PEM file; what else stands in it is passed over.
///
/// # Errors
///
/// [`RootsError`], which names the file.
pub fn extra_roots(path: &Path) -> Result<Vec<CertificateDer<'static>>, RootsError> {
    let pem = read(path)?;
    let mut roots = Vec::new();
    for certificate in CertificateDer::pem_slice_iter(&pem) {
        // What the parser says may repeat the file.
        roots.push(
            certificate.map_err(|_| RootsError::Damaged {
                path: path.to_owned(),
                number: roots.len() + 1,
            })?,
        );
    }
    if roots.is_empty() {
        return Err(RootsError::Empty { path: path.to_owned() });
    }
    Ok(roots)
}

fn read(path: &Path) -> Result<Vec<u8>, RootsError> {
    let unreadable = |source| RootsError::Unreadable { path: path.to_owned(), source };
    let file = folder::open(path).map_err(unreadable)?;
    // What was opened is what is looked at.
    let data = file.metadata().map_err(unreadable)?;
    if !data.is_file() {
        return Err(RootsError::NotAFile { path: path.to_owned() });
    }
    let (owner, mode) = (data.uid(), data.mode() & 0o777);
    // Who may write it decides which servers are believed, and so who is told secrets.
    if mode & 0o022 != 0 || (owner != 0 && owner != rustix::process::geteuid().as_raw()) {
        return Err(RootsError::Shared { path: path.to_owned(), mode });
    }
    let bytes = folder::read(file, ROOTS_FILE_BYTES_MAX).map_err(unreadable)?;
    let bytes_max = ROOTS_FILE_BYTES_MAX;
    bytes.ok_or_else(|| RootsError::TooLarge { path: path.to_owned(), bytes_max })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_file_that_others_may_write_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        fs_err::write(&path, certificate().0).unwrap();
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o620)).unwrap();
        let refused = extra_roots(&path);
        assert!(matches!(refused, Err(RootsError::Shared { mode: 0o620, .. })), "{refused:?}");
    }

    /// A self-signed certificate and its key, both as PEM.
    fn certificate() -> (String, String) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        (made.cert.pem(), made.signing_key.serialize_pem())
    }

    /// Writes a file and reads it as roots; tells how many there are.
    fn roots(content: impl AsRef<[u8]>) -> Result<usize, RootsError> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("roots.pem");
        fs_err::write(&path, content).unwrap();
        fs_err::set_permissions(&path, PermissionsExt::from_mode(0o600)).unwrap();
        extra_roots(&path).map(|roots| roots.len())
    }

    #[test]
    fn every_certificate_of_a_file_is_read_and_what_else_it_holds_is_not() {
        let (one, key) = certificate();
        let (two, _) = certificate();
        assert_eq!(roots(&one).unwrap(), 1);
        assert_eq!(roots(format!("# ours\n{one}{key}\n{two}")).unwrap(), 2);
    }

    #[test]
    fn a_file_without_a_certificate_is_refused() {
        let (_, key) = certificate();
        for wrong in ["", "hello", key.as_str()] {
            assert!(matches!(roots(wrong), Err(RootsError::Empty { .. })), "{wrong}");
        }
    }

    #[test]
    fn a_damaged_certificate_is_told_by_its_number() {
        let (one, _) = certificate();
        let cut = &one[..one.len() / 2];
        for wrong in [format!("{one}{cut}"), format!("{one}{}", one.replacen("MII", "§§", 1))] {
            let error = roots(&wrong).unwrap_err();
            assert!(matches!(error, RootsError::Damaged { number: 2, .. }), "{error}");
            assert!(error.hint().is_some());
        }
    }

    #[test]
    fn a_file_may_have_one_mebibyte_and_not_a_byte_more() {
        let (one, _) = certificate();
        let bytes_max = usize::try_from(ROOTS_FILE_BYTES_MAX).unwrap();
        let padded = |bytes: usize| format!("{one}{}", "\n".repeat(bytes - one.len()));
        assert_eq!(roots(padded(bytes_max)).unwrap(), 1);
        assert!(matches!(roots(padded(bytes_max + 1)), Err(RootsError::TooLarge { .. })));
    }

    #[test]
    fn what_is_no_file_is_refused_without_waiting() {
        let folder = tempfile::tempdir().unwrap();
        let missing = extra_roots(&folder.path().join("none.pem")).unwrap_err();
        assert!(matches!(missing, RootsError::Unreadable { .. }), "{missing}");
        for path in [folder.path(), Path::new("/dev/zero")] {
            let error = extra_roots(path).unwrap_err();
            assert!(matches!(error, RootsError::NotAFile { .. }), "{error}");
        }
    }
}
