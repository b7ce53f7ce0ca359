//! What stands about this server in the settings that clients have, and what is wrong with it.
//!
//! Whatever these files say was written by a person, a client, or (in a project) a stranger.
//!
//! Invariant: files are read, never written, and at most [`FILE_BYTES_MAX`] of each; no server that they name
//! is started or asked; what they hold of tokens is not repeated.
//! Not here: what is said about it (`cli`).

use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use serde_json::{Map, Value, json};

use super::comment::without_comments;
use super::finding::{Finding, Problem};
use super::{CLIENTS, Client, Folders};
use crate::secret::tokens::PREFIX;

/// Bytes of a client's file that are looked at. Claude Code keeps its history there, too.
pub const FILE_BYTES_MAX: u64 = 4 << 20;

/// What is told at most: more is told when these are mended.
pub const FINDINGS_MAX: usize = 20;

/// `O_NONBLOCK`, which changes nothing for ordinary files: opening a pipe must not wait.
const NO_WAIT: i32 = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();

/// What this machine is like, as far as it counts here.
#[derive(Debug, Clone, Copy)]
pub struct Ground<'a> {
    /// Where clients keep their settings.
    pub folders: Folders<'a>,
    /// This program, without links.
    pub program: &'a Path,
    /// The longest name of a tool, as clients see it.
    pub longest_tool: Option<&'a str>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// The words for the clients that have a server of ours.
    pub clients: Vec<&'static str>,
    /// What is wrong, at most [`FINDINGS_MAX`].
    pub findings: Vec<Finding>,
    /// How much else is.
    pub omitted: usize,
}

/// A server of ours in a list of servers.
pub(super) struct Server<'a> {
    pub(super) name: &'a str,
    pub(super) command: Option<&'a str>,
    pub(super) arguments: Vec<&'a str>,
    pub(super) url: Option<&'a str>,
    entry: &'a Map<String, Value>,
}

/// Looks at the settings of all clients.
#[must_use]
pub fn look(ground: &Ground<'_>) -> Found {
    let mut found = Found::default();
    for client in &CLIENTS {
        let mut known = Known::new();
        let mut paths: Vec<PathBuf> =
            client.files.iter().filter_map(|place| place.path(&ground.folders)).collect();
        // One file, if the person's home is the project.
        paths.dedup();
        for path in paths {
            let problems = match read(&path) {
                Ok(None) => continue,
                Ok(Some(settings)) => {
                    let (has_any, problems) = of_file(client, &settings, ground, &mut known);
                    if has_any && found.clients.last() != Some(&client.word) {
                        found.clients.push(client.word);
                    }
                    problems
                }
                Err(problem) => vec![problem],
            };
            for problem in problems {
                match found.findings.len() < FINDINGS_MAX {
                    true => found.findings.push(Finding { client, path: path.clone(), problem }),
                    false => found.omitted += 1,
                }
            }
        }
    }
    found
}

/// Reads the settings of a client; nothing if it has none there.
fn read(path: &PathBuf) -> Result<Option<Value>, Problem> {
    let unreadable = |error: std::io::Error| Problem::Unreadable { why: error.to_string() };
    let opened = std::fs::File::options().read(true).custom_flags(NO_WAIT).open(path);
    let file = match opened {
        Ok(file) => file,
        // What is not there, or is no folder on the way, is no client's.
        Err(error) if is_absence(&error) => return Ok(None),
        Err(error) => return Err(unreadable(error)),
    };
    if !file.metadata().map_err(unreadable)?.is_file() {
        return Err(Problem::Unreadable { why: "it is no file".to_owned() });
    }
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(Problem::Unreadable {
            why: format!("it has more than {FILE_BYTES_MAX} bytes"),
        });
    }
    let not_json = |why: String| Problem::Unreadable { why };
    let text = String::from_utf8(bytes).map_err(|_| not_json("it is not UTF-8".to_owned()))?;
    if text.trim().is_empty() {
        return Ok(None);
    }
    let json = serde_json::from_str(&without_comments(&text));
    json.map(Some)
        .map_err(|error| not_json(format!("it is not JSON at {}:{}", error.line(), error.column())))
}

fn is_absence(error: &std::io::Error) -> bool {
    matches!(error.kind(), std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory)
}

/// What a server is called first, by what it is.
type Known = BTreeMap<String, String>;

/// Tells whether a file has servers of ours, and what is wrong with them. `known` are those of the client's
/// other files, which it has at the same time.
fn of_file(
    client: &Client,
    settings: &Value,
    ground: &Ground<'_>,
    known: &mut Known,
) -> (bool, Vec<Problem>) {
    let (mut has_any, mut problems) = (false, Vec::new());
    let mut add = |list: &Value, known: &mut Known| {
        for (name, entry) in list.as_object().into_iter().flatten() {
            let Some(server) = entry.as_object().and_then(|it| Server::of(name, it)) else {
                continue;
            };
            if !server.is_ours(ground.program) {
                // A bridge to one of ours may hold its token.
                let is_held = server.holds_ours().then(|| Problem::Token { name: name.clone() });
                problems.extend(is_held);
                continue;
            }
            has_any = true;
            problems.extend(server.problems(client, ground));
            let first = known.entry(server.what()).or_insert_with(|| name.clone());
            // One of the same name takes the other's place.
            if first != name {
                let (first, second) = (first.clone(), name.clone());
                problems.push(Problem::Twice { first, second });
            }
        }
    };
    if let Some(list) = settings.get(client.member) {
        add(list, known);
    }
    // Claude Code keeps a list for each project, too, and has one of these at a time.
    let projects = settings.get("projects").and_then(Value::as_object);
    for project in projects.into_iter().flat_map(Map::values) {
        if let Some(list) = project.get(client.member) {
            add(list, &mut Known::new());
        }
    }
    (has_any, problems)
}

impl<'a> Server<'a> {
    fn of(name: &'a str, entry: &'a Map<String, Value>) -> Option<Self> {
        // Older releases of Zed have an object with both.
        let nested = entry.get("command").and_then(Value::as_object);
        let holder = nested.unwrap_or(entry);
        let member = if nested.is_some() { "path" } else { "command" };
        let command = holder.get(member).and_then(Value::as_str);
        let arguments = holder.get("args").and_then(Value::as_array);
        let arguments = arguments.into_iter().flatten().filter_map(Value::as_str).collect();
        let url = entry.get("url").and_then(Value::as_str);
        (command.is_some() || url.is_some()).then_some(Self {
            name,
            command,
            arguments,
            url,
            entry,
        })
    }

    /// Answers whether it is one of ours, as far as can be told without asking it.
    fn is_ours(&self, program: &Path) -> bool {
        match (self.command, self.url) {
            (Some(command), _) => {
                is_ax(command) || self.serves() || is_file(Path::new(command), program)
            }
            (None, Some(url)) => self.name == super::SERVER_NAME || is_local(url),
            (None, None) => false,
        }
    }

    fn serves(&self) -> bool {
        self.arguments.windows(3).any(|it| it[..2] == ["mcp", "serve"] && it[2].starts_with("--"))
    }

    /// Returns what it is, to be compared.
    fn what(&self) -> String {
        json!([self.command, self.arguments, self.url, self.entry.get("env")]).to_string()
    }

    fn problems(&self, client: &Client, ground: &Ground<'_>) -> Vec<Problem> {
        let name = || self.name.to_owned();
        let mut problems = Vec::new();
        if let Some(command) = self.command {
            let path = Path::new(command);
            let command = || command.to_owned();
            if !path.is_absolute() {
                problems.push(Problem::Relative { name: name(), command: command() });
            } else if !path.exists() {
                problems.push(Problem::Gone { name: name(), command: command() });
            } else if !is_file(path, ground.program) {
                problems.push(Problem::Other { name: name(), command: command() });
            }
            if is_ax(&command()) && !self.serves() {
                problems.push(Problem::Silent { name: name() });
            }
        }
        if self.has_token() || self.holds_ours() {
            problems.push(Problem::Token { name: name() });
        }
        if self.entry.get("sandboxEnabled") == Some(&Value::Bool(true)) {
            problems.push(Problem::Approved { name: name() });
        }
        if let (Some(longest), Some(bound)) = (ground.longest_tool, client.tool_chars) {
            let chars = self.name.chars().count() + bound.joint + longest.chars().count();
            if chars > bound.max {
                let (tool, max) = (longest.to_owned(), bound.max);
                problems.push(Problem::LongName { name: name(), tool, chars, max });
            }
        }
        problems
    }

    /// Answers whether a token of ours stands anywhere in it.
    fn holds_ours(&self) -> bool {
        fn is_in(value: &Value) -> bool {
            match value {
                Value::String(text) => text.contains(PREFIX),
                Value::Array(items) => items.iter().any(is_in),
                Value::Object(members) => members.values().any(is_in),
                Value::Null | Value::Bool(_) | Value::Number(_) => false,
            }
        }
        self.entry.values().any(is_in)
    }

    /// Answers whether a token stands in its header, rather than something for one.
    fn has_token(&self) -> bool {
        let headers = self.entry.get("headers").and_then(Value::as_object);
        headers.into_iter().flatten().any(|(name, value)| {
            let value = value.as_str().unwrap_or_default();
            let (scheme, token) = value.split_once(' ').unwrap_or_default();
            name.eq_ignore_ascii_case("authorization")
                && scheme.eq_ignore_ascii_case("bearer")
                && !token.trim().is_empty()
                && !token.contains("${")
        })
    }
}

fn is_ax(command: &str) -> bool {
    Path::new(command).file_name().is_some_and(|name| name == "ax")
}

/// Answers whether a path leads to this program.
fn is_file(path: &Path, program: &Path) -> bool {
    path.is_absolute() && path.canonicalize().is_ok_and(|real| real == program)
}

/// Answers whether an address is such as `ax mcp serve --http` has.
fn is_local(url: &str) -> bool {
    let rest = url.strip_prefix("http://").unwrap_or_default();
    let (host, path) = rest.split_once('/').unwrap_or_default();
    let (name, port) = host.rsplit_once(':').unwrap_or_default();
    ["127.0.0.1", "localhost", "[::1]"].contains(&name) && port == "7420" && path == "mcp"
}

#[cfg(test)]
mod tests;
