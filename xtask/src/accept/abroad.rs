//! The suite `languages`, the other way round: plugins that our SDKs make, packed, run in a runtime that
//! knows nothing of AX.
//!
//! Not here: the program that runs them there (`tests/accept/languages/abroad.py`).

use std::path::Path;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::bail;
use serde_json::Value;
use serde_json::json;

use super::score::Score;
use super::tools;
use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::checkout::make_empty;
use crate::process;

/// The program that runs a package in wasmtime's Python package.
const ABROAD: &str = "tests/accept/languages/abroad.py";

/// The languages, as `ax new --lang` knows them.
const LANGUAGES: [&str; 3] = ["rust", "ts", "python"];

/// Calls of the notebook that `ax new --kind state` makes, and what each must come to, in any language.
fn calls() -> [(Value, Value); 6] {
    let key = || json!({ "key": "milk" });
    [
        (json!(["recall", key()]), json!({ "kind": "not-found", "code": "milk" })),
        (
            json!(["remember", { "key": "milk", "text": "2 litres" }]),
            json!({ "text": "Remembered milk." }),
        ),
        (json!(["recall", key()]), json!({ "text": "2 litres" })),
        (
            json!(["remember", { "key": "", "text": "x" }]),
            json!({ "kind": "invalid", "code": "key" }),
        ),
        (json!(["forget", key()]), json!({ "text": "Forgot milk." })),
        (json!(["recall", key()]), json!({ "kind": "not-found", "code": "milk" })),
    ]
}

/// Checks every language; a step that fails ends it, since the next ones need it.
pub(super) fn run(checkout: &Checkout, ax: &Ax, score: &mut Score) -> Result<()> {
    let mut python = None;
    let installed = tools::wasmtime_py(checkout).map(|program| python = Some(program));
    score.check("abroad: install the pinned runtime", installed);
    let Some(python) = python else { return Ok(()) };
    let projects = checkout.scratch("accept/abroad");
    make_empty(&projects)?;
    for language in LANGUAGES {
        let folder = projects.join(language);
        let package = folder.with_extension("axp");
        if score.check(
            &format!("abroad: {language}: new, pack"),
            made(checkout, ax, language, &folder, &package),
        ) {
            let answers = answers(checkout, &python, &package);
            score.check(&format!("abroad: {language}: its calls elsewhere"), answers);
        }
    }
    Ok(())
}

/// Makes a notebook in a language and packs it.
fn made(checkout: &Checkout, ax: &Ax, language: &str, folder: &Path, package: &Path) -> Result<()> {
    let text = |path: &Path| path.to_string_lossy().into_owned();
    let (name, folder) = (format!("acme:abroad-{language}"), text(folder));
    process::run_quietly(
        &mut ax.command(&["new", &name, &folder, "--lang", language, "--kind", "state"]),
    )?;
    let mut pack = ax.command(&["pack", &folder, "-o", &text(package)]);
    // What authors' tests installed and compiled serves here too.
    pack.env("AX_TOOLCHAINS", checkout.scratch("toolchains"));
    pack.env("CARGO_TARGET_DIR", checkout.scratch("authors"));
    process::run_quietly(&mut pack)
}

fn answers(checkout: &Checkout, python: &Path, package: &Path) -> Result<()> {
    let calls = calls();
    let (asked, wanted): (Vec<_>, Vec<_>) = calls.into_iter().unzip();
    let mut abroad = Command::new(python);
    abroad.arg(checkout.root().join(ABROAD)).arg(package).arg(Value::from(asked).to_string());
    let printed = process::capture(&mut abroad)?;
    if !printed.status.success() {
        bail!("it failed: {}", printed.text);
    }
    let got: Value = serde_json::from_str(&printed.text).with_context(|| printed.text.clone())?;
    let tools = json!(["remember", "recall", "forget", "list"]);
    if got["tools"] != tools {
        bail!("wanted the tools {tools}\ngot              {}", got["tools"]);
    }
    let wanted = Value::from(wanted);
    match got["answers"] == wanted {
        true => Ok(()),
        false => bail!("wanted {wanted}\ngot    {}", got["answers"]),
    }
}
