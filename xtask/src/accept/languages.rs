//! The suite `languages`: components that know nothing of AX, made by the usual tools of three
//! languages from one WIT world, are installed and called with JSON in and out.
//!
//! Not here: the sources (`tests/accept/languages`); what each call must answer (`calls`).

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;

use super::abroad;
use super::calls;
use super::calls::Call;
use super::calls::Outcome;
use super::score::Score;
use super::tools;
use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::checkout::make_empty;
use crate::checkout::make_folder;
use crate::process;
use crate::wasm_target::WASM_TARGET;

/// Where the sources are.
const SOURCES: &str = "tests/accept/languages";
/// Runs JavaScript on QuickJS. The other engine's components are eight times as large.
const QUICKJS: &[&str] = &["--backend", "quickjs"];
/// Without it the component needs component-model async, which the host does not offer.
const SYNCHRONOUS: &str = "--backend-qjs-disable-async";

/// A language, and how a component is made from its sources.
struct Language {
    /// Names the plugin: `acme:<name>`.
    name: &'static str,
    /// Installs what the language needs; gives the program that makes components, if there is one
    /// beside cargo.
    install: fn(&Checkout) -> Result<Option<PathBuf>>,
    /// Makes the component at the last path.
    build: fn(&Checkout, Option<&Path>, &Path) -> Result<()>,
    /// Whether its 64-bit integers are exact beyond 2^53.
    has_wide_integers: bool,
}

const LANGUAGES: &[Language] = &[
    Language {
        name: "js",
        install: |checkout| tools::jco(checkout).map(Some),
        build: |checkout, jco, to| javascript(checkout, jco, &[SYNCHRONOUS], to),
        // The QuickJS backend makes them numbers.
        has_wide_integers: false,
    },
    Language {
        name: "python",
        install: |checkout| tools::componentize_py(checkout).map(Some),
        build: python,
        has_wide_integers: true,
    },
    Language { name: "rust", install: |_| Ok(None), build: rust, has_wide_integers: true },
];

/// Runs the suite.
pub(super) fn run(checkout: &Checkout, score: &mut Score) -> Result<()> {
    let ax = Ax::with_fresh_home(checkout, "accept/home")?;
    let output = checkout.scratch("accept/components");
    make_empty(&output)?;
    for language in LANGUAGES {
        check(checkout, &ax, language, &output, score);
    }
    abroad::run(checkout, &ax, score)?;
    score.check("plugin verify", succeeds(&ax, &["plugin", "verify"]));
    score.check("audit verify", succeeds(&ax, &["audit", "verify"]));
    Ok(())
}

/// Checks one language; a step that fails ends it, since the next ones need it.
fn check(checkout: &Checkout, ax: &Ax, language: &Language, output: &Path, score: &mut Score) {
    let Language { name, .. } = language;
    let mut tool = None;
    let installed = (language.install)(checkout).map(|program| tool = program);
    if !score.check(&format!("{name}: install the pinned tools"), installed) {
        return;
    }
    let component = output.join(format!("{name}.wasm"));
    let built = (language.build)(checkout, tool.as_deref(), &component);
    if !score.check(&format!("{name}: build a component"), built) {
        return;
    }
    let file = component.to_string_lossy();
    let plugin = format!("acme:{name}");
    let added = succeeds(ax, &["plugin", "add", &file, "--name", &plugin]);
    if !score.check(&format!("{name}: plugin add"), added) {
        return;
    }
    score.check(&format!("{name}: tool list"), lists_its_tools(ax, &plugin));
    let calls = calls::calls();
    for call in calls.iter().filter(|call| language.has_wide_integers || !call.is_wide) {
        let claim = format!("{name}: tool call {}: {}", call.tool, call.claim);
        score.check(&claim, answers(ax, &plugin, call));
    }
    if *name == "js" {
        let refused = default_build_is_refused(checkout, tool.as_deref(), ax, output);
        score.check("js: a default QuickJS build is refused with the flag that helps", refused);
    }
}

fn succeeds(ax: &Ax, arguments: &[&str]) -> Result<()> {
    process::run_quietly(&mut ax.command(arguments))
}

fn lists_its_tools(ax: &Ax, plugin: &str) -> Result<()> {
    let listed = json(ax, &["tool", "list", plugin, "--json"])?;
    let entries = listed.as_array().with_context(|| format!("not a list: {listed}"))?;
    let mut ids: Vec<&str> = entries.iter().filter_map(|entry| entry["id"].as_str()).collect();
    ids.sort_unstable();
    let wanted: Vec<String> = calls::TOOLS.iter().map(|tool| format!("{plugin}.{tool}")).collect();
    if ids != wanted {
        bail!("wanted {wanted:?}\ngot    {ids:?}");
    }
    match entries.iter().find(|entry| entry["inputSchema"]["type"] != "object") {
        Some(entry) => bail!("{} has an input schema that is no object", entry["id"]),
        None => Ok(()),
    }
}

fn answers(ax: &Ax, plugin: &str, call: &Call) -> Result<()> {
    let id = format!("{plugin}.{}", call.tool);
    let printed = json(ax, &["tool", "call", &id, &call.input.to_string(), "--json"])?;
    let (part, wanted) = match &call.outcome {
        Outcome::Answer(value) => ("/output", value.clone()),
        Outcome::Err(value) => ("/details/data", value.clone()),
        Outcome::Refused => ("/details/kind", Value::from("invalid")),
    };
    match printed.pointer(part) {
        Some(got) if *got == wanted => Ok(()),
        Some(got) => bail!("{part}: wanted {wanted}, got {got}"),
        None => bail!("{part}: wanted {wanted}, got {printed}"),
    }
}

/// Runs `ax` and reads the JSON document it prints; warnings around it are no part of it.
fn json(ax: &Ax, arguments: &[&str]) -> Result<Value> {
    let printed = ax.run(arguments)?;
    let mut lines = printed.text.lines();
    let document = lines.find_map(|line| {
        let is_document = line.starts_with(['{', '[']);
        is_document.then(|| serde_json::from_str(line).ok()).flatten()
    });
    document.with_context(|| format!("no JSON ({}): {}", printed.status, printed.text))
}

/// What an author meets who forgets the flag: an error that names it.
fn default_build_is_refused(
    checkout: &Checkout,
    jco: Option<&Path>,
    ax: &Ax,
    output: &Path,
) -> Result<()> {
    let component = output.join("js-default.wasm");
    javascript(checkout, jco, &[], &component)?;
    let file = component.to_string_lossy();
    let printed = ax.run(&["plugin", "add", &file, "--name", "acme:js-default"])?;
    if printed.status.success() || !printed.text.contains(SYNCHRONOUS) {
        bail!("wanted a refusal naming {SYNCHRONOUS}, got ({}): {}", printed.status, printed.text);
    }
    Ok(())
}

fn javascript(checkout: &Checkout, jco: Option<&Path>, flags: &[&str], to: &Path) -> Result<()> {
    let sources = checkout.root().join(SOURCES);
    let mut jco = Command::new(jco.context("jco is not installed")?);
    // Absolute paths: jco looks for relative sources in the wrong folder.
    jco.arg("componentize").arg(sources.join("js/desk.js"));
    jco.arg("--wit").arg(sources.join("wit")).args(["--world-name", "shop"]);
    jco.args(QUICKJS).args(flags).arg("--out").arg(to);
    process::run_quietly(&mut jco)
}

fn python(checkout: &Checkout, componentize_py: Option<&Path>, to: &Path) -> Result<()> {
    const MODULE: &str = "desk_app";
    let sources = checkout.root().join(SOURCES);
    // A copy, because Python leaves its byte code beside the source.
    let copy = checkout.scratch("accept/python");
    make_folder(&copy)?;
    let file = format!("{MODULE}.py");
    fs::copy(sources.join("python").join(&file), copy.join(&file))
        .with_context(|| format!("cannot copy `{file}`"))?;
    let mut tool = Command::new(componentize_py.context("componentize-py is not installed")?);
    tool.arg("--wit-path").arg(sources.join("wit")).args(["--world", "shop"]);
    tool.arg("componentize").arg("--python-path").arg(&copy);
    tool.arg("--output").arg(to).arg(MODULE);
    process::run_quietly(&mut tool)
}

fn rust(checkout: &Checkout, _: Option<&Path>, to: &Path) -> Result<()> {
    let package = checkout.root().join(SOURCES).join("rust-plain");
    let target = checkout.scratch("accept/rust");
    let mut cargo = process::cargo(checkout);
    cargo.current_dir(&package);
    cargo.args(["build", "--locked", "--release", "--target", WASM_TARGET, "--target-dir"]);
    cargo.arg(&target).env_remove("RUSTFLAGS").env_remove("CARGO_ENCODED_RUSTFLAGS");
    process::run_quietly(&mut cargo)?;
    let built = target.join(WASM_TARGET).join("release/desk.wasm");
    fs::copy(&built, to).with_context(|| format!("cannot copy `{}`", built.display()))?;
    Ok(())
}
