//! stub
use super::{Known, Spec, SpecError};
/// x
#[derive(Debug)]
pub struct Checked {
    /// x
    pub spec: Option<Spec>,
    /// x
    pub mistakes: Vec<SpecError>,
}
/// x
pub fn check(text: &str, _known: &Known) -> Checked {
    match Spec::parse(text) {
        Ok(spec) => Checked { spec: Some(spec), mistakes: Vec::new() },
        Err(mistakes) => Checked { spec: None, mistakes },
    }
}
