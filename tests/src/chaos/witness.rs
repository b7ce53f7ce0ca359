//! Writes down what the router says of each request, and looks whether it can be so.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::MutexGuard;
use std::sync::PoisonError;

use ax_host::chat::Class;
use ax_host::chat::Error;
use ax_host::chat::Request;
use ax_host::chat::RequestId;
use ax_host::chat::Usage;
use ax_host::router::Target;
use ax_host::router::caller::Governor;
use ax_host::router::catalogue::Cost;
use ax_host::router::keeper::Ending;
use ax_host::router::keeper::Intent;
use ax_host::router::keeper::Keeper;
use ax_host::router::lifecycle::Lifecycle;
use ax_host::router::lifecycle::State;
use ax_host::router::observer::Fact;
use ax_host::router::observer::Observer;
use ax_host::router::spent::Spent;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use futures_util::future::ready;

use super::motion::Motion;

/// What is known of one request.
#[derive(Debug, Default)]
pub(super) struct Account {
    /// What was done, in order and without times.
    pub(super) lines: Vec<String>,
    /// The errors of attempts, in order.
    pub(super) errors: Vec<Class>,
    pub(super) attempts: u32,
    /// The success, as it was announced.
    pub(super) success: Option<(Usage, Option<Cost>)>,
    pub(super) settled: Vec<Settled>,
    /// What whoever allows was told that it cost.
    pub(super) spent: Vec<Spent>,
    /// What was put on record that it cost.
    pub(super) ended: Vec<Spent>,
    /// What was put on record before anybody was asked.
    pub(super) intents: u32,
    /// What cannot be.
    pub(super) wrong: Vec<String>,
    decisions: u32,
}

/// How a request was settled.
#[derive(Debug, Clone)]
pub(super) struct Settled {
    pub(super) state: State,
    pub(super) attempts: u32,
    pub(super) cost: Option<Cost>,
    pub(super) model: String,
}

/// Hears everything.
pub(super) struct Witness {
    accounts: Mutex<BTreeMap<u64, Account>>,
    motion: Arc<Motion>,
}

/// Makes the number of a request its name.
pub(super) fn id_of(request: u64) -> RequestId {
    RequestId(uuid::Uuid::from_u128(u128::from(request)))
}

fn number_of(id: RequestId) -> u64 {
    u64::try_from(id.0.as_u128()).expect("a request of ours")
}

impl Witness {
    pub(super) fn new(motion: Arc<Motion>) -> Self {
        Self { accounts: Mutex::default(), motion }
    }

    fn accounts(&self) -> MutexGuard<'_, BTreeMap<u64, Account>> {
        self.accounts.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgets a request; returns what is known of it.
    pub(super) fn take(&self, request: u64) -> Account {
        self.accounts().remove(&request).unwrap_or_default()
    }

    /// Counts the requests of which something was heard since they were forgotten.
    pub(super) fn left(&self) -> usize {
        self.accounts().len()
    }
}

impl Observer for Witness {
    fn announce(&self, id: RequestId, fact: &Fact) {
        let request = number_of(id);
        match fact {
            Fact::Attempt { .. } => self.motion.stir(request),
            Fact::Error { .. } | Fact::Success { .. } => self.motion.rest(request),
            Fact::RoutingDecision { .. }
            | Fact::Fallback { .. }
            | Fact::Unkept { .. }
            | Fact::Unranked { .. } => {}
        }
        self.accounts().entry(request).or_default().hear(fact);
    }

    fn settled(&self, life: &Lifecycle) {
        let context = life.context();
        let request = number_of(context.request.id);
        self.motion.rest(request);
        let settled = Settled {
            state: life.state(),
            attempts: context.attempts,
            cost: context.cost,
            model: context.provider.as_ref().map_or_else(String::new, |it| it.model.clone()),
        };
        let mut accounts = self.accounts();
        let account = accounts.entry(request).or_default();
        let events = life.history().iter().map(|it| it.event);
        account.lines.push(format!("settled: {}", events.collect::<Vec<_>>().join(" ")));
        account.settled.push(settled);
    }
}

impl Governor for Witness {
    fn admit(&self, _: &Request, _: &Target, _: Option<u64>) -> Result<(), Error> {
        Ok(())
    }

    fn settled(&self, id: RequestId, spent: &Spent) {
        self.accounts().entry(number_of(id)).or_default().spent.push(*spent);
    }
}

impl Keeper for Witness {
    fn intend(&self, intent: &Intent<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let mut accounts = self.accounts();
        let account = accounts.entry(number_of(intent.id)).or_default();
        account.intents += 1;
        if intent.attempt != account.attempts + 1 || !account.ended.is_empty() {
            account.wrong.push(format!("{intent:?} cannot follow {:?}", account.lines));
        }
        ready(Ok(())).boxed()
    }

    fn end(&self, ending: &Ending<'_>) -> BoxFuture<'static, Result<(), Error>> {
        let request = number_of(ending.life.context().request.id);
        let mut accounts = self.accounts();
        let account = accounts.entry(request).or_default();
        if !account.settled.is_empty() {
            account.wrong.push("it was settled before its end was on record".to_owned());
        }
        account.ended.push(*ending.spent);
        ready(Ok(())).boxed()
    }
}

impl Account {
    fn hear(&mut self, fact: &Fact) {
        let (line, is_allowed) = match fact {
            Fact::RoutingDecision { targets } => {
                self.decisions += 1;
                let row = |(it, reason): &(_, _)| {
                    let ax_host::router::observer::Named { provider, key, .. } = it;
                    format!("{provider}/{key} {reason:?}")
                };
                let rows = targets.iter().map(row).collect::<Vec<_>>().join(", ");
                (format!("route {rows}"), self.decisions == 1 && self.lines.is_empty())
            }
            Fact::Attempt { number, target, .. } => {
                self.attempts += 1;
                let is_next =
                    *number == self.attempts && self.errors.len() + 1 == self.attempts as usize;
                (format!("attempt {number} {}/{}", target.provider, target.key), is_next)
            }
            Fact::Error { class, status, code, blame } => {
                self.errors.push(*class);
                let line = format!("error {} {status:?} {code} blame {blame:?}", class.word());
                (line, self.errors.len() == self.attempts as usize)
            }
            Fact::Fallback { from, to, reason } => {
                let line = format!(
                    "fallback {}/{} -> {}/{} {reason}",
                    from.provider, from.key, to.provider, to.key
                );
                (line, self.errors.len() == self.attempts as usize && from != to)
            }
            Fact::Unkept { why } => (format!("not on record: {why}"), false),
            Fact::Unranked { why } => (format!("unranked: {why}"), false),
            Fact::Success { usage, cost, attempts, .. } => {
                let is_first = self.success.replace((*usage, *cost)).is_none();
                let is_counted =
                    *attempts == self.attempts && self.errors.len() + 1 == self.attempts as usize;
                (format!("success after {attempts}: {usage:?} {cost:?}"), is_first && is_counted)
            }
        };
        let is_over = !self.settled.is_empty() && !matches!(fact, Fact::Success { .. });
        if !is_allowed || is_over || self.decisions == 0 {
            self.wrong.push(format!("`{line}` cannot follow {:?}", self.lines));
        }
        self.lines.push(line);
    }
}
