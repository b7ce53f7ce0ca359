//! `ax config show`.

use super::args::ConfigCommand;
use super::fault::CliError;
use super::output::Output;
use super::render::table;
use crate::app::App;
use serde_json::json;

pub(super) fn run(app: &App, output: Output, command: &ConfigCommand) -> Result<(), CliError> {
    let ConfigCommand::Show { sources } = command;
    let rows = app.config().rows();
    let values: Vec<_> = rows
        .iter()
        .map(|row| match sources {
            true => json!({ "key": row.key, "value": row.value, "source": row.source }),
            false => json!({ "key": row.key, "value": row.value }),
        })
        .collect();
    output.data(&values, || {
        table(rows.iter().map(|row| {
            let mut cells = vec![("KEY", row.key.clone()), ("VALUE", row.value.clone())];
            if *sources {
                cells.push(("SOURCE", row.source.clone()));
            }
            cells
        }))
    });
    Ok(())
}
