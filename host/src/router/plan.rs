//! Who is asked for a request, in which order, and why: before anybody is.
//!
//! Invariant: it changes nothing, so that it can be explained as well as followed.
//! Not here: the order by names and priorities (`targets`), what fits whom (`candidates`).

use std::sync::Arc;

use serde::Serialize;

use super::Shared;
use super::caller::Caller;
use super::candidates;
use super::candidates::Degradation;
use super::candidates::Needs;
use super::catalogue::Basis;
use super::limit::Estimates;
use super::observer::Named;
use super::observer::Reason;
use super::ranking;
use super::ranking::RANKING_WAIT;
use super::verdict::Cause;
use crate::chat::Error;
use crate::chat::Request;
use crate::chat::Usage;

/// One request and whoever asks it, as a router sees them now.
pub(super) struct Plan<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) caller: &'a Caller,
    pub(super) request: &'a Request,
    pub(super) needs: &'a Needs,
    /// Tokens that the request is known to exceed.
    pub(super) floor: u64,
    /// Millionths of a dollar that attempts before cost.
    pub(super) spent: u64,
}

/// Who could be asked, in the usual order.
pub(super) struct Draft {
    fit: Vec<usize>,
    unfit: Vec<(Named, Reason)>,
    why: Option<Error>,
    /// A policy chose the order.
    is_ranked: bool,
}

/// Who is asked.
pub(super) struct Decision {
    /// Those who could answer, the first first.
    pub(super) fit: Vec<usize>,
    /// Everybody, in that order, those who could not last.
    pub(super) targets: Vec<(Named, Reason)>,
    /// Why the first of those could not.
    pub(super) why: Option<Error>,
    /// Why the operator's policy was not followed.
    pub(super) unranked: Option<String>,
}

/// A target, and what would be done with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Explained {
    /// Who.
    #[serde(flatten)]
    pub target: Named,
    /// Why it stands where it stands, or is not asked.
    pub reason: Reason,
    /// What would be left out of the request for it.
    pub degradations: Vec<Degradation>,
    /// Millionths of a dollar that it is estimated to cost at most; nothing if no price is known.
    pub estimated_micro_usd: Option<u64>,
    /// Why it cannot answer, in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub why_not: Option<String>,
}

/// Who would be asked, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    /// In the order in which they would be asked; those that would not come last.
    pub targets: Vec<Explained>,
    /// Why the operator's policy would not be followed.
    pub unranked: Option<String>,
}

impl Plan<'_> {
    /// Decides.
    ///
    /// # Errors
    ///
    /// The request names what is not configured.
    pub(super) async fn decide(&self) -> Result<Decision, Error> {
        let mut draft = self.draft()?;
        let mut unranked = None;
        if let (Some(ranker), true) = (&self.shared.ranker, draft.fit.len() > 1) {
            let asked = ranker.rank(self.request_facts(), self.candidate_facts(&draft.fit));
            match ranked(&draft.fit, asked).await {
                Ok(Some(fit)) => (draft.fit, draft.is_ranked) = (fit, true),
                Ok(None) => {}
                Err(why) => unranked = Some(why),
            }
        }
        Ok(Decision { unranked, ..self.arranged(draft) })
    }

    /// Finds who could answer.
    fn draft(&self) -> Result<Draft, Error> {
        let Self { shared, request, needs, .. } = self;
        let targets = &shared.targets;
        let order = targets.order(request, needs, &shared.options)?;
        let (mut fit, mut unfit, mut why) = (Vec::new(), Vec::new(), None);
        for target in order {
            match self.judge(target) {
                Ok(_) => fit.push(target),
                Err((reason, error)) => {
                    unfit.push((targets.named(target), reason));
                    why.get_or_insert(error);
                }
            }
        }
        Ok(Draft { fit, unfit, why, is_ranked: false })
    }

    /// Puts those first who may be asked now.
    fn arranged(&self, draft: Draft) -> Decision {
        let Self { shared, request, needs, .. } = self;
        let (targets, Draft { mut fit, unfit, why, is_ranked }) = (&shared.targets, draft);
        let is_open: Vec<_> = fit.iter().map(|target| self.is_open(*target)).collect();
        let first = is_open.iter().position(Option::is_none).unwrap_or(0);
        let reason = |(target, open): (&usize, &Option<_>)| {
            let placed = || match is_ranked {
                true => Reason::Policy,
                false => targets.reason(*target, request, needs, &shared.options),
            };
            (targets.named(*target), open.map_or_else(placed, Reason::Open))
        };
        let mut targets: Vec<_> = fit.iter().zip(&is_open).map(reason).collect();
        if !fit.is_empty() {
            targets[..=first].rotate_right(1);
            fit[..=first].rotate_right(1);
        }
        targets.extend(unfit);
        Decision { fit, targets, why, unranked: None }
    }

    /// Checks a target.
    pub(super) fn judge(&self, target: usize) -> Result<Vec<Degradation>, (Reason, Error)> {
        let Self { shared, caller, request, needs, .. } = self;
        let (targets, owner) = (&shared.targets, shared.targets.owner(target));
        let (abilities, leeway) = (shared.abilities(target), shared.options.leeway);
        let fit = candidates::check(request, needs, owner, &abilities, self.tokens(target), leeway);
        let degradations = fit.map_err(|it| (Reason::Misfit(it), it.error(owner)))?;
        // Every attempt is billed, so the next one is allowed together with those before.
        let most = self.most(target).map(|most| self.spent.saturating_add(most));
        match caller.governor.admit(request, targets.get(target), most) {
            Ok(()) => Ok(degradations),
            Err(error) => Err((Reason::Refused, error)),
        }
    }

    /// Says why a target is not asked at the moment.
    pub(super) fn is_open(&self, target: usize) -> Option<Cause> {
        let now = self.shared.clock.monotonic();
        self.shared.books().breakers.is_open(target, now)
    }

    /// Says all of it in the order of the decision.
    ///
    /// # Errors
    ///
    /// The request must not be sent, or names what is not configured.
    pub(super) async fn explain(&self) -> Result<Explanation, Error> {
        self.request.validate()?;
        let targets = &self.shared.targets;
        let Decision { targets: all, unranked, .. } = self.decide().await?;
        let number = |named: &Named| targets.all().iter().position(|it| *named == *it);
        let explained = all.into_iter().filter_map(|(target, reason)| {
            let number = number(&target)?;
            let (degradations, why_not) = match self.judge(number) {
                Ok(degradations) => (degradations, None),
                Err((_, error)) => (Vec::new(), Some(error.message)),
            };
            let estimated_micro_usd = self.most(number);
            Some(Explained { target, reason, degradations, estimated_micro_usd, why_not })
        });
        Ok(Explanation { targets: explained.collect(), unranked })
    }

    /// Estimates what a target would read.
    pub(super) fn tokens(&self, target: usize) -> u64 {
        let model = &self.shared.targets.get(target).model;
        self.shared.books().estimates.input(model, self.needs.size).max(self.floor)
    }

    /// Estimates what a target would cost at most.
    pub(super) fn most(&self, target: usize) -> Option<u64> {
        let output = Estimates::answer(self.request.max_tokens);
        let most = Usage { input: self.tokens(target), output, ..Usage::default() };
        self.shared.cost(target, most, Basis::Estimated).map(|cost| cost.micro_usd)
    }
}

/// Waits for a policy, and takes its order if it is one; nothing if it has no opinion.
async fn ranked(
    fit: &[usize],
    asked: impl Future<Output = Result<Vec<u32>, String>>,
) -> Result<Option<Vec<usize>>, String> {
    let Ok(said) = tokio::time::timeout(RANKING_WAIT, asked).await else {
        return Err(format!("the policy took longer than {} ms", RANKING_WAIT.as_millis()));
    };
    let said = said?;
    if said.is_empty() {
        return Ok(None);
    }
    let nonsense = || "the policy gave no order of those it was told".to_owned();
    ranking::ordered(fit, &said).map(Some).ok_or_else(nonsense)
}
