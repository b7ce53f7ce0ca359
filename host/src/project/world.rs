//! The WIT world of a project: what its manifest asks for is what its component may import.
//!
//! Toolchains that make bindings from a world read it from `.ax/wit`. The Rust SDK has its bindings
//! already, and a component keeps those imports that it calls.

use ax_manifest::{Manifest, PermissionKind, Served, TABLE};

/// Returns the patch version of a package of ours, which `wit/` has and a world names.
fn patch(interface: &str) -> u32 {
    u32::from(interface.starts_with("ax:task/"))
}

/// Writes the world of a plugin.
pub(super) fn world_of(manifest: &Manifest) -> String {
    let asked =
        |kind: PermissionKind| manifest.permissions.iter().any(|ask| ask.permission.kind() == kind);
    let mut world = String::from(
        "// Made by `ax build` from plugin.toml.\npackage local:plugin;\n\nworld plugin {\n",
    );
    let ours = TABLE.iter().filter(|row| row.interface.starts_with("ax:"));
    for row in ours.filter(|row| row.served == Served::Now && row.kind.is_none_or(asked)) {
        let patch = patch(row.interface);
        world.push_str(&format!("  import {}@{}.{patch};\n", row.interface, row.track));
    }
    world.push_str("  export ax:guest/tools@0.1.3;\n");
    // Who keeps data may have to bring them to a newer form.
    if asked(PermissionKind::Kv) {
        world.push_str("  export ax:guest/lifecycle@0.1.3;\n");
    }
    world.push_str("}\n");
    world
}

/// Takes out of a world what the manifest asks for and the sources never import: then the component does
/// not import it either, and that is told as for any other.
pub(super) fn without_unused(world: &str, used: &[String]) -> String {
    let is_unused = |line: &&str| {
        let import = line.trim().strip_prefix("import ").and_then(|it| it.split('@').next());
        let row = import.and_then(|import| TABLE.iter().find(|row| row.interface == import));
        row.is_some_and(|row| row.kind.is_some() && !used.iter().any(|it| it == row.interface))
    };
    world.lines().filter(|line| !is_unused(line)).map(|line| format!("{line}\n")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world(permissions: &str) -> String {
        let text = format!(
            "[plugin]\nname = \"my:hello\"\nversion = \"0.1.0\"\ndescription = \"d\"\n\
             license = \"MIT\"\nhost = \"^0.2\"\ncomponent = \"plugin.wasm\"\n{permissions}"
        );
        world_of(&Manifest::parse(&text).unwrap())
    }

    #[test]
    fn who_asks_for_nothing_imports_what_everybody_has() {
        insta::assert_snapshot!(world(""), @r"
        // Made by `ax build` from plugin.toml.
        package local:plugin;

        world plugin {
          import ax:types/types@0.1.0;
          import ax:log/log@0.1.0;
          import ax:config/config@0.1.0;
          import ax:task/call@0.1.1;
          export ax:guest/tools@0.1.3;
        }
        ");
    }

    #[test]
    fn what_is_asked_for_and_never_imported_is_taken_out() {
        let all = world(
            "[permissions]\nkv = { bytes = \"1 MiB\", reason = \"r\" }\n\
             net = [{ to = \"https://example.org\", methods = [\"GET\"], reason = \"r\" }]\n",
        );
        let less = without_unused(&all, &["ax:kv/store".to_owned()]);
        assert!(less.contains("ax:kv/store") && !less.contains("ax:http"), "{less}");
        assert!(less.contains("ax:log/log") && less.contains("ax:guest/lifecycle"), "{less}");
        assert_eq!(without_unused(&all, &["ax:kv/store".into(), "ax:http/client".into()]), all);
    }

    #[test]
    fn who_asks_imports_what_the_permission_is_for() {
        let all = world(
            "[permissions]\nkv = { bytes = \"1 MiB\", reason = \"r\" }\n\
             net = [{ to = \"https://example.org\", methods = [\"GET\"], reason = \"r\" }]\n",
        );
        for line in ["import ax:kv/store@0.1.0", "import ax:http/client@0.1.0", "guest/lifecycle"] {
            assert!(all.contains(line), "{line}: {all}");
        }
        assert!(!all.contains("ax:secrets"), "{all}");
    }
}
