//! `ax plugin prune`: what goes, how much that is, and what stays and why.

use std::collections::BTreeMap;

use clap::Args;
use serde_json::json;

use super::fault::CliError;
use super::output::Output;
use super::prompt;
use super::render::{counted, size, table};
use crate::app::{Amount, App, Keep, Kind, Unused};
use crate::plugin::scrub;

/// Generations kept unless another number is given: enough to go back over a bad afternoon.
const KEPT: u64 = 10;

/// Bytes of a printed path, name or damage.
const TEXT_BYTES: usize = 4 << 10;

/// Flags of `ax plugin prune`.
#[derive(Debug, Clone, Args)]
pub(crate) struct PruneArgs {
    /// How many of the last generations stay, the current one among them
    #[arg(
        long, value_name = "COUNT", default_value_t = KEPT,
        value_parser = clap::value_parser!(u64).range(1..)
    )]
    keep: u64,
    /// Show what would go, and remove nothing
    #[arg(long)]
    dry_run: bool,
    /// Remove data that nothing in use needs, too: of plugins that are no longer installed, and what
    /// other releases left
    #[arg(long)]
    data: bool,
}

pub(super) fn run(app: &App, output: Output, args: &PruneArgs) -> Result<(), CliError> {
    let keep = Keep { last: args.keep, data: !args.data };
    if args.dry_run {
        let unused = app.unused(keep)?;
        report(output, &unused, true);
        return Ok(());
    }
    if args.data && !agreed(app, output, keep)? {
        output.note("nothing was removed");
        return Ok(());
    }
    let unused = app.prune(keep)?;
    report(output, &unused, false);
    Ok(())
}

/// Asks before data go that nobody can bring back; not when none would.
fn agreed(app: &App, output: Output, keep: Keep) -> Result<bool, CliError> {
    let with_data = app.unused(keep)?;
    let without = app.unused(Keep { data: true, ..keep })?;
    let spared: Vec<_> = without.states();
    let owners: Vec<&str> = with_data
        .states()
        .into_iter()
        .filter(|state| !spared.contains(state))
        .map(|(owner, _)| owner)
        .collect();
    if owners.is_empty() {
        return Ok(true);
    }
    let listed = scrub(&owners.join(", "), TEXT_BYTES);
    prompt::confirm(app, output, &format!("Remove the data of {listed} for good?"))
}

fn report(output: Output, unused: &Unused, is_dry_run: bool) {
    for odd in &unused.in_the_way {
        output.warn(&scrub(&odd.what, TEXT_BYTES));
        output.note(&scrub(&odd.hint, TEXT_BYTES));
    }
    let amounts = unused.amounts();
    let value = json!({
        "dryRun": is_dry_run,
        "removed": amounts,
        "bytes": total(&amounts),
        "kept": unused.kept,
        "young": unused.young,
        "inTheWay": unused.in_the_way,
    });
    output.data(&value, || match amounts.is_empty() {
        true => "nothing to remove\n".to_owned(),
        false => rows(&amounts),
    });
    if output.is_verbose() {
        for kept in &unused.kept {
            let why = scrub(&kept.why, TEXT_BYTES);
            output.note(&format!("kept generation {:06}: {why}", kept.generation));
        }
        if unused.young > 0 {
            let files = counted(unused.young as u64, "file");
            output.note(&format!("kept {files} younger than an hour"));
        }
    }
    if is_dry_run && !amounts.is_empty() {
        output.note("nothing was removed: --dry-run");
    }
}

/// One row for each kind, then the sum.
fn rows(amounts: &BTreeMap<Kind, Amount>) -> String {
    let count: u64 = amounts.values().map(|amount| amount.count).sum();
    let sum = Amount { count, bytes: total(amounts) };
    let kinds = amounts.iter().map(|(kind, amount)| (word(*kind), *amount));
    table(kinds.chain([("together", sum)]).map(|(word, amount)| {
        [
            ("REMOVED", word.to_owned()),
            ("COUNT", amount.count.to_string()),
            ("SIZE", size(amount.bytes)),
        ]
    }))
}

fn total(amounts: &BTreeMap<Kind, Amount>) -> u64 {
    amounts.values().fold(0, |sum, amount| sum.saturating_add(amount.bytes))
}

fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::Generations => "generations",
        Kind::Leftovers => "leftovers",
        Kind::Blobs => "packages",
        Kind::Compiled => "compiled code",
        Kind::States => "data",
        Kind::Accounts => "accounts",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_a_row_and_the_last_one_adds_up() {
        let amount = |count, bytes| Amount { count, bytes };
        let amounts = BTreeMap::from([
            (Kind::Compiled, amount(2, 3 << 20)),
            (Kind::Generations, amount(3, 2048)),
            (Kind::Accounts, amount(1, 0)),
        ]);
        insta::assert_snapshot!(rows(&amounts), @r"
        REMOVED        COUNT  SIZE
        generations        3  2.0 KiB
        compiled code      2  3.0 MiB
        accounts           1  0 B
        together           6  3.0 MiB
        ");
    }
}
