//! What a query says, after reading.

use serde_json::Value;

/// A query: from the document's root, or from the current node within a filter.
#[derive(Debug, PartialEq)]
pub(super) struct Query {
    pub absolute: bool,
    pub segments: Vec<Segment>,
}

impl Query {
    /// Whether it selects one node at most, by its form.
    pub(super) fn is_singular(&self) -> bool {
        self.segments.iter().all(|segment| {
            !segment.descendant
                && matches!(segment.selectors[..], [Selector::Name(_) | Selector::Index(_)])
        })
    }
}

/// One step of a query.
#[derive(Debug, PartialEq)]
pub(super) struct Segment {
    /// Whether it looks below its node at any depth, with `..`.
    pub descendant: bool,
    /// One selector or more.
    pub selectors: Vec<Selector>,
}

/// Which children to take.
#[derive(Debug, PartialEq)]
pub(super) enum Selector {
    Name(String),
    Wildcard,
    Index(i64),
    Slice { start: Option<i64>, end: Option<i64>, step: i64 },
    Filter(Logic),
}

/// A condition.
#[derive(Debug, PartialEq)]
pub(super) enum Logic {
    Or(Vec<Logic>),
    And(Vec<Logic>),
    Not(Box<Logic>),
    Exists(Query),
    Matches(Call),
    Compare { left: Operand, comparison: Comparison, right: Operand },
}

/// How two values are compared; the rest is made of these by swapping and negating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

/// What gives a value, or nothing.
#[derive(Debug, PartialEq)]
pub(super) enum Operand {
    Literal(Value),
    /// A singular query where a value is wanted.
    Query(Query),
    Call(Call),
}

/// A function with its arguments, whose types were checked.
#[derive(Debug, PartialEq)]
pub(super) enum Call {
    Length(Box<Operand>),
    Count(Query),
    Value(Query),
    /// `match` when `whole`, else `search`.
    Match {
        whole: bool,
        text: Box<Operand>,
        pattern: Box<Operand>,
    },
}

impl Call {
    /// Whether it gives a truth value; the others give values.
    pub(super) fn is_logical(&self) -> bool {
        matches!(self, Self::Match { .. })
    }
}
