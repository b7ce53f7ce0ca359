//! One request, from whoever asks: how it is asked, how far it is read, and what must be true then.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ax_host::chat::Chunk;
use ax_host::chat::Error;
use ax_host::chat::Message;
use ax_host::chat::Request;
use ax_host::chat::Role;
use ax_host::router::Router;
use ax_host::router::catalogue::Basis;
use ax_host::router::catalogue::Catalogue;
use ax_host::router::lifecycle::State;
use futures_util::StreamExt as _;

use super::fault::Fault;
use super::fault::index;
use super::fault::number;
use super::upstream::MARK;
use super::upstream::PROVIDERS;
use super::upstream::Played;
use super::witness::Account;
use super::witness::id_of;

/// How long somebody asks before leaving.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Patience {
    /// To the end.
    Endless,
    /// Until so many pieces were read.
    Chunks(u64),
    /// Until so much time has passed without an answer.
    Time(Duration),
}

/// How it ended, as the caller sees it.
#[derive(Debug)]
pub(super) enum End {
    /// With the whole answer.
    Whole(String),
    /// After some of it.
    Broken(String, Error),
    /// Without any of it.
    Refused(Error),
    /// The caller left, with what there was.
    Left(String),
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole(text) => write!(f, "answered `{text}`"),
            Self::Broken(text, error) => write!(f, "broke off: {} after `{text}`", error.code),
            Self::Refused(error) => write!(f, "refused: {} {:?}", error.code, error.retry_after),
            Self::Left(text) => write!(f, "left after `{text}`"),
        }
    }
}

/// The longest pause before a request: time that circuits and limits need to pass.
const PAUSE_MAX_MS: u64 = 5_000;

/// One request.
pub(super) struct Caller {
    pause: Duration,
    patience: Patience,
    asked: Arc<Request>,
}

impl Caller {
    /// Makes the request that belongs to a number.
    pub(super) fn of(seed: u64, request: u64) -> Self {
        let draw = |what, count| index(number(seed, request, what), count);
        let (provider, _, model) = PROVIDERS[draw(1, PROVIDERS.len())];
        let mut asked = question(request);
        asked.stream = draw(2, 5) < 3;
        // Most leave the choice to the router, or name a model and let others help out.
        if draw(3, 3) > 0 {
            asked.model = Some(model.to_owned());
        }
        if draw(4, 10) == 0 {
            asked.model = Some(model.to_owned());
            asked.provider = Some(provider.to_owned());
        }
        let patience = match draw(5, 10) {
            0 => Patience::Chunks(1 + number(seed, request, 6) % 3),
            1 => Patience::Time(Duration::from_millis(100 + number(seed, request, 6) % 2_000)),
            _ => Patience::Endless,
        };
        let pause = Duration::from_millis(number(seed, request, 7) % PAUSE_MAX_MS);
        Self { pause, patience, asked: Arc::new(asked) }
    }

    /// Makes one that is answered by one provider, if it works.
    pub(super) fn of_provider(request: u64, at: usize) -> Self {
        let (provider, _, model) = PROVIDERS[at];
        let mut asked = question(request);
        (asked.stream, asked.provider) = (true, Some(provider.to_owned()));
        asked.model = Some(model.to_owned());
        Self { pause: Duration::ZERO, patience: Patience::Endless, asked: Arc::new(asked) }
    }

    /// Asks, and reads as far as patience goes.
    pub(super) async fn ask(&self, router: &Router) -> End {
        tokio::time::sleep(self.pause).await;
        let asking = router.route(Arc::clone(&self.asked));
        let routed = match self.patience {
            Patience::Time(most) => match tokio::time::timeout(most, asking).await {
                Ok(routed) => routed,
                Err(_) => return End::Left(String::new()),
            },
            Patience::Endless | Patience::Chunks(_) => asking.await,
        };
        let mut answer = match routed {
            Ok(routed) => routed.answer,
            Err(refused) => return End::Refused(refused.error),
        };
        let (mut text, mut chunks) = (String::new(), 0);
        while let Some(chunk) = answer.chunks.next().await {
            match chunk {
                Ok(Chunk::Text(more)) => text.push_str(&more),
                Ok(Chunk::Done(_)) => {
                    let is_last = answer.chunks.next().await.is_none();
                    assert!(is_last, "nothing follows the end of an answer");
                    return End::Whole(text);
                }
                Ok(_) => {}
                Err(error) => {
                    let is_last = answer.chunks.next().await.is_none();
                    assert!(is_last, "nothing follows an error");
                    return End::Broken(text, error);
                }
            }
            chunks += 1;
            if self.patience == Patience::Chunks(chunks) {
                return End::Left(text);
            }
        }
        panic!("an answer ends with its end or an error");
    }
}

fn question(request: u64) -> Request {
    let words = format!("{MARK}{request}: what do you see?");
    let messages = vec![Message::text(Role::User, words)];
    Request { max_tokens: Some(256), ..Request::new(id_of(request), messages) }
}

/// Holds what the caller saw against what the router said and what the upstream did. Returns what does
/// not fit.
pub(super) fn compare(
    end: &End,
    account: &Account,
    plays: &[Played],
    catalogue: &Catalogue,
) -> Vec<String> {
    let mut wrong = account.wrong.clone();
    let mut claim = |holds: bool, what: &str| {
        if !holds {
            wrong.push(what.to_owned());
        }
    };
    let [settled] = &account.settled[..] else {
        claim(false, &format!("it was settled {} times", account.settled.len()));
        return wrong;
    };
    let is_completed = settled.state == State::Completed;
    let is_failed = settled.state == State::Failed;
    claim(is_completed || is_failed, &format!("it ends as {:?}", settled.state));
    claim(settled.attempts == account.attempts, "attempts were counted differently");
    claim(plays.len() <= account.attempts as usize, "somebody was asked more often than was told");
    claim(is_completed == account.success.is_some(), "success and completion differ");
    claim(
        account.success.is_none_or(|(_, cost)| cost == settled.cost),
        "the cost of the success is not the cost that was settled",
    );
    let is_seen_whole = plays.len() == account.attempts as usize;
    let last = plays.last().filter(|_| is_seen_whole);
    let whole = last.map(|play| play.said.text()).unwrap_or_default();
    match end {
        End::Whole(text) => {
            claim(is_completed, "a whole answer was not settled as one");
            claim(*text == whole, &format!("the answer is `{text}` and not `{whole}`"));
            claim(
                last.is_some_and(|play| play.fault.may_succeed(play.is_streamed)),
                "a failure was an answer",
            );
            let cost = last.and_then(|Played { said, .. }| {
                let usage = ax_host::chat::Usage {
                    input: said.input,
                    output: said.output,
                    ..Default::default()
                };
                catalogue.cost(&said.model, usage, Basis::Reported)
            });
            let is_guessed = settled.cost.is_some_and(|cost| cost.basis == Basis::Estimated);
            let may_guess = last.is_some_and(|play| play.fault == Fault::Understates);
            let is_counted = cost.is_some() && cost == settled.cost;
            claim(is_counted || (is_guessed && may_guess), "it cost something else");
            claim(
                last.is_some_and(|play| play.said.model == settled.model),
                "another model said it",
            );
        }
        End::Broken(text, error) => {
            claim(is_failed, "a broken answer was not settled as one");
            let is_meant = last.is_none_or(|play| play.fault.may_fail_as(error.class));
            claim(is_meant, "it broke off for another reason");
            claim(!text.is_empty(), "it broke after nothing");
            // What has no end may say the same words again.
            let is_own = whole.starts_with(text.as_str()) || text.starts_with(&whole);
            claim(is_own, &format!("`{text}` is not how `{whole}` begins"));
        }
        End::Refused(error) => {
            claim(is_failed, "a refusal was not settled as one");
            claim(error.code != "router-full", "a place was not given back");
        }
        End::Left(text) => {
            let is_own = whole.starts_with(text.as_str()) || text.starts_with(&whole);
            claim(is_own, &format!("`{text}` is not how `{whole}` begins"));
        }
    }
    if is_seen_whole {
        for (play, class) in plays.iter().zip(&account.errors) {
            let fault = play.fault;
            claim(fault.may_fail_as(*class), &format!("{fault} was {}", class.word()));
        }
    }
    wrong
}
