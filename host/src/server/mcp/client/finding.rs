//! One thing that is wrong with a server in a client's settings, in words.

use std::fmt;
use std::path::PathBuf;

use ax_manifest::Quoted;

use super::{Client, Http};
use crate::plugin::scrub;

/// Bytes of a path that is shown.
const SHOWN_BYTES: usize = 1_024;

/// One thing that is wrong.
#[derive(Debug)]
pub struct Finding {
    /// With which client.
    pub client: &'static Client,
    /// In which file.
    pub path: PathBuf,
    /// What.
    pub problem: Problem,
}

/// What can be wrong. The name is that of the server in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// The file cannot be read, or not as settings.
    Unreadable {
        /// Why.
        why: String,
    },
    /// The program is named by no whole path.
    Relative {
        /// The server.
        name: String,
        /// The program.
        command: String,
    },
    /// The program is not there.
    Gone {
        /// The server.
        name: String,
        /// The program.
        command: String,
    },
    /// The program is another one than this.
    Other {
        /// The server.
        name: String,
        /// The program.
        command: String,
    },
    /// Its arguments do not make it serve.
    Silent {
        /// The server.
        name: String,
    },
    /// A token stands in the file.
    Token {
        /// The server.
        name: String,
    },
    /// The client lets its tools do what they do unasked.
    Approved {
        /// The server.
        name: String,
    },
    /// Names get too long for the client.
    LongName {
        /// The server.
        name: String,
        /// The tool with the longest name.
        tool: String,
        /// How long both are together.
        chars: usize,
        /// How long they may be.
        max: usize,
    },
    /// Two servers are the same.
    Twice {
        /// One.
        first: String,
        /// The other.
        second: String,
    },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let client = self.client.name;
        let file = one_line(&self.path.display().to_string());
        match &self.problem {
            Problem::Unreadable { why } => write!(f, "cannot read `{file}` of {client}: {why}"),
            Problem::Relative { name, command } => {
                let command = one_line(command);
                write!(f, "{client} starts {} as `{command}`, no whole path", Quoted(name))
            }
            Problem::Gone { name, command } => {
                let command = one_line(command);
                write!(f, "{client} starts {} as `{command}`, which is not there", Quoted(name))
            }
            Problem::Other { name, command } => {
                let command = one_line(command);
                write!(f, "{client} starts {} as `{command}`, not as this `ax`", Quoted(name))
            }
            Problem::Silent { name } => {
                write!(f, "{client} starts {} without `mcp serve --stdio`", Quoted(name))
            }
            Problem::Token { name } => {
                write!(f, "a token of {} stands in `{file}` of {client} itself", Quoted(name))
            }
            Problem::Approved { name } => {
                let name = Quoted(name);
                write!(f, "{client} asks nobody before it calls tools of {name}: `sandboxEnabled`")
            }
            Problem::LongName { name, tool, chars, max } => {
                let (name, tool) = (Quoted(name), Quoted(tool));
                write!(
                    f,
                    "{client} takes names of {max} characters: {name} with {tool} has {chars}"
                )
            }
            Problem::Twice { first, second } => {
                let (first, second) = (Quoted(first), Quoted(second));
                write!(f, "{client} has each tool twice: {first} and {second} are the same")
            }
        }
    }
}

impl Finding {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> String {
        let file = one_line(&self.path.display().to_string());
        let word = self.client.word;
        match &self.problem {
            Problem::Unreadable { .. } => format!("mend it as {} says", self.client.name),
            Problem::Relative { .. } | Problem::Gone { .. } | Problem::Other { .. } => {
                format!("`ax mcp config {word}` prints the lines for {file}")
            }
            Problem::Silent { .. } => format!("`ax mcp config {word}` prints the lines for {file}"),
            Problem::Token { .. } => match self.client.http {
                Http::Variable { .. } => format!(
                    "end it with `ax mcp token remove NAME`, and let a variable stand for another: ax \
                     mcp config {word} --http"
                ),
                Http::Never | Http::Literal => {
                    format!("let it start `ax` instead: ax mcp config {word}")
                }
            },
            Problem::Approved { .. } => {
                format!("take it out of {file}: what plugins may do, they would do unasked")
            }
            Problem::LongName { .. } => {
                format!("call the server `{}` in {file}", super::SERVER_NAME)
            }
            Problem::Twice { second, .. } => format!("take {} out of {file}", Quoted(second)),
        }
    }
}

/// Makes what others wrote fit a line.
fn one_line(text: &str) -> String {
    scrub(text, SHOWN_BYTES).replace(['\n', '\t'], " ")
}
