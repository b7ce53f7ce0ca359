//! Installs what others wrote: each thing once, at the versions it is pinned to.
//!
//! Invariant: an installation that was interrupted is done again; the note of the pins is written last.

use std::path::Path;

use anyhow::Result;

use crate::checkout::make_folder;
use crate::checkout::write_if_changed;

/// Installs into `folder`, unless the same pins were installed before and `program` is there.
///
/// # Errors
///
/// That of `install`, or when the folder cannot be written.
pub(crate) fn once(
    folder: &Path,
    program: &Path,
    pins: &str,
    install: impl FnOnce() -> Result<()>,
) -> Result<()> {
    let note = folder.join("installed.txt");
    let is_there = std::fs::read_to_string(&note).is_ok_and(|installed| installed == pins);
    if is_there && program.exists() {
        return Ok(());
    }
    make_folder(folder)?;
    install()?;
    write_if_changed(&note, pins.as_bytes())?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_installed_again_only_when_the_pins_change_or_it_is_gone() {
        let home = std::env::temp_dir().join(format!("ax-once-{}", std::process::id()));
        let program = home.join("program");
        let mut times = 0;
        let mut install = |pins: &str| {
            once(&home, &program, pins, || {
                times += 1;
                Ok(std::fs::write(&program, "x")?)
            })
            .expect("it is installed");
            times
        };
        assert_eq!((install("1"), install("1"), install("2")), (1, 1, 2));
        std::fs::remove_file(&program).expect("it is there");
        assert_eq!(install("2"), 3);
        std::fs::remove_dir_all(&home).expect("it is there");
    }
}
