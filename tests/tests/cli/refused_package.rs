//! Wrong packages: what, why, what to type; and nothing is installed.

use ax_manifest::Manifest;
use ax_manifest::derive_tools;
use ax_manifest::inspect;
use ax_registry::Package;
use ax_registry::PluginConfig;
use ax_registry::pack;
use ax_tests::components;
use ax_tests::home::Home;

use crate::setup;

/// Adds a package of these bytes; gives what was said, once it is sure nothing was installed.
fn refused(bytes: &[u8]) -> String {
    let home = Home::new();
    home.write("x.axp", bytes);
    let told = home.told(&["plugin", "add", "x.axp"]);
    assert_eq!(home.installed(), Vec::<String>::new());
    told
}

fn whole() -> Vec<u8> {
    setup::package(components::CALC_MANIFEST, components::calc())
}

#[test]
fn a_file_that_is_no_package() {
    insta::assert_snapshot!(refused(b"PK\x03\x04 this is a zip"), @r"
    exit 1
    --- stderr
    error[AX-P006]: `WORK/x.axp` is not a valid package
    caused by: the package is cut off at byte 18, inside a header

    hint: get the file again; its end is missing
    ");
}

#[test]
fn a_package_that_was_cut_off() {
    let whole = whole();
    insta::assert_snapshot!(refused(&whole[..whole.len() / 2]), @r"
    exit 1
    --- stderr
    error[AX-P006]: `WORK/x.axp` is not a valid package
    caused by: the package is cut off at byte 3328, inside a header

    hint: get the file again; its end is missing
    ");
}

#[test]
fn a_package_with_one_byte_changed_anywhere() {
    let whole = whole();
    let home = Home::new();
    let mut refusals = 0;
    // A prime step, so that headers, names, JSON and the component are all hit.
    for at in (0..whole.len()).step_by(257) {
        let mut changed = whole.clone();
        changed[at] ^= 0x20;
        home.write("x.axp", &changed);
        let run = home.ax(&["plugin", "add", "x.axp"]);
        assert_eq!(run.code, 1, "byte {at}: {}", run.stderr);
        assert!(run.stderr.contains("error[AX-P00"), "byte {at}: {}", run.stderr);
        refusals += 1;
    }
    assert!(refusals > 20, "{refusals}");
    assert_eq!(home.installed(), Vec::<String>::new());
}

#[test]
fn a_component_swapped_for_another() {
    let (calc, other) = (components::calc(), components::calc_rebuilt());
    let whole = whole();
    let at = whole.windows(calc.len()).position(|window| window == calc).expect("it is inside");
    let mut changed = whole;
    changed[at..at + other.len()].copy_from_slice(&other);
    insta::assert_snapshot!(refused(&changed), @r"
    exit 1
    --- stderr
    error[AX-P006]: `WORK/x.axp` is not a valid package
    caused by: the component has digest sha256:DIGEST, but its name says sha256:DIGEST

    hint: do not install it: it was changed after it was made; get it again from its author
    ");
}

#[test]
fn a_package_that_lists_other_tools_than_its_component() {
    let component = components::calc();
    let manifest = Manifest::parse(components::CALC_MANIFEST).expect("a manifest");
    let facts = inspect(&component).expect("a component");
    let mut tools = derive_tools(&facts, Some(&manifest)).expect("tools");
    tools[0].description = "Does something quite harmless".to_owned();
    let config = PluginConfig::new(manifest, tools, &facts);
    let package = Package { config, component, wit: None, docs: Default::default() };
    // Either nobody can make such a package, or nobody can install it.
    if let Ok(bytes) = pack(&package) {
        insta::assert_snapshot!(refused(&bytes), @r"
        exit 1
        --- stderr
        error[AX-P006]: the package `WORK/x.axp` lists other tools than its component has

        hint: do not install it; ask its author for a new package
        ");
    }
}
