//! A policy of one's own: a plugin that chooses which model is asked.

use ax_tests::components::{POLICY_MANIFEST, policy};
use ax_tests::home::Home;
use ax_tests::program;
use ax_tests::server::{Answer, Server, answer};
use serde_json::json;

use crate::chat::{asking, body, says};

/// What a policy answers that has no opinion.
const NO_OPINION: &str = "(i32.const 0)";

/// A home with two models, of which the usual order asks the dear one first, and this policy.
fn with_policy(home: Home, name: &str, [dear, cheap]: [&Server; 2]) -> Home {
    let home = asking(home, dear);
    let url = cheap.url("/v1");
    home.ax(&["provider", "add", "other", "--kind", "compatible", "--url", &url, "--model", "m-2"])
        .ok();
    let row = |name: &str, price| {
        format!("[[model]]\nname = '{name}'\ninput = {price}\noutput = {price}\n")
    };
    home.write("prices.toml", row("m-1", 9) + &row("m-2", 1));
    let prices = home.work().join("prices.toml");
    let router = format!(
        "[router]\nprimary = 'local/m-1'\nfallbacks = ['other/m-2']\nprices = '{}'\npolicy = '{name}'\n",
        prices.display()
    );
    let file = home.path().join("config.toml");
    let settings = fs_err::read_to_string(&file).expect("settings");
    fs_err::write(&file, settings + &router).expect("written");
    home
}

/// An answer that is no stream.
fn whole(text: &str) -> Answer {
    let body = json!({
        "id": "c1", "object": "chat.completion", "model": "m",
        "choices": [{
            "index": 0, "finish_reason": "stop",
            "message": { "role": "assistant", "content": text },
        }],
        "usage": { "prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10 },
    });
    Answer::Keep(answer(200, &[("content-type", "application/json")], body.to_string()))
}

fn two() -> [Server; 2] {
    ["dear", "cheap"].map(|word| {
        Server::new(move |heard| match body(heard)["stream"] == true {
            true => says(word),
            false => whole(word),
        })
    })
}

fn with_cheapest([dear, cheap]: &[Server; 2]) -> Home {
    let home = with_policy(Home::new(), "ax:cheapest", [dear, cheap]);
    let folder = program::plugin("cheapest");
    let read = |name: &str| fs_err::read(folder.join(name)).expect("it is there");
    let manifest = String::from_utf8(read("plugin.toml")).expect("text");
    home.write_plugin("cheapest", &manifest, &read("plugin.wasm"));
    home
}

#[test]
fn the_cheapest_is_asked_first() {
    let servers = two();
    let home = with_cheapest(&servers);
    let added = home.ax(&["plugin", "add", "cheapest"]).ok();
    let card = added.stdout + &added.stderr;
    assert!(card.contains("tools      none"), "{card}");
    assert!(card.contains("serves     chooses which model is asked"), "{card}");
    let explained = home.ax(&["route", "explain", "--json"]).json();
    assert_eq!(explained[0]["provider"], "other", "{explained}");
    assert_eq!(explained[0]["reason"]["type"], "policy");
    assert_eq!(explained[1]["provider"], "local");
    let run = home.ax(&["chat", "A word of mine"]);
    assert_eq!(run.stdout, "cheap\n", "{}", run.stderr);
    assert!(!run.stderr.contains("warning"), "{}", run.stderr);
    assert_eq!(home.ax(&["chat", "--model", "local/m-1", "Hi"]).stdout, "dear\n", "it was named");
    let audit = home.ax(&["audit", "tail", "--json"]).stdout;
    assert_eq!(audit.matches("routing.rank").count(), 2, "{audit}");
    assert!(!audit.contains("of mine"), "{audit}");
}

#[test]
fn a_plugin_is_answered_by_whom_the_policy_chooses() {
    let servers = two();
    let home = with_cheapest(&servers);
    home.ax(&["plugin", "add", "cheapest"]).ok();
    let folder = program::plugin("summarise");
    let folder = folder.to_str().expect("text");
    home.ax(&["plugin", "add", folder, "--grant-nothing"]).ok();
    home.ax(&["permission", "grant", "ax:summarise", "models:default"]).ok();
    home.ax(&["tool", "call", "ax:summarise.summarise", r#"{"text": "Milk is out."}"#]).ok();
    let [dear, cheap] = servers.map(|server| server.heard());
    assert!(dear.is_empty(), "{}", body(&dear[0]));
    assert!(!cheap.is_empty(), "it asked");
}

#[test]
fn a_policy_that_fails_is_told_and_the_usual_order_holds() {
    // Of two who could answer: it crashes; it names a third.
    let third = "(i32.store (i32.const 0) (i32.const 16)) (i32.store (i32.const 4) (i32.const 1))
        (i32.store (i32.const 16) (i32.const 2)) (i32.const 0)";
    for (rank, why) in
        [("unreachable", "`test:policy` gave no order: "), (third, "no order of those")]
    {
        let [dear, cheap] = &two();
        let home = with_policy(Home::new(), "test:policy", [dear, cheap]);
        home.write_plugin("policy", POLICY_MANIFEST, &policy(rank));
        home.ax(&["plugin", "add", "policy"]).ok();
        let run = home.ax(&["chat", "Hi"]);
        assert_eq!((run.code, run.stdout.as_str()), (0, "dear\n"), "{}", run.stderr);
        let told =
            |text: &str| text.contains("the usual order of models held: ") && text.contains(why);
        assert!(told(&run.stderr), "{}", run.stderr);
        let explained = home.ax(&["route", "explain"]).ok();
        assert!(told(&explained.stderr), "{}", explained.stderr);
        assert!(explained.stdout.contains("local/m-1"), "{}", explained.stdout);
    }
}

#[test]
fn a_policy_that_is_not_there_is_an_error_and_nobody_is_asked() {
    let [dear, cheap] = &two();
    let home = with_policy(Home::new(), "test:policy", [dear, cheap]);
    let refused = |code: i32, said: &str, hint: &str| {
        for command in [["chat", "Hi"], ["route", "explain"]] {
            let run = home.ax(&command).exits(code);
            assert!(run.stderr.contains(said) && run.stderr.contains(hint), "{}", run.stderr);
            assert!(run.stderr.contains("AX-G001"), "{}", run.stderr);
        }
    };
    refused(2, "is not installed", "ax plugin add");
    home.write_plugin("policy", POLICY_MANIFEST, &policy(NO_OPINION));
    home.ax(&["plugin", "add", "policy"]).ok();
    home.ax(&["plugin", "disable", "test:policy"]).ok();
    refused(2, "is switched off", "ax plugin enable test:policy");
    home.ax(&["plugin", "enable", "test:policy"]).ok();
    let run = home.ax(&["chat", "Hi"]).ok();
    assert_eq!((run.stdout.as_str(), run.stderr.contains("warning")), ("dear\n", false));
    home.ax(&["plugin", "remove", "test:policy", "--yes"]).ok();
    let manifest = ax_tests::components::CALC_MANIFEST.replace("test:calc", "test:policy");
    home.write_plugin("calc", &manifest, &ax_tests::components::calc());
    home.ax(&["plugin", "add", "calc"]).ok();
    refused(2, "does not export `ax:guest/routing`", "delete `policy`");
    assert_eq!(dear.heard().len(), 1);
}
