//! Questions of a guest, asked by the functions that a component calls.

use std::sync::Arc;
use std::time::Duration;

use ax_manifest::{Permission, PermissionSet};
use futures_util::future::BoxFuture;
use wasmtime::component::Resource;

use super::super::super::asked::AskedEnd;
use super::super::super::executor::Executor;
use super::super::super::gate::Gate;
use super::super::super::guest::{CallFrame, CallId, Guest, Holdings, Outside, World};
use super::super::super::limits::{self, Limits};
use super::super::super::log::Log;
use super::super::super::meter::HostMeter;
use super::super::super::models::{Asker, Listed, Models};
use super::super::super::purse::{Bill, Budget, Purse};
use super::super::super::rights::{Bounds, Rights};
use super::super::super::secrets::CallSecrets;
use super::super::super::written::Accounts;
use super::super::bindings::ax::model::chat::{self as wit, Host as _, HostChunks as _};
use super::super::bindings::ax::types::types::{Error, ErrorKind};
use super::{read, shown};
use crate::chat::{
    self, Answer, Chunk, Class, Finish, Message, Model, ModelInfo, Opaque, Part, PartKind, Role,
    ToolCall, ToolResult, Usage,
};
use crate::clock::SystemClock;
use crate::egress::{Egress, EgressConfig};
use crate::kv::Kv;
use crate::provider::scripted::{self, Act, Scripted};
use crate::secret::leak::LeakScan;

/// Plays models with prices.
struct Played {
    model: Arc<Scripted>,
    /// What a request may cost, as its router would say.
    estimate: Option<u64>,
    /// What it costs.
    cost: Option<u64>,
    /// What is billed, where whoever answers counts that.
    billed: Option<Usage>,
    output_tokens: Option<u64>,
    fallback: bool,
}

impl Models for Played {
    fn of(&self, asker: Asker, purse: Arc<Purse>) -> Arc<dyn Model> {
        assert_eq!(&*asker.plugin, "ax:test");
        let Self { estimate, cost, billed, fallback, .. } = *self;
        let model = Arc::clone(&self.model);
        Arc::new(Priced { model, purse, estimate, cost, billed, fallback })
    }

    fn list(&self) -> Vec<Listed> {
        let listed = |name: &str| Listed {
            name: name.to_owned(),
            output_tokens: self.output_tokens,
            ..Listed::default()
        };
        ["default", "fast", "smart"].map(listed).into()
    }
}

struct Priced {
    model: Arc<Scripted>,
    purse: Arc<Purse>,
    estimate: Option<u64>,
    cost: Option<u64>,
    billed: Option<Usage>,
    fallback: bool,
}

impl Model for Priced {
    fn ask(&self, request: Arc<chat::Request>) -> BoxFuture<'static, Result<Answer, chat::Error>> {
        let reserved = self.purse.reserve(request.id, self.estimate);
        if let Err(error) = reserved
            && !self.fallback
        {
            return Box::pin(async { Err(error) });
        }
        let bill = Bill { usage: self.billed, is_estimated: true, micro_usd: self.cost };
        self.purse.reconcile(request.id, bill);
        self.model.ask(request)
    }

    fn count_tokens(
        &self,
        request: Arc<chat::Request>,
    ) -> BoxFuture<'static, Result<u64, chat::Error>> {
        self.model.count_tokens(request)
    }

    fn models(&self) -> BoxFuture<'static, Result<Vec<ModelInfo>, chat::Error>> {
        self.model.models()
    }
}

/// A call of a plugin that may ask `fast` and `default`, and what keeps it alive.
struct Stage {
    guest: Guest,
    model: Arc<Scripted>,
    _held: (Executor, tempfile::TempDir),
}

/// What a stage is set up with.
struct Setting {
    budget: Budget,
    estimate: Option<u64>,
    cost: Option<u64>,
    billed: Option<Usage>,
    output_tokens: Option<u64>,
    /// Whether what may not be paid is asked of a cheaper model.
    fallback: bool,
    granted: &'static [&'static str],
    secret: Option<&'static str>,
    has_models: bool,
}

impl Default for Setting {
    fn default() -> Self {
        Self {
            budget: budget(1_000, 1_000_000, 1_000_000),
            estimate: None,
            cost: None,
            billed: None,
            output_tokens: Some(1_000),
            fallback: false,
            granted: &["models:fast", "models:default"],
            secret: None,
            has_models: true,
        }
    }
}

fn budget(calls: u64, tokens: u64, micro_usd: u64) -> Budget {
    Budget { model: "fast".to_owned(), calls, tokens, micro_usd }
}

fn stage(setting: Setting, scripts: Vec<Vec<Act>>) -> Stage {
    let model = Arc::new(Scripted::new("played", scripts));
    let permissions = |texts: &[&str]| -> Vec<Permission> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    };
    let declared: PermissionSet =
        permissions(&["models:fast", "models:default"]).into_iter().collect();
    let bounds = Bounds { declared, policy: None };
    let rights = Rights::new(bounds, &[], &permissions(setting.granted), None, 0);
    let executor = Executor::new(1).unwrap();
    let home = tempfile::tempdir().unwrap();
    let kv = Kv::at(home.path());
    let Setting { estimate, cost, billed, output_tokens, fallback, .. } = setting;
    let model_of_all = Arc::clone(&model);
    let played = Played { model: model_of_all, estimate, cost, billed, output_tokens, fallback };
    let models: Arc<dyn Models> = Arc::new(played);
    let scan = setting.secret.map_or_else(LeakScan::none, |value| {
        let value = crate::secret::value::SecretValue::new(value.as_bytes()).unwrap();
        LeakScan::new([("token".into(), value)])
    });
    let frame = CallFrame {
        id: CallId::new(1, 2, 3),
        depth: 0,
        ends_at: Duration::from_secs(3600),
        world: World::Real,
        clock: Arc::new(SystemClock::new()),
        environment: Arc::new(|_: &str| None),
        progress: None,
        cancel: None,
        holdings: Arc::new(Holdings {
            name: "ax:test".into(),
            budgets: vec![setting.budget],
            ..Holdings::none()
        }),
        outside: Arc::new(Outside {
            accounts: Accounts::new(kv.clone()),
            keeping: executor.keeping(),
            kv,
            egress: Egress::new(EgressConfig::default(), executor.handle()).unwrap(),
            models: setting.has_models.then_some(models),
        }),
        secrets: CallSecrets::looking_for(scan.clone()),
        once: None,
    };
    let limits = Limits::default();
    let meter = HostMeter::new(1 << 30, 1).admit(&limits).unwrap();
    let (gate, log) = (Gate::new(Arc::new(rights)), Log::new(&limits, scan));
    let guest = Guest::new(gate, meter, log, frame, Arc::from([]));
    Stage { guest, model, _held: (executor, home) }
}

/// Asks `fast` something of 40 bytes with the name, which is 10 tokens.
fn question() -> wit::Request {
    let content = wit::Content::Text("x".repeat(36));
    let part = wit::Part { content, opaque: None };
    let message = wit::Message { role: wit::Role::User, name: None, parts: vec![part] };
    wit::Request {
        model: Some("fast".to_owned()),
        messages: vec![message],
        tools: Vec::new(),
        tool_choice: wit::ToolChoice::Auto,
        output_schema: None,
        max_tokens: Some(10),
        temperature: None,
        top_p: None,
        stop: Vec::new(),
        extra: None,
    }
}

fn said(text: &str) -> Act {
    Act::Say(Chunk::Text(text.to_owned()))
}

/// Says a response, or kind and code of an error.
fn told(answer: Result<wit::Response, Error>) -> String {
    match answer {
        Ok(response) => match &response.message.parts[..] {
            [wit::Part { content: wit::Content::Text(text), .. }] => text.clone(),
            parts => format!("{parts:?}"),
        },
        Err(error) => {
            let kind = format!("{:?} {}", error.kind, error.code);
            kind.trim_start_matches("ErrorKind::").to_owned()
        }
    }
}

async fn ask(stage: &mut Stage, request: wit::Request) -> String {
    told(stage.guest.complete(request).await.unwrap())
}

async fn open(stage: &mut Stage) -> Result<Resource<super::Chunks>, Error> {
    wit::Host::begin(&mut stage.guest, question()).await.unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_whole_answer_says_what_it_took_and_its_row_holds_no_word_of_it() {
    let mut stage = stage(
        Setting { estimate: Some(50), cost: Some(7), ..Setting::default() },
        vec![scripted::answer("hello")],
    );
    let response = stage.guest.complete(question()).await.unwrap().unwrap();
    let usage = &response.usage;
    assert_eq!((usage.input, usage.output, usage.cost_micro_usd), (2, 3, Some(7)));
    assert!(!usage.estimated && response.finish == wit::Finish::Stop);
    assert_eq!(response.id, "00000000-0001-8000-8020-000000300000");
    let asked = stage.guest.asking.take();
    let [row] = &asked[..] else { panic!("{asked:?}") };
    assert_eq!(row.target(), "played/scripted (2 tokens read, 3 written)");
    assert_eq!((row.permission(), row.so_far().micro_usd), ("models:fast", Some(7)));
    assert_eq!(row.so_far().end, AskedEnd::Answered);
    assert!(!format!("{row:?}").contains("hello"));
}

#[tokio::test(start_paused = true)]
async fn what_is_not_granted_or_not_named_is_not_asked() {
    let setting = Setting { granted: &["models:fast"], ..Setting::default() };
    let mut stage = stage(setting, vec![scripted::answer("yes")]);
    let named =
        |model: Option<&str>| wit::Request { model: model.map(str::to_owned), ..question() };
    assert_eq!(ask(&mut stage, named(Some("smart"))).await, "Denied models:smart");
    assert_eq!(ask(&mut stage, named(None)).await, "Denied models:default");
    assert_eq!(ask(&mut stage, named(Some("default"))).await, "Denied models:default");
    for odd in ["", "*", "a\u{0}b", "a\nb", "\u{1b}[2J", " fast", "fast ", "ä", &"x".repeat(101)] {
        assert_eq!(ask(&mut stage, named(Some(odd))).await, "Invalid model", "{odd:?}");
    }
    assert!(stage.model.asked().is_empty());
    assert_eq!(ask(&mut stage, named(Some("fast"))).await, "yes");
    let names: Vec<_> = stage.guest.models().await.unwrap().into_iter().map(|it| it.name).collect();
    assert_eq!(names, ["fast"]);
    assert_eq!(stage.guest.gate.take_record().0.len(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_model_leaves_it_to_the_operator() {
    let mut stage = stage(Setting::default(), vec![scripted::answer("yes")]);
    for model in [None, Some("default".to_owned())] {
        assert_eq!(ask(&mut stage, wit::Request { model, ..question() }).await, "yes");
    }
    assert!(stage.model.asked().iter().all(|request| request.model.is_none()));
}

#[tokio::test(start_paused = true)]
async fn there_are_as_many_requests_as_a_call_may_make_and_not_one_more() {
    let setting = Setting { budget: budget(2, 1_000, 0), ..Setting::default() };
    let mut stage = stage(setting, vec![scripted::answer("yes")]);
    let together = vec![question(), question(), question()];
    let answers = stage.guest.complete_all(together).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(told).collect();
    assert_eq!(answers, ["yes", "yes", "Exhausted calls"]);
    let counted = stage.guest.count_tokens(question()).await.unwrap().unwrap_err();
    assert_eq!(counted.code, "calls");
    let data = r#"{"bound":2,"left":0,"needed":1,"unit":"calls"}"#;
    assert_eq!(counted.data.as_deref(), Some(data));
    assert_eq!(
        counted.message,
        "of 2 requests that `models:fast` has for a call, 0 are left and this takes 1"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_are_taken_before_and_put_right_afterwards() {
    // 10 to read and 10 to write; it takes 5.
    let setting = || Setting { budget: budget(9, 20, 0), ..Setting::default() };
    let script = || vec![scripted::answer("yes")];
    let mut enough = stage(setting(), script());
    assert_eq!(ask(&mut enough, question()).await, "yes");
    // 15 are left.
    let less = |max| wit::Request { max_tokens: Some(max), ..question() };
    assert_eq!(ask(&mut enough, less(6)).await, "Exhausted tokens");
    assert_eq!(ask(&mut enough, less(5)).await, "yes");
    let mut short = stage(setting(), script());
    let error = short.guest.complete(less(11)).await.unwrap().unwrap_err();
    let data = r#"{"bound":20,"left":20,"needed":21,"unit":"tokens"}"#;
    assert_eq!((error.code.as_str(), error.data.as_deref()), ("tokens", Some(data)));
    assert!(short.model.asked().is_empty());
}

#[tokio::test(start_paused = true)]
async fn tokens_that_are_billed_are_used_though_nobody_answered() {
    let busy = || vec![Act::Fail(chat::Error::new(Class::Transient, "500", "busy"))];
    // It takes 10 and 10 of 40.
    let setting = |billed| Setting { budget: budget(9, 40, 0), billed, ..Setting::default() };
    let used = Usage { input: 20, output: 6, ..Usage::default() };
    let mut billed = stage(setting(Some(used)), vec![busy()]);
    assert_eq!(ask(&mut billed, question()).await, "Unavailable ");
    // 14 are left.
    let less = |max| wit::Request { max_tokens: Some(max), ..question() };
    assert_eq!(ask(&mut billed, less(5)).await, "Exhausted tokens");
    assert_eq!(ask(&mut billed, less(4)).await, "Unavailable ");
    let row = &billed.guest.asking.take()[0];
    let wanted = "nobody (20 tokens read, 6 written, at a cost that is not known)";
    assert_eq!((row.target().as_str(), row.so_far().usage), (wanted, used));
    // Of an answer, what attempts before it took counts, too.
    let mut answered = stage(setting(Some(used)), vec![scripted::answer("yes")]);
    let response = answered.guest.complete(question()).await.unwrap().unwrap();
    assert_eq!((response.usage.input, response.usage.estimated), (20, true));
    assert_eq!(ask(&mut answered, less(5)).await, "Exhausted tokens");
    // What nobody bills is given back.
    let mut free = stage(setting(Some(Usage::default())), vec![busy()]);
    assert_eq!(ask(&mut free, question()).await, "Unavailable ");
    assert_eq!(ask(&mut free, less(30)).await, "Unavailable ");
    assert_eq!(free.guest.asking.take()[0].target(), "nobody (0 tokens read, 0 written)");
}

#[tokio::test(start_paused = true)]
async fn who_sets_no_bound_gets_a_share_of_what_is_left() {
    let open = || wit::Request { max_tokens: None, ..question() };
    let told = |stage: &Stage| -> Vec<_> {
        stage.model.asked().iter().map(|request| request.max_tokens).collect()
    };
    let tokens = |tokens, output_tokens| Setting {
        budget: budget(9, tokens, 0),
        output_tokens,
        ..Setting::default()
    };
    let script = || vec![scripted::answer("yes")];
    // More than the model writes is left to it.
    let mut ample = stage(tokens(2_000, Some(1_000)), script());
    ask(&mut ample, open()).await;
    assert_eq!(told(&ample), [None]);
    let mut unknown = stage(tokens(20_000, None), script());
    ask(&mut unknown, open()).await;
    assert_eq!(told(&unknown), [Some(4_096)]);
    let mut scarce = stage(tokens(110, Some(1_000)), script());
    ask(&mut scarce, open()).await;
    assert_eq!(told(&scarce), [Some(100)]);
    let mut shared = stage(tokens(210, Some(1_000)), script());
    shared.guest.complete_all(vec![open(), open()]).await.unwrap();
    assert_eq!(told(&shared), [Some(100), Some(90)]);
    let mut nothing = stage(tokens(10, Some(1_000)), script());
    assert_eq!(ask(&mut nothing, open()).await, "Exhausted tokens");
}

#[tokio::test(start_paused = true)]
async fn money_is_taken_before_and_put_right_afterwards() {
    let setting = |estimate, cost| Setting {
        budget: budget(9, 1_000, 100),
        estimate: Some(estimate),
        cost,
        ..Setting::default()
    };
    let script = || vec![scripted::answer("yes")];
    let mut cheap = stage(setting(100, Some(10)), script());
    assert_eq!(ask(&mut cheap, question()).await, "yes");
    // 90 are left.
    let error = cheap.guest.complete(question()).await.unwrap().unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Exhausted, "cost"));
    let data = r#"{"bound":100,"left":90,"needed":100,"unit":"micro-usd"}"#;
    assert_eq!(error.data.as_deref(), Some(data));
    assert_eq!(
        error.message,
        "of 0.0001 USD that `models:fast` has for a call, 0.00009 are left and this takes 0.0001"
    );
    let mut dear = stage(setting(101, Some(10)), script());
    assert_eq!(ask(&mut dear, question()).await, "Exhausted cost");
    assert!(dear.model.asked().is_empty());
    // A provider that fails after a dear one was refused is told as it is.
    let busy = chat::Error::new(Class::RateLimit, "429", "busy");
    let setting_of_one = Setting { fallback: true, ..setting(101, Some(10)) };
    let mut fallback = stage(setting_of_one, vec![vec![Act::Fail(busy)]]);
    assert_eq!(ask(&mut fallback, question()).await, "Unavailable rate-limit");
    // What nobody knows the cost of stays taken.
    let mut unknown = stage(setting(60, None), script());
    assert_eq!(ask(&mut unknown, question()).await, "yes");
    assert_eq!(ask(&mut unknown, question()).await, "Exhausted cost");
}

#[tokio::test(start_paused = true)]
async fn an_answer_comes_in_pieces_and_ends_once() {
    let call = ToolCall { id: "1".into(), name: "f".into(), input: serde_json::json!({"a": 1}) };
    let script = vec![
        Act::Say(Chunk::Reasoning("hm".into())),
        said("a"),
        said("b"),
        Act::Say(Chunk::ToolCall(call)),
        scripted::usage(4, 5),
        scripted::done(Finish::ToolCalls),
    ];
    let mut stage = stage(Setting::default(), vec![script]);
    let chunks = open(&mut stage).await.unwrap();
    assert!(stage.model.asked()[0].stream);
    let mut seen = Vec::new();
    while let Some(chunk) = {
        let again = Resource::new_borrow(chunks.rep());
        stage.guest.next(again).await.unwrap().unwrap()
    } {
        seen.push(match chunk {
            wit::Chunk::Text(text) | wit::Chunk::Reasoning(text) => text,
            wit::Chunk::ToolCall(call) => call.input,
            wit::Chunk::Done(response) => {
                assert_eq!(response.message.parts.len(), 3);
                format!("{:?} {}", response.finish, response.usage.output)
            }
            wit::Chunk::Other(_) => panic!("nothing else is said"),
        });
    }
    assert_eq!(seen, ["hm", "a", "b", r#"{"a":1}"#, "Finish::ToolCalls 5"]);
    assert!(!stage.guest.asking.is_over());
    stage.guest.drop(chunks).await.unwrap();
    assert!(stage.guest.asking.is_over());
}

#[tokio::test(start_paused = true)]
async fn whoever_drops_an_answer_cancels_it_and_pays_for_what_came() {
    let setting = Setting { budget: budget(9, 30, 0), ..Setting::default() };
    let mut stage = stage(setting, vec![vec![said("12345678"), Act::Hang]]);
    let chunks = open(&mut stage).await.unwrap();
    let again = Resource::new_borrow(chunks.rep());
    stage.guest.next(again).await.unwrap().unwrap();
    stage.guest.drop(chunks).await.unwrap();
    assert_eq!(stage.model.abandoned(), 1);
    // 10 were read and 2 written, as far as anybody knows: 18 are left.
    let less = |max| wit::Request { max_tokens: Some(max), ..question() };
    assert_eq!(ask(&mut stage, less(9)).await, "Exhausted tokens");
    let row = &stage.guest.asking.take()[0];
    assert_eq!(row.so_far().end, AskedEnd::Unanswered);
    assert_eq!(row.target(), "nobody (10 tokens read, 2 written, at a cost that is not known)");
}

#[tokio::test(start_paused = true)]
async fn the_end_of_a_call_cancels_what_it_left_open() {
    let mut stage = stage(Setting::default(), vec![vec![said("a"), Act::Hang]]);
    open(&mut stage).await.unwrap();
    open(&mut stage).await.unwrap();
    let waiting = stage.guest.complete(question());
    assert!(tokio::time::timeout(Duration::from_secs(1), waiting).await.is_err());
    assert_eq!(stage.model.abandoned(), 1);
    let Stage { guest, model, _held } = stage;
    drop(guest);
    assert_eq!(model.abandoned(), 3);
}

#[tokio::test(start_paused = true)]
async fn four_answers_are_read_as_they_come_and_a_fifth_waits_for_none() {
    let mut stage = stage(Setting::default(), vec![vec![said("a"), Act::Hang]]);
    let mut open_ones = Vec::new();
    for _ in 0..limits::MODEL_STREAMS {
        open_ones.push(open(&mut stage).await.unwrap());
    }
    let error = open(&mut stage).await.unwrap_err();
    assert_eq!((error.kind, error.code.as_str()), (ErrorKind::Exhausted, "streams"));
    stage.guest.drop(open_ones.pop().unwrap()).await.unwrap();
    assert!(open(&mut stage).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn eight_are_asked_at_a_time_and_answers_stand_in_order() {
    let slow = |number: u64| {
        let wait = Act::Wait(Duration::from_secs(20 - number));
        [vec![wait], scripted::answer(&number.to_string())].concat()
    };
    let mut stage = stage(Setting::default(), (0..10).map(slow).collect());
    let before = tokio::time::Instant::now();
    let answers = stage.guest.complete_all(vec![question(); 10]).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(told).collect();
    assert_eq!(answers, ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"]);
    // The first of eight is done after 13 s, the second after 14; the ninth takes 12, the tenth 11.
    assert_eq!(before.elapsed().as_secs(), 25);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_a_batch_is_looked_at() {
    let mut stage = stage(Setting::default(), vec![scripted::answer("y")]);
    let requests = vec![question(); limits::MODEL_BATCH + 1];
    let answers = stage.guest.complete_all(requests).await.unwrap();
    let answers: Vec<_> = answers.into_iter().map(told).collect();
    assert_eq!(answers[limits::MODEL_BATCH - 1], "y");
    assert_eq!(answers[limits::MODEL_BATCH], "Exhausted calls");
    assert_eq!(stage.model.asked().len(), limits::MODEL_BATCH);
}

#[tokio::test(start_paused = true)]
async fn hostile_requests_are_refused_before_anybody_is_asked() {
    let mut stage = stage(Setting::default(), vec![scripted::answer("y")]);
    let nested = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let tool = |input_schema: &str| wit::ToolDef {
        name: "f".to_owned(),
        description: String::new(),
        input_schema: input_schema.to_owned(),
    };
    let long = |bytes| {
        let mut request = question();
        request.messages[0].parts[0].content = wit::Content::Text("x".repeat(bytes));
        request
    };
    let many = |count| wit::Request {
        messages: vec![question().messages[0].clone(); count],
        ..question()
    };
    let parts = |count| {
        let mut request = question();
        request.messages[0].parts = vec![request.messages[0].parts[0].clone(); count];
        request
    };
    let base = question;
    for (request, code) in [
        (long(100 << 20), "messages[0]"),
        (long(1_000_001), "messages[0]"),
        (many(2_000), "messages"),
        (many(1_001), "messages"),
        (many(0), "messages"),
        (parts(1_001), "messages[0].parts"),
        (wit::Request { temperature: Some(f64::NAN), ..base() }, "temperature"),
        (wit::Request { temperature: Some(2.1), ..base() }, "temperature"),
        (wit::Request { top_p: Some(f64::INFINITY), ..base() }, "top-p"),
        (wit::Request { max_tokens: Some(0), ..base() }, "max-tokens"),
        (wit::Request { max_tokens: Some(200_001), ..base() }, "max-tokens"),
        (wit::Request { stop: vec!["a".to_owned(); 11], ..base() }, "stop"),
        (wit::Request { tools: vec![tool("{}"); 513], ..base() }, "tools"),
        (wit::Request { tools: vec![tool("{}"); 2], ..base() }, "tools[1].name"),
        (wit::Request { tools: vec![tool("[]")], ..base() }, "tools[0].input-schema"),
        (wit::Request { tools: vec![tool(&nested)], ..base() }, "tools[0].input-schema"),
        (wit::Request { output_schema: Some("{".to_owned()), ..base() }, "output-schema"),
        (wit::Request { output_schema: Some("1".to_owned()), ..base() }, "output-schema"),
        (wit::Request { extra: Some("7".to_owned()), ..base() }, "extra"),
        (wit::Request { extra: Some(r#"{"thinking":"x"}"#.to_owned()), ..base() }, "extra"),
        (wit::Request { tool_choice: wit::ToolChoice::Required, ..base() }, "tool-choice"),
        (
            wit::Request { tool_choice: wit::ToolChoice::Other("{}".to_owned()), ..base() },
            "tool-choice",
        ),
    ] {
        assert_eq!(ask(&mut stage, request).await, format!("Invalid {code}"));
    }
    assert!(stage.model.asked().is_empty());
    for request in [long(1_000_000), many(1_000), parts(1_000)] {
        assert_eq!(ask(&mut stage, request).await, "y");
    }
}

#[tokio::test(start_paused = true)]
async fn where_no_model_is_set_up_guest_and_person_are_told() {
    let mut stage = stage(Setting { has_models: false, ..Setting::default() }, Vec::new());
    assert_eq!(ask(&mut stage, question()).await, "Unavailable no-models");
    assert!(stage.guest.models().await.unwrap().is_empty());
    let (lines, _) = stage.guest.log.take();
    assert_eq!(lines[0].message, "no model is set up: ax provider add");
}

#[tokio::test(start_paused = true)]
async fn failures_say_what_to_do_about_them() {
    let fail = |class, code: &str| {
        let error = chat::Error { ..chat::Error::new(class, code, "the key sk-secret is bad") };
        vec![Act::Fail(error)]
    };
    for (script, told) in [
        (vec![said("a"), Act::Cut], "Unavailable "),
        (vec![said("a"), Act::Garbage], "Unavailable "),
        (fail(Class::Transient, "500"), "Unavailable "),
        (fail(Class::RateLimit, "429"), "Unavailable rate-limit"),
        (fail(Class::ContextTooLong, "long"), "Invalid context-too-long"),
        (fail(Class::CallerFault, "bad"), "Invalid bad"),
        (fail(Class::ModelGone, "404"), "NotFound fast"),
        (fail(Class::Policy, "no"), "Failed policy"),
        (fail(Class::Auth, "401"), "Failed auth"),
        (fail(Class::Quota, "402"), "Failed quota"),
        (fail(Class::Region, "403"), "Failed region"),
        (fail(Class::Cancelled, "cancelled"), "Cancelled "),
    ] {
        let mut stage = stage(Setting::default(), vec![script]);
        assert_eq!(ask(&mut stage, question()).await, told);
    }
    let mut stage = stage(Setting::default(), vec![fail(Class::Auth, "401")]);
    let error = stage.guest.complete(question()).await.unwrap().unwrap_err();
    // What is wrong with the operator's account is nothing to a plugin.
    assert_eq!(error.message, "the provider of `fast` refused the host: auth");
    assert!(stage.guest.log.take().0[0].message.starts_with("`fast` did not answer: "));
}

#[tokio::test(start_paused = true)]
async fn a_secret_neither_goes_to_a_model_nor_comes_from_one() {
    const VALUE: &str = "hunter2-hunter2-hunter2";
    let setting = || Setting { secret: Some(VALUE), ..Setting::default() };
    let mut asking = stage(setting(), vec![scripted::answer("fine")]);
    let mut request = question();
    request.messages[0].parts[0].content = wit::Content::Text(format!("what is {VALUE}"));
    assert_eq!(ask(&mut asking, request).await, "Denied secret:token");
    assert!(asking.model.asked().is_empty());
    assert_eq!(ask(&mut asking, question()).await, "fine");
    let ends: Vec<_> = asking.guest.asking.take().iter().map(|it| it.so_far().end).collect();
    assert_eq!(ends, [AskedEnd::Leaked("token".into()), AskedEnd::Answered]);
    // Each counts, so that there are no more rows than requests.
    let one = Setting { budget: budget(1, 1_000, 0), ..setting() };
    let mut again = stage(one, vec![scripted::answer("fine")]);
    for told in ["Denied secret:token", "Exhausted calls"] {
        let mut request = question();
        request.messages[0].parts[0].content = wit::Content::Text(VALUE.to_owned());
        assert_eq!(ask(&mut again, request).await, told);
    }
    // In two pieces, too.
    let (front, back) = VALUE.split_at(9);
    let pieces = [vec![said(front)], scripted::answer(back)].concat();
    let mut answered = stage(setting(), vec![pieces]);
    assert_eq!(ask(&mut answered, question()).await, "Denied secret:token");
}

#[tokio::test(start_paused = true)]
async fn an_answer_without_end_is_ended() {
    let piece = said(&"x".repeat(1 << 20));
    let mut stage = stage(Setting::default(), vec![vec![piece; 9]]);
    assert_eq!(ask(&mut stage, question()).await, "Exhausted answer");
}

/// A message that goes to a guest and back.
fn returned(message: &Message) -> Message {
    let request = wit::Request { messages: vec![shown::message(message.clone())], ..question() };
    let id = CallId::new(0, 0, 0).request(0);
    read::request(request, id).unwrap().messages.remove(0)
}

#[test]
fn what_a_model_wrote_comes_back_unchanged() {
    let opaque = |data| Some(Opaque { owner: "claude/sonnet".to_owned(), data });
    let call = ToolCall { id: "1".into(), name: "f".into(), input: serde_json::json!({"a": [1]}) };
    let message = Message {
        parts: vec![
            Part {
                kind: PartKind::Reasoning("hm".into()),
                opaque: opaque(serde_json::json!({"signature": "AAA="})),
            },
            Part { kind: PartKind::Reasoning(String::new()), opaque: opaque("redacted".into()) },
            Part { kind: PartKind::Text("yes".into()), opaque: None },
            Part { kind: PartKind::ToolCall(call), opaque: opaque(serde_json::json!(["x", 1])) },
        ],
        ..Message::text(Role::Assistant, "")
    };
    assert_eq!(returned(&message), message);
    let image = chat::Media { media_type: "image/png".into(), data: "AAECAw==".into() };
    let result = PartKind::ToolResult(ToolResult {
        id: "1".into(),
        name: "f".into(),
        text: "done\nand more".into(),
        images: vec![image.clone()],
        is_error: true,
    });
    let answered = Message { parts: vec![result.into()], ..Message::text(Role::Tool, "") };
    assert_eq!(returned(&answered), answered);
    let seen = Message {
        name: Some("ann".into()),
        parts: vec![PartKind::Image(image).into()],
        ..Message::text(Role::User, "")
    };
    assert_eq!(returned(&seen), seen);
}

#[test]
fn requests_of_calls_have_names_of_their_own() {
    let names = [(1, 2, 3, 0), (1, 2, 3, 1), (1, 2, 4, 0), (1, 3, 3, 0), (2, 2, 3, 0)];
    let names = names.map(|(at, process, call, number)| {
        let id = CallId::new(at, process, call).request(number).0;
        assert_eq!((id.get_version_num(), id.get_variant()), (8, uuid::Variant::RFC4122));
        id
    });
    let all: std::collections::BTreeSet<_> = names.into_iter().collect();
    assert_eq!(all.len(), names.len());
}
