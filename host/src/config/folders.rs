//! The names an operator may give to folders, so that a permission can speak of them.
//!
//! Invariant: exactly the names that `fs:NAME:read` accepts, without `*` and without `workspace`,
//! which is bound in a way of its own.
//! Not here: opening the folders (`plugin`).

use ax_manifest::Access;
use ax_manifest::Permission;

/// Folders that can be named at once: each is an open handle in every command that runs a plugin.
pub const FOLDERS_MAX: usize = 16;

/// The name that is bound by `--workspace` or by where `ax.toml` is.
pub(super) const WORKSPACE: &str = "workspace";

/// Why a text cannot name a folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FolderNameFlaw {
    /// It is the name of the workspace.
    #[error("`workspace` is the folder that holds `ax.toml`, or the one of `--workspace`")]
    Workspace,
    /// No permission could speak of it.
    #[error("a name has a-z, 0-9 and single hyphens, starts with a letter, at most 64 characters")]
    NotAName,
}

impl FolderNameFlaw {
    /// Says what the user can do; printed after the error as `hint: …`.
    pub(super) fn hint(self) -> &'static str {
        match self {
            Self::Workspace => "use `--workspace DIR` or set AX_WORKSPACE",
            Self::NotAName => "choose a name like `data` or `test-data`",
        }
    }
}

/// Checks that `name` can name a folder.
///
/// # Errors
///
/// [`FolderNameFlaw`], saying why not.
pub(super) fn check_name(name: &str) -> Result<(), FolderNameFlaw> {
    if name == WORKSPACE {
        return Err(FolderNameFlaw::Workspace);
    }
    // Asking the grammar keeps the two from ever drifting apart.
    let permission = format!("fs:{name}:read").parse();
    match permission {
        Ok(Permission::Fs { folder, access: Access::Read }) if folder == name && name != "*" => {
            Ok(())
        }
        Ok(_) | Err(_) => Err(FolderNameFlaw::NotAName),
    }
}

#[cfg(test)]
mod tests {
    use super::FolderNameFlaw;
    use super::check_name;

    #[test]
    fn what_no_permission_could_name_is_refused() {
        let long = "a".repeat(65);
        for name in ["", "*", "Data", "a_b", "a b", "../x", "/etc", "a:write", "a.b", "é", "1a"]
            .into_iter()
            .chain([long.as_str()])
        {
            assert_eq!(check_name(name), Err(FolderNameFlaw::NotAName), "{name}");
        }
        assert_eq!(check_name("workspace"), Err(FolderNameFlaw::Workspace));
    }

    #[test]
    fn a_kebab_name_of_64_characters_is_one() {
        for name in ["data", "test-data-2", "a", "a".repeat(64).as_str()] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
    }
}
