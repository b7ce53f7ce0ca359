//! How many tokens a request would be.
//!
//! The first target that could answer is asked, and another if that cannot count; if none can, it is
//! guessed. No probe of a breaker is used, and nobody is blamed.

use std::sync::Arc;

use super::Shared;
use super::caller::Caller;
use super::candidates;
use super::candidates::Needs;
use super::hold;
use super::journey;
use super::verdict;
use crate::chat::Error;
use crate::chat::Request;

/// Counts.
///
/// # Errors
///
/// The request is wrong, or whoever was asked last says why not.
pub(super) async fn tokens(
    shared: Arc<Shared>,
    caller: Arc<Caller>,
    request: Arc<Request>,
) -> Result<u64, Error> {
    let _place = journey::place(&shared)?;
    request.validate()?;
    let needs = Needs::of(&request);
    let order = shared.targets.order(&request, &needs, &shared.options)?;
    let deadline = shared.clock.monotonic().saturating_add(shared.options.deadline);
    let mut last = None;
    for &target in &order {
        let now = shared.clock.monotonic();
        let asked = shared.targets.get(target);
        let (owner, abilities) = (shared.targets.owner(target), shared.abilities(target));
        let leeway = shared.options.leeway;
        // Whether it is too long is what somebody wants to know.
        let fit = candidates::check(&request, &needs, owner, &abilities, 0, leeway);
        let is_open = shared.books().breakers.is_open(target, now).is_some();
        let (Ok(degradations), false) = (fit, is_open) else { continue };
        if let Err(error) = caller.governor.admit(&request, asked, None) {
            last = Some(error);
            continue;
        }
        let sent = candidates::adapt(&request, owner, &asked.model, &abilities, &degradations);
        let left = deadline.saturating_sub(now);
        match tokio::time::timeout(left, asked.asked.count_tokens(sent)).await {
            Ok(Ok(tokens)) => return Ok(tokens),
            Ok(Err(error)) if !verdict::falls_back(&error) => return Err(error),
            Ok(Err(error)) => last = Some(error),
            Err(_) => return Err(hold::late()),
        }
    }
    match (last, order.first()) {
        (None, Some(first)) => {
            let model = &shared.targets.get(*first).model;
            Ok(shared.books().estimates.input(model, needs.size))
        }
        (last, _) => Err(last.unwrap_or_else(hold::late)),
    }
}
