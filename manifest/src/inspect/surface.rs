//! Reads what a valid component imports and exports.
//!
//! Invariant: every name it returns is a WIT name, so printable ASCII, of at most
//! [`NAME_BYTES_MAX`] bytes; the lists and the type trees are bounded over the whole component,
//! because one large shared type may be used under many names.
//! Not here: whether an import is allowed (`capability`), which exports make tools (`tool`).

use std::collections::HashSet;

use wasmparser::ComponentExternalKind;
use wasmparser::ComponentTypeRef;
use wasmparser::component_types::ComponentAnyTypeId;
use wasmparser::component_types::ComponentEntityType;
use wasmparser::component_types::ComponentFuncTypeId;
use wasmparser::component_types::ComponentInstanceTypeId;
use wasmparser::component_types::ResourceId;
use wasmparser::names::ComponentName;
use wasmparser::names::ComponentNameKind;
use wasmparser::types::TypesRef;

use super::EXPORTS_MAX;
use super::ExportedFunction;
use super::ImportedInterface;
use super::NAME_BYTES_MAX;
use super::TYPE_NODES_TOTAL_MAX;
use super::error::InspectError;
use super::features;
use super::scan::Scan;
use super::shape;

/// The package whose exported interfaces the host calls by itself.
const GUEST_PACKAGE: &str = "ax:guest/";

/// What a component shows to the outside.
pub(super) struct Surface {
    pub(super) imports: Vec<ImportedInterface>,
    pub(super) exports: Vec<ExportedFunction>,
    pub(super) guest_interfaces: Vec<String>,
}

/// Reads imports and exports of the outermost component.
pub(super) fn read(scan: &Scan<'_>, types: TypesRef<'_>) -> Result<Surface, InspectError> {
    let imports = Imports { types, functions: 0, resources: HashSet::new() }.read(scan)?;
    let mut exports = Exports { types, nodes: 0, functions: Vec::new(), guest: Vec::new() };
    exports.read(scan)?;
    Ok(Surface { imports, exports: exports.functions, guest_interfaces: exports.guest })
}

struct Imports<'a> {
    types: TypesRef<'a>,
    /// Functions listed so far.
    functions: u64,
    /// Resources of the interfaces so far. What an interface takes over from another one stands
    /// there for its type.
    resources: HashSet<ResourceId>,
}

impl Imports<'_> {
    fn read(mut self, scan: &Scan<'_>) -> Result<Vec<ImportedInterface>, InspectError> {
        let mut imports = Vec::new();
        for (name, kind) in &scan.imports {
            let refuse = |what| InspectError::UnsupportedImport { name: (*name).to_owned(), what };
            match kind {
                ComponentTypeRef::Module(_) => return Err(refuse("a core module")),
                ComponentTypeRef::Component(_) => return Err(refuse("a component")),
                ComponentTypeRef::Value(_) => return Err(refuse("a value")),
                ComponentTypeRef::Func(_)
                | ComponentTypeRef::Type(_)
                | ComponentTypeRef::Instance(_) => {}
            }
            let surfaced = surfaced(name)?;
            if !is_wit_name(name)? {
                return Err(refuse("not a name of WIT"));
            }
            let Some(item) = self.types.component_item_for_import(name) else { continue };
            let functions = match item.ty {
                ComponentEntityType::Instance(id) => self.interface(id)?,
                ref other => self.function(name, other)?.into_iter().collect(),
            };
            imports.push(ImportedInterface { name: surfaced, functions });
        }
        Ok(imports)
    }

    fn interface(&mut self, id: ComponentInstanceTypeId) -> Result<Vec<String>, InspectError> {
        let types = self.types;
        let mut functions = Vec::new();
        for (name, item) in &types[id].exports {
            functions.extend(self.function(name, &item.ty)?);
        }
        Ok(functions)
    }

    /// Names the function an item stands for, if it is one the host would have to provide.
    fn function(
        &mut self,
        name: &str,
        ty: &ComponentEntityType,
    ) -> Result<Option<String>, InspectError> {
        let function = match ty {
            ComponentEntityType::Func(_) => surfaced(name)?,
            // A resource of the host's comes with the call that drops it.
            ComponentEntityType::Type { created: ComponentAnyTypeId::Resource(id), .. }
                if self.resources.insert(id.resource()) =>
            {
                format!("[resource-drop]{}", surfaced(name)?)
            }
            ComponentEntityType::Type { .. } => return Ok(None),
            ComponentEntityType::Module(_)
            | ComponentEntityType::Value(_)
            | ComponentEntityType::Instance(_)
            | ComponentEntityType::Component(_) => {
                let name = name.to_owned();
                let what = "inside an interface and neither a function nor a type";
                return Err(InspectError::UnsupportedImport { name, what });
            }
        };
        self.functions += 1;
        bounded("imported functions", self.functions, EXPORTS_MAX)?;
        Ok(Some(function))
    }
}

struct Exports<'a> {
    types: TypesRef<'a>,
    /// Nodes of all type trees so far.
    nodes: u64,
    functions: Vec<ExportedFunction>,
    guest: Vec<String>,
}

impl Exports<'_> {
    fn read(&mut self, scan: &Scan<'_>) -> Result<(), InspectError> {
        for (name, kind) in &scan.exports {
            match kind {
                ComponentExternalKind::Func | ComponentExternalKind::Instance => {}
                // Types are written out in the functions that use them; nothing calls the rest.
                ComponentExternalKind::Type
                | ComponentExternalKind::Module
                | ComponentExternalKind::Component
                | ComponentExternalKind::Value => continue,
            }
            let Some(item) = self.types.component_item_for_export(name) else { continue };
            match item.ty {
                ComponentEntityType::Func(id) => self.function(None, name, id)?,
                ComponentEntityType::Instance(id) => self.interface(name, id)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn interface(&mut self, name: &str, id: ComponentInstanceTypeId) -> Result<(), InspectError> {
        let interface = surfaced(name)?;
        if interface.starts_with(GUEST_PACKAGE) {
            self.guest.push(interface.clone());
        }
        let types = self.types;
        for (name, item) in &types[id].exports {
            if let ComponentEntityType::Func(id) = item.ty {
                self.function(Some(&interface), name, id)?;
            }
        }
        Ok(())
    }

    fn function(
        &mut self,
        interface: Option<&str>,
        name: &str,
        id: ComponentFuncTypeId,
    ) -> Result<(), InspectError> {
        let name = surfaced(name)?;
        let (shape, nodes) = shape::read(self.types, id);
        self.nodes += nodes;
        bounded("parts in the types of its functions", self.nodes, TYPE_NODES_TOTAL_MAX)?;
        self.functions.push(ExportedFunction {
            interface: interface.map(str::to_owned),
            name,
            shape,
        });
        bounded("exported functions", self.functions.len() as u64, EXPORTS_MAX)
    }
}

/// Copies a name that will be shown or stored.
fn surfaced(name: &str) -> Result<String, InspectError> {
    if name.len() > NAME_BYTES_MAX {
        return Err(InspectError::LongName {
            name: name.to_owned(),
            length: name.len() as u64,
            max: NAME_BYTES_MAX as u64,
        });
    }
    // The validator accepts only WIT names; this holds even if a later one should not.
    if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
        let message = "a name holds characters that WIT does not allow".to_owned();
        return Err(InspectError::Invalid { offset: 0, message });
    }
    Ok(name.to_owned())
}

/// Answers whether a name is a label or an interface, and not a locator such as `url=<…>`.
fn is_wit_name(name: &str) -> Result<bool, InspectError> {
    let name = ComponentName::new(name, 0).map_err(|error| features::explain(&error))?;
    Ok(match name.kind() {
        ComponentNameKind::Label(_)
        | ComponentNameKind::Constructor(_)
        | ComponentNameKind::Method(_)
        | ComponentNameKind::Static(_)
        | ComponentNameKind::Interface(_) => true,
        ComponentNameKind::Dependency(_)
        | ComponentNameKind::Url(_)
        | ComponentNameKind::Hash(_) => false,
    })
}

/// Refuses a sum above its bound.
fn bounded(what: &'static str, count: u64, max: u64) -> Result<(), InspectError> {
    if count > max { Err(InspectError::TooMany { what, count, max }) } else { Ok(()) }
}
