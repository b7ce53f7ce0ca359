//! Tables as text: CSV and TSV, read into typed columns or records and written from JSON.
//!
//! ```text
//! text ──read──► rows ──column──► columns or records        records ──write──► text
//! ```
//!
//! Invariant: no cell is lost or changed on the way but for the spelling of numbers, and what
//! `write` wrote, `read` reads as the same cells.

mod column;
mod read;
mod write;

pub use column::Column;
pub use column::Values;
pub use read::Ragged;
pub use read::Reading;
pub use read::Table;
pub use read::read;
pub use write::Writing;
pub use write::Written;
pub use write::write;

use crate::refusal::Refusal;

/// Rows of a table. A row takes a hundred bytes of memory besides its cells.
const ROWS_MAX: usize = 50_000;
/// Columns of a table: people have dozens, exports hundreds.
const COLUMNS_MAX: usize = 1_000;
/// Cells of a table, empty ones included: each takes fifty bytes of memory several times, and up to
/// eighty of the 8 MiB that the host takes from a plugin at once.
const CELLS_MAX: usize = 100_000;

/// Gives the byte between cells.
fn delimiter(asked: Option<char>) -> Result<u8, Refusal> {
    let character = asked.unwrap_or(',');
    match u8::try_from(character) {
        Ok(byte) if byte.is_ascii() && !matches!(byte, b'"' | b'\n' | b'\r') => Ok(byte),
        _ => Err(Refusal::Delimiter),
    }
}

#[cfg(test)]
mod tests;
