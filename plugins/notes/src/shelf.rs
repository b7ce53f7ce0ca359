//! Blocks in the store: one to change, or all of them in turn.
//!
//! Not here: what a block holds (`block`).

use std::ops::ControlFlow;

use crate::block::Block;
use crate::block::Reading;
use crate::error::NotesError;
use crate::error::damaged;
use crate::layout::INDEX;
use crate::layout::block_at;
use crate::layout::block_key;
use crate::layout::block_of;
use crate::store::Change;
use crate::store::Store;
use crate::store::When;

/// Blocks to ask for at once: 512 notes, so that the first page of a list takes one question, and
/// the index of a full store some twenty.
const BLOCKS_PER_SCAN: u32 = 64;

/// Hears how many blocks were read so far and says whether to go on.
pub type Watch<'a> = &'a mut dyn FnMut(u64) -> bool;

/// A block taken from the store to be changed.
#[derive(Debug)]
pub struct Taken {
    number: u64,
    /// What is in it.
    pub block: Block,
    when: When,
}

/// Takes the block that a note belongs to; an empty one if there is none.
///
/// # Errors
///
/// [`NotesError::Damaged`], [`NotesError::Store`].
pub fn take(store: &impl Store, id: u64) -> Result<Taken, NotesError> {
    let number = block_of(id);
    let key = block_key(number);
    let entry = store.get(&key)?;
    let block = match &entry {
        Some(entry) => Block::decode(number, &entry.value).map_err(|cause| damaged(&key, cause))?,
        None => Block::default(),
    };
    Ok(Taken { number, block, when: When::as_read(entry.as_ref()) })
}

impl Taken {
    /// Returns the change that puts it back, if nobody changed it in between.
    pub fn put_back(self) -> Change {
        let key = block_key(self.number);
        match self.block.is_empty() {
            true => Change::Remove { key, when: self.when },
            false => Change::Put { key, value: self.block.encode(), when: self.when },
        }
    }
}

/// Shows `visit` all blocks from the newest on, those above `newest` left out, until it breaks off.
///
/// Notes that are there throughout are seen once each, whoever writes meanwhile.
///
/// # Errors
///
/// [`NotesError::Cancelled`] when `watch` says so, [`NotesError::Damaged`], [`NotesError::Store`].
pub fn walk(
    store: &impl Store,
    newest: u64,
    watch: Watch<'_>,
    visit: &mut dyn FnMut(&Reading<'_>) -> ControlFlow<()>,
) -> Result<(), NotesError> {
    let mut cursor = None;
    let mut blocks = 0;
    loop {
        if !watch(blocks) {
            return Err(NotesError::Cancelled { blocks });
        }
        let (entries, next) = store.scan(INDEX, BLOCKS_PER_SCAN, cursor.as_deref())?;
        for entry in &entries {
            let key = &entry.key;
            let number = block_at(key).ok_or_else(|| damaged(key, "it is no block's key"))?;
            if number > newest {
                continue;
            }
            let reading =
                Reading::new(number, &entry.value).map_err(|cause| damaged(key, cause))?;
            if visit(&reading).is_break() {
                return Ok(());
            }
        }
        blocks += entries.len() as u64;
        match next {
            Some(next) => cursor = Some(next),
            None => return Ok(()),
        }
    }
}
