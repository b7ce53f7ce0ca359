//! Decides from imports and declared permissions whether a component may be installed.
//!
//! Invariant: whatever is admitted can be linked, and every function it may call either needs no
//! permission, is judged at each call (the baseline), or was declared.
//! Not here: consent to what is declared, and each single call (the host).

use std::fmt;

use super::Row;
use super::Served;
use super::TABLE;
use super::row_of;
use crate::inspect::ComponentFacts;
use crate::inspect::ImportedInterface;
use crate::name::PluginName;
use crate::nearest::nearest;
use crate::permission::Permission;
use crate::permission::PermissionKind;
use crate::permission::PermissionSet;
use crate::text::Quoted;

/// Something odd that does not stop an installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Warning {
    /// A permission is declared, but the component imports nothing that could use it.
    Unused {
        /// The declared permission.
        permission: Permission,
    },
    /// A plugin is named in `[dependencies]`, which nothing acts on yet.
    Dependency {
        /// The plugin.
        on: PluginName,
    },
}

/// Why a component may not be installed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AdmissionError {
    /// It calls an interface whose permission its manifest does not ask for.
    #[error("the component imports `{interface}`, but its manifest asks for no `{}`", kind.word())]
    Undeclared {
        /// The import without its version.
        interface: &'static str,
        /// The kind of permission the manifest would have to ask for.
        kind: PermissionKind,
        /// The first host version that offers the interface, if this one does not.
        from: Option<&'static str>,
    },
    /// No package offers the interface.
    #[error("the component imports {}, which this host does not know", Quoted(import))]
    Unknown {
        /// The import as written.
        import: String,
        /// A known interface that looks like it.
        nearest: Option<&'static str>,
    },
    /// The interface is known in other versions.
    #[error("the component imports {}; this host knows version {track}", Quoted(import))]
    OtherVersion {
        /// The import as written.
        import: String,
        /// The versions that are known, as `major.minor`.
        track: &'static str,
    },
    /// A later host will offer the interface.
    #[error("the component imports `{interface}`, which comes with host version {from}")]
    NotServedYet {
        /// The import without its version.
        interface: &'static str,
        /// The first host version that offers it.
        from: &'static str,
    },
    /// The interface is known and will not be offered.
    #[error("the component imports `{interface}`, which this host does not offer")]
    NeverServed {
        /// The import without its version.
        interface: &'static str,
    },
}

impl AdmissionError {
    /// Says what the author can type; printed after the error as `hint: …`.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Undeclared { kind, from, .. } => {
                let add = format!("add to [permissions] of plugin.toml: {}", example(*kind));
                Some(match from {
                    None => add,
                    Some(from) => format!("{add}; host version {from} will offer it"),
                })
            }
            Self::Unknown { nearest: Some(interface), .. } => {
                Some(format!("did you mean `{interface}`?"))
            }
            Self::Unknown { nearest: None, .. } => {
                Some("compose the component that offers it into this one: `wac plug`".to_owned())
            }
            Self::OtherVersion { track, .. } => {
                Some(format!("build against version {track} of the interface"))
            }
            Self::NotServedYet { from, .. } => {
                Some(format!("upgrade the host to {from}, or build without the import"))
            }
            Self::NeverServed { .. } => Some("build without the import".to_owned()),
        }
    }
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unused { permission } => write!(
                f,
                "the manifest asks for `{permission}`, but the component imports nothing that \
                 could use it"
            ),
            Self::Dependency { on } => {
                write!(f, "the manifest depends on `{on}`, which is not installed with it")
            }
        }
    }
}

impl Warning {
    /// Says what the author can do.
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Unused { .. } => Some("remove it from `[permissions]` in plugin.toml".to_owned()),
            Self::Dependency { .. } => Some("say in README.md what else to install".to_owned()),
        }
    }
}

/// Compares what a component imports with what its manifest asks for.
///
/// # Errors
///
/// [`AdmissionError`] about the first import, in the order of the file, that is undeclared,
/// unknown or not served. An import that is there only for its types is always admitted.
pub fn admit(
    facts: &ComponentFacts,
    asked: &PermissionSet,
) -> Result<Vec<Warning>, AdmissionError> {
    let mut usable = Vec::new();
    for import in facts.imports.iter().filter(|import| !import.functions.is_empty()) {
        let row = row_of(&import.name).ok_or_else(|| stranger(&import.name))?;
        if let Some(kind) = gated_kind(row, import) {
            if !row.baseline && !asked.iter().any(|permission| permission.kind() == kind) {
                let from = match row.served {
                    Served::From(from) => Some(from),
                    Served::Now | Served::Never => None,
                };
                return Err(AdmissionError::Undeclared { interface: row.interface, kind, from });
            }
            usable.push(kind);
        }
        served(row)?;
    }
    let unused =
        asked.iter().filter(|permission| !usable.iter().any(|&kind| uses(kind, permission)));
    Ok(unused.map(|permission| Warning::Unused { permission: permission.clone() }).collect())
}

/// Finds the kind of permission that this import needs, given the functions it has.
fn gated_kind(row: &Row, import: &ImportedInterface) -> Option<PermissionKind> {
    let gated = |function: &String| row.gated.contains(&function.as_str());
    let needed = row.gated.is_empty() || import.functions.iter().any(gated);
    row.kind.filter(|_| needed)
}

/// Refuses an interface that is not linked.
fn served(row: &Row) -> Result<(), AdmissionError> {
    let interface = row.interface;
    match row.served {
        Served::Now => Ok(()),
        Served::From(from) => Err(AdmissionError::NotServedYet { interface, from }),
        Served::Never => Err(AdmissionError::NeverServed { interface }),
    }
}

/// Answers whether an import of `kind` makes use of `permission`.
fn uses(kind: PermissionKind, permission: &Permission) -> bool {
    // Secrets are put into requests, so whoever can send a request can use one.
    kind == permission.kind()
        || (kind == PermissionKind::Net && permission.kind() == PermissionKind::Secret)
}

/// Explains an import without a row.
fn stranger(import: &str) -> AdmissionError {
    let interface = import.split_once('@').map_or(import, |(interface, _)| interface);
    let import = import.to_owned();
    match TABLE.iter().find(|row| row.interface == interface) {
        Some(row) => AdmissionError::OtherVersion { import, track: row.track },
        None => {
            let nearest = nearest(interface, TABLE.iter().map(|row| row.interface));
            AdmissionError::Unknown { import, nearest }
        }
    }
}

/// Shows how a permission of this kind is declared.
fn example(kind: PermissionKind) -> &'static str {
    match kind {
        PermissionKind::Kv => r#"kv = { bytes = "10 MiB", reason = "…" }"#,
        PermissionKind::Net => r#"net = [{ to = "https://api.example.com", reason = "…" }]"#,
        PermissionKind::Secret => {
            r#"secrets = [{ name = "api-token", to = "https://api.example.com", reason = "…" }]"#
        }
        PermissionKind::Models => r#"models = [{ tier = "fast", calls = 20 }]"#,
        PermissionKind::Tools => r#"tools = ["ax:fetch.get"]"#,
        PermissionKind::Services => r#"services = ["ax:notes/search"]"#,
        PermissionKind::Events => r#"events = { publish = ["review.*"] }"#,
        PermissionKind::Memory => r#"memory = ["private"]"#,
        PermissionKind::Agents => r#"agents = ["reviewer"]"#,
        PermissionKind::Fs => r#"fs = [{ path = "workspace", access = "read" }]"#,
        PermissionKind::Env => r#"env = ["LANG"]"#,
    }
}

#[cfg(test)]
mod tests {
    use super::AdmissionError;
    use super::Warning;
    use super::admit;
    use super::example;
    use crate::capability::Capability;
    use crate::capability::Served;
    use crate::digest::Digest;
    use crate::inspect::ComponentFacts;
    use crate::inspect::Counts;
    use crate::inspect::ImportedInterface;
    use crate::manifest::Manifest;
    use crate::permission::Permission;
    use crate::permission::PermissionSet;

    /// Facts about a component with these imports: an interface and the functions it uses.
    fn facts(imports: &[(&str, &[&str])]) -> ComponentFacts {
        let imports = imports.iter().map(|(name, functions)| ImportedInterface {
            name: (*name).to_owned(),
            functions: functions.iter().map(|&function| function.to_owned()).collect(),
        });
        ComponentFacts {
            digest: Digest::of(b""),
            size: 0,
            imports: imports.collect(),
            exports: Vec::new(),
            guest_interfaces: Vec::new(),
            counts: Counts::default(),
        }
    }

    fn set(permissions: &[&str]) -> PermissionSet {
        permissions
            .iter()
            .map(|text| text.parse::<Permission>().unwrap_or_else(|error| panic!("{error}")))
            .collect()
    }

    /// Tries one import that calls `call`.
    fn import(name: &str, asked: &[&str]) -> Result<Vec<Warning>, AdmissionError> {
        admit(&facts(&[(name, &["call"])]), &set(asked))
    }

    #[test]
    fn the_baseline_and_what_needs_no_permission_are_admitted_undeclared() {
        for &capability in Capability::ALL {
            let row = capability.row();
            let name = format!("{}@{}.0", row.interface, row.track);
            if row.baseline || (row.kind.is_none() && row.served == Served::Now) {
                assert_eq!(import(&name, &[]), Ok(Vec::new()), "{name}");
            } else {
                assert!(import(&name, &[]).is_err(), "{name}");
            }
        }
    }

    #[test]
    fn an_undeclared_import_is_refused_with_the_line_to_type() {
        let error =
            import("ax:kv/store@0.1.0", &["fs:workspace:read"]).expect_err("kv is not asked");
        insta::assert_snapshot!(error, @"the component imports `ax:kv/store`, but its manifest asks for no `kv`");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @r#"add to [permissions] of plugin.toml: kv = { bytes = "10 MiB", reason = "…" }"#);
    }

    #[test]
    fn what_a_later_host_offers_is_refused_with_its_version() {
        let error = import("ax:memory/memory@0.1.0", &["memory:private"]).expect_err("later");
        insta::assert_snapshot!(error, @"the component imports `ax:memory/memory`, which comes with host version 0.3");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"upgrade the host to 0.3, or build without the import");
    }

    #[test]
    fn an_unknown_interface_is_refused_with_the_nearest_name() {
        let error = import("ax:lgo/log@0.1.0", &[]).expect_err("a slip");
        insta::assert_snapshot!(error, @"the component imports `ax:lgo/log@0.1.0`, which this host does not know");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"did you mean `ax:log/log`?");
        let error = import("acme:db/query@1.0.0", &[]).expect_err("a stranger");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"compose the component that offers it into this one: `wac plug`");
        assert!(matches!(import("now", &[]), Err(AdmissionError::Unknown { .. })));
    }

    #[test]
    fn a_known_interface_of_another_version_is_refused_with_ours() {
        let error = import("wasi:io/streams@0.3.0", &[]).expect_err("another track");
        insta::assert_snapshot!(error, @"the component imports `wasi:io/streams@0.3.0`; this host knows version 0.2");
        insta::assert_snapshot!(error.hint().unwrap_or_default(), @"build against version 0.2 of the interface");
    }

    #[test]
    fn an_import_for_its_types_alone_is_admitted() {
        let types: &[&str] = &[];
        for name in ["ax:tools/tools@0.1.0", "acme:words/types@9.0.0", "some-type"] {
            assert_eq!(admit(&facts(&[(name, types)]), &set(&[])), Ok(Vec::new()), "{name}");
        }
    }

    #[test]
    fn waiting_in_a_task_needs_no_permission_but_delegating_does() {
        let task = |function| admit(&facts(&[("ax:task/task@0.1.0", &[function])]), &set(&[]));
        assert!(matches!(task("sleep"), Err(AdmissionError::NotServedYet { .. })));
        assert!(matches!(task("delegate"), Err(AdmissionError::Undeclared { .. })));
    }

    #[test]
    fn what_nothing_can_use_is_warned_of() {
        let files: &[(&str, &[&str])] =
            &[("wasi:filesystem/types@0.2.6", &["[method]descriptor.read"])];
        assert_eq!(admit(&facts(files), &set(&["fs:workspace:read"])), Ok(Vec::new()));
        let asked = set(&["fs:workspace:read", "env:LANG"]);
        let warnings = admit(&facts(files), &asked).expect("it is only odd");
        let texts: Vec<_> = warnings.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(texts.join("\n"), @"the manifest asks for `env:LANG`, but the component imports nothing that could use it");
        assert!(warnings[0].hint().is_some());
    }

    #[test]
    fn every_line_to_type_is_right() {
        for &capability in Capability::ALL {
            let Some(kind) = capability.row().kind else { continue };
            let text = format!(
                "[plugin]\nname = \"acme:x\"\nversion = \"1.0.0\"\ndescription = \"X\"\n\
                 host = \"^0.1\"\n[permissions]\n{}\n",
                example(kind)
            );
            let manifest = Manifest::parse(&text).unwrap_or_else(|error| panic!("{error}\n{text}"));
            assert!(manifest.asked().iter().any(|permission| permission.kind() == kind), "{text}");
        }
    }

    #[test]
    fn only_the_first_wrong_import_is_named() {
        let call: &[&str] = &["call"];
        let facts =
            facts(&[("ax:log/log@0.1.0", call), ("x:a/a@1.0.0", call), ("x:b/b@1.0.0", call)]);
        let Err(AdmissionError::Unknown { import, .. }) = admit(&facts, &set(&[])) else {
            panic!()
        };
        assert_eq!(import, "x:a/a@1.0.0");
    }
}
