//! Which step needs which, and whether that is without a circle.
//!
//! A step needs what it lists and what its templates mention.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use ax_manifest::nearest;

use super::entry::Listed;
use super::error::{SpecFlaw, Wrong};
use super::reading::Reading;
use super::{Spec, Step};
use crate::workflow::expression::{Root, Template};

/// Sets the needs of every step, and notes names of none and circles.
pub(super) fn connect(reading: &mut Reading<'_>, spec: &mut Spec, listed: &[Listed]) {
    let places: BTreeMap<String, usize> = spec
        .steps
        .iter()
        .enumerate()
        .filter(|(_, step)| !step.id.is_empty())
        .map(|(place, step)| (step.id.clone(), place))
        .collect();
    let mut all = Vec::with_capacity(spec.steps.len());
    for (step, listed) in spec.steps.iter().zip(listed) {
        let mut needs = Vec::new();
        for (name, at) in listed {
            needs.extend(found(reading, &places, name, *at, None));
        }
        for template in step.templates() {
            needs.extend(mentioned(reading, &places, template, Some(step)));
        }
        needs.sort_unstable();
        needs.dedup();
        all.push(needs);
    }
    if let Some(output) = &spec.output {
        mentioned(reading, &places, output, None);
    }
    for circle in circles(&all) {
        let ids: Vec<String> =
            circle.iter().chain(&circle[..1]).map(|place| spec.steps[*place].id.clone()).collect();
        let at = spec.steps[circle[0]].at;
        reading.note_at(at, SpecFlaw::Circle { steps: ids });
    }
    for (step, needs) in spec.steps.iter_mut().zip(all) {
        step.needs = needs;
    }
}

fn found(
    reading: &mut Reading<'_>,
    places: &BTreeMap<String, usize>,
    name: &str,
    at: usize,
    offset: Option<usize>,
) -> Option<usize> {
    let place = places.get(name).copied();
    if place.is_none() {
        // A file with more mistakes than are told may have very many.
        let names = places.keys().map(String::as_str).filter(|_| !reading.is_full());
        let flaw = SpecFlaw::UnknownStep {
            step: name.to_owned(),
            nearest: nearest(name, names).map(str::to_owned),
        };
        reading.note(Wrong { at, offset, flaw });
    }
    place
}

/// Finds the steps that a template mentions; notes what is not there in the step it belongs to.
fn mentioned(
    reading: &mut Reading<'_>,
    places: &BTreeMap<String, usize>,
    template: &Template,
    step: Option<&Step>,
) -> Vec<usize> {
    let has_items = step.is_some_and(|step| {
        let is_above = |above: &Option<Template>| above.as_ref().is_some_and(|it| it == template);
        // What decides whether and for what it is done is evaluated before there is an item.
        step.for_each.is_some() && !is_above(&step.for_each) && !is_above(&step.when)
    });
    let mut paths = Vec::new();
    template.each_expression(&mut |value_at, at, expression| {
        let references = expression.references().into_iter();
        paths.extend(references.map(|path| (value_at, at + path.at, path)));
    });
    let mut needs = Vec::new();
    for (at, offset, path) in paths {
        match &path.root {
            Root::Step(name) => needs.extend(found(reading, places, name, at, Some(offset))),
            Root::Item | Root::Index if !has_items => {
                let word = if path.root == Root::Item { "item" } else { "index" };
                reading.note_inside(at, offset, SpecFlaw::NoItem { word });
            }
            Root::Input | Root::Item | Root::Index => {}
        }
    }
    needs
}

/// Finds circles, the shortest through their first step, none of them reaching into another. Each is the
/// places of its steps, every one needing the next, and the last the first.
pub(super) fn circles(needs: &[Vec<usize>]) -> Vec<Vec<usize>> {
    let mut is_open = vec![true; needs.len()];
    sequence(needs).into_iter().for_each(|place| is_open[place] = false);
    let mut found = Vec::new();
    for first in 0..needs.len() {
        if !is_open[first] {
            continue;
        }
        let Some(circle) = circle_through(first, needs, &is_open) else { continue };
        // Whatever hangs together with it is mended with it, or found the next time.
        for place in &circle {
            is_open[*place] = false;
        }
        found.push(circle);
    }
    found
}

/// Puts steps into an order in which each comes after those it needs, the first of the file first where
/// there is a choice. What is part of a circle, or needs such a part, is left out.
pub(super) fn sequence<N: AsRef<[usize]>>(needs: &[N]) -> Vec<usize> {
    let mut left: Vec<usize> = needs.iter().map(|needs| needs.as_ref().len()).collect();
    let mut needed_by = vec![Vec::new(); needs.len()];
    for (place, needs) in needs.iter().enumerate() {
        for need in needs.as_ref() {
            needed_by[*need].push(place);
        }
    }
    let mut ready: BTreeSet<usize> = (0..needs.len()).filter(|place| left[*place] == 0).collect();
    let mut sequence = Vec::with_capacity(needs.len());
    while let Some(place) = ready.pop_first() {
        sequence.push(place);
        for waiting in &needed_by[place] {
            left[*waiting] -= 1;
            if left[*waiting] == 0 {
                ready.insert(*waiting);
            }
        }
    }
    sequence
}

/// Finds the shortest circle through a step.
fn circle_through(first: usize, needs: &[Vec<usize>], is_open: &[bool]) -> Option<Vec<usize>> {
    let mut came_from = vec![None; needs.len()];
    let mut queue = VecDeque::from([first]);
    while let Some(place) = queue.pop_front() {
        for &need in needs[place].iter().filter(|need| is_open[**need]) {
            if need == first {
                let mut circle = vec![place];
                while let Some(before) = came_from[*circle.last()?] {
                    circle.push(before);
                }
                circle.reverse();
                return Some(circle);
            }
            if came_from[need].is_none() {
                came_from[need] = Some(place);
                queue.push_back(need);
            }
        }
    }
    None
}
