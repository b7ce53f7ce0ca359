//! The programs that are known to start or reach this server, as data: where each keeps its settings, and
//! in which form.
//!
//! ```text
//! CLIENTS ──→ lines   what a person pastes
//!         └─→ found   what stands in their files already
//! ```
//!
//! The facts are from the clients' own documentation, named at each; none of these programs is asked.
//!
//! Invariant: nothing here writes a file, starts a client or knows a token.
//! Not here: the command that prints (`cli`).

mod comment;
mod finding;
mod found;
mod lines;

use std::path::{Path, PathBuf};

pub use finding::{Finding, Problem};
pub use found::{FILE_BYTES_MAX, FINDINGS_MAX, Found, Ground, look};
pub use lines::{Lines, LinesError, Started, TOKEN_VARIABLE};

/// What the server is called in a client's settings. Short, for it counts towards the length of each
/// tool's name.
pub const SERVER_NAME: &str = "ax";

/// A program that speaks the protocol.
#[derive(Debug)]
pub struct Client {
    /// How it is named on the command line.
    pub word: &'static str,
    /// What it calls itself.
    pub name: &'static str,
    /// The member of its settings that holds servers.
    pub member: &'static str,
    /// Its settings; the first is where lines are pasted.
    pub files: &'static [Place],
    /// What to do when the lines are there.
    pub after: &'static str,
    /// How long the name of a tool may be for it, if that is known.
    tool_chars: Option<ToolChars>,
    /// How it takes a server that it reaches over HTTP.
    http: Http,
}

/// How long the name of a tool may be, that of its server included.
#[derive(Debug, Clone, Copy)]
struct ToolChars {
    /// Characters that the client puts around both.
    joint: usize,
    /// Characters of all of it; it leaves out tools with more.
    max: usize,
}

/// How a client takes a server that it reaches over HTTP.
#[derive(Debug, Clone, Copy)]
enum Http {
    /// Not from a file.
    Never,
    /// What stands in the file is sent as it is, so the token itself would have to.
    Literal,
    /// Something in the file stands for the token.
    Variable {
        /// What stands for it.
        form: &'static str,
        /// Whether the kind of connection has to be said.
        is_typed: bool,
    },
}

/// Where a file of a client is.
#[derive(Debug, Clone, Copy)]
pub struct Place {
    base: Base,
    path: &'static str,
}

/// What a place is in.
#[derive(Debug, Clone, Copy)]
enum Base {
    /// The person's home folder.
    Person,
    /// The folder of settings: `~/.config`, unless told otherwise.
    Settings,
    /// The folder of one project.
    Project,
}

/// The folders that clients keep their settings in.
#[derive(Debug, Clone, Copy)]
pub struct Folders<'a> {
    /// The person's home folder, if it is known.
    pub person: Option<&'a Path>,
    /// The folder of settings, if it is known.
    pub settings: Option<&'a Path>,
    /// The folder of one project.
    pub project: &'a Path,
}

const fn person(path: &'static str) -> Place {
    Place { base: Base::Person, path }
}

const fn settings(path: &'static str) -> Place {
    Place { base: Base::Settings, path }
}

const fn project(path: &'static str) -> Place {
    Place { base: Base::Project, path }
}

/// Settings that programs with windows keep elsewhere on a Mac.
const fn elsewhere_on_mac(here: &'static str, mac: &'static str) -> Place {
    if cfg!(target_os = "macos") { person(mac) } else { settings(here) }
}

/// All that are known.
pub static CLIENTS: [Client; 5] = [
    // code.claude.com/docs/en/mcp: `${VAR}` is replaced in `.mcp.json`.
    Client {
        word: "claude-code",
        name: "Claude Code",
        member: "mcpServers",
        files: &[project(".mcp.json"), person(".claude.json")],
        after: "start it anew in that project, and agree when it asks; `/mcp` shows the server",
        // It calls them `mcp__server__tool`.
        tool_chars: Some(ToolChars { joint: 7, max: 64 }),
        http: Http::Variable { form: "${AX_MCP_TOKEN}", is_typed: true },
    },
    // modelcontextprotocol.io, quickstart for users: servers of the file are programs it starts.
    Client {
        word: "claude-desktop",
        name: "Claude Desktop",
        member: "mcpServers",
        files: &[elsewhere_on_mac(
            "Claude/claude_desktop_config.json",
            "Library/Application Support/Claude/claude_desktop_config.json",
        )],
        after: "quit it altogether and start it again",
        // loomle#168: one name of more than 64, and it leaves out all of the server.
        tool_chars: Some(ToolChars { joint: 0, max: 64 }),
        http: Http::Never,
    },
    // cursor.com/docs/mcp.
    Client {
        word: "cursor",
        name: "Cursor",
        member: "mcpServers",
        files: &[person(".cursor/mcp.json"), project(".cursor/mcp.json")],
        after: "switch the server on in its settings, under MCP",
        // composio#2788.
        tool_chars: Some(ToolChars { joint: 0, max: 60 }),
        http: Http::Variable { form: "${env:AX_MCP_TOKEN}", is_typed: false },
    },
    // code.visualstudio.com/docs/copilot/reference/mcp-configuration.
    Client {
        word: "vscode",
        name: "VS Code",
        member: "servers",
        files: &[
            elsewhere_on_mac(
                "Code/User/mcp.json",
                "Library/Application Support/Code/User/mcp.json",
            ),
            project(".vscode/mcp.json"),
        ],
        after: "start the server with the command `MCP: List Servers`; if it lists old tools later, \
            `MCP: Reset Cached Tools`",
        tool_chars: None,
        http: Http::Variable { form: "${input:ax-token}", is_typed: true },
    },
    // zed.dev/docs/ai/mcp; headers are sent as they stand: zed-industries/zed#60459.
    Client {
        word: "zed",
        name: "Zed",
        member: "context_servers",
        files: &[settings("zed/settings.json"), project(".zed/settings.json")],
        after: "it starts the server as soon as the file is saved",
        tool_chars: None,
        http: Http::Literal,
    },
];

/// Finds a client by the word for it.
#[must_use]
pub fn client(word: &str) -> Option<&'static Client> {
    CLIENTS.iter().find(|client| client.word == word)
}

impl Place {
    /// Returns where it is; nothing if its folder is not known.
    #[must_use]
    pub fn path(&self, folders: &Folders<'_>) -> Option<PathBuf> {
        let base = match self.base {
            Base::Person => folders.person,
            Base::Settings => folders.settings,
            Base::Project => Some(folders.project),
        };
        base.map(|base| base.join(self.path))
    }

    /// Says where it is, for a person who knows their folders.
    #[must_use]
    pub fn shown(&self, folders: &Folders<'_>) -> String {
        match (self.path(folders), self.base) {
            (Some(path), _) => path.display().to_string(),
            (None, Base::Settings) => format!("~/.config/{}", self.path),
            (None, Base::Person | Base::Project) => format!("~/{}", self.path),
        }
    }
}
