//! One request, from whoever asks: how it is asked, and how far it is read.
//!
//! Not here: what must be true then (`compare`).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ax_host::chat::Chunk;
use ax_host::chat::Error;
use ax_host::chat::Message;
use ax_host::chat::Request;
use ax_host::chat::Role;
use ax_host::router::Router;
use futures_util::StreamExt as _;

use super::fault::index;
use super::fault::number;
use super::upstream::MARK;
use super::upstream::PROVIDERS;
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
