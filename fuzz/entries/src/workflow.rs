//! Workflow files and the expressions in them.

use ax_host::workflow::expression::Scope;
use ax_host::workflow::expression::Template;
use ax_host::workflow::expression::VALUE_BYTES_MAX;
use ax_host::workflow::spec::Graph;
use ax_host::workflow::spec::Known;
use ax_host::workflow::spec::Spec;
use ax_host::workflow::spec::StepKind;
use ax_host::workflow::spec::check;
use serde_json::json;

use crate::shown;
use crate::text;

/// Checks that an accepted workflow has an order, that what is refused is refused at a place in the text,
/// and that its templates come to an end.
pub fn workflow(data: &[u8]) {
    let Some(text) = text(data) else { return };
    let checked = check(text, &Known::default());
    assert_eq!(checked.spec, Spec::parse(text).ok(), "both read alike");
    for mistake in &checked.mistakes {
        shown::refusal(mistake, mistake.hint());
        assert!(mistake.line >= 1 && mistake.column >= 1, "{mistake}");
        assert!(mistake.line <= text.split('\n').count(), "line {} of {text:?}", mistake.line);
    }
    let Some(spec) = checked.spec else { return };
    for (place, step) in spec.steps.iter().enumerate() {
        assert!(step.needs.iter().all(|need| *need < spec.steps.len() && *need != place));
        let value = match &step.kind {
            StepKind::Set { value } => Some(value),
            _ => None,
        };
        step.when.iter().chain(&step.for_each).chain(value).for_each(evaluate);
    }
    spec.output.iter().for_each(evaluate);
    let graph = Graph::of(&spec);
    assert_eq!(graph.text().lines().count(), spec.steps.len() + 1, "a line for each step");
}

fn evaluate(template: &Template) {
    let world = json!({ "path": "a", "list": [1, { "x": null }], "n": 1.5 });
    let steps = |_: &str| Some(&world);
    let scope = Scope { input: &world, steps: &steps, item: Some(&world), index: Some(3) };
    match template.evaluate(&scope) {
        Ok(value) => assert!(value.to_string().len() <= VALUE_BYTES_MAX, "within its bound"),
        Err(error) => shown::refusal(&error, error.hint()),
    }
}
