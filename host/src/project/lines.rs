//! Lines of source: which function, file and line a place in a component's code came from.
//!
//! ```text
//! place in the component that ran ──→ place in its module's code ──→ DWARF of the one with debug info
//! ```
//!
//! Only what this program built itself is read: DWARF is a program of its own, and nobody else's is let
//! near.
//!
//! Not here: taking DWARF out (`ax_manifest`), keeping it (`build_folder`), what a backtrace is (`plugin`).

use std::collections::BTreeMap;

use addr2line::Context;
use addr2line::gimli::{Dwarf, EndianSlice, LittleEndian};
use ax_manifest::{CoreModule, core_modules};

/// Functions that one place is in, inlined into each other. Real ones have ten.
const INLINED_MAX: usize = 64;

/// A place in the source.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The function, as the linker knows it.
    pub function: Option<String>,
    /// The file, as the compiler knew it.
    pub file: Option<String>,
    /// The line, from 1.
    pub line: Option<u32>,
    /// The column, from 1.
    pub column: Option<u32>,
}

/// Finds where places came from, given as offsets in the component that `ran`: for each the functions
/// it is in, the innermost first. What is not known is left out.
#[must_use]
pub fn places(
    with_debug_info: &[u8],
    ran: &[u8],
    offsets: impl IntoIterator<Item = u64>,
) -> BTreeMap<u64, Vec<Place>> {
    let known = core_modules(with_debug_info);
    let modules = core_modules(ran);
    if known.len() != modules.len() {
        return BTreeMap::new();
    }
    let contexts: Vec<_> = known.iter().map(context).collect();
    let find = |offset: u64| {
        let at = usize::try_from(offset).ok()?;
        let index = modules.iter().position(|module| module.code.contains(&at))?;
        let address = (at - modules.get(index)?.code.start) as u64;
        Some(functions(contexts.get(index)?.as_ref()?, address))
    };
    let found = offsets.into_iter().filter_map(|offset| Some((offset, find(offset)?)));
    found.filter(|(_, places)| !places.is_empty()).collect()
}

type Slice<'a> = EndianSlice<'a, LittleEndian>;

fn context<'a>(module: &CoreModule<'a>) -> Option<Context<Slice<'a>>> {
    let section = |wanted: &str| {
        let found = module.dwarf.iter().find(|(name, _)| *name == wanted);
        EndianSlice::new(found.map_or(&[][..], |(_, bytes)| bytes), LittleEndian)
    };
    let dwarf = Dwarf::load(|id| Ok::<_, addr2line::gimli::Error>(section(id.name()))).ok()?;
    Context::from_dwarf(dwarf).ok()
}

fn functions(context: &Context<Slice<'_>>, address: u64) -> Vec<Place> {
    let Ok(mut frames) = context.find_frames(address).skip_all_loads() else { return Vec::new() };
    let mut found = Vec::new();
    // What cannot be read ends the list: what was found before it is right.
    while let Ok(Some(frame)) = frames.next() {
        let name = frame.function.as_ref().and_then(|function| function.raw_name().ok());
        let location = frame.location.as_ref();
        found.push(Place {
            function: name.map(|name| name.into_owned()),
            file: location.and_then(|it| it.file).map(str::to_owned),
            line: location.and_then(|it| it.line),
            column: location.and_then(|it| it.column).filter(|column| *column > 0),
        });
        if found.len() >= INLINED_MAX {
            break;
        }
    }
    found
}
