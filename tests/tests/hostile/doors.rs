//! Guests that import what they may not have.

use ax_manifest::PermissionSet;
use ax_manifest::admit;
use ax_manifest::inspect;

use crate::arena::Arena;
use crate::arena::Guest;
use crate::arena::permission;
use crate::verdict::of_load;
use crate::verdict::of_variant;
use crate::verdict::settle;
use crate::wat;

/// Decides whether a component may be installed with these permissions declared.
fn admission(component: &[u8], declared: &[&str]) -> String {
    let facts = inspect(component).unwrap_or_else(|error| panic!("{error}"));
    let asked: PermissionSet = declared.iter().map(|text| permission(text)).collect();
    of_variant(&admit(&facts, &asked))
}

/// Tries to load it all the same: the linker must not have it either.
fn loading(component: &[u8]) -> String {
    let arena = Arena::shared();
    let loaded = arena.load(&Guest::unchecked(component.to_vec(), Vec::new()));
    arena.still_serves();
    of_load(&loaded)
}

#[test]
fn an_interface_that_nobody_knows_is_refused_twice() {
    let component = wat::of_world("stranger", "stranger");
    settle("unknown-import", "Unknown", &admission(&component, &[]));
    settle("unknown-import-loaded", "link", &loading(&component));
}

#[test]
fn an_interface_that_was_not_declared_is_refused_twice() {
    let component = wat::of_world("keeper", "keeper");
    settle("undeclared-import", "Undeclared", &admission(&component, &[]));
    let declared = admission(&component, &["memory:private"]);
    settle("declared-but-not-served", "NotServedYet", &declared);
    settle("undeclared-import-loaded", "link", &loading(&component));
}

/// A component that imports one function of one interface.
fn importing(interface: &str, function: &str, ty: &str) -> Vec<u8> {
    wat::assemble(&format!(
        r#"(component
          (import "{interface}" (instance $x (export "{function}" (func {ty}))))
          (core module $m (func (export "run")))
          (core instance $i (instantiate $m))
          (func (export "run") (canon lift (core func $i "run"))))"#
    ))
}

#[test]
fn a_function_under_a_known_name_with_another_type_is_not_linked() {
    let component = importing("ax:task/call@0.1.0", "cancelled", "(result u32)");
    settle("wrong-typed-import", "link", &loading(&component));
}

#[test]
fn a_function_that_an_interface_does_not_have_is_not_linked() {
    for (name, interface) in
        [("unknown-function", "ax:log/log@0.1.0"), ("later-function", "ax:log/log@0.1.99")]
    {
        settle(name, "link", &loading(&importing(interface, "erase", "")));
    }
}

#[test]
fn another_version_of_a_known_interface_is_refused_twice() {
    let component = importing("wasi:cli/environment@0.3.0", "get-arguments", "");
    settle("other-version", "OtherVersion", &admission(&component, &[]));
    settle("other-version-loaded", "link", &loading(&component));
    let draft = importing("wasi:cli/environment@0.2.0-rc-2023-11-10", "get-arguments", "");
    assert_eq!(admission(&draft, &[]), "OtherVersion");
    assert_eq!(loading(&draft), "link");
}

#[test]
fn a_bare_function_is_refused_twice() {
    let component = wat::assemble(
        r#"(component
          (import "system" (func $f (param "line" string)))
          (core module $m (func (export "run")))
          (core instance $i (instantiate $m))
          (func (export "run") (canon lift (core func $i "run"))))"#,
    );
    settle("bare-function-import", "Unknown", &admission(&component, &[]));
    settle("bare-function-import-loaded", "link", &loading(&component));
}
