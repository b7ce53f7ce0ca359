//! Whether two permissions allow something in common.
//!
//! ```text
//! covers:    the whole of one lies in the other       net:*  covers  net:http://*
//! overlaps:  a part of one lies in the other          net:https://*.a.org  meets  net:*
//! ```
//!
//! A rule that forbids must find every grant it takes something from, also one that is wider than
//! itself; `covers` would miss that one.
//!
//! Invariant: exact and symmetric; what covers also overlaps; nothing is allocated. Permissions
//! overlap if and only if there is one request, file, tool … that both allow.
//! Not here: what forbidding means for the permission that was found (`policy`).

use crate::permission::origin::is_under;
use crate::permission::{
    ANY, HostPattern, MemoryScope, NetRule, Origin, PathPattern, Permission, ToolPattern,
};

impl Permission {
    /// Tells whether there is anything that both allow. Permissions of different kinds allow
    /// nothing in common.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kv, Self::Kv) => true,
            (Self::Net(ours), Self::Net(theirs)) => ours.overlaps(theirs),
            (Self::Secret { name: ours, to }, Self::Secret { name: theirs, to: toward }) => {
                names_overlap(ours, theirs) && to.overlaps(toward)
            }
            (Self::Tools(ours), Self::Tools(theirs)) => ours.overlaps(theirs),
            (
                Self::Services { plugin: ours, service },
                Self::Services { plugin: theirs, service: other },
            ) => ours == theirs && names_overlap(service, other),
            (
                Self::Events { direction: ours, topic },
                Self::Events { direction: theirs, topic: other },
            ) => ours == theirs && topics_overlap(topic, other),
            (Self::Memory(ours), Self::Memory(theirs)) => match (ours, theirs) {
                (MemoryScope::Private, MemoryScope::Private) => true,
                (MemoryScope::Shared(ours), MemoryScope::Shared(theirs)) => {
                    names_overlap(ours, theirs)
                }
                (MemoryScope::Private, MemoryScope::Shared(_))
                | (MemoryScope::Shared(_), MemoryScope::Private) => false,
            },
            // Reading is in both, whichever access each of them has.
            (Self::Fs { folder: ours, .. }, Self::Fs { folder: theirs, .. })
            | (Self::Models { tier: ours }, Self::Models { tier: theirs })
            | (Self::Agents { name: ours }, Self::Agents { name: theirs })
            | (Self::Env { name: ours }, Self::Env { name: theirs }) => names_overlap(ours, theirs),
            _ => false,
        }
    }
}

impl NetRule {
    /// Tells whether there is a request that both allow.
    pub fn overlaps(&self, other: &Self) -> bool {
        let origins = match (self.origin(), other.origin()) {
            (None, _) | (_, None) => true,
            (Some(ours), Some(theirs)) => ours.overlaps(theirs),
        };
        let (ours, theirs) = (self.paths(), other.paths());
        let paths = || {
            ours.is_empty()
                || theirs.is_empty()
                || ours.iter().any(|path| theirs.iter().any(|other| path.overlaps(other)))
        };
        // Most rules differ in the path or before it; the sets of methods take longest to compare.
        origins && paths() && !self.methods().is_disjoint(other.methods())
    }
}

impl Origin {
    /// Tells whether there is a place that both name.
    pub fn overlaps(&self, other: &Self) -> bool {
        let ports = match (self.port(), other.port()) {
            (None, _) | (_, None) => true,
            (Some(ours), Some(theirs)) => ours == theirs,
        };
        self.scheme() == other.scheme() && ports && self.host().overlaps(other.host())
    }
}

impl HostPattern {
    fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::Under(ours), Self::Under(theirs)) => {
                ours == theirs || is_under(ours, theirs) || is_under(theirs, ours)
            }
            (Self::Under(above), Self::Name(name)) | (Self::Name(name), Self::Under(above)) => {
                is_under(name, above)
            }
            (
                Self::Under(_) | Self::Name(_) | Self::V4(_) | Self::V6(_),
                Self::Under(_) | Self::Name(_) | Self::V4(_) | Self::V6(_),
            ) => self == other,
        }
    }
}

impl PathPattern {
    /// Tells whether there is a path that both match.
    pub fn overlaps(&self, other: &Self) -> bool {
        // Paths that differ before the first wildcard are the usual case. A `*` is always one, since
        // the character itself is written `%2A`.
        let mut pairs = self.as_str().bytes().zip(other.as_str().bytes());
        let first = pairs.find(|(ours, theirs)| ours != theirs || *ours == b'*');
        if first.is_some_and(|(ours, theirs)| ours != b'*' && theirs != b'*') {
            return false;
        }
        let (mut ours, mut theirs) = (self.segments(), other.segments());
        loop {
            match (ours.next(), theirs.next()) {
                (None, None) => return true,
                (None, Some(_)) | (Some(_), None) => return false,
                // Whatever segments are left on the other side, something matches them.
                (Some("**"), Some(_)) | (Some(_), Some("**")) => return true,
                (Some("*"), Some(segment)) | (Some(segment), Some("*")) if !segment.is_empty() => {}
                (Some(ours), Some(theirs)) if ours == theirs => {}
                (Some(_), Some(_)) => return false,
            }
        }
    }
}

impl ToolPattern {
    /// Tells whether there is a tool that both name.
    pub fn overlaps(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) | (_, Self::Any) => true,
            (Self::AllOf(ours), Self::AllOf(theirs)) => ours == theirs,
            (Self::AllOf(plugin), Self::One(tool)) | (Self::One(tool), Self::AllOf(plugin)) => {
                *plugin == tool.plugin
            }
            (Self::One(ours), Self::One(theirs)) => ours == theirs,
        }
    }
}

/// Tells whether two names, or `*`, have a name in common.
fn names_overlap(ours: &str, theirs: &str) -> bool {
    ours == ANY || theirs == ANY || ours == theirs
}

fn topics_overlap(ours: &str, theirs: &str) -> bool {
    match (ours.strip_suffix(ANY), theirs.strip_suffix(ANY)) {
        (None, None) => ours == theirs,
        (Some(front), None) => theirs.starts_with(front),
        (None, Some(front)) => ours.starts_with(front),
        (Some(ours), Some(theirs)) => ours.starts_with(theirs) || theirs.starts_with(ours),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::{Strategy, proptest};

    use crate::permission::covers::tests::any_permission;
    use crate::permission::{Permission, PermissionKind};

    fn overlaps(a: &str, b: &str) -> bool {
        let parse = |text: &str| text.parse::<Permission>().expect(text);
        assert_eq!(parse(a).overlaps(&parse(b)), parse(b).overlaps(&parse(a)), "{a} {b}");
        parse(a).overlaps(&parse(b))
    }

    /// Every single thing that can be asked in a world of few words, none of them a pattern.
    static REQUESTS: LazyLock<Vec<Permission>> = LazyLock::new(|| {
        let mut texts: Vec<String> = [
            "kv",
            "memory:private",
            "memory:shared:a",
            "memory:shared:b",
            "models:a",
            "models:b",
            "agents:a",
            "agents:b",
            "env:a",
            "env:b",
            "fs:a:read",
            "fs:a:write",
            "fs:b:read",
            "fs:b:write",
            "tools:a:a.a",
            "tools:a:a.b",
            "tools:a:b.x",
            "tools:c:c.x",
            "services:a:a/a",
            "services:a:a/b",
            "services:a:b/a",
            "services:a:b/b",
        ]
        .map(str::to_owned)
        .into();
        for topic in ["a", "a.a", "a.b", "a.b.a", "a.b.x", "ab", "x"] {
            texts.extend(["publish", "subscribe"].map(|way| format!("events:{way}:{topic}")));
        }
        let hosts = ["a.b", "c.a.b", "d.c.a.b", "z.b", "z", "10.0.0.1", "[::1]"];
        let paths = ["/", "/a", "/a/", "/b", "/a/b", "/a/x", "/x/b", "/a/b/", "/a/b/a", "/x/y"];
        for scheme in ["http", "https"] {
            for host in hosts {
                for port in [80, 443, 8443, 9] {
                    let origin = format!("{scheme}://{host}:{port}");
                    texts.extend(["a", "b"].map(|name| format!("secret:{name}@{origin}")));
                    for method in ["GET", "HEAD", "POST", "DELETE"] {
                        texts.extend(paths.map(|path| format!("net:{origin}:{method}:{path}")));
                    }
                }
            }
        }
        texts.iter().map(|text| text.parse().expect(text)).collect()
    });

    #[test]
    fn a_narrow_denial_meets_a_wide_grant() {
        for (a, b) in [
            ("net:http://*", "net:*"),
            ("net:https://*.a.org", "net:https://*.org:GET"),
            ("net:https://*:8443", "net:https://*"),
            ("net:https://h:GET:/a/*", "net:https://h:GET:/*/b"),
            ("net:https://h:GET:/a/**", "net:https://h:GET:/*/b/c"),
            ("net:https://h:GET,POST", "net:https://h:POST,PUT"),
            ("net:https://h:GET:/x,/a", "net:https://h:GET:/y,/a"),
            ("secret:*@https://h", "secret:token@https://*"),
            ("fs:out:write", "fs:*:read"),
            ("tools:ax:fetch.get", "tools:ax:fetch.*"),
            ("events:publish:a.b.*", "events:publish:a.*"),
            ("services:a:b/*", "services:a:b/c"),
        ] {
            assert!(overlaps(a, b), "{a} {b}");
        }
    }

    #[test]
    fn neighbours_have_nothing_in_common() {
        for (a, b) in [
            ("net:http://*", "net:https://*"),
            ("net:https://*.a.org", "net:https://a.org"),
            ("net:https://*.a.org", "net:https://*.b.org"),
            ("net:https://*.a.org", "net:https://xa.org"),
            ("net:https://*.org", "net:https://10.0.0.1"),
            ("net:https://*:8443", "net:https://*.a.org"),
            ("net:https://h:GET", "net:https://h:POST"),
            ("net:https://h:GET:/a", "net:https://h:GET:/a/**"),
            ("net:https://h:GET:/a/*", "net:https://h:GET:/a/"),
            ("net:https://h:GET:/a/*", "net:https://h:GET:/a/*/*"),
            ("net:https://h:GET:/a/*", "net:https://h:GET:/b/*"),
            ("net:https://h:GET:/a/b", "net:https://h:GET:/a/%2A"),
            ("secret:a@https://h", "secret:b@https://h"),
            ("secret:a@https://h", "secret:a@http://h"),
            ("fs:out:read", "fs:workspace:read"),
            ("tools:ax:fetch.*", "tools:ax:fetcher.get"),
            ("events:publish:a.*", "events:publish:a"),
            ("events:publish:a.*", "events:publish:ab.*"),
            ("events:publish:*", "events:subscribe:*"),
            ("memory:private", "memory:shared:*"),
            ("agents:*", "models:*"),
        ] {
            assert!(!overlaps(a, b), "{a} {b}");
        }
    }

    #[test]
    fn the_world_of_the_proof_has_every_kind() {
        for kind in PermissionKind::ALL {
            assert!(REQUESTS.iter().any(|request| request.kind() == kind), "{}", kind.word());
        }
    }

    /// Permissions among which many are of one kind, so that pairs say something.
    fn many() -> impl Strategy<Value = Vec<Permission>> {
        proptest::collection::vec(any_permission(), 30)
    }

    /// Goes through the pairs of one kind.
    fn pairs(many: &[Permission]) -> impl Iterator<Item = (&Permission, &Permission)> {
        let pairs = many.iter().flat_map(|a| many.iter().map(move |b| (a, b)));
        pairs.filter(|(a, b)| a.kind() == b.kind())
    }

    proptest! {
        #[test]
        fn overlapping_is_reflexive_symmetric_and_implied_by_covering(many in many()) {
            for (a, b) in pairs(&many) {
                assert!(a.overlaps(a), "{a}");
                assert_eq!(a.overlaps(b), b.overlaps(a), "{a} {b}");
                assert!(!a.covers(b) || a.overlaps(b), "{a} {b}");
            }
        }

        #[test]
        fn two_overlap_exactly_if_both_allow_one_request(many in many()) {
            for (a, b) in pairs(&many) {
                let shared = REQUESTS.iter().find(|request| a.covers(request) && b.covers(request));
                assert_eq!(a.overlaps(b), shared.is_some(), "{a} {b} {shared:?}");
            }
        }

        #[test]
        fn permissions_of_two_kinds_never_overlap(a in any_permission(), b in any_permission()) {
            assert!(a.kind() == b.kind() || !a.overlaps(&b), "{a} {b}");
        }
    }
}
