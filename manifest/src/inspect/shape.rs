//! Turns the validator's type of a function into a [`Signature`], within bounds.
//!
//! The binary shares types, so a small file can describe an exponentially large tree. Nodes are
//! counted while the tree grows and growing stops at the bound.
//! Not here: which functions are read (`surface`).

use wasmparser::PrimitiveValType;
use wasmparser::component_types::ComponentDefinedType;
use wasmparser::component_types::ComponentFuncTypeId;
use wasmparser::component_types::ComponentValType;
use wasmparser::types::TypesRef;

use super::NAME_BYTES_MAX;
use super::TYPE_DEPTH_MAX;
use super::TYPE_NODES_MAX;
use crate::wit::Case;
use crate::wit::Field;
use crate::wit::Signature;
use crate::wit::WitType;

/// Reads the types of one function. The number is how many nodes were made, also in vain.
pub(super) fn read(
    types: TypesRef<'_>,
    id: ComponentFuncTypeId,
) -> (Result<Signature, String>, u64) {
    let mut reader = Reader { types, nodes: 0 };
    let shape = reader.signature(id);
    (shape, reader.nodes as u64)
}

struct Reader<'a> {
    types: TypesRef<'a>,
    nodes: usize,
}

impl Reader<'_> {
    fn signature(&mut self, id: ComponentFuncTypeId) -> Result<Signature, String> {
        let types = self.types;
        let function = &types[id];
        if function.async_ {
            return Err("it is an async function".to_owned());
        }
        let mut params = Vec::new();
        for (name, ty) in &function.params {
            params.push(Field { name: self.name(name.as_str())?, ty: self.value(*ty, 1)? });
        }
        let result = function.result.map(|ty| self.value(ty, 1)).transpose()?;
        Ok(Signature { params, result })
    }

    /// Reads one type; `depth` counts it as a level.
    fn value(&mut self, ty: ComponentValType, depth: usize) -> Result<WitType, String> {
        if depth > TYPE_DEPTH_MAX {
            return Err(format!("its types nest deeper than {TYPE_DEPTH_MAX} levels"));
        }
        self.count()?;
        let id = match ty {
            ComponentValType::Primitive(primitive) => return self.primitive(primitive),
            ComponentValType::Type(id) => id,
        };
        let types = self.types;
        let below = depth + 1;
        match &types[id] {
            ComponentDefinedType::Primitive(primitive) => self.primitive(*primitive),
            ComponentDefinedType::Record(record) => {
                let mut fields = Vec::new();
                for (name, ty) in &record.fields {
                    fields.push(Field {
                        name: self.name(name.as_str())?,
                        ty: self.value(*ty, below)?,
                    });
                }
                Ok(WitType::Record(fields))
            }
            ComponentDefinedType::Variant(variant) => {
                let mut cases = Vec::new();
                for (name, case) in &variant.cases {
                    let name = self.name(name.as_str())?;
                    cases.push(Case { name, ty: self.optional(case.ty, below)? });
                }
                Ok(WitType::Variant(cases))
            }
            ComponentDefinedType::List { element, .. } => {
                Ok(WitType::List(Box::new(self.value(*element, below)?)))
            }
            ComponentDefinedType::Tuple(tuple) => {
                let items = tuple.types.iter().map(|ty| self.value(*ty, below));
                Ok(WitType::Tuple(items.collect::<Result<_, _>>()?))
            }
            ComponentDefinedType::Flags(names) => {
                let names = names.iter().map(|name| self.name(name.as_str()));
                Ok(WitType::Flags(names.collect::<Result<_, _>>()?))
            }
            ComponentDefinedType::Enum(names) => {
                let names = names.iter().map(|name| self.name(name.as_str()));
                Ok(WitType::Enum(names.collect::<Result<_, _>>()?))
            }
            ComponentDefinedType::Option { ty, .. } => {
                Ok(WitType::Option(Box::new(self.value(*ty, below)?)))
            }
            ComponentDefinedType::Result { ok, err, .. } => Ok(WitType::Result {
                ok: self.optional(*ok, below)?.map(Box::new),
                err: self.optional(*err, below)?.map(Box::new),
            }),
            ComponentDefinedType::Own(_) | ComponentDefinedType::Borrow(_) => {
                Err("it takes or returns a resource, which JSON cannot carry".to_owned())
            }
            ComponentDefinedType::Stream { .. } => Err("it takes or returns a stream".to_owned()),
            ComponentDefinedType::Future { .. } => Err("it takes or returns a future".to_owned()),
            ComponentDefinedType::Map { .. } => Err("it takes or returns a map".to_owned()),
            ComponentDefinedType::FixedLengthList { .. } => {
                Err("it takes or returns a list of a fixed length".to_owned())
            }
        }
    }

    fn optional(
        &mut self,
        ty: Option<ComponentValType>,
        depth: usize,
    ) -> Result<Option<WitType>, String> {
        ty.map(|ty| self.value(ty, depth)).transpose()
    }

    fn primitive(&self, ty: PrimitiveValType) -> Result<WitType, String> {
        Ok(match ty {
            PrimitiveValType::Bool => WitType::Bool,
            PrimitiveValType::S8 => WitType::S8,
            PrimitiveValType::U8 => WitType::U8,
            PrimitiveValType::S16 => WitType::S16,
            PrimitiveValType::U16 => WitType::U16,
            PrimitiveValType::S32 => WitType::S32,
            PrimitiveValType::U32 => WitType::U32,
            PrimitiveValType::S64 => WitType::S64,
            PrimitiveValType::U64 => WitType::U64,
            PrimitiveValType::F32 => WitType::F32,
            PrimitiveValType::F64 => WitType::F64,
            PrimitiveValType::Char => WitType::Char,
            PrimitiveValType::String => WitType::String,
            PrimitiveValType::ErrorContext => {
                return Err("it takes or returns an error context".to_owned());
            }
        })
    }

    /// Copies a name, which is a node too: names are most of the memory of an enum.
    fn name(&mut self, name: &str) -> Result<String, String> {
        self.count()?;
        if name.len() > NAME_BYTES_MAX {
            return Err(format!("a name in its types is longer than {NAME_BYTES_MAX} bytes"));
        }
        Ok(name.to_owned())
    }

    fn count(&mut self) -> Result<(), String> {
        self.nodes += 1;
        if self.nodes > TYPE_NODES_MAX {
            return Err(format!("its types have more than {TYPE_NODES_MAX} parts"));
        }
        Ok(())
    }
}
