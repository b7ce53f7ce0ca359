//! Every fallback attempt is validated again: size, pictures and files, tools, sampling, budget, permission.

use super::super::candidates::Leeway;
use super::*;
use crate::chat::Media;
use crate::chat::Part;
use crate::chat::PartKind;
use crate::chat::Thinking;
use crate::chat::ToolDef;

/// `x` can do nothing, `y` everything.
fn catalogue() -> Catalogue {
    let mut catalogue = Catalogue::built_in();
    let text = r#"
        [[model]]
        name = "x"
        input = 1
        output = 1
        context_tokens = 10_000
        output_tokens = 100
        sampling = false
        prefill = false
        tools = false
        images = false
        files = false
        thinking = "never"

        [[model]]
        name = "y"
        input = 1
        output = 1
        context_tokens = 100_000
        thinking = "always"
    "#;
    catalogue.add(text).unwrap();
    catalogue
}

fn both(leeway: Leeway) -> Stage {
    let options = Options { leeway, ..Options::default() };
    let cast = vec![("x/k/x", 1, vec![]), ("y/k/y", 2, vec![])];
    stage_with(cast, options, catalogue(), Arc::new(Anything))
}

fn with_part(kind: PartKind) -> Request {
    let mut request = question();
    request.messages[0].parts.push(Part::from(kind));
    request
}

fn media(media_type: &str) -> Media {
    Media { media_type: media_type.to_owned(), data: "AAAA".to_owned() }
}

fn tool() -> ToolDef {
    let input_schema = serde_json::json!({ "type": "object" });
    ToolDef { name: "look".to_owned(), description: "Looks.".to_owned(), input_schema }
}

#[tokio::test(start_paused = true)]
async fn whoever_cannot_answer_is_not_asked() {
    let mut begun = question();
    begun.messages.push(Message::text(Role::Assistant, "I see"));
    let requests = [
        (with_part(PartKind::Image(media("image/png"))), "Images"),
        (with_part(PartKind::File(media("application/pdf"))), "Files"),
        (Request { tools: vec![tool()], ..question() }, "Tools"),
        (begun, "Prefill"),
        (with_part(PartKind::Text("word ".repeat(10_010))), "Context"),
    ];
    for (request, why) in requests {
        let stage = both(Leeway::Full);
        assert_eq!(stage.ask(request).await, "y", "{why}");
        assert_eq!(stage.asked(), [0, 1], "{why}");
        let first = stage.log().lines().next().unwrap().to_owned();
        assert_eq!(first, format!("route y/k/y Priority(2), x/k/x Misfit({why})"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_size_of_a_conversation_is_believed_a_quarter_above_the_bound() {
    // 4 bytes are a token, and a fifth of the guess is forgiven.
    let words = |bytes: usize| {
        let mut request = question();
        request.messages[0] = Message::text(Role::User, "x".repeat(bytes));
        request
    };
    assert_eq!(both(Leeway::Full).ask(words(50_003)).await, "x");
    assert_eq!(both(Leeway::Full).ask(words(50_008)).await, "y");
}

#[tokio::test(start_paused = true)]
async fn what_a_model_does_not_take_is_left_out_on_record() {
    let stage = both(Leeway::Full);
    let request = Request {
        temperature: Some(0.5),
        top_p: Some(0.9),
        thinking: Some(Thinking::High),
        max_tokens: Some(101),
        ..question()
    };
    assert_eq!(stage.ask(request).await, "x");
    let sent = stage.last_asked(0);
    assert_eq!((sent.temperature, sent.top_p, sent.thinking), (None, None, None));
    assert_eq!((sent.max_tokens, sent.model.as_deref()), (Some(100), Some("x")));
    let log = stage.log();
    assert!(log.contains("attempt 1 x/k/x without [Sampling, Thinking, MaxTokens]"), "{log}");
}

#[tokio::test(start_paused = true)]
async fn where_nothing_may_be_left_out_somebody_else_is_asked_or_nobody() {
    let stage = both(Leeway::Exact);
    assert_eq!(stage.ask(Request { temperature: Some(0.5), ..question() }).await, "y");
    let neither = Request { temperature: Some(0.5), thinking: Some(Thinking::Off), ..question() };
    assert_eq!(stage.ask(neither).await, "refused: caller-fault no-model-fits");
}

#[tokio::test(start_paused = true)]
async fn what_fits_nobody_is_refused_before_anything_is_sent() {
    let stage = both(Leeway::Full);
    let long = with_part(PartKind::Text("word ".repeat(110_000)));
    assert_eq!(stage.ask(long).await, "refused: context-too-long context-too-long");
    assert_eq!(stage.asked(), [0, 0]);
    insta::assert_snapshot!(stage.settled().join("\n"), @"initiate validate-request validation-failed complete");
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_wrong_goes_to_nobody() {
    let stage = both(Leeway::Full);
    let wrong = [
        Request { messages: vec![], ..question() },
        Request { temperature: Some(2.1), ..question() },
    ];
    for request in wrong {
        assert_eq!(stage.ask(request).await, "refused: caller-fault invalid");
    }
    let unknown = [
        Request { provider: Some("z".to_owned()), ..question() },
        Request { model: Some("z".to_owned()), ..question() },
    ];
    for request in unknown {
        assert_eq!(stage.ask(request).await, "refused: caller-fault not-configured");
    }
    assert_eq!(stage.asked(), [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_failure_about_the_size_skips_whoever_reads_no_more() {
    let long = error(Class::ContextTooLong, 400, "context_length_exceeded");
    let cast = vec![("y/k/y", 1, vec![fail(long)]), ("x/k/x", 2, vec![]), ("z/k/z", 3, vec![])];
    let stage = stage_with(cast, Options::default(), catalogue(), Arc::new(Anything));
    assert_eq!(stage.ask(question()).await, "z");
    assert_eq!(stage.asked(), [1, 0, 1]);
}

/// Allows no provider `x`, and nothing that may cost more than a cent.
struct Thrifty;

impl Governor for Thrifty {
    fn admit(&self, _: &Request, target: &Target, micro_usd: Option<u64>) -> Result<(), Error> {
        match micro_usd {
            _ if target.provider == "x" => Err(error(Class::Auth, 403, "not-allowed")),
            Some(10_001..) => Err(error(Class::Quota, 402, "budget")),
            _ => Ok(()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn falling_back_goes_around_neither_permission_nor_budget() {
    let cast = vec![("y/k/y", 1, vec![fail(overloaded()); 4]), ("x/k/x", 2, vec![])];
    let stage = stage_with(cast, Options::default(), catalogue(), Arc::new(Thrifty));
    assert_eq!(stage.ask(question()).await, "refused: transient 529 overloaded_error");
    assert_eq!(stage.asked(), [4, 0]);
    let dear = Request { max_tokens: Some(20_000), ..question() };
    assert_eq!(stage.ask(dear).await, "refused: quota 402 budget");
    assert_eq!(stage.asked(), [4, 0]);
}

#[tokio::test(start_paused = true)]
async fn what_attempts_before_cost_counts_in_what_the_next_may() {
    let used = Usage { input: 10, output: 6_000, ..Usage::default() };
    let billed = || Play::Pieces(vec![Piece::Say(Chunk::Usage(used)), Piece::Fail(overloaded())]);
    let question = || Request { max_tokens: Some(5_000), ..whole_question() };
    let cast = || vec![("y/k/y", 1, vec![billed()]), ("x/k/x", 2, vec![])];
    let stage = stage_with(cast(), Options::default(), catalogue(), Arc::new(Thrifty));
    // About 5,000 are admitted; 6,010 and once more as much are not.
    assert_eq!(stage.ask(question()).await, "refused: transient 529 overloaded_error");
    assert_eq!(stage.asked(), [1, 0]);
    let free = stage_with(cast(), Options::default(), catalogue(), Arc::new(Anything));
    assert_eq!(free.ask(question()).await, "y");
}

#[tokio::test(start_paused = true)]
async fn a_provider_and_a_model_that_are_named_are_asked_alone_with_each_key() {
    let auth = || fail(error(Class::Auth, 401, "authentication_error"));
    let cast = vec![
        ("y/k/y", 1, vec![auth()]),
        ("y/k/x", 1, vec![]),
        ("y/l/y", 1, vec![auth()]),
        ("x/k/y", 1, vec![]),
    ];
    let stage = stage_with(cast, Options::default(), catalogue(), Arc::new(Anything));
    let (provider, model) = (Some("y".to_owned()), Some("y".to_owned()));
    let refused = stage.ask(Request { provider, model, ..question() }).await;
    assert_eq!(refused, "refused: auth 401 authentication_error");
    assert_eq!(stage.asked(), [1, 0, 1, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_provider_that_is_named_is_the_only_one_and_a_model_goes_first() {
    let stage = both(Leeway::Full);
    let named = Request { provider: Some("y".to_owned()), ..question() };
    assert_eq!(stage.ask(named).await, "y");
    assert_eq!(stage.ask(Request { model: Some("y".to_owned()), ..question() }).await, "y");
    assert_eq!(stage.asked(), [0, 2]);
}
