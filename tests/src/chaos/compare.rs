//! What the caller saw, what the router said and what the upstream did: the three have to fit.

use ax_host::chat::Usage;
use ax_host::router::catalogue::Basis;
use ax_host::router::catalogue::Catalogue;
use ax_host::router::lifecycle::State;

use super::caller::End;
use super::fault::Fault;
use super::upstream::Played;
use super::witness::Account;
use super::witness::Settled;

/// What does not fit.
struct Claims(Vec<String>);

impl Claims {
    fn claim(&mut self, holds: bool, what: &str) {
        if !holds {
            self.0.push(what.to_owned());
        }
    }
}

/// Holds them against each other; returns what does not fit.
pub(super) fn compare(
    end: &End,
    account: &Account,
    plays: &[Played],
    catalogue: &Catalogue,
) -> Vec<String> {
    let mut claims = Claims(account.wrong.clone());
    let [settled] = &account.settled[..] else {
        claims.claim(false, &format!("it was settled {} times", account.settled.len()));
        return claims.0;
    };
    // A connection that is cut before it was heard is an attempt of which the upstream knows nothing.
    let is_seen_whole = plays.len() == account.attempts as usize;
    let last = plays.last().filter(|_| is_seen_whole);
    counts(&mut claims, account, settled, plays);
    money(&mut claims, end, account, settled, last.map(|play| (play, play.reported(catalogue))));
    words(&mut claims, end, settled, last);
    if is_seen_whole {
        for (play, class) in plays.iter().zip(&account.errors) {
            let fault = play.fault;
            claims.claim(fault.may_fail_as(*class), &format!("{fault} was {}", class.word()));
        }
    }
    claims.0
}

/// It ended once, and everybody counted the same attempts.
fn counts(claims: &mut Claims, account: &Account, settled: &Settled, plays: &[Played]) {
    let attempts = account.attempts;
    let is_completed = settled.state == State::Completed;
    let is_over = is_completed || settled.state == State::Failed;
    claims.claim(is_over, &format!("it ends as {:?}", settled.state));
    claims.claim(settled.attempts == attempts, "attempts were settled differently");
    claims.claim(account.intents == attempts, "somebody was asked without a record");
    claims.claim(plays.len() <= attempts as usize, "somebody was asked who was not told of");
    claims.claim(is_completed == account.success.is_some(), "success and completion differ");
}

/// What was settled, told and put on record is the same, and what providers count is in it. `last` is the
/// last attempt, and what its provider's count costs.
fn money(
    claims: &mut Claims,
    end: &End,
    account: &Account,
    settled: &Settled,
    last: Option<(&Played, u64)>,
) {
    let (&[spent], &[ended]) = (&account.spent[..], &account.ended[..]) else {
        let (told, kept) = (account.spent.len(), account.ended.len());
        claims.claim(false, &format!("it was told {told} times and put on record {kept} times"));
        return;
    };
    claims.claim(spent == ended, "another cost was told than was put on record");
    claims.claim(spent.cost == settled.cost, "another cost was told than was settled");
    claims.claim(spent.attempts == account.attempts, "attempts were told differently");
    let success = account.success.unwrap_or((spent.usage, spent.cost));
    claims.claim(success == (spent.usage, spent.cost), "the success cost something else");
    let reported = match end {
        End::Whole(_) => last.map_or(0, |(_, reported)| reported),
        End::Broken(..) | End::Refused(_) => 0,
        // Perhaps after the end.
        End::Left(_) => spent.reported_micro_usd,
    };
    // Where the end is cut, so is what was counted.
    let is_cut = last.is_some_and(|(play, _)| play.fault == Fault::Understates);
    let is_counted = spent.reported_micro_usd == reported || is_cut;
    claims.claim(is_counted, "what the provider counts is not what it cost");
}

/// The caller got the words of the last attempt, and of no other.
fn words(claims: &mut Claims, end: &End, settled: &Settled, last: Option<&Played>) {
    let whole = last.map(|play| play.said.text()).unwrap_or_default();
    let mut begins = |text: &str| {
        // What has no end may say the same words again.
        let is_own = whole.starts_with(text) || text.starts_with(&whole);
        claims.claim(is_own, &format!("`{text}` is not how `{whole}` begins"));
    };
    match end {
        End::Whole(text) => {
            let may = last.is_some_and(|play| play.fault.may_succeed(play.is_streamed));
            claims.claim(may, "a failure was an answer");
            claims.claim(*text == whole, &format!("the answer is `{text}` and not `{whole}`"));
            let is_own = last.is_some_and(|play| play.said.model == settled.model);
            claims.claim(is_own, "another model said it");
            claims.claim(settled.state == State::Completed, "it is whole and was settled as less");
        }
        End::Broken(text, error) => {
            begins(text);
            claims.claim(!text.is_empty(), "it broke after nothing");
            let is_meant = last.is_none_or(|play| play.fault.may_fail_as(error.class));
            claims.claim(is_meant, "it broke off for another reason");
            claims.claim(settled.state == State::Failed, "it broke off and was settled as whole");
        }
        End::Refused(error) => {
            claims.claim(error.code != "router-full", "a place was not given back");
            claims.claim(settled.state == State::Failed, "it was refused and settled as whole");
        }
        End::Left(text) => begins(text),
    }
}

impl Played {
    /// Says what the provider's count of the answer costs, in millionths of a dollar.
    fn reported(&self, catalogue: &Catalogue) -> u64 {
        let (input, output) = (self.said.input, self.said.output);
        let usage = Usage { input, output, ..Usage::default() };
        catalogue.cost(&self.said.model, usage, Basis::Reported).map_or(0, |cost| cost.micro_usd)
    }
}
