//! The SDKs of two other languages, which make the same claims of a server: at both revisions, over both
//! transports.
//!
//! Not here: the claims (`tests/accept/mcp/client.py`, `client.mjs`).

use std::ffi::OsString;
use std::fs;
use std::process::Command;

use anyhow::Context as _;
use anyhow::Result;
use anyhow::anyhow;
use anyhow::bail;

use super::Ground;
use super::REVISIONS;
use super::SOURCES;
use super::served::Served;
use crate::accept::score::Score;
use crate::process;

/// How often each claim is made: languages, revisions, transports.
pub(super) const RUNS: usize = LANGUAGES.len() * REVISIONS.len() * 2;

/// The last line of a client that looked at all of its claims.
const END: &str = "END";

/// A language: its name, and how its program is started.
type Language = (&'static str, fn(&Ground) -> Result<Command>);

const LANGUAGES: [Language; 2] = [("python", python), ("typescript", typescript)];

/// Runs all of them.
pub(super) fn run(ground: &Ground, score: &mut Score) {
    let served = match Served::fixtures(ground, true) {
        Ok(served) => served,
        Err(error) => {
            score.check("clients: serve the fixtures over HTTP", Err(error));
            return;
        }
    };
    let stdio: Vec<OsString> = vec![
        "stdio".into(),
        ground.fixtures.clone().into(),
        ground.ax.home().into(),
        "stdio".into(),
    ];
    let http = vec!["http".into(), served.url.clone().into(), ground.token.clone().into()];
    for (language, program) in LANGUAGES {
        for revision in REVISIONS {
            for (transport, server) in [("stdio", &stdio), ("http", &http)] {
                let about = format!("{language} {revision} {transport}");
                let looked = program(ground).and_then(|mut client| {
                    client.arg(revision).args(server);
                    claims(&mut client, &about, score)
                });
                if let Err(error) = looked {
                    score.check(&format!("{about}: looks at every claim"), Err(error));
                }
            }
        }
    }
}

/// Runs a client, and counts each of its claims.
pub(super) fn claims(client: &mut Command, about: &str, score: &mut Score) -> Result<()> {
    let printed = process::capture(client)?;
    for line in printed.text.lines() {
        if let Some(claim) = line.strip_prefix("PASS ") {
            score.check(&format!("{about}: {claim}"), Ok(()));
        } else if let Some(failed) = line.strip_prefix("FAIL ") {
            let (claim, why) = failed.split_once(": ").unwrap_or((failed, "it does not say why"));
            score.check(&format!("{about}: {claim}"), Err(anyhow!("{why}")));
        }
    }
    match printed.status.success() && printed.text.lines().any(|line| line == END) {
        true => Ok(()),
        false => bail!("{}: {}", printed.status, printed.text),
    }
}

fn python(ground: &Ground) -> Result<Command> {
    let mut command = Command::new(&ground.python);
    command.arg(ground.checkout.root().join(SOURCES).join("client.py"));
    Ok(command)
}

fn typescript(ground: &Ground) -> Result<Command> {
    const PROGRAM: &str = "client.mjs";
    // Node looks for packages beside the file and above.
    fs::copy(ground.checkout.root().join(SOURCES).join(PROGRAM), ground.npm.join(PROGRAM))
        .with_context(|| format!("cannot copy `{PROGRAM}`"))?;
    ground.node(PROGRAM)
}
