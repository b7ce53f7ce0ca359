//! The one table: WIT interface, permission, effect class, and whether this host serves it.
//!
//! ```text
//! component imports ──► row_of ──► admit (may it be installed?)
//!                          └─────► the host's linker: one `match` on `Capability`, no wildcard
//! ```
//!
//! Invariant: one [`Capability`] per interface and one [`Row`] per capability, in the same order.
//! Whatever the host links has a row here; whatever has no row here is refused.
//! Not here: how an interface is linked (the host), whether one call is allowed (the host's gate).

mod admission;

use crate::permission::PermissionKind;

pub use admission::AdmissionError;
pub use admission::Warning;
pub use admission::admit;

/// An interface a component may import. One variant per interface, so that the host's linker can
/// match exhaustively: a new row does not compile until something links it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Capability {
    /// `ax:types/types`: shared words, no functions.
    AxTypes,
    /// `ax:log/log`.
    AxLog,
    /// `ax:config/config`.
    AxConfig,
    /// `ax:task/call`: facts about the running call.
    AxTaskCall,
    /// `ax:kv/store`.
    AxKvStore,
    /// `ax:http/client`.
    AxHttpClient,
    /// `ax:secrets/secrets`.
    AxSecrets,
    /// `ax:events/bus`.
    AxEventsBus,
    /// `ax:tools/tools`.
    AxTools,
    /// `ax:services/services`.
    AxServices,
    /// `ax:model/chat`.
    AxModelChat,
    /// `ax:memory/memory`.
    AxMemory,
    /// `ax:task/task`: waits and delegation inside a durable task.
    AxTask,
    /// `wasi:http/types`.
    WasiHttpTypes,
    /// `wasi:http/outgoing-handler`.
    WasiHttpOutgoingHandler,
    /// `wasi:io/error`.
    WasiIoError,
    /// `wasi:io/poll`.
    WasiIoPoll,
    /// `wasi:io/streams`.
    WasiIoStreams,
    /// `wasi:clocks/wall-clock`.
    WasiClocksWallClock,
    /// `wasi:clocks/monotonic-clock`.
    WasiClocksMonotonicClock,
    /// `wasi:random/random`.
    WasiRandomRandom,
    /// `wasi:random/insecure`.
    WasiRandomInsecure,
    /// `wasi:random/insecure-seed`.
    WasiRandomInsecureSeed,
    /// `wasi:cli/environment`: granted names only.
    WasiCliEnvironment,
    /// `wasi:cli/exit`.
    WasiCliExit,
    /// `wasi:cli/stdin`: always empty.
    WasiCliStdin,
    /// `wasi:cli/stdout`: goes to the log.
    WasiCliStdout,
    /// `wasi:cli/stderr`: goes to the log.
    WasiCliStderr,
    /// `wasi:cli/terminal-input`.
    WasiCliTerminalInput,
    /// `wasi:cli/terminal-output`.
    WasiCliTerminalOutput,
    /// `wasi:cli/terminal-stdin`.
    WasiCliTerminalStdin,
    /// `wasi:cli/terminal-stdout`.
    WasiCliTerminalStdout,
    /// `wasi:cli/terminal-stderr`.
    WasiCliTerminalStderr,
    /// `wasi:filesystem/types`.
    WasiFilesystemTypes,
    /// `wasi:filesystem/preopens`: granted folders only.
    WasiFilesystemPreopens,
    /// `wasi:sockets/network`.
    WasiSocketsNetwork,
    /// `wasi:sockets/instance-network`.
    WasiSocketsInstanceNetwork,
    /// `wasi:sockets/tcp`.
    WasiSocketsTcp,
    /// `wasi:sockets/tcp-create-socket`.
    WasiSocketsTcpCreateSocket,
    /// `wasi:sockets/udp`.
    WasiSocketsUdp,
    /// `wasi:sockets/udp-create-socket`.
    WasiSocketsUdpCreateSocket,
    /// `wasi:sockets/ip-name-lookup`.
    WasiSocketsIpNameLookup,
}

/// What is known about an effect when a call is interrupted, from harmless to worst.
///
/// A row gives the worst an interface can do once everything of its kind is granted; the host
/// judges each call no lower than it really is.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
)]
#[serde(rename_all = "kebab-case")]
pub enum EffectClass {
    /// Changes nothing outside: run it again.
    Pure,
    /// Carries a key: sending it twice has one effect.
    Keyed,
    /// Whether it happened can be asked.
    Readable,
    /// Has a declared compensation.
    Compensable,
    /// May have happened or not; a person decides.
    Unsafe,
}

/// Whether this host links the interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Served {
    /// It is linked.
    Now,
    /// It is not linked yet; the host version that will offer it.
    From(&'static str),
    /// It is known and will not be offered.
    Never,
}

/// Whether a person can allow what the functions of an interface do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Grantable {
    /// Nothing needs to be granted.
    NotNeeded,
    /// By a permission of the row's `kind`.
    ByPermission,
    /// Linked only so that components load: every function is denied, for everybody, for ever.
    Never,
}

/// One line of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// Which capability the line is about.
    pub capability: Capability,
    /// Package and interface without a version: `wasi:io/streams`.
    pub interface: &'static str,
    /// The compatible versions, as `major.minor` (`0.2` covers `0.2.0` to the last `0.2.x`).
    pub track: &'static str,
    /// The kind of permission its functions need.
    pub kind: Option<PermissionKind>,
    /// The functions that need it; empty means every function.
    pub gated: &'static [&'static str],
    /// Whether it can be allowed at all.
    pub grantable: Grantable,
    /// The worst its functions can do.
    pub effect: EffectClass,
    /// Whether this host links it.
    pub served: Served,
    /// Linked for everybody, empty-handed: importing it is never undeclared, and the grant is
    /// judged at each call.
    pub baseline: bool,
}

impl Capability {
    /// Every capability, in the order of [`TABLE`].
    pub const ALL: &[Self] = &{
        let mut all = [Self::AxTypes; TABLE.len()];
        let mut index = 0;
        while index < all.len() {
            all[index] = TABLE[index].capability;
            index += 1;
        }
        all
    };

    /// Finds the line about this capability.
    pub const fn row(self) -> &'static Row {
        // The compiler checks below that line `n` is about variant `n`.
        &TABLE[self as usize]
    }
}

/// The table.
pub const TABLE: &[Row] = {
    use Capability as C;
    use EffectClass as E;
    use PermissionKind as P;
    &[
        free(C::AxTypes, "ax:types/types"),
        free(C::AxLog, "ax:log/log"),
        free(C::AxConfig, "ax:config/config"),
        free(C::AxTaskCall, "ax:task/call"),
        ours(C::AxKvStore, "ax:kv/store", P::Kv, E::Keyed),
        ours(C::AxHttpClient, "ax:http/client", P::Net, E::Unsafe),
        ours(C::AxSecrets, "ax:secrets/secrets", P::Secret, E::Pure),
        later(C::AxEventsBus, "ax:events/bus", "0.3", P::Events, E::Keyed),
        ours(C::AxTools, "ax:tools/tools", P::Tools, E::Unsafe),
        later(C::AxServices, "ax:services/services", "0.3", P::Services, E::Unsafe),
        // Asking a model changes nothing but the bill, so it may be asked again.
        ours(C::AxModelChat, "ax:model/chat", P::Models, E::Pure),
        later(C::AxMemory, "ax:memory/memory", "0.3", P::Memory, E::Keyed),
        // Waiting needs no permission; setting another agent to work does.
        Row {
            gated: &["delegate", "delegate-all"],
            ..ours(C::AxTask, "ax:task/task", P::Agents, E::Keyed)
        },
        // Building a request sends nothing; handing it over does.
        wasi_http(C::WasiHttpTypes, "wasi:http/types", E::Pure),
        wasi_http(C::WasiHttpOutgoingHandler, "wasi:http/outgoing-handler", E::Unsafe),
        base(C::WasiIoError, "wasi:io/error"),
        base(C::WasiIoPoll, "wasi:io/poll"),
        base(C::WasiIoStreams, "wasi:io/streams"),
        base(C::WasiClocksWallClock, "wasi:clocks/wall-clock"),
        base(C::WasiClocksMonotonicClock, "wasi:clocks/monotonic-clock"),
        base(C::WasiRandomRandom, "wasi:random/random"),
        base(C::WasiRandomInsecure, "wasi:random/insecure"),
        base(C::WasiRandomInsecureSeed, "wasi:random/insecure-seed"),
        base_by(C::WasiCliEnvironment, "wasi:cli/environment", P::Env, E::Pure),
        base(C::WasiCliExit, "wasi:cli/exit"),
        base(C::WasiCliStdin, "wasi:cli/stdin"),
        base(C::WasiCliStdout, "wasi:cli/stdout"),
        base(C::WasiCliStderr, "wasi:cli/stderr"),
        base(C::WasiCliTerminalInput, "wasi:cli/terminal-input"),
        base(C::WasiCliTerminalOutput, "wasi:cli/terminal-output"),
        base(C::WasiCliTerminalStdin, "wasi:cli/terminal-stdin"),
        base(C::WasiCliTerminalStdout, "wasi:cli/terminal-stdout"),
        base(C::WasiCliTerminalStderr, "wasi:cli/terminal-stderr"),
        base_by(C::WasiFilesystemTypes, "wasi:filesystem/types", P::Fs, E::Unsafe),
        base_by(C::WasiFilesystemPreopens, "wasi:filesystem/preopens", P::Fs, E::Pure),
        denied(C::WasiSocketsNetwork, "wasi:sockets/network"),
        denied(C::WasiSocketsInstanceNetwork, "wasi:sockets/instance-network"),
        denied(C::WasiSocketsTcp, "wasi:sockets/tcp"),
        denied(C::WasiSocketsTcpCreateSocket, "wasi:sockets/tcp-create-socket"),
        denied(C::WasiSocketsUdp, "wasi:sockets/udp"),
        denied(C::WasiSocketsUdpCreateSocket, "wasi:sockets/udp-create-socket"),
        denied(C::WasiSocketsIpNameLookup, "wasi:sockets/ip-name-lookup"),
    ]
};

/// The compatible versions of our own packages.
const AX_TRACK: &str = "0.1";
/// The compatible versions of WASI that components of today import.
const WASI_TRACK: &str = "0.2";

// A line out of place would hand one interface the rules of another, so it must not compile.
const _: () = {
    let mut index = 0;
    while index < TABLE.len() {
        assert!(TABLE[index].capability as usize == index, "line n is about variant n");
        index += 1;
    }
};

/// Finds the line about an import such as `wasi:io/streams@0.2.6`. `None` without a version, for an
/// unknown interface, and for a version of another track.
pub fn row_of(import: &str) -> Option<&'static Row> {
    let (interface, version) = import.split_once('@')?;
    let version = semver::Version::parse(version).ok()?;
    // A pre-release is compatible with nothing but itself.
    let track = version.pre.is_empty().then(|| format!("{}.{}", version.major, version.minor))?;
    TABLE.iter().find(|row| row.interface == interface && row.track == track)
}

/// An interface of ours that everybody has.
const fn free(capability: Capability, interface: &'static str) -> Row {
    Row {
        capability,
        interface,
        track: AX_TRACK,
        kind: None,
        gated: &[],
        grantable: Grantable::NotNeeded,
        effect: EffectClass::Pure,
        served: Served::Now,
        baseline: false,
    }
}

/// An interface of ours that takes a permission.
const fn ours(
    capability: Capability,
    interface: &'static str,
    kind: PermissionKind,
    effect: EffectClass,
) -> Row {
    Row {
        kind: Some(kind),
        grantable: Grantable::ByPermission,
        effect,
        ..free(capability, interface)
    }
}

/// An interface of ours that host version `from` will bring.
const fn later(
    capability: Capability,
    interface: &'static str,
    from: &'static str,
    kind: PermissionKind,
    effect: EffectClass,
) -> Row {
    Row { served: Served::From(from), ..ours(capability, interface, kind, effect) }
}

/// An interface of `wasi:http`, with what it sends under the rules of `ax:http`.
const fn wasi_http(capability: Capability, interface: &'static str, effect: EffectClass) -> Row {
    Row { track: WASI_TRACK, ..ours(capability, interface, PermissionKind::Net, effect) }
}

/// Baseline WASI: linked for everybody, nothing behind it that needs a grant.
const fn base(capability: Capability, interface: &'static str) -> Row {
    Row { track: WASI_TRACK, baseline: true, ..free(capability, interface) }
}

/// Baseline WASI that shows nothing until it is granted.
const fn base_by(
    capability: Capability,
    interface: &'static str,
    kind: PermissionKind,
    effect: EffectClass,
) -> Row {
    Row {
        kind: Some(kind),
        grantable: Grantable::ByPermission,
        effect,
        ..base(capability, interface)
    }
}

/// Baseline WASI whose every function is denied: sockets, which Python components import whether
/// they use them or not.
const fn denied(capability: Capability, interface: &'static str) -> Row {
    Row { grantable: Grantable::Never, ..base(capability, interface) }
}

#[cfg(test)]
mod tests {
    use super::AX_TRACK;
    use super::Capability;
    use super::Grantable;
    use super::Served;
    use super::TABLE;
    use super::WASI_TRACK;
    use super::row_of;

    #[test]
    fn every_capability_has_the_row_about_itself() {
        assert_eq!(Capability::ALL.len(), TABLE.len());
        for &capability in Capability::ALL {
            assert_eq!(capability.row().capability, capability);
        }
    }

    #[test]
    fn no_interface_has_two_rows() {
        for row in TABLE {
            let same = TABLE.iter().filter(|other| other.interface == row.interface);
            assert_eq!(same.count(), 1, "{}", row.interface);
        }
    }

    #[test]
    fn a_permission_is_named_where_one_is_needed_and_nowhere_else() {
        for row in TABLE {
            let by_permission = row.grantable == Grantable::ByPermission;
            assert_eq!(row.kind.is_some(), by_permission, "{}", row.interface);
        }
    }

    #[test]
    fn sockets_are_never_grantable_and_nothing_else_is_so() {
        for row in TABLE {
            let never = row.grantable == Grantable::Never;
            assert_eq!(row.interface.starts_with("wasi:sockets/"), never, "{}", row.interface);
        }
    }

    #[test]
    fn the_baseline_is_wasi_without_http_and_is_served() {
        for row in TABLE {
            let wasi = row.interface.starts_with("wasi:");
            let http = row.interface.starts_with("wasi:http/");
            assert_eq!(row.baseline, wasi && !http, "{}", row.interface);
            assert_eq!(row.track, if wasi { WASI_TRACK } else { AX_TRACK });
            if row.baseline {
                assert_eq!(row.served, Served::Now, "{}", row.interface);
            }
        }
    }

    #[test]
    fn every_version_of_a_track_has_the_same_row() {
        for version in ["0.2.0", "0.2.6", "0.2.12", "0.2.99"] {
            let row = row_of(&format!("wasi:io/streams@{version}")).expect("the track is 0.2");
            assert_eq!(row.capability, Capability::WasiIoStreams);
        }
    }

    #[test]
    fn other_tracks_pre_releases_and_bare_names_have_no_row() {
        for import in [
            "wasi:io/streams",
            "wasi:io/streams@",
            "wasi:io/streams@0.2",
            "wasi:io/streams@0.3.0",
            "wasi:io/streams@0.2.0-rc-2023-11-10",
            "wasi:io/stream@0.2.6",
            "ax:log/log@0.2.0",
            "ax:log/log@1.1.0",
            "log",
            "",
            "@",
        ] {
            assert_eq!(row_of(import), None, "{import}");
        }
    }

    #[test]
    fn the_table_reads_as_documented() {
        let lines: Vec<_> = TABLE
            .iter()
            .map(|row| {
                let kind = row.kind.map_or("-", |kind| kind.word());
                let (interface, effect, served) = (row.interface, row.effect, row.served);
                format!("{interface} {kind} {effect:?} {served:?}")
            })
            .collect();
        insta::assert_snapshot!(lines.join("\n"), @r#"
        ax:types/types - Pure Now
        ax:log/log - Pure Now
        ax:config/config - Pure Now
        ax:task/call - Pure Now
        ax:kv/store kv Keyed Now
        ax:http/client net Unsafe Now
        ax:secrets/secrets secret Pure Now
        ax:events/bus events Keyed From("0.3")
        ax:tools/tools tools Unsafe Now
        ax:services/services services Unsafe From("0.3")
        ax:model/chat models Pure Now
        ax:memory/memory memory Keyed From("0.3")
        ax:task/task agents Keyed Now
        wasi:http/types net Pure Now
        wasi:http/outgoing-handler net Unsafe Now
        wasi:io/error - Pure Now
        wasi:io/poll - Pure Now
        wasi:io/streams - Pure Now
        wasi:clocks/wall-clock - Pure Now
        wasi:clocks/monotonic-clock - Pure Now
        wasi:random/random - Pure Now
        wasi:random/insecure - Pure Now
        wasi:random/insecure-seed - Pure Now
        wasi:cli/environment env Pure Now
        wasi:cli/exit - Pure Now
        wasi:cli/stdin - Pure Now
        wasi:cli/stdout - Pure Now
        wasi:cli/stderr - Pure Now
        wasi:cli/terminal-input - Pure Now
        wasi:cli/terminal-output - Pure Now
        wasi:cli/terminal-stdin - Pure Now
        wasi:cli/terminal-stdout - Pure Now
        wasi:cli/terminal-stderr - Pure Now
        wasi:filesystem/types fs Unsafe Now
        wasi:filesystem/preopens fs Pure Now
        wasi:sockets/network - Pure Now
        wasi:sockets/instance-network - Pure Now
        wasi:sockets/tcp - Pure Now
        wasi:sockets/tcp-create-socket - Pure Now
        wasi:sockets/udp - Pure Now
        wasi:sockets/udp-create-socket - Pure Now
        wasi:sockets/ip-name-lookup - Pure Now
        "#);
    }
}
