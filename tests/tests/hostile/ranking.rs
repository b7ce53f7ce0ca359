//! Guests that misbehave while they choose which model is asked.

use std::sync::Arc;

use ax_host::audit::read::Filter;
use ax_host::audit::read::Reader;
use ax_host::plugin::LoadError;
use ax_host::plugin::Plugin;
use ax_host::plugin::RANKS_MAX;
use ax_host::plugin::RankError;
use ax_host::plugin::Release;
use ax_manifest::Digest;
use ax_manifest::GrantScope;
use ax_manifest::Identity;
use ax_manifest::Source;
use ax_tests::components;
use serde_json::Value;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::grant;
use crate::arena::permission;
use crate::verdict::of_error;
use crate::verdict::settle;

fn bare(component: &[u8]) -> Release {
    let name = "test:ranked".parse().expect("a name");
    let identity = Identity { name, source: Source::Folder("/ranked".into()) };
    Release::bare(identity, Digest::of(component))
}

fn loaded(release: Release, component: Vec<u8>) -> Arc<Plugin> {
    let plugin = Arena::shared().host.load(release, || Ok::<_, LoadError>(component));
    plugin.expect("it loads")
}

fn asked(plugin: &Arc<Plugin>, those: &Value) -> Result<Vec<u32>, RankError> {
    let arena = Arena::shared();
    let ranked = arena.host.block_on(arena.host.rank(plugin, &json!({}), those));
    arena.still_serves();
    ranked
}

/// Asks a policy whose `rank` does this.
fn ranked(body: &str) -> Result<Vec<u32>, RankError> {
    let component = components::policy(body);
    asked(&loaded(bare(&component), component), &json!([{}, {}]))
}

fn word(ranked: &Result<Vec<u32>, RankError>) -> String {
    match ranked {
        Ok(_) => "ok".to_owned(),
        Err(RankError::Call(error)) => of_error(error),
        Err(RankError::TooMany { .. }) => "too-many".to_owned(),
        Err(RankError::TooMuch { .. }) => "too-much".to_owned(),
    }
}

/// The body of a `rank` that returns so many numbers, all zero.
fn numbers(count: usize) -> String {
    format!(
        "(i32.store (i32.const 0) (i32.const 8192)) (i32.store (i32.const 4) (i32.const {count}))
        (i32.const 0)"
    )
}

#[test]
fn a_crash_in_rank_is_a_crash() {
    settle("trap-in-rank", "trapped", &word(&ranked("unreachable")));
}

#[test]
fn a_loop_in_rank_ends_soon() {
    let ended = word(&ranked("(loop (br 0)) unreachable"));
    // Which of its two limits ends it depends on the machine.
    assert!(["exhausted(fuel)", "exhausted(time)"].contains(&ended.as_str()), "{ended}");
}

#[test]
fn rank_gives_so_many_numbers_and_not_one_more() {
    assert_eq!(ranked(&numbers(RANKS_MAX)).expect("it answers").len(), RANKS_MAX);
    settle("rank-flood", "too-many", &word(&ranked(&numbers(RANKS_MAX + 1))));
    let lie = word(&ranked(&numbers(1 << 29)));
    assert_ne!(lie, "ok");
}

#[test]
fn rank_has_so_much_memory_and_not_a_page_more() {
    let grown = |pages: u32| {
        let failed = format!("(i32.eq (memory.grow (i32.const {pages})) (i32.const -1))");
        ranked(&format!("(if {failed} (then unreachable)) {}", numbers(0)))
    };
    assert_eq!(grown(255).expect("16 MiB in all"), Vec::<u32>::new());
    assert_ne!(word(&grown(256)), "ok");
}

#[test]
fn what_is_told_has_a_bound() {
    let component = components::policy("(i32.const 0)");
    let plugin = loaded(bare(&component), component);
    let told = asked(&plugin, &json!(["x".repeat(1 << 20)]));
    settle("endless-candidates", "too-much", &word(&told));
}

#[test]
fn rank_may_not_do_what_its_plugin_may() {
    let component = components::component(
        r#"(component
            (import "wasi:cli/environment@0.2.6" (instance $env
                (export "get-environment" (func (result (list (tuple string string)))))))
            (core module $libc
                (memory (export "memory") 1)
                (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 4096)))
            (core instance $libc (instantiate $libc))
            (alias export $env "get-environment" (func $get))
            (core func $get (canon lower (func $get)
                (memory $libc "memory") (realloc (func $libc "realloc"))))
            (core module $m
                (import "env" "get" (func $get (param i32)))
                (import "libc" "memory" (memory 1))
                ;; One number: how many variables there are.
                (func (export "rank") (param i32 i32 i32 i32) (result i32)
                    (call $get (i32.const 0))
                    (i32.store (i32.const 16) (i32.const 4))
                    (i32.store (i32.const 20) (i32.const 1))
                    (i32.const 16)))
            (core instance $i (instantiate $m
                (with "env" (instance (export "get" (func $get))))
                (with "libc" (instance $libc))))
            (func $rank (param "request" string) (param "candidates" string) (result (list u32))
                (canon lift (core func $i "rank")
                    (memory $libc "memory") (realloc (func $libc "realloc"))))
            (instance $routing (export "rank" (func $rank)))
            (export "ax:guest/routing@0.1.2" (instance $routing)))"#,
    );
    let release = Release {
        declared: [permission("env:GRANTED")].into_iter().collect(),
        grants: vec![grant("env:GRANTED", GrantScope::Always)],
        ..bare(&component)
    };
    let variables = asked(&loaded(release, component), &json!([{}, {}])).expect("it answers");
    settle("rank-reads-environment", "[0]", &format!("{variables:?}"));
}

#[test]
fn each_order_leaves_a_row() {
    drop(ranked("unreachable"));
    drop(ranked("(i32.const 0)"));
    let filter = Filter { plugin: Some("test:ranked".to_owned()), ..Filter::default() };
    let page = Reader::open(&Arena::written()).and_then(|reader| reader.tail(&filter, 100));
    let rows = page.expect("the log is read").rows.into_iter().map(|row| row.body_json());
    let told: Vec<_> =
        rows.map(|body| format!("{} {}", body["tool"], body["outcome"]).replace('"', "")).collect();
    for row in ["routing.rank ok", "routing.rank error:failed"] {
        assert!(told.iter().any(|it| it == row), "{told:?}");
    }
}
