//! Where the code of a component lies, and what compilers leave beside it for debuggers.
//!
//! ```text
//! component ─┬─ core module ─┬─ code section     addresses of DWARF count from its first byte
//!            ├─ component …  └─ .debug_* sections
//! ```
//!
//! Taking `.debug_*` sections out moves code within the file and changes none of it, so an address
//! within a module's code means the same in both.
//!
//! Invariant: as everywhere here, nothing panics and nothing recurses without a bound; bytes that are
//! no component are given back as they are.
//! Not here: what DWARF says (`ax-host`).

use std::ops::Range;

/// Magic, version and layer.
const HEADER_BYTES: usize = 8;

/// Components within components, and modules in those. Real ones have three.
const DEPTH_MAX: usize = 16;

/// How the names of sections with DWARF begin.
const DWARF: &str = ".debug_";

const CUSTOM: u8 = 0;
/// A core module, in a component.
const MODULE: u8 = 1;
/// A component in a component.
const COMPONENT: u8 = 4;
/// Code, in a core module.
const CODE: u8 = 10;

/// A core module of a component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CoreModule<'a> {
    /// Where its code lies in the file.
    pub code: Range<usize>,
    /// Its custom sections that hold DWARF: name and bytes.
    pub dwarf: Vec<(&'a str, &'a [u8])>,
}

/// Lists the core modules of a component in the order of the file, those without code left out.
#[must_use]
pub fn core_modules(component: &[u8]) -> Vec<CoreModule<'_>> {
    let mut found = Vec::new();
    walk(component, 0, 0, &mut found);
    found
}

/// Takes DWARF out of a component and all it holds. What is no component stays as it is.
#[must_use]
pub fn without_debug_info(component: &[u8]) -> Vec<u8> {
    stripped(component, 0).unwrap_or_else(|| component.to_vec())
}

/// A section of a module or component.
struct Section<'a> {
    id: u8,
    /// All of it, with id and length.
    whole: &'a [u8],
    content: &'a [u8],
    /// Where its content begins in what it is a section of.
    at: usize,
}

impl<'a> Section<'a> {
    /// The name and the rest of a custom section.
    fn named(&self) -> Option<(&'a str, &'a [u8])> {
        let content = (self.id == CUSTOM).then_some(self.content)?;
        let (length, prefix) = number(content)?;
        let (name, rest) = content.get(prefix..)?.split_at_checked(length)?;
        Some((std::str::from_utf8(name).ok()?, rest))
    }

    fn dwarf(&self) -> Option<(&'a str, &'a [u8])> {
        self.named().filter(|(name, _)| name.starts_with(DWARF))
    }
}

/// Reads the sections of a module or component; none if it is neither.
fn sections(bytes: &[u8]) -> Option<Vec<Section<'_>>> {
    let mut at = HEADER_BYTES;
    bytes.get(..at)?;
    let mut found = Vec::new();
    while let Some(id) = bytes.get(at) {
        let (length, prefix) = number(bytes.get(at + 1..)?)?;
        let start = at + 1 + prefix;
        let end = start.checked_add(length)?;
        let (whole, content) = (bytes.get(at..end)?, bytes.get(start..end)?);
        found.push(Section { id: *id, whole, content, at: start });
        at = end;
    }
    Some(found)
}

/// Answers whether these bytes are a component; else they are a module.
fn is_component(bytes: &[u8]) -> bool {
    bytes.get(6..HEADER_BYTES).is_some_and(|layer| layer != [0, 0])
}

fn walk<'a>(bytes: &'a [u8], offset: usize, depth: usize, found: &mut Vec<CoreModule<'a>>) {
    let Some(sections) = sections(bytes).filter(|_| depth < DEPTH_MAX) else { return };
    if is_component(bytes) {
        for section in sections.iter().filter(|it| matches!(it.id, MODULE | COMPONENT)) {
            walk(section.content, offset + section.at, depth + 1, found);
        }
    } else if let Some(code) = sections.iter().find(|section| section.id == CODE) {
        let start = offset + code.at;
        let dwarf = sections.iter().filter_map(Section::dwarf).collect();
        found.push(CoreModule { code: start..start + code.content.len(), dwarf });
    }
}

fn stripped(bytes: &[u8], depth: usize) -> Option<Vec<u8>> {
    let sections = sections(bytes).filter(|_| depth < DEPTH_MAX)?;
    let mut out = bytes.get(..HEADER_BYTES)?.to_vec();
    for section in sections {
        if section.dwarf().is_some() {
            continue;
        }
        let holds_more = is_component(bytes) && matches!(section.id, MODULE | COMPONENT);
        match holds_more.then(|| stripped(section.content, depth + 1)).flatten() {
            Some(content) if content.len() < section.content.len() => {
                out.push(section.id);
                write_number(content.len(), &mut out);
                out.extend_from_slice(&content);
            }
            // To the byte: whoever has nothing to take out gets what was given.
            _ => out.extend_from_slice(section.whole),
        }
    }
    Some(out)
}

/// Reads a LEB128 number of at most 32 bits, and how many bytes it takes.
fn number(bytes: &[u8]) -> Option<(usize, usize)> {
    let mut value = 0_u64;
    for (index, &byte) in bytes.iter().take(5).enumerate() {
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Some((usize::try_from(value).ok()?, index + 1));
        }
    }
    None
}

fn write_number(mut value: usize, out: &mut Vec<u8>) {
    loop {
        let byte = (value & 0x7f) as u8;
        value >>= 7;
        if value == 0 {
            out.push(byte);
            return;
        }
        out.push(byte | 0x80);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A component with a module in a component, whose custom sections are these.
    fn nested(customs: &[(&str, &str)]) -> Vec<u8> {
        let customs: String =
            customs.iter().map(|(name, text)| format!("(@custom {name:?} {text:?})")).collect();
        wat::parse_str(format!(
            "(component (component (core module (func nop) {customs}))
                (core module (func nop nop)) (core module))"
        ))
        .unwrap()
    }

    fn code(component: &[u8]) -> Vec<&[u8]> {
        core_modules(component).into_iter().map(|module| &component[module.code]).collect()
    }

    #[test]
    fn code_stays_as_it_is_and_dwarf_goes() {
        let long = "x".repeat(300);
        let given = nested(&[(".debug_info", &long), ("name-like", "kept"), (".debug_line", "l")]);
        let found = core_modules(&given);
        assert_eq!(found.len(), 2);
        assert_eq!(found[0].dwarf, [(".debug_info", long.as_bytes()), (".debug_line", b"l")]);
        let without = without_debug_info(&given);
        assert_eq!(without, nested(&[("name-like", "kept")]));
        assert_eq!(code(&given), code(&without));
        assert!(core_modules(&without).iter().all(|module| module.dwarf.is_empty()));
    }

    #[test]
    fn what_has_none_or_is_nothing_is_given_back_to_the_byte() {
        for given in
            [nested(&[]), b"".to_vec(), b"\0asm".to_vec(), b"\0asm\x0d\0\x01\0\x01\xff".to_vec()]
        {
            assert_eq!(without_debug_info(&given), given);
        }
    }

    #[test]
    fn no_prefix_and_no_depth_is_too_much() {
        let whole = nested(&[(".debug_info", "x")]);
        for end in 0..whole.len() {
            drop(core_modules(&whole[..end]));
            drop(without_debug_info(&whole[..end]));
        }
        let deep = format!("{}{}", "(component ".repeat(40), ")".repeat(40));
        let deep = wat::parse_str(deep).unwrap();
        assert_eq!(without_debug_info(&deep), deep);
    }
}
