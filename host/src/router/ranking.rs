//! The order of those who could answer, as an operator's policy likes it.
//!
//! ```text
//! who could answer ─→ facts, without a word of what is said ─→ Ranker ─→ numbers ─→ order
//!                                                                └ nonsense, late, none ─→ the usual order
//! ```
//!
//! Invariant: a policy only chooses among those who could answer anyway; whatever it returns, somebody is asked.
//! It is a preference and no boundary: what must not be asked is refused by the governor.
//! Not here: who could answer (`plan`), where a policy runs (`app`, `plugin`).

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::BoxFuture;
use serde_json::Value;
use serde_json::json;

use super::health::Span;
use super::health::Summary;
use super::plan::Plan;

/// How long a policy may think. It stands before every request, and a person waits behind it.
pub const RANKING_WAIT: Duration = Duration::from_millis(250);

/// Orders those who could answer.
pub trait Ranker: Send + Sync + 'static {
    /// Returns numbers of `candidates` from 0, those that are asked first first; whoever is left out is not
    /// asked. None at all is no opinion, and the usual order holds.
    ///
    /// # Errors
    ///
    /// Why it has no opinion, in a line; then the usual order holds.
    fn rank(
        &self,
        request: Value,
        candidates: Value,
    ) -> BoxFuture<'static, Result<Vec<u32>, String>>;
}

impl Plan<'_> {
    /// Says what a policy may know of the request: its size and needs, never what is said.
    pub(super) fn request_facts(&self) -> Value {
        let (request, needs) = (self.request, self.needs);
        json!({
            "model": request.model,
            "provider": request.provider,
            "trigger": self.caller.trigger,
            "bytes": needs.size.bytes,
            "pictures": needs.size.pictures,
            "maxTokens": request.max_tokens,
            "needs": {
                "tools": !request.tools.is_empty(),
                "images": needs.has_images,
                "files": needs.has_files,
                "schema": request.output_schema.is_some(),
                "thinking": request.thinking,
            },
            "stream": request.stream,
            "labels": request.metadata,
            "deadlineMs": ms(self.shared.options.deadline),
        })
    }

    /// Says what a policy may know of those who could answer.
    pub(super) fn candidate_facts(&self, fit: &[usize]) -> Value {
        fit.iter().map(|target| self.candidate(*target)).collect()
    }

    fn candidate(&self, target: usize) -> Value {
        let (shared, it) = (self.shared, self.shared.targets.get(target));
        let (abilities, row) = &shared.known[target];
        let (open, degradations) = (self.is_open(target), self.judge(target).unwrap_or_default());
        let (estimated, now) = (self.most(target), shared.clock.monotonic());
        let mut books = shared.books();
        let (limiter, book) = &mut books.providers[shared.targets.provider_of(target)];
        let Summary { requests, p50, p95, .. } = book.summary(Span::Hour, now);
        let error_rate = book.summary(Span::Hour, now).error_rate();
        let left = limiter.as_mut().map(|it| it.left(now)).unwrap_or_default();
        json!({
            "provider": it.provider,
            "key": it.key,
            "model": it.model,
            "priority": it.priority,
            "breaker": open,
            "lastHour": {
                "requests": requests,
                "errorsPer10000": error_rate,
                "p50Ms": p50.map(ms),
                "p95Ms": p95.map(ms),
            },
            "requestsLeft": left.0.map(|it| it.remaining),
            "tokensLeft": left.1.map(|it| it.remaining),
            "contextTokens": abilities.context_tokens,
            "outputTokens": abilities.output_tokens,
            "microUsdPerMillionTokens": row.as_ref().map(|row| row.prices),
            "estimatedMicroUsd": estimated,
            "degradations": degradations,
        })
    }
}

/// Puts those who could answer into the order that a policy gave; nothing if it is none.
pub(super) fn ordered(fit: &[usize], ranked: &[u32]) -> Option<Vec<usize>> {
    let numbers: BTreeSet<_> = ranked.iter().collect();
    if ranked.is_empty() || numbers.len() != ranked.len() {
        return None;
    }
    ranked.iter().map(|at| fit.get(usize::try_from(*at).ok()?).copied()).collect()
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::ordered;

    #[test]
    fn an_order_names_each_once_and_nobody_else() {
        let fit = [7, 5, 9];
        assert_eq!(ordered(&fit, &[2, 0, 1]), Some(vec![9, 7, 5]));
        assert_eq!(ordered(&fit, &[1]), Some(vec![5]), "others are left out");
        for nonsense in [&[][..], &[0, 0], &[3], &[0, 1, 2, 3], &[u32::MAX]] {
            assert_eq!(ordered(&fit, nonsense), None, "{nonsense:?}");
        }
    }
}
