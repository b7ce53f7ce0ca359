//! Reads transcripts of providers for tests, cut wherever they can be cut.

use super::dialect::{Dialect, Route, cut};
use super::sse::Parser;
use crate::chat::{
    Assembly, Chunk, Error, Media, Message, Opaque, Part, PartKind, Request, RequestId, Role,
    ToolCall, ToolChoice, ToolDef, ToolResult,
};

/// The route of every transcript.
pub(super) fn route() -> Route {
    Route { provider: "p".to_owned(), model: "m".to_owned() }
}

/// Reads a stream that comes in pieces, as `client` does. The error, if there is one, comes last.
pub(super) fn read(dialect: &dyn Dialect, pieces: &[&[u8]]) -> (Vec<Chunk>, Option<Error>) {
    let (mut parser, mut reader) = (Parser::default(), dialect.reader(&route()));
    let mut chunks = Vec::new();
    let mut take = |read: Result<Vec<Chunk>, Error>| {
        chunks.extend(read?);
        Ok(matches!(chunks.last(), Some(Chunk::Done(_))))
    };
    let mut all = || -> Result<(), Error> {
        for piece in pieces {
            let mut events = Vec::new();
            let parsed = parser.push(piece, &mut events);
            for event in &events {
                if take(reader.event(event))? {
                    return Ok(());
                }
            }
            parsed.map_err(|error| super::dialect::garbled(&error.to_string()))?;
        }
        if let Some(event) = parser.finish().expect("it broke before")
            && take(reader.event(&event))?
        {
            return Ok(());
        }
        take(reader.end()).map(|is_done| assert!(is_done, "it ended without an end"))
    };
    let error = all().err();
    (chunks, error)
}

/// Reads a transcript whole, in two pieces at every byte, and byte by byte: the chunks must be the
/// same. Each beginning of it must be an answer that was cut, or begin the same. Shows the chunks.
pub(super) fn read_at_every_cut(dialect: &dyn Dialect, stream: &str) -> String {
    let bytes = stream.as_bytes();
    let (chunks, error) = read(dialect, &[bytes]);
    let single: Vec<&[u8]> = bytes.chunks(1).collect();
    assert_eq!(read(dialect, &single), (chunks.clone(), error.clone()));
    for at in 0..bytes.len() {
        let mut broken = bytes.to_vec();
        broken[at] = [b'"', b'0', 0xff][at % 3];
        // Whatever comes of it, it comes without a panic.
        read(dialect, &[&broken]);
    }
    for at in 0..=bytes.len() {
        let (begin, end) = bytes.split_at(at);
        assert_eq!(read(dialect, &[begin, end]), (chunks.clone(), error.clone()), "cut at {at}");
        let (part, broken) = read(dialect, &[begin]);
        let is_whole = matches!(part.last(), Some(Chunk::Done(_)));
        assert!(is_whole || broken.is_some(), "at {at} it is neither an answer nor an error");
        if is_whole {
            assert_eq!(said(&part), said(&chunks), "at {at} it is another answer");
        } else {
            assert_eq!(part[..], chunks[..part.len()], "at {at} it begins differently");
            assert!(broken == Some(cut()) || broken == error, "at {at}: {broken:?}");
        }
    }
    shown(&chunks, error)
}

/// Shows what came, a chunk on a line.
pub(super) fn shown(chunks: &[Chunk], error: Option<Error>) -> String {
    let mut lines: Vec<String> = chunks.iter().map(|it| line(it).replace('"', "'")).collect();
    lines.extend(error.map(|error| told(&error)));
    lines.join("\n")
}

/// Shows an error.
pub(super) fn told(error: &Error) -> String {
    let Error { class, status, code, message, provider_request_id, retry_after, .. } = error;
    let status = status.map(|status| format!(" {status}")).unwrap_or_default();
    let id = provider_request_id.iter().map(|id| format!(" [{id}]"));
    let wait = retry_after.iter().map(|wait| format!(" (wait {wait:?})"));
    let more: String = id.chain(wait).collect();
    format!("{}{status} {code}: {message}{more}", class.word())
}

/// Shows the bodies of JSON that a dialect writes, and where they go.
pub(super) fn written(dialect: &dyn Dialect, request: &Request, route: &Route) -> String {
    request.validate().expect("the request is one that may be sent");
    match dialect.write(request, route) {
        Err(error) => told(&error),
        Ok(it) => format!("{} {}\n{}", it.method, it.path, pretty(&it.body)),
    }
}

/// Shows JSON with one level of lines.
pub(super) fn pretty(body: &[u8]) -> String {
    let body: serde_json::Map<String, serde_json::Value> =
        serde_json::from_slice(body).expect("an object");
    let mut lines = Vec::new();
    for (name, value) in body {
        match value {
            serde_json::Value::Array(list) => {
                lines.push(format!("{name}:"));
                lines.extend(list.iter().map(|item| format!("  {item}")));
            }
            value => lines.push(format!("{name}: {value}")),
        }
    }
    lines.join("\n").replace('"', "'")
}

/// A request with a conversation of every kind of part. `owner` owns the thoughts of the first answer.
pub(super) fn conversation(owner: &str, data: serde_json::Value) -> Request {
    let media =
        |media_type: &str| Media { media_type: media_type.to_owned(), data: "QUJD".to_owned() };
    let call = |id: &str, city: &str| {
        let input = serde_json::json!({ "city": city });
        PartKind::ToolCall(ToolCall { id: id.to_owned(), name: "weather".to_owned(), input })
    };
    let result = |id: &str, text: &str, images: Vec<Media>, is_error: bool| {
        PartKind::ToolResult(ToolResult {
            id: id.to_owned(),
            name: "weather".to_owned(),
            text: text.to_owned(),
            images,
            is_error,
        })
    };
    let message = |role: Role, parts: Vec<Part>| Message { parts, ..Message::text(role, "") };
    let thought = |text: &str, owner: &str, data: serde_json::Value| Part {
        kind: PartKind::Reasoning(text.to_owned()),
        opaque: Some(Opaque { owner: owner.to_owned(), data }),
    };
    let foreign = serde_json::json!({ "signature": "theirs" });
    let messages = vec![
        Message::text(Role::System, "Be brief."),
        message(
            Role::User,
            vec![
                PartKind::Text("What is this?".to_owned()).into(),
                PartKind::Image(media("image/png")).into(),
                PartKind::File(media("application/pdf")).into(),
            ],
        ),
        message(
            Role::Assistant,
            vec![
                thought("They ask.", owner, data),
                thought("Foreign.", "other/model", foreign),
                PartKind::Text("Let me look.".to_owned()).into(),
                call("c1", "Rome").into(),
                call("c2", "Oslo").into(),
            ],
        ),
        message(Role::Tool, vec![result("c1", "sunny", vec![media("image/png")], false).into()]),
        message(Role::Tool, vec![result("c2", "no such city", Vec::new(), true).into()]),
        Message::text(Role::User, "And now?"),
    ];
    let mut request = Request::new(RequestId(uuid::Uuid::nil()), messages);
    request.tools = vec![ToolDef {
        name: "weather".to_owned(),
        description: "Tells the weather.".to_owned(),
        input_schema: serde_json::json!({ "type": "object" }),
    }];
    request.tool_choice = ToolChoice::Named("weather".to_owned());
    request
}

/// A short question.
pub(super) fn question() -> Request {
    Request::new(RequestId(uuid::Uuid::nil()), vec![Message::text(Role::User, "Hi")])
}

/// What was said in chunks, however it was cut into them.
fn said(chunks: &[Chunk]) -> Option<(Vec<Part>, crate::chat::Finish)> {
    let mut assembly = Assembly::default();
    chunks.iter().cloned().for_each(|chunk| assembly.add(chunk));
    assembly.finish("p").map(|response| (response.message.parts, response.finish))
}

fn line(chunk: &Chunk) -> String {
    match chunk {
        Chunk::Text(text) => format!("text {text:?}"),
        Chunk::Reasoning(text) => format!("reasoning {text:?}"),
        Chunk::Opaque(opaque) => format!("opaque of {} {}", opaque.owner, opaque.data),
        Chunk::ToolCall(call) => format!("call {} {} {}", call.id, call.name, call.input),
        Chunk::Usage(usage) => format!(
            "usage {} ({} read, {} written) -> {} ({} thought)",
            usage.input, usage.cache_read, usage.cache_write, usage.output, usage.reasoning
        ),
        Chunk::Done(done) => {
            let id = done.provider_request_id.as_deref().unwrap_or("-");
            format!("done {:?} {} {id}", done.finish, done.model)
        }
    }
}
