//! Generations, read: which one is current, and what it holds.
//!
//! Readers take no lock. One that reads `current`, and is then overtaken by commits that remove the
//! generation it was about to read, starts again.
//!
//! Invariant: what is answered was current, whole, at a moment during the call.
//! Not here: commits (the parent module).

use std::io;
use std::io::Read;
use std::path::Path;
use std::path::PathBuf;

use ax_manifest::Grants;
use fs_err as fs;

use super::CURRENT;
use super::Damage;
use super::FOLDER;
use super::GRANTS;
use super::Generation;
use super::GenerationError;
use super::Generations;
use super::LOCK;
use super::NUMBER_END;
use super::number_text;
use crate::lock::LOCK_BYTES_MAX;
use crate::lock::Lockfile;
use crate::lock::position;
use crate::printable::printable;

/// Most bytes of `grants.toml`: twenty thousand grants of 400 bytes.
pub const GRANTS_BYTES_MAX: u64 = 8 * 1024 * 1024;

/// Most bytes of `current`; the number has at most 12 digits.
const CURRENT_BYTES_MAX: u64 = 32;

/// Times a reader starts again when it is overtaken. To be overtaken once takes an hour or a thousand
/// commits between two reads, so a second time is already a damaged disk.
const OVERTAKEN_MAX: usize = 3;

impl Generations {
    /// Reads the current generation; an empty one numbered 0 where nothing was ever committed.
    ///
    /// # Errors
    ///
    /// [`GenerationError::Current`], [`GenerationError::Damaged`], [`GenerationError::Read`].
    pub fn current(&self) -> Result<Generation, GenerationError> {
        let mut number = self.current_number()?;
        for _ in 0..OVERTAKEN_MAX {
            let outcome = self.open_generation(number);
            let now = self.current_number()?;
            if outcome.is_ok() || now == number {
                return outcome;
            }
            number = now;
        }
        self.open_generation(number)
    }

    /// Reads the number of the current generation, cheaply: this is what a running process watches.
    ///
    /// # Errors
    ///
    /// [`GenerationError::Current`], [`GenerationError::Read`].
    pub fn current_number(&self) -> Result<u64, GenerationError> {
        let path = self.home.join(CURRENT);
        let unusable = |why: String| {
            let intact = self.newest_intact(NUMBER_END);
            GenerationError::Current { path: path.clone(), why, intact }
        };
        let mut read = read_text(&path, CURRENT_BYTES_MAX);
        if matches!(read, Err(Fault::Damage(Damage::Missing { .. }))) {
            // A commit writes `current` before it makes the first folder.
            if self.numbers()?.is_empty() {
                return Ok(0);
            }
            // The first commit of all may have done both since `current` was looked for.
            read = read_text(&path, CURRENT_BYTES_MAX);
        }
        let text = match read {
            Ok(text) => text,
            Err(Fault::Damage(Damage::Missing { .. })) => {
                return Err(unusable("it is missing".to_owned()));
            }
            Err(Fault::Damage(damage)) => return Err(unusable(damage.to_string())),
            Err(Fault::System(source)) => {
                return Err(GenerationError::Read { path: path.clone(), source });
            }
        };
        match text.strip_suffix('\n').and_then(number) {
            Some(number) => Ok(number),
            None if text == number_text(0) => Ok(0),
            None => Err(unusable(format!("it says `{}`", printable(&text)))),
        }
    }

    /// Lists the generations that can be read, oldest first, the current one last.
    ///
    /// # Errors
    ///
    /// As [`Generations::current_number`].
    pub fn list(&self) -> Result<Vec<u64>, GenerationError> {
        let current = self.current_number()?;
        let mut numbers = self.numbers()?;
        numbers.retain(|number| *number <= current);
        Ok(numbers)
    }

    /// Reads one generation of [`Generations::list`].
    ///
    /// # Errors
    ///
    /// [`GenerationError::Unknown`], [`GenerationError::Damaged`], [`GenerationError::Read`].
    pub fn read(&self, number: u64) -> Result<Generation, GenerationError> {
        // Above the current one stands only what a commit that died left behind.
        let uncommitted = self.current_number().is_ok_and(|current| number > current);
        if number == 0 || uncommitted || !self.path_of(number).is_dir() {
            return Err(GenerationError::Unknown { number });
        }
        self.open_generation(number)
    }

    /// Gives the newest generation below a number that is whole.
    pub fn newest_intact(&self, below: u64) -> Option<u64> {
        let numbers = self.numbers().unwrap_or_default();
        let mut earlier = numbers.into_iter().rev().filter(|number| *number < below);
        earlier.find(|number| self.load(*number).is_ok())
    }

    /// Lists every numbered folder, in rising order.
    pub(super) fn numbers(&self) -> Result<Vec<u64>, GenerationError> {
        let entries = entries(&self.home.join(FOLDER))?;
        let mut numbers: Vec<u64> = entries.iter().filter_map(|(name, _)| number(name)).collect();
        numbers.sort_unstable();
        Ok(numbers)
    }

    /// Reads a generation, and tells which earlier one is whole when this one is not.
    fn open_generation(&self, number: u64) -> Result<Generation, GenerationError> {
        self.load(number).map_err(|fault| match fault {
            Fault::Damage(source) => {
                let intact = self.newest_intact(number);
                GenerationError::Damaged { number, intact, source }
            }
            Fault::System(source) => GenerationError::Read { path: self.path_of(number), source },
        })
    }

    /// Reads a generation.
    pub(super) fn load(&self, number: u64) -> Result<Generation, Fault> {
        if number == 0 {
            return Ok(Generation { number, lock: Lockfile::empty(), grants: Grants::default() });
        }
        let folder = self.path_of(number);
        let path = folder.join(LOCK);
        let text = read_text(&path, LOCK_BYTES_MAX)?;
        let lock = Lockfile::parse(&text)
            .map_err(|source| Fault::Damage(Damage::Lock { path, source }))?;
        let path = folder.join(GRANTS);
        let text = read_text(&path, GRANTS_BYTES_MAX)?;
        let grants = toml::from_str(&text).map_err(|error: toml::de::Error| {
            let (line, column) = position(&text, error.span().map_or(0, |span| span.start));
            let why = printable(error.message());
            Fault::Damage(Damage::Grants { path, line, column, why })
        })?;
        Ok(Generation { number, lock, grants })
    }
}

/// Why a file gave no answer.
pub(super) enum Fault {
    /// It is not what a commit wrote.
    Damage(Damage),
    /// The system would not say.
    System(io::Error),
}

/// Reads a small file of text, never more of it than allowed.
fn read_text(path: &Path, bytes_max: u64) -> Result<String, Fault> {
    let file = match fs::File::open(path) {
        Ok(file) => file,
        Err(error) if is_absence(&error) => {
            return Err(Fault::Damage(Damage::Missing { path: path.to_owned() }));
        }
        Err(error) => return Err(Fault::System(error)),
    };
    let mut bytes = Vec::new();
    file.take(bytes_max + 1).read_to_end(&mut bytes).map_err(Fault::System)?;
    if bytes.len() as u64 > bytes_max {
        return Err(Fault::Damage(Damage::TooLarge { path: path.to_owned(), max: bytes_max }));
    }
    String::from_utf8(bytes).map_err(|_| Fault::Damage(Damage::NotText { path: path.to_owned() }))
}

fn is_absence(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Lists a folder by name; a folder that is not there has nothing in it.
pub(super) fn entries(folder: &Path) -> Result<Vec<(String, PathBuf)>, GenerationError> {
    let failed = |source| GenerationError::Read { path: folder.to_owned(), source };
    let listing = match fs::read_dir(folder) {
        Ok(listing) => listing,
        Err(error) if is_absence(&error) => return Ok(Vec::new()),
        Err(error) => return Err(failed(error)),
    };
    let mut entries = Vec::new();
    for entry in listing {
        let entry = entry.map_err(failed)?;
        entries.push((entry.file_name().to_string_lossy().into_owned(), entry.path()));
    }
    Ok(entries)
}

/// Reads the name of a generation's folder, spelt exactly.
pub(super) fn number(name: &str) -> Option<u64> {
    let number: u64 = name.parse().ok()?;
    ((1..NUMBER_END).contains(&number) && format!("{number:06}") == name).then_some(number)
}

/// Writes grants as `grants.toml` holds them, after making sure that they can be read back.
pub(super) fn grants_text(grants: &Grants) -> Result<String, String> {
    let text = toml::to_string(grants).map_err(|error| printable(&error.to_string()))?;
    let bytes = text.len() as u64;
    if bytes > GRANTS_BYTES_MAX {
        return Err(format!("they have {bytes} bytes, more than {GRANTS_BYTES_MAX}"));
    }
    // A folder, for one, may have a name that the strict reader refuses.
    match toml::from_str::<Grants>(&text) {
        Ok(read) if read == *grants => Ok(text),
        Ok(_) => Err("they would not be read back as they are".to_owned()),
        Err(error) => Err(printable(error.message())),
    }
}
