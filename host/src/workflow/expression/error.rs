//! What is wrong with an expression, and why a right one comes to nothing.
//!
//! Invariant: no text of a stranger is repeated without being made visible, nor whole if it is long.

use ax_manifest::{Quoted, nearest};

use super::{
    EXPRESSION_BYTES_MAX, EXPRESSION_DEPTH_MAX, ITEMS_MAX, VALUE_BYTES_MAX, VALUE_DEPTH_MAX,
};

/// Names that a hint lists; more would hide the one that is meant.
const LISTED_MAX: usize = 8;

/// What is wrong with the text of an expression, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{flaw}")]
pub struct ExpressionError {
    /// Byte offset in the text that holds the expression.
    pub at: usize,
    /// What is wrong.
    pub flaw: ExpressionFlaw,
}

impl ExpressionError {
    pub(super) fn new(at: usize, flaw: ExpressionFlaw) -> Self {
        Self { at, flaw }
    }
}

/// What is wrong with the text of an expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExpressionFlaw {
    /// It has no end.
    #[error("`{{{{` is never closed")]
    Open,
    /// Nothing stands in it.
    #[error("nothing stands between `{{{{` and `}}}}`")]
    Empty,
    /// It is longer than any expression.
    #[error("an expression of {bytes} bytes is too long; {EXPRESSION_BYTES_MAX} is the most")]
    TooLong {
        /// Bytes of it.
        bytes: usize,
    },
    /// It is nested too deeply.
    #[error("an expression is nested more than {EXPRESSION_DEPTH_MAX} deep")]
    TooDeep,
    /// A character begins nothing.
    #[error("{} has no meaning in an expression", Quoted(.character))]
    Character {
        /// It, or the few of them that belong together.
        character: String,
        /// What is probably meant.
        meant: Option<&'static str>,
    },
    /// A text has no end.
    #[error("a text in an expression is never closed")]
    OpenText,
    /// A number cannot be held.
    #[error("{} is no number that can be held", Quoted(.text))]
    Number {
        /// As written.
        text: String,
    },
    /// Something else has to stand here.
    #[error("{found} stands where {wanted} is expected")]
    Expected {
        /// What has to.
        wanted: &'static str,
        /// What does.
        found: String,
    },
    /// A path begins with a word that names nothing.
    #[error("{} names nothing in an expression", Quoted(.name))]
    Root {
        /// The word.
        name: String,
        /// What is probably meant.
        nearest: Option<&'static str>,
    },
    /// `steps` without the name of a step.
    #[error("`steps` is followed by no name of a step")]
    NoStep,
    /// No function has this name.
    #[error("there is no function {}", Quoted(.name))]
    Function {
        /// The name.
        name: String,
    },
}

impl ExpressionFlaw {
    /// Says what to type.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Open => {
                "close it with `}}`; two braces that mean themselves are `{{ '{{' }}`".to_owned()
            }
            Self::Empty => "write what is meant, like `{{ input.path }}`".to_owned(),
            Self::TooLong { .. } | Self::TooDeep => {
                "compute a part of it in a step of its own, with `set`".to_owned()
            }
            Self::Character { meant: Some(meant), .. } => format!("write `{meant}`"),
            Self::Character { meant: None, .. } => {
                "an expression compares and names values; let a tool compute".to_owned()
            }
            Self::OpenText => "close it with the quote it begins with".to_owned(),
            Self::Number { .. } => "write it as text, in quotes".to_owned(),
            Self::Expected { wanted, .. } => format!("write {wanted} there"),
            Self::Root { nearest: Some(word), .. } => format!("did you mean `{word}`?"),
            Self::Root { name, nearest: None } => {
                let name: String = name.chars().take(64).collect();
                format!(
                    "a value is `input`, `steps.NAME`, `item` or `index`; a text stands in quotes: '{name}'"
                )
            }
            Self::NoStep => "write it like `steps.files`".to_owned(),
            Self::Function { .. } => "the functions are length(…) and keys(…)".to_owned(),
        }
    }
}

/// Why an expression comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} comes to nothing: {flaw}", Quoted(.text))]
pub struct EvaluationError {
    /// The expression, as written.
    pub text: String,
    /// Why.
    pub flaw: EvaluationFlaw,
}

impl EvaluationError {
    /// Says what to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        self.flaw.hint()
    }
}

/// Why an expression comes to nothing.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvaluationFlaw {
    /// No step of this name has ended.
    #[error("no step {} has ended", Quoted(.step))]
    Step {
        /// The name.
        step: String,
    },
    /// `item` and `index` are only there in a step with `for-each`.
    #[error("`{word}` is only there in a step with `for-each`")]
    NoItem {
        /// Which of them.
        word: &'static str,
    },
    /// An object has no such member.
    #[error("{} has no member {}", Quoted(.path), Quoted(.name))]
    Member {
        /// The way to the object.
        path: String,
        /// The name.
        name: String,
        /// Some of the names it has.
        members: Vec<String>,
        /// The name that is probably meant.
        nearest: Option<String>,
    },
    /// A list has no such item.
    #[error("{} has {length} items, hence none at {index}", Quoted(.path))]
    Item {
        /// The way to the list.
        path: String,
        /// What was asked for, from 0.
        index: usize,
        /// Items it has.
        length: usize,
    },
    /// Something that has no members or items was asked for one.
    #[error("{what} is {found}, not {wanted}")]
    Type {
        /// The way to it in backticks, or words for it.
        what: String,
        /// What it is, with its article.
        found: &'static str,
        /// What it would have to be, with its article.
        wanted: &'static str,
    },
    /// Two values have no order.
    #[error("{left} and {right} have no order")]
    Order {
        /// What the left one is.
        left: &'static str,
        /// What the right one is.
        right: &'static str,
    },
    /// It comes to more than is kept.
    #[error("it comes to more than {VALUE_BYTES_MAX} bytes")]
    TooLarge,
    /// It comes to something too deep.
    #[error("it comes to something nested more than {VALUE_DEPTH_MAX} deep")]
    TooDeep,
    /// There are too many items.
    #[error("it comes to {count} items; {ITEMS_MAX} is the most")]
    TooMany {
        /// How many.
        count: usize,
    },
}

impl EvaluationFlaw {
    pub(super) fn member<'n>(
        path: String,
        name: &str,
        names: impl Iterator<Item = &'n str> + Clone,
    ) -> Self {
        let nearest = nearest(name, names.clone()).map(str::to_owned);
        let members = names.take(LISTED_MAX).map(|it| it.chars().take(64).collect()).collect();
        Self::Member { path, name: name.to_owned(), members, nearest }
    }

    /// Says what to type.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Member { nearest: Some(name), .. } => {
                Some(format!("did you mean {}?", Quoted(name)))
            }
            Self::Member { members, .. } if members.is_empty() => Some("it has none".to_owned()),
            Self::Member { members, .. } => {
                let members = members.iter().map(|it| Quoted(it).to_string());
                Some(format!("it has {}", members.collect::<Vec<_>>().join(", ")))
            }
            Self::Type { wanted: "true or false", .. } => {
                Some("compare it, like `{{ steps.judge.findings > 0 }}`".to_owned())
            }
            Self::Order { .. } => Some("compare two numbers or two texts".to_owned()),
            Self::TooLarge => Some("let a tool take a part of it first".to_owned()),
            Self::TooMany { .. } => Some("let a step before it choose fewer".to_owned()),
            Self::Step { .. }
            | Self::NoItem { .. }
            | Self::Item { .. }
            | Self::Type { .. }
            | Self::TooDeep => None,
        }
    }
}
