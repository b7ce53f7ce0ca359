//! A question of a task to a model.
//!
//! Invariant: it goes the way of every question, through the router and the ledger; what it cost is the
//! task's.

use std::sync::{Arc, Mutex, PoisonError};

use ax_manifest::{DEFAULT_MODEL, EffectClass};
use futures_util::StreamExt as _;
use serde_json::Value;

use super::performer::TaskPerformer;
use crate::chat::{Assembly, Class, Error, Model as _, Request, RequestId};
use crate::plugin::agent::Completed;
use crate::router::catalogue::Basis;
use crate::router::{Caller, Governor, Router, Target};
use crate::runtime::{Done, Performance, Prepared};
use crate::workflow::{Failure, FailureKind, Spent, Text};

/// Bytes of a token, where nobody has counted.
const BYTES_PER_TOKEN: u64 = 4;

/// The code of a question that the task's budget has no room for.
const BUDGET: &str = "budget";

/// Tokens of an answer that are set aside when the request names no bound.
const ANSWER_TOKENS: u64 = 4_096;

impl TaskPerformer {
    /// Estimates what a question takes.
    pub(super) fn prepare_model(&self, request: &Text) -> Result<Prepared, Failure> {
        let bytes = request.here().map_or(0, |text| text.len()) as u64;
        let max_tokens = self.request(request)?.max_tokens.map_or(ANSWER_TOKENS, u64::from);
        let tokens = (bytes / BYTES_PER_TOKEN).saturating_add(max_tokens);
        let reserved = Spent { tokens, ..Spent::default() };
        Ok(Prepared { class: EffectClass::Pure, component: None, reserved })
    }

    /// Asks a model.
    pub(super) async fn ask_model(&self, request: &Text, it: &Performance) -> Done {
        let till = Arc::new(Till::new(it.cost_left_micro_usd));
        let mut cancel = it.cancel.clone();
        let asked = self.asked(request, it, &till);
        let outcome = tokio::select! {
            biased;
            outcome = asked => outcome,
            Ok(_) = cancel.wait_for(|asked| *asked) => {
                Err(Failure::new(FailureKind::Cancelled, "nobody needs the answer any more"))
            }
        };
        let spent = till.spent();
        Done { outcome, spent, changed_outside: false }
    }

    async fn asked(
        &self,
        request: &Text,
        it: &Performance,
        till: &Arc<Till>,
    ) -> Result<Text, Failure> {
        let request = self.request(request)?;
        let id = request.id;
        let router =
            self.router(&format!("task:{}", it.task), Arc::clone(till) as Arc<dyn Governor>)?;
        let answer = router.ask(Arc::new(request)).await.map_err(|error| failure(&error))?;
        let (provider, mut chunks) = (answer.provider, answer.chunks);
        let mut pieces = Assembly::default();
        while let Some(chunk) = chunks.next().await {
            pieces.add(chunk.map_err(|error| failure(&error))?);
        }
        drop(chunks);
        let cut = || Failure::new(FailureKind::Unavailable, "the answer broke off");
        let response = pieces.finish(&provider).ok_or_else(cut)?;
        let (usage, is_estimated, cost_micro_usd) = till.bill();
        let completed = Completed { id, response, usage, is_estimated, cost_micro_usd };
        Ok(Text::new(serde_json::to_string(&completed).unwrap_or_default()))
    }

    /// Counts the tokens of a request.
    pub(super) async fn count_tokens(&self, request: String) -> Result<Text, Failure> {
        let request = self.request(&Text::new(request))?;
        let router = self.router("task", Arc::new(Till::new(None)))?;
        let counted = router.count_tokens(Arc::new(request)).await;
        counted.map(|tokens| Text::new(tokens.to_string())).map_err(|error| failure(&error))
    }

    fn router(&self, trigger: &str, governor: Arc<dyn Governor>) -> Result<Router, Failure> {
        let models = self.app().models_on_record(None).map_err(|error| {
            let hint = error.hint().map(|hint| format!("; try: {hint}")).unwrap_or_default();
            Failure::new(FailureKind::NotFound, format!("{error}{hint}")).coded("no-models")
        })?;
        Ok(models.router.of(Caller { trigger: trigger.to_owned(), governor }))
    }

    /// Reads a request. It is asked under a name of its own each time: a name is one request in the ledger.
    fn request(&self, request: &Text) -> Result<Request, Failure> {
        let invalid = |why: String| Failure::new(FailureKind::Invalid, why).coded("request");
        let id = self.app().request_id().map_err(|error| invalid(error.to_string()))?;
        let text = request.here().map_or("null", |text| text);
        let mut value: Value = serde_json::from_str(text).map_err(|it| invalid(it.to_string()))?;
        if let Some(members) = value.as_object_mut() {
            members.insert("id".to_owned(), id.to_string().into());
            if members.get("model").and_then(Value::as_str) == Some(DEFAULT_MODEL) {
                members.shift_remove("model");
            }
        }
        let read: Request = serde_json::from_value(value).map_err(|it| invalid(it.to_string()))?;
        Ok(Request { stream: true, ..read })
    }
}

fn failure(error: &Error) -> Failure {
    let kind = match error.class {
        Class::Transient | Class::RateLimit => FailureKind::Unavailable,
        Class::CallerFault | Class::ContextTooLong => FailureKind::Invalid,
        Class::Cancelled => FailureKind::Cancelled,
        Class::Quota if error.code == BUDGET => FailureKind::Exhausted,
        Class::Quota | Class::Auth | Class::ModelGone | Class::Region | Class::Policy => {
            FailureKind::Failed
        }
    };
    let failure = Failure::new(kind, &error.message).coded(error.code.as_str());
    let wait = error.retry_after.map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX));
    Failure { retry_after_ms: wait, ..failure }
}

/// Pays for one question.
struct Till {
    left_micro_usd: Option<u64>,
    spent: Mutex<Option<crate::router::Spent>>,
}

impl Till {
    fn new(left_micro_usd: Option<u64>) -> Self {
        Self { left_micro_usd, spent: Mutex::default() }
    }

    fn settled_spent(&self) -> crate::router::Spent {
        self.spent.lock().unwrap_or_else(PoisonError::into_inner).unwrap_or_default()
    }

    fn spent(&self) -> Spent {
        let spent = self.settled_spent();
        let cost_micro_usd = spent.cost.map_or(0, |cost| cost.micro_usd);
        Spent { tokens: spent.usage.total(), cost_micro_usd, ..Spent::default() }
    }

    fn bill(&self) -> (crate::chat::Usage, bool, Option<u64>) {
        let spent = self.settled_spent();
        let cost = spent.cost.map(|cost| cost.micro_usd);
        (spent.usage, spent.basis == Basis::Estimated, cost)
    }
}

impl Governor for Till {
    fn admit(&self, _: &Request, _: &Target, micro_usd: Option<u64>) -> Result<(), Error> {
        match (self.left_micro_usd, micro_usd) {
            (Some(left), Some(most)) if most > left => {
                let message = "the question could cost more than the task has left";
                Err(Error::new(Class::Quota, BUDGET, message))
            }
            _ => Ok(()),
        }
    }

    fn settled(&self, _: RequestId, spent: &crate::router::Spent) {
        *self.spent.lock().unwrap_or_else(PoisonError::into_inner) = Some(*spent);
    }
}
