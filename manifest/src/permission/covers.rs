//! Whether one permission allows all that another one does.
//!
//! Invariant: `covers` is a partial order (reflexive, transitive, and permissions that cover each
//! other are equal). It never allocates: this is the check on the hot path of every effect.
//! Not here: sets of permissions (`set`), whether a grant is live (`grant`).

use crate::permission::{ANY, Access, MemoryScope, Permission, ToolPattern};

impl Permission {
    /// Tells whether everything that `other` allows is allowed by `self` alone. Permissions of
    /// different kinds never cover each other.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Kv, Self::Kv) => true,
            (Self::Net(ours), Self::Net(theirs)) => ours.covers(theirs),
            (Self::Secret { name: ours, to }, Self::Secret { name: theirs, to: toward }) => {
                name_covers(ours, theirs) && to.covers(toward)
            }
            (Self::Models { tier: ours }, Self::Models { tier: theirs }) => {
                name_covers(ours, theirs)
            }
            (Self::Tools(ours), Self::Tools(theirs)) => ours.covers(theirs),
            (
                Self::Services { plugin: ours, service },
                Self::Services { plugin: theirs, service: wanted },
            ) => ours == theirs && name_covers(service, wanted),
            (
                Self::Events { direction: ours, topic },
                Self::Events { direction: theirs, topic: wanted },
            ) => ours == theirs && topic_covers(topic, wanted),
            (Self::Memory(ours), Self::Memory(theirs)) => ours.covers(theirs),
            (Self::Agents { name: ours }, Self::Agents { name: theirs })
            | (Self::Env { name: ours }, Self::Env { name: theirs }) => name_covers(ours, theirs),
            (Self::Fs { folder: ours, access }, Self::Fs { folder: theirs, access: wanted }) => {
                name_covers(ours, theirs) && access.covers(*wanted)
            }
            _ => false,
        }
    }
}

impl Access {
    /// Tells whether `self` includes `other`: write includes read.
    pub fn covers(self, other: Self) -> bool {
        self >= other
    }
}

impl MemoryScope {
    fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Private, Self::Private) => true,
            (Self::Shared(ours), Self::Shared(theirs)) => name_covers(ours, theirs),
            (Self::Private, Self::Shared(_)) | (Self::Shared(_), Self::Private) => false,
        }
    }
}

impl ToolPattern {
    /// Tells whether every tool that `other` names is named by `self`.
    pub fn covers(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Any, _) => true,
            (Self::AllOf(ours), Self::AllOf(theirs)) => ours == theirs,
            (Self::AllOf(ours), Self::One(tool)) => *ours == tool.plugin,
            (Self::One(ours), Self::One(theirs)) => ours == theirs,
            (Self::AllOf(_) | Self::One(_), Self::Any) | (Self::One(_), Self::AllOf(_)) => false,
        }
    }
}

fn name_covers(ours: &str, theirs: &str) -> bool {
    ours == ANY || ours == theirs
}

/// Tells whether every topic that `theirs` matches is matched by `ours`.
fn topic_covers(ours: &str, theirs: &str) -> bool {
    match ours.strip_suffix(ANY) {
        // `review.*` keeps its full stop, so `reviewer.x` stays outside and `review.*` inside.
        Some(front) => theirs.starts_with(front),
        None => ours == theirs,
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use proptest::prelude::{Strategy, prop_oneof, proptest};
    use proptest::sample::{select, subsequence};

    use crate::permission::Permission;

    fn permission(text: &str) -> Permission {
        text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
    }

    fn covers(a: &str, b: &str) -> bool {
        permission(a).covers(&permission(b))
    }

    #[test]
    fn a_write_grant_covers_reading() {
        assert!(covers("fs:workspace:write", "fs:workspace:read"));
        assert!(!covers("fs:workspace:read", "fs:workspace:write"));
        assert!(!covers("fs:workspace:write", "fs:out:read"));
        assert!(covers("fs:*:write", "fs:out:read"));
        assert!(!covers("fs:*:read", "fs:out:write"));
        assert!(!covers("fs:out:write", "fs:*:write"));
    }

    #[test]
    fn a_star_covers_every_name_of_its_kind_only() {
        for (all, one) in [
            ("agents:*", "agents:reviewer"),
            ("env:*", "env:LANG"),
            ("models:*", "models:fast"),
            ("memory:shared:*", "memory:shared:team"),
            ("tools:*", "tools:ax:fetch.*"),
            ("tools:ax:fetch.*", "tools:ax:fetch.get"),
            ("services:ax:notes/*", "services:ax:notes/search"),
            ("events:publish:*", "events:publish:review.done"),
            ("events:publish:review.*", "events:publish:review.a.b"),
            ("events:publish:review.*", "events:publish:review.a.*"),
            ("net:*", "net:http://h:DELETE:/x"),
            ("secret:*@https://*", "secret:token@https://h:8443"),
        ] {
            assert!(covers(all, one), "{all} covers {one}");
            assert!(!covers(one, all), "{one} does not cover {all}");
        }
        assert!(!covers("memory:shared:*", "memory:private"));
        assert!(!covers("memory:private", "memory:shared:team"));
        assert!(!covers("agents:*", "models:fast"));
        assert!(!covers("events:publish:*", "events:subscribe:x"));
        assert!(!covers("events:publish:review.*", "events:publish:review"));
        assert!(!covers("events:publish:review.*", "events:publish:reviewer.x"));
        assert!(!covers("tools:ax:fetch.*", "tools:ax:fetcher.get"));
        assert!(!covers("services:ax:notes/*", "services:ax:note/search"));
        assert!(!covers("secret:a@https://h", "secret:b@https://h"));
        assert!(!covers("secret:a@https://h", "secret:a@https://i"));
    }

    /// Permissions from few words, so that covering ones meet often.
    pub(crate) fn any_permission() -> impl Strategy<Value = Permission> {
        let name = || select(vec!["*", "a", "b"]);
        let origin = || {
            let host = select(vec!["*", "*.a.b", "*.b", "a.b", "c.a.b", "10.0.0.1", "[::1]"]);
            let port = select(vec!["", ":443", ":80", ":8443"]);
            (select(vec!["http", "https"]), host, port)
                .prop_map(|(scheme, host, port)| format!("{scheme}://{host}{port}"))
        };
        let methods =
            select(vec!["", ":GET", ":POST,GET", ":POST,GET,idempotency-key", ":*", ":HEAD,GET"]);
        let paths = subsequence(
            vec!["/", "/**", "/a", "/a/", "/a/*", "/a/**", "/a/b", "/a/*/**", "/*", "/*/b", "/%61"],
            0..4,
        )
        .prop_map(|paths| match paths.is_empty() {
            true => String::new(),
            false => format!(":{}", paths.join(",")),
        });
        let topic = select(vec!["*", "a", "a.*", "a.b", "a.b.*", "ab"]);
        let text = prop_oneof![
            select(vec!["kv", "net:*", "memory:private"]).prop_map(str::to_owned),
            (origin(), methods, paths)
                .prop_map(|(to, methods, paths)| { format!("net:{to}{methods}{paths}") }),
            (name(), origin()).prop_map(|(name, to)| format!("secret:{name}@{to}")),
            select(vec!["*", "a:a.*", "a:b.*", "a:a.a", "a:a.b"])
                .prop_map(|t| format!("tools:{t}")),
            (select(vec!["a:a", "a:b"]), name()).prop_map(|(p, s)| format!("services:{p}/{s}")),
            (select(vec!["publish", "subscribe"]), topic)
                .prop_map(|(direction, topic)| format!("events:{direction}:{topic}")),
            name().prop_map(|name| format!("memory:shared:{name}")),
            name().prop_map(|name| format!("models:{name}")),
            name().prop_map(|name| format!("agents:{name}")),
            name().prop_map(|name| format!("env:{name}")),
            (name(), select(vec!["read", "write"]))
                .prop_map(|(folder, access)| format!("fs:{folder}:{access}")),
        ];
        text.prop_map(|text| permission(&text))
    }

    proptest! {
        #![proptest_config(proptest::test_runner::Config::with_cases(4000))]

        #[test]
        fn the_text_of_a_permission_parses_to_it(p in any_permission()) {
            assert_eq!(permission(&p.to_string()), p);
        }

        #[test]
        fn everything_covers_itself(p in any_permission()) {
            assert!(p.covers(&p));
        }

        #[test]
        fn permissions_that_cover_each_other_are_equal(a in any_permission(), b in any_permission()) {
            assert_eq!(a.covers(&b) && b.covers(&a), a == b, "{a} {b}");
        }

        #[test]
        fn covering_is_transitive(a in any_permission(), b in any_permission(), c in any_permission()) {
            if a.covers(&b) && b.covers(&c) {
                assert!(a.covers(&c), "{a} covers {b} covers {c}");
            }
        }
    }
}
