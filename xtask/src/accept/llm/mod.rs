//! The suite `llm`: models that others wrote, which fail as they are told to.
//!
//! ```text
//! ax chat --json ──→ aimock                 four dialects, each failure, and what its journal says
//! ax chat --json ──→ LiteLLM ──→ aimock     four dialects in front of three, translated by others
//! ```
//!
//! Not here: failures that no program of others plays (`cargo xtask chaos`).

mod cases;
mod upstream;

use std::fs;
use std::path::Path;
use std::thread;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;
use anyhow::ensure;
use serde_json::Value;
use serde_json::json;

use self::cases::CASES;
use self::cases::Case;
use self::cases::DIALECTS;
use self::cases::Dialect;
use self::cases::End;
use self::upstream::Running;
use super::score::Score;
use super::tools;
use crate::ax::Ax;
use crate::checkout::Checkout;
use crate::checkout::make_folder;
use crate::process;

/// What aimock takes for a key: anything.
const AIMOCK_KEY: &str = "sk-upstream-0123456789";
/// Time for one attempt at a provider that answers itself: a word comes within milliseconds, or it is
/// [`cases`]'s slow one.
const TIMEOUT_MS: u64 = 3_000;
/// The same with a translator between, which takes its time.
const TRANSLATED_TIMEOUT_MS: u64 = 20_000;
/// Questions at the same time: most of them wait.
const AT_ONCE: usize = 4;

/// What is asked, of whom.
struct Question {
    /// How the check is called, and how the upstream knows it.
    via: String,
    /// A translator stands between; then why it fails, if it is known to.
    translated: Option<Option<&'static str>>,
    case: &'static Case,
    /// `provider/model`, or a model that several have.
    model: String,
}

/// Runs the suite.
pub(super) fn run(checkout: &Checkout, score: &mut Score) -> Result<()> {
    let (mut npm, mut python) = (None, None);
    let installed = tools::llm_npm(checkout).map(|folder| npm = Some(folder));
    score.check("llm: install aimock", installed);
    let installed = tools::llm_py(checkout).map(|program| python = Some(program));
    score.check("llm: install LiteLLM", installed);
    let Some(npm) = npm else { return Ok(()) };
    let folder = checkout.scratch("accept/llm");
    make_folder(&folder)?;
    let (direct, translated) = (direct(), translated());
    let mut aimock = None;
    let started = start_aimock(&folder, &npm, direct.iter().chain(&translated));
    score.check("llm: start aimock with our fixtures", started.map(|it| aimock = Some(it)));
    let Some(aimock) = aimock else { return Ok(()) };

    let ax = Ax::with_fresh_home(checkout, "accept/llm/home")?;
    let echo = checkout.root().join("plugins/echo");
    process::run_quietly(&mut ax.command(&["plugin", "add", &echo.to_string_lossy()]))?;
    write_settings(&ax, &aimock.address, AIMOCK_KEY, false)?;
    ask(score, &ax, &aimock, &direct);

    let Some(python) = python else { return Ok(()) };
    let key = key(checkout)?;
    let mut litellm = None;
    let started = upstream::litellm(checkout, &folder, &python, &aimock, &key);
    score.check("llm: start LiteLLM before it", started.map(|it| litellm = Some(it)));
    let Some(litellm) = litellm else { return Ok(()) };
    write_settings(&ax, &litellm.address, &key, true)?;
    ask(score, &ax, &aimock, &translated);
    Ok(())
}

/// Every case in every dialect.
fn direct() -> Vec<Question> {
    let of = |dialect: &'static Dialect| {
        CASES.iter().map(move |case| Question {
            via: dialect.name.to_owned(),
            translated: None,
            case,
            model: match case.end {
                End::Elsewhere => dialect.model.to_owned(),
                _ => format!("{}/{}", dialect.name, dialect.model),
            },
        })
    };
    DIALECTS.iter().flat_map(of).collect()
}

/// Each dialect before each model, for what a translator does not change.
fn translated() -> Vec<Question> {
    let pairs = DIALECTS.iter().flat_map(|front| DIALECTS.iter().map(move |back| (front, back)));
    let of = |(front, back): (&'static Dialect, &'static Dialect)| {
        // LiteLLM speaks one of OpenAI's two dialects to whoever is behind it.
        let is_made = back.kind != "responses";
        let cases = CASES.iter().filter(move |case| is_made && case.is_translated);
        cases.map(move |case| {
            let known = cases::KNOWN.iter().find(|(one, other, name, _)| {
                (*one, *other, *name) == (front.name, back.name, case.name)
            });
            Question {
                via: format!("{} before {}", front.name, back.name),
                translated: Some(known.map(|(.., why)| *why)),
                case,
                model: format!("{}/{}", front.name, back.model),
            }
        })
    };
    pairs.flat_map(of).collect()
}

fn start_aimock<'a>(
    folder: &Path,
    npm: &Path,
    questions: impl Iterator<Item = &'a Question>,
) -> Result<Running> {
    let fixtures: Vec<Value> =
        questions.flat_map(|question| question.case.fixtures(&question.via)).collect();
    let (node, program) = (npm.join(tools::NODE_PROGRAM), npm.join("node_modules/.bin/llmock"));
    upstream::aimock(folder, &node, &program, &json!({ "fixtures": fixtures }))
}

/// Makes a key that LiteLLM does not find weak, once.
fn key(checkout: &Checkout) -> Result<String> {
    let path = checkout.scratch("accept/llm/key");
    if !path.exists() {
        let mut bytes = [0; 24];
        std::io::Read::read_exact(&mut fs::File::open("/dev/urandom")?, &mut bytes)?;
        let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        fs::write(&path, format!("sk-{hex}"))?;
    }
    fs::read_to_string(&path).context("the key of LiteLLM")
}

/// Has the product ask at an address with a key. A translator has every model for every dialect.
fn write_settings(ax: &Ax, address: &str, key: &str, is_translated: bool) -> Result<()> {
    const SECRET: &str = "upstream-key";
    feed(&mut ax.command(&["secret", "set", SECRET]), key).context("the key cannot be kept")?;
    let all: Vec<&str> = DIALECTS.iter().map(|dialect| dialect.model).collect();
    // Nobody else helps out where a translator is judged.
    let mut text = format!("[router]\nfallback = {}\n\n", !is_translated);
    for (at, Dialect { name, kind, path, model }) in DIALECTS.iter().enumerate() {
        let (timeout_ms, models) = match is_translated {
            true => (TRANSLATED_TIMEOUT_MS, &all[..]),
            false => (TIMEOUT_MS, &[*model][..]),
        };
        text.push_str(&format!(
            "[providers.{name}]\nkind = \"{kind}\"\nurl = \"http://{address}{path}\"\n\
             keys = [\"{SECRET}\"]\npriority = {}\ntimeout-ms = {timeout_ms}\n\
             models = {models:?}\n\n",
            at + 1
        ));
    }
    fs::write(ax.home().join("config.toml"), text).context("the settings cannot be written")
}

/// Runs a command that reads from standard input.
fn feed(command: &mut std::process::Command, text: &str) -> Result<()> {
    use std::io::Write as _;
    use std::process::Stdio;
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command.spawn()?;
    child.stdin.take().context("it reads nothing")?.write_all(text.as_bytes())?;
    let ended = child.wait_with_output()?;
    ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(())
}

/// Asks all questions, some at once, and prints what came of them in order.
fn ask(score: &mut Score, ax: &Ax, aimock: &Running, questions: &[Question]) {
    for some in questions.chunks(AT_ONCE) {
        let outcomes: Vec<Result<()>> = thread::scope(|scope| {
            let asking: Vec<_> =
                some.iter().map(|question| scope.spawn(|| question.ask(ax, aimock))).collect();
            asking.into_iter().map(|it| it.join().expect("it does not panic")).collect()
        });
        for (question, outcome) in some.iter().zip(outcomes) {
            let name = format!("llm: {}, {}", question.via, question.case.name);
            match question.translated.flatten() {
                None => score.check(&name, outcome),
                Some(why) => {
                    let outcome = match outcome {
                        Err(_) => Ok(()),
                        Ok(()) => Err(anyhow!("it passes: take it off the list")),
                    };
                    score.check(&format!("{name} fails as is known: {why}"), outcome)
                }
            };
        }
    }
}

impl Question {
    /// Asks with the product, and compares with the upstream's own journal.
    fn ask(&self, ax: &Ax, aimock: &Running) -> Result<()> {
        let (case, question) = (self.case, self.case.question(&self.via));
        let mut arguments = vec!["chat", "--json", "--yes", "--model", &self.model];
        if case.end != End::Called {
            arguments.push("--no-tools");
        }
        arguments.push(&question);
        let printed = ax.command(&arguments).output()?;
        let text = String::from_utf8_lossy(&printed.stdout);
        let said = || format!("it said {text}{}", String::from_utf8_lossy(&printed.stderr));
        let last = text.lines().last().unwrap_or_default();
        let told: Value = serde_json::from_str(last).with_context(said)?;
        self.compare(&told, printed.status.success()).with_context(said)?;
        let times = upstream::journal(aimock, &question)?;
        ensure!(
            times.len() == case.asked,
            "it was asked {} times, not {}",
            times.len(),
            case.asked
        );
        if let (None, "limited", [first, second]) = (self.translated, case.name, &times[..]) {
            let waited = second.saturating_sub(*first);
            ensure!(waited >= cases::WAIT_MS, "it was asked again after {waited} ms");
        }
        Ok(())
    }

    /// Compares what the product said with what it must say.
    fn compare(&self, told: &Value, is_success: bool) -> Result<()> {
        let case = self.case;
        let attempts = match case.end {
            End::Error(class, status) => {
                ensure!(!is_success, "it ended well");
                let details = &told["details"];
                ensure!(details["class"] == class, "its class is {}", details["class"]);
                let is_told = self.translated.is_some() || details["status"] == json!(status);
                ensure!(is_told, "its status is {}", details["status"]);
                &details["attempts"]
            }
            End::Answer | End::Elsewhere | End::Called => {
                ensure!(is_success, "it failed");
                ensure!(told["text"] == cases::ANSWER, "the answer is {}", told["text"]);
                let answers = told["answers"].as_array().context("no answers are told")?;
                let last = answers.last().context("no answer is told")?;
                let usage = (last["usage"]["input"].as_u64(), last["usage"]["output"].as_u64());
                let (input, output) = cases::USAGE;
                let is_whole_count = self.translated.is_none() && case.asked == 1;
                let is_counted = usage == (Some(input), Some(output));
                ensure!(!is_whole_count || is_counted, "its usage is {}", last["usage"]);
                &last["attempts"]
            }
        };
        if case.end == End::Called {
            let calls = told["toolCalls"].as_array().context("no calls are told")?;
            let inputs: Vec<&Value> = calls.iter().map(|call| &call["input"]["text"]).collect();
            ensure!(inputs == cases::SAID, "it called with {inputs:?}");
        }
        let attempts = attempts.as_array().context("no attempts are told")?;
        let statuses: Vec<Option<u16>> = attempts
            .iter()
            .map(|step| step["status"].as_u64().and_then(|it| u16::try_from(it).ok()))
            .collect();
        // Statuses and counts of a translator are its own.
        let is_told = match self.translated {
            None => statuses == case.told,
            Some(_) => statuses.len() == case.told.len(),
        };
        ensure!(is_told, "attempts are told as {statuses:?}, not {:?}", case.told);
        Ok(())
    }
}
