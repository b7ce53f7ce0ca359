//! `[approvals]`: who may allow what a program wants to do.
//!
//! Invariant: of several policies the strictest holds, and where none says anything a person is asked.
//! Not here: asking (host, server).

use super::error::Wrong;
use super::reading::Reading;
use crate::manifest::tree::Node;

/// Who allows a call that may destroy something, when a program calls it over MCP.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum McpApproval {
    /// `none`: nobody is asked; what the plugin was granted is enough.
    None,
    /// `elicit`: whoever the program says has been asked. A program can answer by itself.
    Elicit,
    /// `person`: a person at the terminal, by `ax approve`.
    #[default]
    Person,
}

/// The words of the key `mcp`.
const WORDS: [&str; 3] = ["person", "elicit", "none"];

/// Reads the section; nothing if it says nothing.
pub(super) fn from_node(reading: &mut Reading<'_>, node: &Node) -> Option<McpApproval> {
    let section = reading.open(node, "approvals", &["mcp"])?;
    let node = section.get("mcp")?;
    reading.keep(word(node))
}

fn word(node: &Node) -> Result<McpApproval, Wrong> {
    match node.text("approvals.mcp")? {
        "person" => Ok(McpApproval::Person),
        "elicit" => Ok(McpApproval::Elicit),
        "none" => Ok(McpApproval::None),
        text => Err(Wrong::choice(node, "approvals.mcp", text, &WORDS)),
    }
}

#[cfg(test)]
mod tests {
    use super::McpApproval::{Elicit, None, Person};
    use crate::policy::tests::policy;
    use crate::policy::{McpApproval, Policies, Policy};

    fn together(texts: &[&str]) -> McpApproval {
        let named = texts.iter().enumerate();
        Policies::new(named.map(|(at, text)| (format!("{at}.toml"), policy(text)))).mcp_approval()
    }

    #[test]
    fn a_person_is_asked_where_nothing_is_said_and_else_by_the_strictest_that_is_said() {
        assert_eq!(together(&[]), Person);
        assert_eq!(together(&["", "permissions.deny = [\"kv\"]"]), Person);
        let [none, elicit, person] =
            ["none", "elicit", "person"].map(|word| format!("approvals.mcp = \"{word}\""));
        assert_eq!(together(&[&none]), None);
        assert_eq!(together(&["", &none]), None);
        for order in [[&none, &elicit], [&elicit, &none]] {
            assert_eq!(together(&order.map(String::as_str)), Elicit);
        }
        assert_eq!(together(&[&none, &person, &elicit]), Person);
    }

    #[test]
    fn another_word_or_key_is_refused_with_what_to_write() {
        let refused = |text: &str| {
            let error = Policy::parse(text).expect_err("it is refused");
            format!("{error} | {}", error.kind.hint())
        };
        let all = [
            refused("[approvals]\nmcp = \"elicits\""),
            refused("[approvals]\nmcp = 1"),
            refused("[approvals]\nhttp = \"none\""),
        ];
        insta::assert_snapshot!(all.join("\n"), @r#"
        policy.toml:2:7: `approvals.mcp` is `elicits`, which is not one of person, elicit, none | did you mean `elicit`?
        policy.toml:2:7: `approvals.mcp` is an integer; it must be a string | write it like `mcp = "person"`
        policy.toml:2:1: unknown key `http` in `[approvals]` | the keys here are mcp
        "#);
    }
}
