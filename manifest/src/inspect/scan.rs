//! Counts what a component holds, before anything reads its types.
//!
//! ```text
//! component A { module; instance; instance }       cost(A) = 1 component + 2 core
//! component B { A; instance A × 10 }                cost(B) = 1 component + 10 × cost(A)
//! root        { B; instance B × 10 }                cost    = 1 component + 10 × cost(B)
//! ```
//!
//! Invariant: linear in the file. A nested component is read once, where it is defined; each
//! instantiation adds its cost with saturating arithmetic. What cannot be resolved to a component
//! inside the file is refused, since its cost is unknown.
//! Not here: validity (`wasmparser`), meaning of the names (`surface`).

use wasmparser::ComponentAlias;
use wasmparser::ComponentExternalKind;
use wasmparser::ComponentInstance;
use wasmparser::ComponentOuterAliasKind;
use wasmparser::ComponentTypeRef;
use wasmparser::Encoding;
use wasmparser::FromReader;
use wasmparser::Instance;
use wasmparser::Parser;
use wasmparser::Payload;
use wasmparser::SectionLimited;

use super::CORE_IMPORTS_MAX;
use super::CORE_INSTANCES_MAX;
use super::Counts;
use super::DATA_SEGMENTS_MAX;
use super::EXPORTS_MAX;
use super::FUNCTIONS_MAX;
use super::IMPORTS_MAX;
use super::INSTANCES_MAX;
use super::NESTING_MAX;
use super::SECTIONS_MAX;
use super::error::InspectError;
use super::features;

/// What the first pass over a component found.
pub(super) struct Scan<'a> {
    /// All counts, each within its bound.
    pub(super) counts: Counts,
    /// Imports of the outermost component in order.
    pub(super) imports: Vec<(&'a str, ComponentTypeRef)>,
    /// Exports of the outermost component in order.
    pub(super) exports: Vec<(&'a str, ComponentExternalKind)>,
}

/// What one instantiation of a component brings with it.
#[derive(Debug, Clone, Copy)]
struct Cost {
    component_instances: u64,
    core_instances: u64,
    adapters: u64,
}

/// A module or component that has begun and not ended.
enum Frame {
    Module,
    Component { cost: Cost, components: Vec<Option<Cost>> },
}

/// Walks the whole file once, innermost contents included.
pub(super) fn scan(bytes: &[u8]) -> Result<Scan<'_>, InspectError> {
    let mut scanner = Scanner {
        scan: Scan { counts: Counts::default(), imports: Vec::new(), exports: Vec::new() },
        frames: Vec::new(),
        sections: 0,
    };
    let mut parser = Parser::new(0);
    parser.set_features(features::ENGINE_FEATURES);
    for payload in parser.parse_all(bytes) {
        scanner.payload(payload.map_err(|error| features::explain(&error))?)?;
    }
    Ok(scanner.scan)
}

struct Scanner<'a> {
    scan: Scan<'a>,
    /// From the outermost inward.
    frames: Vec<Frame>,
    /// Sections so far.
    sections: u64,
}

impl<'a> Scanner<'a> {
    fn payload(&mut self, payload: Payload<'a>) -> Result<(), InspectError> {
        // The bodies of functions are counted as functions.
        if !matches!(payload, Payload::CodeSectionEntry(_)) {
            add(&mut self.sections, 1, "sections", SECTIONS_MAX)?;
        }
        let counts = &mut self.scan.counts;
        match payload {
            Payload::Version { encoding, .. } => self.begin(encoding),
            Payload::End(_) => self.end(),
            Payload::FunctionSection(section) => {
                add(&mut counts.functions, section.count(), "functions", FUNCTIONS_MAX)
            }
            Payload::DataSection(section) => {
                add(&mut counts.data_segments, section.count(), "data segments", DATA_SEGMENTS_MAX)
            }
            Payload::ImportSection(section) => {
                add(&mut counts.core_imports, section.count(), "core imports", CORE_IMPORTS_MAX)
            }
            Payload::ExportSection(section) => {
                add(&mut counts.exports, section.count(), "exports", EXPORTS_MAX)
            }
            Payload::ComponentImportSection(section) => self.imports(section),
            Payload::ComponentExportSection(section) => self.exports(section),
            Payload::ComponentAliasSection(section) => self.aliases(section),
            Payload::ComponentInstanceSection(section) => self.component_instances(section),
            Payload::InstanceSection(section) => self.core_instances(section),
            Payload::ComponentCanonicalSection(section) => {
                if let Some(Frame::Component { cost, .. }) = self.frames.last_mut() {
                    cost.adapters = cost.adapters.saturating_add(u64::from(section.count()));
                }
                Ok(())
            }
            // Types and code are judged by the validator; the rest multiplies nothing.
            _ => Ok(()),
        }
    }

    /// Opens a module or component.
    fn begin(&mut self, encoding: Encoding) -> Result<(), InspectError> {
        self.frames.push(match encoding {
            Encoding::Module => Frame::Module,
            Encoding::Component => Frame::Component {
                cost: Cost { component_instances: 1, core_instances: 0, adapters: 0 },
                components: Vec::new(),
            },
        });
        // Modules hold no components, so one at the end is not a level.
        let modules = u64::from(encoding == Encoding::Module);
        let nesting = self.frames.len() as u64 - modules;
        within(nesting, "components inside one another", NESTING_MAX)?;
        self.scan.counts.nesting = self.scan.counts.nesting.max(nesting);
        Ok(())
    }

    /// Closes a module or component; the outermost one settles the counts.
    fn end(&mut self) -> Result<(), InspectError> {
        let Some(Frame::Component { cost, .. }) = self.frames.pop() else { return Ok(()) };
        if let Some(Frame::Component { components, .. }) = self.frames.last_mut() {
            components.push(Some(cost));
            return Ok(());
        }
        let counts = &mut self.scan.counts;
        counts.component_instances = cost.component_instances;
        counts.core_instances = cost.core_instances;
        let instances = cost.component_instances.saturating_add(cost.core_instances);
        within(instances, "instances after multiplying through nesting", INSTANCES_MAX)?;
        within(
            cost.core_instances,
            "core instances after multiplying through nesting",
            CORE_INSTANCES_MAX,
        )?;
        counts.functions = counts.functions.saturating_add(cost.adapters);
        within(counts.functions, "functions", FUNCTIONS_MAX)
    }

    fn imports(
        &mut self,
        section: SectionLimited<'a, wasmparser::ComponentImport<'a>>,
    ) -> Result<(), InspectError> {
        add(&mut self.scan.counts.imports, section.count(), "imports", IMPORTS_MAX)?;
        let outermost = self.frames.len() == 1;
        for (_, import) in items(section) {
            let import = import?;
            if outermost {
                self.scan.imports.push((import.name.name, import.ty));
            }
            if let ComponentTypeRef::Component(_) = import.ty {
                self.define(None);
            }
        }
        Ok(())
    }

    fn exports(
        &mut self,
        section: SectionLimited<'a, wasmparser::ComponentExport<'a>>,
    ) -> Result<(), InspectError> {
        add(&mut self.scan.counts.exports, section.count(), "exports", EXPORTS_MAX)?;
        let outermost = self.frames.len() == 1;
        for (_, export) in items(section) {
            let export = export?;
            if outermost {
                self.scan.exports.push((export.name.name, export.kind));
            }
            // An export defines its item anew under the next index.
            if export.kind == ComponentExternalKind::Component {
                let cost = self.lookup(0, export.index);
                self.define(cost);
            }
        }
        Ok(())
    }

    fn aliases(
        &mut self,
        section: SectionLimited<'a, ComponentAlias<'a>>,
    ) -> Result<(), InspectError> {
        for (_, alias) in items(section) {
            match alias? {
                ComponentAlias::InstanceExport {
                    kind: ComponentExternalKind::Component, ..
                } => {
                    self.define(None);
                }
                ComponentAlias::Outer {
                    kind: ComponentOuterAliasKind::Component,
                    count,
                    index,
                } => {
                    let cost = self.lookup(count, index);
                    self.define(cost);
                }
                ComponentAlias::InstanceExport { .. }
                | ComponentAlias::CoreInstanceExport { .. }
                | ComponentAlias::Outer { .. } => {}
            }
        }
        Ok(())
    }

    fn component_instances(
        &mut self,
        section: SectionLimited<'a, ComponentInstance<'a>>,
    ) -> Result<(), InspectError> {
        for (offset, instance) in items(section) {
            let ComponentInstance::Instantiate { component_index, .. } = instance? else {
                continue;
            };
            let Some(part) = self.lookup(0, component_index) else {
                return Err(InspectError::ForeignComponent { offset: offset as u64 });
            };
            if let Some(Frame::Component { cost, .. }) = self.frames.last_mut() {
                *cost = cost.plus(part);
            }
        }
        Ok(())
    }

    fn core_instances(
        &mut self,
        section: SectionLimited<'a, Instance<'a>>,
    ) -> Result<(), InspectError> {
        for (_, instance) in items(section) {
            // A bundle of exports is a name for things that exist already.
            let Instance::Instantiate { .. } = instance? else { continue };
            if let Some(Frame::Component { cost, .. }) = self.frames.last_mut() {
                cost.core_instances = cost.core_instances.saturating_add(1);
            }
        }
        Ok(())
    }

    /// Appends to the component index space of the innermost component. `None` is a component that
    /// is not in the file.
    fn define(&mut self, cost: Option<Cost>) {
        if let Some(Frame::Component { components, .. }) = self.frames.last_mut() {
            components.push(cost);
        }
    }

    /// Finds a component by its index, `outward` levels away.
    fn lookup(&self, outward: u32, index: u32) -> Option<Cost> {
        let level = self.frames.len().checked_sub(1)?.checked_sub(outward as usize)?;
        match &self.frames[level] {
            Frame::Module => None,
            Frame::Component { components, .. } => *components.get(index as usize)?,
        }
    }
}

impl Cost {
    /// Adds the cost of one more part.
    fn plus(self, part: Self) -> Self {
        Self {
            component_instances: self.component_instances.saturating_add(part.component_instances),
            core_instances: self.core_instances.saturating_add(part.core_instances),
            adapters: self.adapters.saturating_add(part.adapters),
        }
    }
}

/// Iterates over a section with the offset of each item.
fn items<'a, T: FromReader<'a>>(
    section: SectionLimited<'a, T>,
) -> impl Iterator<Item = (usize, Result<T, InspectError>)> {
    let start = section.range().start;
    section.into_iter_with_offsets().map(move |item| match item {
        Ok((offset, item)) => (offset, Ok(item)),
        Err(error) => (start, Err(features::explain(&error))),
    })
}

/// Adds to a count. The length a section claims costs the file nothing and may be a lie.
fn add(sum: &mut u64, count: u32, what: &'static str, max: u64) -> Result<(), InspectError> {
    *sum = sum.saturating_add(u64::from(count));
    within(*sum, what, max)
}

/// Refuses a count above its bound.
fn within(count: u64, what: &'static str, max: u64) -> Result<(), InspectError> {
    if count > max { Err(InspectError::TooMany { what, count, max }) } else { Ok(()) }
}
