//! Providers of models and the routes to them.

use super::World;
use crate::config::{PROVIDERS_MAX, ROUTES_MAX, Source, TIERS_MAX};
use crate::ledger::Keep;
use crate::provider::Kind;

/// Joins the refusals of several files.
fn refusals(texts: &[&str]) -> String {
    let refusal = |text: &&str| World::new().user(text).refusal();
    texts.iter().map(refusal).collect::<Vec<_>>().join("\n\n").replace("/me/.config/ax/config", "")
}

#[test]
fn what_is_said_of_providers_and_routes_is_what_holds() {
    let config = World::new()
        .user(
            "[providers.claude]\nkind = 'claude'\nkeys = ['anthropic-key', 'other-key']\n\
             priority = 2\nenabled = false\norganisation = 'acme'\ntimeout-ms = 5\nmax-retries = 0\n\
             requests-per-minute = 50\ntokens-per-minute = 2_000_000_000\nmodels = ['a', 'b']\n\
             default-model = 'b'\n[providers.local]\nkind = 'compatible'\nurl = 'http://[::1]:1/v1/'\n\
             [router]\nprimary = 'local/org/model'\nfallbacks = ['claude/a']\nfallback = false\n\
             breaker = false\nbreaker-threshold = 9\nbreaker-cooldown-ms = 8\ndeadline-ms = 7\n\
             hold-ms = 0\npolicy = 'ax:cheapest'\nprices = '~/prices.toml'\nkeep = 'chunks'\nkeep-days = 1\n\
             [router.tiers]\nfast = ['local/org/model', 'claude/a']",
        )
        .load();
    let claude = &config.providers["claude"];
    assert!(matches!(claude.source, Source::User(_)));
    let claude = &claude.value;
    assert_eq!((claude.kind, claude.priority, claude.enabled), (Kind::Claude, 2, false));
    assert_eq!((claude.timeout_ms, claude.max_retries), (5, 0));
    assert_eq!(claude.keys, ["anthropic-key", "other-key"]);
    assert_eq!(claude.tokens_per_minute, Some(2_000_000_000));
    let router = &config.router;
    let primary = &router.primary.as_ref().expect("it is said").value;
    assert_eq!((primary.provider.as_str(), primary.model.as_str()), ("local", "org/model"));
    let policy = router.policy.as_ref().map(|it| it.value.to_string());
    assert_eq!(policy.as_deref(), Some("ax:cheapest"));
    assert_eq!(router.tiers["fast"].value.len(), 2);
    assert_eq!((router.keep.value, router.keep_days.value), (Keep::Chunks, 1));
    assert_eq!((router.hold_ms.value, router.deadline_ms.value), (0, 7));
    assert!(!router.fallback.value && !router.breaker.value);
}

#[test]
fn a_provider_says_where_it_is_wrong() {
    let texts = [
        "providers = 1",
        "[providers.a]\nurl = 'http://h'",
        "[providers.a]\nkind = 'ollama'",
        "[providers.a]\nkind = 'compatible'",
        "[providers.a]\nkind = 'claude'\nkey = 'x'",
        "[providers.a]\nkind = 'claude'\nkeys = ['sk-ant-api03-THE/KEY']",
        "[providers.a]\nkind = 'claude'\nenabled = 'yes'",
        "[providers.a]\nkind = 'claude'\npriority = 11",
        "[providers.a]\nkind = 'claude'\nmodels = 'a'",
        "[providers.'a b']\nkind = 'claude'",
    ];
    insta::assert_snapshot!(refusals(&texts), @r#"
    @.toml:1:13: `providers` is a whole number, not a table
    hint: write `[providers]` on a line of its own and the keys below it

    @.toml:1:12: provider `a` has no `kind`
    hint: write `kind = "claude"`; there are claude, gemini, openai, responses, compatible

    @.toml:2:8: `kind` is `ollama`, which is not one of claude, gemini, openai, responses, compatible
    hint: write `kind = "compatible"` for what speaks as OpenAI does: Ollama, vLLM, llama.cpp

    @.toml:1:12: provider `a`: `url` is missing: a provider of the kind `compatible` has no place of its own
    hint: write a base URL as `http://127.0.0.1:11434/v1`

    @.toml:3:1: unknown key `providers.a.key`
    hint: did you mean `keys`?

    @.toml:1:12: provider `a`: `keys` has what is a key itself, not the name of a secret
    hint: write names of secrets; `ax secret set NAME` keeps a key

    @.toml:3:11: `providers.a.enabled` is a string, not true or false
    hint: write `enabled = true`, without quotes

    @.toml:1:12: provider `a`: `priority` is 11, and 1 to 10 are allowed
    hint: ax config show --sources

    @.toml:3:10: `providers.a.models` is a string, not a list
    hint: write it like `models = ["…"]`

    @.toml:1:12: provider `a b`: `name` is no name of 1 to 100 letters, digits, `-`, `_` and `.`
    hint: ax config show --sources
    "#);
}

#[test]
fn a_route_says_where_it_is_wrong() {
    let texts = [
        "[router]\nprimary = 'claude'",
        "[router]\nfallbacks = ['a/b']",
        "[router]\nprimary = 'a/b'\nfallbacks = ['a/b', 'a/b']",
        "[router.tiers]\nfast = []",
        "[router.tiers]\ndefault = ['a/b']",
        "[router.tiers]\nFast = ['a/b']",
        "[router]\npolicy = 'cheapest'",
        "[router]\nkeep = 'all'",
        "[router]\nhold-ms = 60_001",
        "[router]\nfalback = true",
    ];
    insta::assert_snapshot!(refusals(&texts), @r#"
    @.toml:2:11: `router.primary` is `claude`: it is not a provider and a model with a slash between them
    hint: write it like `claude/claude-sonnet-5-5`; `ax model list` shows all

    @.toml:2:1: `router.fallbacks` is there without `router.primary`
    hint: write who is asked first as `primary`

    @.toml:3:21: `a/b` is there twice
    hint: delete one of the two

    @.toml:2:8: the tier `fast` names nobody
    hint: write it like `claude/claude-sonnet-5-5`; `ax model list` shows all

    @.toml:2:1: `default` cannot name a tier
    hint: write up to 64 small letters, digits and `-`, like `fast`; `default` is `router.primary`

    @.toml:2:1: `Fast` cannot name a tier
    hint: write up to 64 small letters, digits and `-`, like `fast`; `default` is `router.primary`

    @.toml:2:10: `cheapest` is not a name: it has no namespace before a colon
    hint: a plugin is written `namespace:name`, like `ax:metrics`, in quotes

    @.toml:2:8: `router.keep` is `all`, which is not one of nothing, responses, chunks
    hint: write `keep = "nothing"`

    @.toml:2:11: `router.hold-ms` is 60001, outside of 0 to 60000
    hint: write a number from 0 to 60000

    @.toml:2:1: unknown key `router.falback`
    hint: did you mean `fallback`?
    "#);
}

#[test]
fn there_may_be_so_many_and_not_one_more() {
    let providers = |count: usize| {
        (0..count).map(|it| format!("[providers.p{it}]\nkind = 'claude'\n")).collect::<String>()
    };
    let routes = |count: usize| {
        let routes: Vec<_> = (0..count).map(|it| format!("'a/{it}'")).collect();
        format!("[router.tiers]\nfast = [{}]", routes.join(", "))
    };
    let tiers = |count: usize| {
        let tiers: String = (0..count).map(|it| format!("t{it} = ['a/b']\n")).collect();
        format!("[router.tiers]\n{tiers}")
    };
    let is_taken = |text: String| World::new().user(text).try_load().is_ok();
    assert!(is_taken(providers(PROVIDERS_MAX)) && !is_taken(providers(PROVIDERS_MAX + 1)));
    assert!(is_taken(routes(ROUTES_MAX)) && !is_taken(routes(ROUTES_MAX + 1)));
    assert!(is_taken(tiers(TIERS_MAX)) && !is_taken(tiers(TIERS_MAX + 1)));
}
