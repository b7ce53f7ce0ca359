//! What is wrong with a workflow file, and where.
//!
//! Invariant: every error names the place and repeats no character that would not show.
//! Not here: what is to be typed (`hint`).

use ax_manifest::reading::{Located, place};
use ax_manifest::{
    ManifestErrorKind, NameError, Permission, PluginName, QuantityError, Quoted, nearest,
};

use super::value::inside;
use super::{MISTAKES_MAX, SPEC_BYTES_MAX, STEPS_MAX};
use crate::workflow::expression::{ExpressionFlaw, ITEMS_MAX};

/// What is wrong with a workflow file, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}:{column}: {flaw}")]
pub struct SpecError {
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: usize,
    /// What is wrong.
    pub flaw: SpecFlaw,
}

impl SpecError {
    /// Says what the user can do; printed after the error as `hint: …`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.flaw.hint()
    }
}

/// What is wrong, and the byte offset where.
#[derive(Debug)]
pub(super) struct Wrong {
    /// Where the value begins, or its key.
    pub(super) at: usize,
    /// Where in the text that the value is; none for all of it.
    pub(super) offset: Option<usize>,
    pub(super) flaw: SpecFlaw,
}

/// Sorts mistakes by their place, takes away those said twice, and converts places into lines.
pub(super) fn in_text(mut wrongs: Vec<Wrong>, text: &str) -> Vec<SpecError> {
    wrongs.sort_by_key(|wrong| (wrong.at, wrong.offset));
    wrongs.dedup_by(|later, first| {
        (later.at, later.offset) == (first.at, first.offset) && later.flaw == first.flaw
    });
    wrongs.truncate(MISTAKES_MAX);
    // Finding a place takes as long as the text before it, so only those are looked for that are told.
    let located = wrongs.into_iter().map(|wrong| {
        let at = wrong.offset.map_or(wrong.at, |offset| inside(text, wrong.at, offset));
        let (line, column) = place(at, text);
        SpecError { line, column, flaw: wrong.flaw }
    });
    located.collect()
}

impl From<Located> for Wrong {
    fn from(located: Located) -> Self {
        use ManifestErrorKind as M;
        let flaw = match located.kind {
            M::UnknownKey { key, section, nearest, known } => {
                SpecFlaw::UnknownKey { key, section, nearest, known }
            }
            M::Missing { key, section } => SpecFlaw::Missing { key, section },
            M::WrongType { key, wanted, found } => SpecFlaw::WrongType { key, wanted, found },
            other => SpecFlaw::Shape(Box::new(other)),
        };
        Self { at: located.at, offset: None, flaw }
    }
}

/// What kind of mistake it is. Each has a code of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Group {
    /// The file is not written as a workflow is.
    Shape,
    /// It names something that is not there.
    Name,
    /// Steps or files need each other.
    Circle,
    /// What stands between braces is wrong.
    Expression,
    /// A value has a type that does not fit.
    Type,
    /// A step is never done.
    Unreachable,
    /// A tool lacks a permission.
    Permission,
}

/// What is wrong with a workflow file.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SpecFlaw {
    /// The file is larger than any workflow.
    #[error("a workflow of {bytes} bytes is too large; {SPEC_BYTES_MAX} is the most")]
    TooLarge {
        /// Bytes of it.
        bytes: usize,
    },
    /// It has more steps than a workflow may have.
    #[error("{count} steps are too many; {STEPS_MAX} is the most")]
    TooManySteps {
        /// How many it has.
        count: usize,
    },
    /// A list is longer than what a step may be done for.
    #[error("{count} items are too many; {ITEMS_MAX} is the most")]
    TooManyItems {
        /// How many it has.
        count: usize,
    },
    /// It is not TOML, or a value breaks the rules that all files share.
    #[error(transparent)]
    Shape(Box<ManifestErrorKind>),
    /// A key is unknown.
    #[error("unknown key {} in {}", Quoted(.key), section_name(.section))]
    UnknownKey {
        /// The key.
        key: String,
        /// The table, as the way from the root.
        section: String,
        /// The key that was probably meant.
        nearest: Option<&'static str>,
        /// Every key of this table.
        known: &'static [&'static str],
    },
    /// A key that must be there is not.
    #[error("{} has no `{key}`", section_name(.section))]
    Missing {
        /// The key.
        key: &'static str,
        /// The table, as the way from the root.
        section: String,
    },
    /// A value has another type than its key wants.
    #[error("{} is {found}; it must be {wanted}", Quoted(.key))]
    WrongType {
        /// The way from the root.
        key: String,
        /// The type that is wanted, with its article.
        wanted: &'static str,
        /// The type that was found, with its article.
        found: &'static str,
    },
    /// A text or list is empty.
    #[error("{} is empty", Quoted(.key))]
    Empty {
        /// The way from the root.
        key: String,
    },
    /// A word is none of the few that fit.
    #[error("`{key}` is {}, which is not one of {}", Quoted(.text), .choices.join(", "))]
    Choice {
        /// The way from the root.
        key: String,
        /// What was given.
        text: String,
        /// The words that fit.
        choices: &'static [&'static str],
    },
    /// A name is not kebab-case.
    #[error("{} is no name for {}: {why}", Quoted(.text), Quoted(.key))]
    Name {
        /// The way from the root.
        key: String,
        /// What was given.
        text: String,
        /// What is wrong with it.
        why: &'static str,
        /// Characters it may have.
        chars_max: usize,
    },
    /// The id of a tool or of a plugin's agent is wrong.
    #[error(transparent)]
    Id(NameError),
    /// A time is wrong.
    #[error(transparent)]
    Quantity(QuantityError),
    /// A time is too short or too long.
    #[error("{} is {given}, outside of 1 ms to 30 d", Quoted(.key))]
    Time {
        /// The way from the root.
        key: String,
        /// What was given.
        given: String,
    },
    /// A point of time is none.
    #[error("this is no point of time")]
    Instant,
    /// The way to another file leads nowhere.
    #[error("{} is no workflow file beside this one: {why}", Quoted(.file))]
    File {
        /// What was given.
        file: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A schema is none.
    #[error("{} is no JSON Schema that can be used here: {why}", Quoted(.key))]
    Schema {
        /// The way from the root.
        key: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A step does nothing.
    #[error("this step does nothing")]
    NoKind,
    /// A step does two things.
    #[error("this step has both `{first}` and `{second}`")]
    TwoKinds {
        /// One of them.
        first: &'static str,
        /// The other.
        second: &'static str,
    },
    /// A key has no meaning in a step of this kind.
    #[error("`{key}` has no meaning in a step with `{kind}`")]
    Misplaced {
        /// The key.
        key: &'static str,
        /// What the step does.
        kind: &'static str,
        /// In which kinds it has one.
        kinds: &'static [&'static str],
    },
    /// A key has no meaning without another.
    #[error("`{key}` has no meaning without `{with}`")]
    Useless {
        /// The key.
        key: &'static str,
        /// The other.
        with: &'static str,
    },
    /// A step says both how to find out about its effect and how to undo it.
    #[error("this step has both `happened` and `undo`, and only one of them would be used")]
    TwoMends,
    /// A step says how to mend what needs no mending.
    #[error("`{key}` is not used: after a crash `{tool}` is {instead}")]
    NeedlessMend {
        /// The key.
        key: &'static str,
        /// The tool.
        tool: String,
        /// What is done instead.
        instead: &'static str,
    },
    /// What is to find out whether something happened may itself change something.
    #[error("`{tool}` may change something, so it cannot be asked whether something happened")]
    ImpureQuestion {
        /// The tool.
        tool: String,
    },
    /// Two steps have one name.
    #[error("a step {} is there already, in line {line}", Quoted(.step))]
    DuplicateStep {
        /// The name.
        step: String,
        /// The line of the first one.
        line: usize,
    },
    /// A step of this name is not there.
    #[error("there is no step {}", Quoted(.step))]
    UnknownStep {
        /// The name.
        step: String,
        /// The name that was probably meant.
        nearest: Option<String>,
    },
    /// A tool, an agent, a model or a file of this name is not there.
    #[error("there is no {what} {}", Quoted(.name))]
    Unknown {
        /// What it would be.
        what: &'static str,
        /// The name.
        name: String,
        /// The name that was probably meant.
        nearest: Option<String>,
        /// The line to type if none was.
        list: &'static str,
    },
    /// Another file is there and cannot be used.
    #[error("the workflow {} cannot be used: {why}", Quoted(.file))]
    Unusable {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
    /// Steps need each other.
    #[error("steps need each other: `{}`", .steps.join(" -> "))]
    Circle {
        /// Their names; the first stands at the end again.
        steps: Vec<String>,
    },
    /// Files contain each other.
    #[error("workflows contain each other: `{}`", .files.join(" -> "))]
    Files {
        /// Their names; the first stands at the end again.
        files: Vec<String>,
    },
    /// An expression is wrong.
    #[error(transparent)]
    Expression(ExpressionFlaw),
    /// `item` or `index` stands where there is none.
    #[error("there is no `{word}` here")]
    NoItem {
        /// Which of them.
        word: &'static str,
    },
    /// A path leads to a member that is not there.
    #[error("{} has no member {}", Quoted(.path), Quoted(.name))]
    UnknownMember {
        /// The way to the object.
        path: String,
        /// The member.
        name: String,
        /// The member that was probably meant.
        nearest: Option<String>,
        /// Members it has.
        members: Vec<String>,
    },
    /// A value has another type than what it is given to.
    #[error("{} is {found}; {wanted} is wanted", Quoted(.what))]
    Mismatch {
        /// The value: an expression, or the way to it.
        what: String,
        /// What it is.
        found: String,
        /// What is wanted.
        wanted: String,
    },
    /// A tool does not know a member of its input.
    #[error("{} does not take {}", Quoted(.whose), Quoted(.name))]
    Stray {
        /// Whose input it is.
        whose: String,
        /// The member.
        name: String,
        /// The member that was probably meant.
        nearest: Option<String>,
        /// Members there are.
        members: Vec<String>,
    },
    /// A tool is not given what it needs.
    #[error("{} needs {}", Quoted(.whose), Quoted(.name))]
    Lacking {
        /// Whose input it is.
        whose: String,
        /// The member.
        name: String,
    },
    /// A step is never done, since its condition is false whatever happens.
    #[error("step `{step}` is never done: its condition is always false")]
    Unreachable {
        /// Its name.
        step: String,
    },
    /// A tool lacks a permission that its plugin asks for.
    #[error("`{plugin}` has no grant of `{permission}`")]
    NotGranted {
        /// The plugin of the tool.
        plugin: PluginName,
        /// What it asks for.
        permission: Box<Permission>,
    },
}

fn section_name(section: &str) -> String {
    match section.split_once('.') {
        None if section.is_empty() => "the workflow".to_owned(),
        None => format!("`{section}`"),
        Some(("step", rest)) => match rest.split_once('.') {
            None => format!("step `{rest}`"),
            Some((step, key)) => format!("`{key}` of step `{step}`"),
        },
        Some(_) => format!("`{section}`"),
    }
}

impl SpecFlaw {
    /// Makes the error for a name that is not there.
    pub(super) fn unknown<'n>(
        what: &'static str,
        name: &str,
        names: impl IntoIterator<Item = &'n str>,
        list: &'static str,
    ) -> Self {
        let nearest = nearest(name, names).map(str::to_owned);
        Self::Unknown { what, name: name.to_owned(), nearest, list }
    }

    /// Tells what kind of mistake it is.
    #[must_use]
    pub fn group(&self) -> Group {
        match self {
            Self::UnknownStep { .. } | Self::Unknown { .. } | Self::Unusable { .. } => Group::Name,
            Self::Circle { .. } | Self::Files { .. } => Group::Circle,
            Self::Expression(_) | Self::NoItem { .. } | Self::UnknownMember { .. } => {
                Group::Expression
            }
            Self::Mismatch { .. } | Self::Stray { .. } | Self::Lacking { .. } => Group::Type,
            Self::Unreachable { .. } => Group::Unreachable,
            Self::NotGranted { .. } => Group::Permission,
            Self::TooLarge { .. }
            | Self::TooManySteps { .. }
            | Self::TooManyItems { .. }
            | Self::Shape(_)
            | Self::UnknownKey { .. }
            | Self::Missing { .. }
            | Self::WrongType { .. }
            | Self::Empty { .. }
            | Self::Choice { .. }
            | Self::Name { .. }
            | Self::Id(_)
            | Self::Quantity(_)
            | Self::Time { .. }
            | Self::Instant
            | Self::File { .. }
            | Self::Schema { .. }
            | Self::NoKind
            | Self::TwoKinds { .. }
            | Self::Misplaced { .. }
            | Self::Useless { .. }
            | Self::TwoMends
            | Self::NeedlessMend { .. }
            | Self::ImpureQuestion { .. }
            | Self::DuplicateStep { .. } => Group::Shape,
        }
    }
}
