//! Types of values, made by an input.

use ax_manifest::Case;
use ax_manifest::Field;
use ax_manifest::WitType;

use crate::choices::Choices;

/// Levels of a type: as deep as every kind may hold every other.
const DEPTH_MAX: usize = 6;

/// Members, cases or names of one type.
const MEMBERS_MAX: usize = 4;

/// Names of members and cases, of which one type has none twice.
const NAMES: [&str; MEMBERS_MAX] = ["a", "some", "ok", "tag"];

/// Makes a type of the next choices.
pub(crate) fn wit_type(choices: &mut Choices<'_>) -> WitType {
    at_depth(choices, DEPTH_MAX)
}

fn at_depth(choices: &mut Choices<'_>, depth: usize) -> WitType {
    use WitType as T;
    const PLAIN: [WitType; 13] = [
        T::String,
        T::Bool,
        T::S8,
        T::U8,
        T::S16,
        T::U16,
        T::S32,
        T::U32,
        T::S64,
        T::U64,
        T::F32,
        T::F64,
        T::Char,
    ];
    let choice = choices.below(if depth == 0 { PLAIN.len() } else { PLAIN.len() + 8 });
    if let Some(plain) = PLAIN.get(choice) {
        return plain.clone();
    }
    let mut inner = || Box::new(at_depth(choices, depth - 1));
    match choice - PLAIN.len() {
        0 => T::List(inner()),
        1 => T::Option(inner()),
        2 => {
            let (ok, err) = (inner(), inner());
            let sides = choices.below(4);
            T::Result { ok: (sides & 1 == 0).then_some(ok), err: (sides & 2 == 0).then_some(err) }
        }
        3 => T::Tuple(names(choices).map(|_| at_depth(choices, depth - 1)).collect()),
        4 => T::Record(
            names(choices)
                .map(|name| Field { name: name.to_owned(), ty: at_depth(choices, depth - 1) })
                .collect(),
        ),
        5 => T::Variant(
            names(choices)
                .map(|name| Case {
                    name: name.to_owned(),
                    ty: (choices.below(2) == 0).then(|| at_depth(choices, depth - 1)),
                })
                .collect(),
        ),
        6 => T::Enum(names(choices).map(str::to_owned).collect()),
        _ => T::Flags(names(choices).map(str::to_owned).collect()),
    }
}

/// Chooses how many of the names there are, at least one.
fn names(choices: &mut Choices<'_>) -> impl Iterator<Item = &'static str> + use<> {
    NAMES.into_iter().take(1 + choices.below(MEMBERS_MAX))
}
