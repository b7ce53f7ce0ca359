//! What a person pastes into a client's settings.
//!
//! Invariant: a token never stands in it; something stands for it that the client replaces.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Client, Http, SERVER_NAME};

/// The variable that clients take the token from.
pub const TOKEN_VARIABLE: &str = "AX_MCP_TOKEN";

/// Why a client cannot reach a server over HTTP.
#[derive(Debug, thiserror::Error)]
pub enum LinesError {
    /// Its settings hold programs that it starts, nothing else.
    #[error("{client} reaches no server over HTTP by its settings")]
    NoHttp {
        /// Which client.
        client: &'static str,
        /// The word for it.
        word: &'static str,
    },
    /// The token itself would have to stand in the file.
    #[error("{client} cannot take a token from a variable, so it would stand in the file itself")]
    NoVariable {
        /// Which client.
        client: &'static str,
        /// The word for it.
        word: &'static str,
    },
}

impl LinesError {
    /// Says what the user can do.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::NoHttp { word, .. } | Self::NoVariable { word, .. } => {
                Some(format!("let it start `ax` instead: ax mcp config {word}"))
            }
        }
    }
}

/// How a client starts this server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The program, by its whole path: a client with windows has not the shell's `PATH`.
    pub program: String,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// The variables it needs that no argument stands for.
    pub environment: BTreeMap<String, String>,
}

/// What a person pastes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lines {
    /// The JSON of the file.
    pub config: Value,
    /// A line of shell that does the same, if the client has one.
    pub command: Option<String>,
}

impl Client {
    /// Writes the lines with which it starts this server.
    #[must_use]
    pub fn starting(&self, started: &Started) -> Lines {
        let Started { program, arguments, environment } = started;
        let mut server = Map::new();
        if self.word == "vscode" {
            server.insert("type".to_owned(), json!("stdio"));
        }
        server.insert("command".to_owned(), json!(program));
        server.insert("args".to_owned(), json!(arguments));
        if !environment.is_empty() || self.word == "zed" {
            server.insert("env".to_owned(), json!(environment));
        }
        let command = (self.word == "claude-code").then(|| {
            // Variables first: what follows them would be taken for one more.
            let variables = environment.iter().map(|(name, value)| format!("{name}={value}"));
            let variables: String =
                variables.map(|it| format!("--env {} ", for_shell(&it))).collect();
            let words = std::iter::once(program).chain(arguments);
            let words: Vec<String> = words.map(|word| for_shell(word)).collect();
            format!("claude mcp add {variables}--scope user {SERVER_NAME} -- {}", words.join(" "))
        });
        Lines { config: json!({ self.member: { SERVER_NAME: server } }), command }
    }

    /// Writes the lines with which it reaches a server at `url`.
    ///
    /// # Errors
    ///
    /// [`LinesError`] if it has no way to, or none that keeps the token out of the file.
    pub fn reaching(&self, url: &str) -> Result<Lines, LinesError> {
        let Self { word, name: client, .. } = *self;
        let (form, is_typed) = match self.http {
            Http::Never => return Err(LinesError::NoHttp { client, word }),
            Http::Literal => return Err(LinesError::NoVariable { client, word }),
            Http::Variable { form, is_typed } => (form, is_typed),
        };
        let mut server = Map::new();
        if is_typed {
            server.insert("type".to_owned(), json!("http"));
        }
        let authorization = format!("Bearer {form}");
        server.insert("url".to_owned(), json!(url));
        server.insert("headers".to_owned(), json!({ "Authorization": authorization }));
        let mut config = json!({ self.member: { SERVER_NAME: server } });
        if word == "vscode" {
            config["inputs"] = json!([{
                "type": "promptString", "id": "ax-token", "description": "Token of ax",
                "password": true,
            }]);
        }
        let command = (word == "claude-code").then(|| {
            // Of a project, whose file is the one that variables are replaced in. The header comes last:
            // what follows it would be taken for one more.
            let header = for_shell(&format!("Authorization: {authorization}"));
            let url = for_shell(url);
            format!(
                "claude mcp add --scope project --transport http {SERVER_NAME} {url} --header {header}"
            )
        });
        Ok(Lines { config, command })
    }
}

/// Quotes a word for the shell where it needs it.
fn for_shell(word: &str) -> String {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "/._-=:,@+".contains(it);
    match !word.is_empty() && word.chars().all(is_plain) {
        true => word.to_owned(),
        false => format!("'{}'", word.replace('\'', r"'\''")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::CLIENTS;
    use super::*;

    const URL: &str = "http://127.0.0.1:7420/mcp";

    fn started() -> Started {
        let words = ["mcp", "serve", "--stdio"];
        Started {
            program: "/opt/ax".to_owned(),
            arguments: words.map(str::to_owned).to_vec(),
            environment: BTreeMap::new(),
        }
    }

    #[test]
    fn each_client_gets_its_own_shape() {
        let server = json!({ "command": "/opt/ax", "args": ["mcp", "serve", "--stdio"] });
        let mut typed = server.clone();
        typed["type"] = json!("stdio");
        let mut with_variables = server.clone();
        with_variables["env"] = json!({});
        let expected = [
            ("claude-code", json!({ "mcpServers": { "ax": server } })),
            ("claude-desktop", json!({ "mcpServers": { "ax": server } })),
            ("cursor", json!({ "mcpServers": { "ax": server } })),
            ("vscode", json!({ "servers": { "ax": typed } })),
            ("zed", json!({ "context_servers": { "ax": with_variables } })),
        ];
        for (client, (word, config)) in CLIENTS.iter().zip(expected) {
            assert_eq!((client.word, client.starting(&started()).config), (word, config));
        }
    }

    #[test]
    fn something_stands_for_the_token_or_there_is_no_way() {
        let headers = |form: &str| json!({ "Authorization": format!("Bearer {form}") });
        let of = |word: &str| {
            let client = CLIENTS.iter().find(|client| client.word == word).expect("it is known");
            client.reaching(URL).map(|lines| lines.config)
        };
        let code = json!({ "type": "http", "url": URL, "headers": headers("${AX_MCP_TOKEN}") });
        assert_eq!(of("claude-code").unwrap(), json!({ "mcpServers": { "ax": code } }));
        let cursor = json!({ "url": URL, "headers": headers("${env:AX_MCP_TOKEN}") });
        assert_eq!(of("cursor").unwrap(), json!({ "mcpServers": { "ax": cursor } }));
        let vscode = of("vscode").unwrap();
        let server = json!({ "type": "http", "url": URL, "headers": headers("${input:ax-token}") });
        assert_eq!(vscode["servers"]["ax"], server);
        assert_eq!(vscode["inputs"][0]["id"], "ax-token");
        assert_eq!(vscode["inputs"][0]["password"], true);
        for word in ["claude-desktop", "zed"] {
            let error = of(word).unwrap_err();
            let hint = format!("let it start `ax` instead: ax mcp config {word}");
            assert_eq!(error.hint(), Some(hint));
        }
    }

    #[test]
    fn a_line_of_shell_means_what_the_json_means() {
        let mut started = started();
        let lines = CLIENTS[0].starting(&started);
        let plain = "claude mcp add --scope user ax -- /opt/ax mcp serve --stdio";
        assert_eq!(lines.command.as_deref(), Some(plain));
        started.program = "/my ax/it's".to_owned();
        started.environment = BTreeMap::from([("AX_POLICY".to_owned(), "/a b".to_owned())]);
        let quoted = r"claude mcp add --env 'AX_POLICY=/a b' --scope user ax -- '/my ax/it'\''s' mcp serve --stdio";
        assert_eq!(CLIENTS[0].starting(&started).command.as_deref(), Some(quoted));
        let http = CLIENTS[0].reaching(URL).unwrap().command.unwrap();
        assert!(http.ends_with("--header 'Authorization: Bearer ${AX_MCP_TOKEN}'"), "{http}");
        assert!(CLIENTS[1..].iter().all(|client| client.starting(&started).command.is_none()));
    }
}
