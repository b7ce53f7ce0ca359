//! Tiny components, written as text: each does one thing a test needs.
//!
//! Not here: hostile ones (`guests`); our own plugins (`program::plugin`).

/// Compiles the text of a component.
///
/// # Panics
///
/// When the text is wrong.
#[must_use]
pub fn component(text: &str) -> Vec<u8> {
    wat::parse_str(text).expect("the text of a component")
}

/// Adds two numbers: tool `add`.
#[must_use]
pub fn calc() -> Vec<u8> {
    component(
        r#"(component
            (core module $m
                (func (export "add") (param i32 i32) (result i32)
                    (i32.add (local.get 0) (local.get 1))))
            (core instance $i (instantiate $m))
            (func (export "add") (param "a" s32) (param "b" s32) (result s32)
                (canon lift (core func $i "add"))))"#,
    )
}

/// Another build of [`calc`]: the same tool, other bytes.
#[must_use]
pub fn calc_rebuilt() -> Vec<u8> {
    component(
        r#"(component
            (core module $m
                (func (export "add") (param i32 i32) (result i32)
                    (i32.add (local.get 1) (local.get 0))))
            (core instance $i (instantiate $m))
            (func (export "add") (param "a" s32) (param "b" s32) (result s32)
                (canon lift (core func $i "add"))))"#,
    )
}

/// Never ends (`spin`), crashes (`crash`).
#[must_use]
pub fn runaway() -> Vec<u8> {
    component(
        r#"(component
            (core module $m
                (func (export "spin") (loop (br 0)))
                (func (export "crash") unreachable))
            (core instance $i (instantiate $m))
            (func (export "spin") (canon lift (core func $i "spin")))
            (func (export "crash") (canon lift (core func $i "crash"))))"#,
    )
}

/// Counts the environment variables it is given: tool `count`, which fails when there are none.
///
/// The smallest thing that needs a permission: `env:NAME`.
#[must_use]
pub fn env() -> Vec<u8> {
    component(
        r#"(component
            (import "wasi:cli/environment@0.2.6" (instance $env
                (export "get-environment" (func (result (list (tuple string string)))))))
            (core module $libc
                (memory (export "memory") 1)
                (global $next (mut i32) (i32.const 1024))
                (func (export "realloc") (param i32 i32 i32 i32) (result i32)
                    (local $at i32)
                    (local.set $at (i32.and
                        (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
                    (global.set $next (i32.add (local.get $at) (local.get 3)))
                    (local.get $at)))
            (core instance $libc (instantiate $libc))
            (alias export $env "get-environment" (func $get))
            (core func $get (canon lower (func $get)
                (memory $libc "memory") (realloc (func $libc "realloc"))))
            (core module $m
                (import "env" "get" (func $get (param i32)))
                (import "libc" "memory" (memory 1))
                (data (i32.const 64) "no variable is set")
                ;; The answer at 16: whether it failed, then the count or the text.
                (func (export "count") (result i32)
                    (call $get (i32.const 0))
                    (if (i32.eqz (i32.load (i32.const 4)))
                        (then
                            (i32.store (i32.const 16) (i32.const 1))
                            (i32.store (i32.const 20) (i32.const 64))
                            (i32.store (i32.const 24) (i32.const 18)))
                        (else
                            (i32.store (i32.const 16) (i32.const 0))
                            (i32.store (i32.const 20) (i32.load (i32.const 4)))))
                    (i32.const 16)))
            (core instance $i (instantiate $m
                (with "env" (instance (export "get" (func $get))))
                (with "libc" (instance $libc))))
            (func (export "count") (result (result u32 (error string)))
                (canon lift (core func $i "count") (memory $libc "memory"))))"#,
    )
}

/// A policy of the router whose `rank` does this: its memory has one page, its answer is the place of an
/// address and a length.
#[must_use]
pub fn policy(body: &str) -> Vec<u8> {
    component(&format!(
        r#"(component
            (core module $m
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096))
                (func (export "rank") (param i32 i32 i32 i32) (result i32) {body}))
            (core instance $i (instantiate $m))
            (func $rank (param "request" string) (param "candidates" string) (result (list u32))
                (canon lift (core func $i "rank")
                    (memory $i "memory") (realloc (func $i "realloc"))))
            (instance $routing (export "rank" (func $rank)))
            (export "ax:guest/routing@0.1.2" (instance $routing)))"#
    ))
}

/// The manifest that goes with [`policy`]: it asks for nothing.
pub const POLICY_MANIFEST: &str = r#"[plugin]
name = "test:policy"
version = "1.0.0"
description = "Orders models"
host = "^0.2"
"#;

/// The manifest that goes with [`env`]: it asks for one variable.
pub const ENV_MANIFEST: &str = r#"[plugin]
name = "test:env"
version = "1.0.0"
description = "Counts the variables it is given"
host = "^0.1"

[permissions]
env = [{ name = "LANG", reason = "To speak your language" }]
"#;

/// The manifest that goes with [`calc`]: it asks for nothing.
pub const CALC_MANIFEST: &str = r#"[plugin]
name = "test:calc"
version = "1.0.0"
description = "Adds numbers"
host = "^0.1"
"#;
