//! What is to be typed where a workflow file is wrong.
//!
//! Invariant: a hint is one line and repeats no character that would not show.

use ax_manifest::{ManifestErrorKind, Quoted, nearest};

use super::error::SpecFlaw;
use super::kind::KINDS;

/// A schema that is right.
const SCHEMA: &str = "{ type = \"object\", properties = { path = { type = \"string\" } } }";

impl SpecFlaw {
    /// Says what the user can do; printed after the error as `hint: …`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::TooLarge { .. } | Self::TooManySteps { .. } => {
                "put a part of it into a file of its own and call that with `workflow = \"…\"`"
                    .to_owned()
            }
            Self::TooManyItems { .. } => "let a step before it choose fewer".to_owned(),
            Self::Shape(kind) => shape_hint(kind),
            Self::UnknownKey { key, nearest: None, .. } if key == "steps" => {
                "write `[[step]]` on a line of its own and the keys below it".to_owned()
            }
            Self::UnknownKey { nearest, known, .. } => meant(nearest.as_deref(), "key", known),
            Self::Missing { key, .. } => format!("add `{}`", example_of(key)),
            Self::WrongType { key, .. } | Self::Empty { key } | Self::Time { key, .. } => {
                format!("write it like `{}`", example_of(last_key(key)))
            }
            Self::Choice { text, choices, .. } => match nearest(text, choices.iter().copied()) {
                Some(word) => format!("did you mean `{word}`?"),
                None => format!("write `{}`", choices.join("` or `")),
            },
            Self::Name { chars_max, .. } => format!(
                "write lower-case words with hyphens, at most {chars_max} characters, like `count-lines`"
            ),
            Self::Id(_) => {
                "it is written `namespace:plugin.name`, like `ax:metrics.measure`".to_owned()
            }
            Self::Quantity(error) => error.hint(),
            Self::Instant => "write it like `2030-01-31T08:00:00Z`".to_owned(),
            Self::File { .. } => "write it like `workflow = \"parts/count.toml\"`".to_owned(),
            Self::Schema { .. } => format!("write it like `{SCHEMA}`"),
            Self::NoKind => format!("add one of {}", KINDS.join(", ")),
            Self::TwoKinds { second, .. } => {
                format!("make a step of its own for `{second}`, and let it need this one")
            }
            Self::Misplaced { key, kinds, .. } => {
                format!("delete it; `{key}` belongs to steps with `{}`", kinds.join("`, `"))
            }
            Self::Useless { with, .. } => format!("add `{}`", example_of(with)),
            Self::TwoMends | Self::NeedlessMend { .. } => "delete it".to_owned(),
            Self::ImpureQuestion { .. } => "name a tool that only reads".to_owned(),
            Self::DuplicateStep { .. } => "give one of the two another `id`".to_owned(),
            Self::UnknownStep { nearest: Some(name), .. }
            | Self::Unknown { nearest: Some(name), .. } => format!("did you mean `{name}`?"),
            Self::UnknownStep { nearest: None, .. } => {
                "name the `id` of a step of this file".to_owned()
            }
            Self::Unknown { list, .. } => (*list).to_owned(),
            Self::Unusable { file, .. } => {
                format!("ax workflow check {}", Quoted(file).to_string().trim_matches('`'))
            }
            Self::Circle { steps } => circle_hint(steps),
            Self::Files { .. } => "a workflow that repeats needs a `for-each`".to_owned(),
            Self::Expression(flaw) => flaw.hint(),
            Self::NoItem { .. } => {
                "`item` and `index` are what a step with `for-each` is done for".to_owned()
            }
            Self::UnknownMember { nearest, members, .. } | Self::Stray { nearest, members, .. } => {
                members_hint(nearest.as_deref(), members)
            }
            Self::Mismatch { .. } => return None,
            Self::Lacking { name, .. } => {
                format!("add `{} = …` to `with`", Quoted(name).to_string().trim_matches('`'))
            }
            Self::Unreachable { .. } => "delete the step, or change the condition".to_owned(),
            Self::NotGranted { plugin, permission } => {
                format!("ax permission grant {plugin} '{permission}'")
            }
        })
    }
}

fn shape_hint(kind: &ManifestErrorKind) -> String {
    match kind {
        ManifestErrorKind::TooDeep { .. } => "make the values flatter".to_owned(),
        kind => kind.hint(),
    }
}

fn circle_hint(steps: &[String]) -> String {
    let second = steps.get(1).unwrap_or(&steps[0]);
    format!("let `{}` no longer need or mention `{second}`", steps[0])
}

fn members_hint(nearest: Option<&str>, members: &[String]) -> String {
    match members {
        [] => "delete it; there are no members".to_owned(),
        members => meant(nearest, "member", members),
    }
}

/// Says what was meant, or lists what there is.
fn meant<T: AsRef<str>>(nearest: Option<&str>, what: &str, known: &[T]) -> String {
    match nearest {
        Some(word) => format!("did you mean {}?", Quoted(word)),
        None => {
            let known = known.iter().map(|it| Quoted(it.as_ref()).to_string());
            let known: Vec<String> = known.map(|it| it.trim_matches('`').to_owned()).collect();
            format!("the {what}s here are {}", known.join(", "))
        }
    }
}

/// Returns the key at the end of a way like `step.files.needs`.
fn last_key(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

/// Returns a line that is right for a key.
fn example_of(key: &str) -> String {
    let value = match key {
        "name" => "\"review\"",
        "id" => "\"files\"",
        "title" | "summary" | "approve" => "\"Posts the review\"",
        "step" => return "[[step]]".to_owned(),
        "input" | "schema" => "{ type = \"object\" }",
        "budget" => "{ usd = 0.5, tokens = 200_000, calls = 50, minutes = 30 }",
        "usd" => "0.5",
        "tokens" => "200_000",
        "calls" => "50",
        "minutes" => "30",
        "max" => "3",
        "max-parallel" => "8",
        "max-tokens" => "1000",
        "tool" => "\"ax:metrics.measure\"",
        "agent" => "\"ax:repo-report.repo-report\"",
        "model" => "\"fast\"",
        "system" | "prompt" => "\"Sum this up: {{ steps.files }}\"",
        "goal" => "\"Find what is missing\"",
        "wait" | "timeout" | "backoff" | "expires-in" => "\"2 min\"",
        "wait-until" => "\"2030-01-31T08:00:00Z\"",
        "wait-for" => "\"deployed\"",
        "workflow" => "\"parts/count.toml\"",
        "with" | "set" => "{ path = \"{{ input.path }}\" }",
        "happened" | "undo" => "{ tool = \"ax:notes.search\", with = { id = \"{{ input.id }}\" } }",
        "needs" => "[\"files\"]",
        "when" => "\"{{ steps.judge.findings > 0 }}\"",
        "for-each" => "\"{{ steps.files }}\"",
        "retry" => "{ max = 3, backoff = \"2 s\" }",
        _ => "\"…\"",
    };
    format!("{key} = {value}")
}
