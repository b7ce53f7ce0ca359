//! What a tool answers: something to read, something to compute with, or both.
//!
//! Not here: what goes wrong (`error`).

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::Value;

use crate::Result;
use crate::schema;

/// Bytes of one media type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Media {
    /// As `image/png`, without parameters; at most 127 bytes.
    pub media_type: String,
    /// The bytes themselves, not base64. They count in full against the 1 MiB of an answer.
    pub data: Vec<u8>,
}

/// A pointer to something that the reader may fetch; the host does not follow it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Link {
    /// An absolute URI of at most 2,048 bytes; anything else, and a script, fails the call.
    pub uri: String,
    /// What to call it, one line of at most 128 bytes.
    pub name: String,
    /// The media type behind it, where known.
    pub media_type: Option<String>,
    /// What is behind it, at most 1 KiB.
    pub description: Option<String>,
}

/// One piece of an answer that is meant to be read.
///
/// ```
/// use ax_sdk::prelude::*;
///
/// /// Draws a dot.
/// #[tool(read_only)]
/// fn dot() -> Result<Vec<Content>> {
///     let svg = "<svg xmlns='http://www.w3.org/2000/svg'><circle r='1'/></svg>";
///     Ok(vec![Content::text("A dot:"), Content::image("image/svg+xml", svg)])
/// }
/// # fn main() { assert_eq!(dot().unwrap().len(), 2) }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// Text; Markdown is welcome, terminal escapes are removed.
    Text(String),
    /// A picture.
    Image(Media),
    /// A sound.
    Audio(Media),
    /// Any other bytes.
    File(Media),
    /// A pointer instead of the bytes.
    Link(Link),
}

impl Content {
    /// Makes a piece of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    /// Makes a picture of bytes such as a PNG's.
    pub fn image(media_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self::Image(Media { media_type: media_type.into(), data: data.into() })
    }

    /// Makes a file.
    pub fn file(media_type: impl Into<String>, data: impl Into<Vec<u8>>) -> Self {
        Self::File(Media { media_type: media_type.into(), data: data.into() })
    }

    /// Makes a pointer to what is at `uri`.
    pub fn link(uri: impl Into<String>, name: impl Into<String>) -> Self {
        Self::Link(Link { uri: uri.into(), name: name.into(), ..Link::default() })
    }
}

/// A whole answer, for what no simpler type says: see [`Answer`]. At most 1 MiB together; more ends the
/// call with [`ErrorKind::Exhausted`](crate::ErrorKind::Exhausted) and the code `result`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Output {
    /// The pieces in reading order, at most 1,000. Empty when `structured` says it all.
    pub content: Vec<Content>,
    /// The answer for programs, an object. Where the tool has an output schema, the host holds it to that.
    pub structured: Option<Value>,
}

/// An answer for programs: any type that serializes to a JSON object. Its schema goes with the tool, and
/// the doc comments of its members with the schema.
///
/// ```
/// use ax_sdk::prelude::*;
///
/// /// How often something was found.
/// #[data]
/// struct Count {
///     /// Words in all.
///     words: usize,
/// }
///
/// /// Counts the words of a text.
/// #[tool(read_only, idempotent)]
/// fn count(text: String) -> Result<Json<Count>> {
///     Ok(Json(Count { words: text.split_whitespace().count() }))
/// }
/// # fn main() {
/// # let schema = count::tool().output_schema.unwrap();
/// # assert_eq!(schema["properties"]["words"]["description"], "Words in all.");
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Json<T>(pub T);

/// What a tool's function may give back.
///
/// | Type | The caller gets |
/// |---|---|
/// | `String`, `&str` | a text |
/// | [`Content`], `Vec<Content>` | pieces to read: text, pictures, links |
/// | [`Json<T>`](Json) | data with a schema |
/// | `(String, Json<T>)` | a text to read, and the data it tells of |
/// | `()` | that it is done |
/// | [`Output`] | what is put into it |
/// | `Result` of one of these | that, or the [`Error`](crate::Error) |
#[diagnostic::on_unimplemented(
    message = "a tool cannot give back `{Self}`",
    label = "this type",
    note = "give back a `String`, a `Content`, `Json(…)` of a type with `#[data]` above it, or a `Result` \
            of one of these"
)]
pub trait Answer {
    /// Turns it into what is sent.
    ///
    /// # Errors
    ///
    /// When it cannot be told as JSON.
    fn into_output(self) -> Result<Output>;

    /// Returns the JSON Schema of [`Output::structured`], if there is one.
    fn schema() -> Option<Value> {
        None
    }
}

fn read(content: Vec<Content>) -> Result<Output> {
    Ok(Output { content, structured: None })
}

impl Answer for Output {
    fn into_output(self) -> Result<Output> {
        Ok(self)
    }
}

impl Answer for () {
    fn into_output(self) -> Result<Output> {
        read(Vec::new())
    }
}

impl Answer for String {
    fn into_output(self) -> Result<Output> {
        read(vec![Content::Text(self)])
    }
}

impl Answer for &str {
    fn into_output(self) -> Result<Output> {
        read(vec![Content::text(self)])
    }
}

impl Answer for Content {
    fn into_output(self) -> Result<Output> {
        read(vec![self])
    }
}

impl Answer for Vec<Content> {
    fn into_output(self) -> Result<Output> {
        read(self)
    }
}

impl<T: Serialize + JsonSchema> Answer for Json<T> {
    fn into_output(self) -> Result<Output> {
        let structured = Some(serde_json::to_value(self.0)?);
        Ok(Output { content: Vec::new(), structured })
    }

    fn schema() -> Option<Value> {
        Some(schema::of_answer::<T>())
    }
}

/// The same twice: a text to read, and data to compute with.
impl<T: Serialize + JsonSchema> Answer for (String, Json<T>) {
    fn into_output(self) -> Result<Output> {
        let (text, json) = self;
        Ok(Output { content: vec![Content::Text(text)], ..json.into_output()? })
    }

    fn schema() -> Option<Value> {
        Json::<T>::schema()
    }
}

/// What can fail.
impl<T: Answer> Answer for Result<T> {
    fn into_output(self) -> Result<Output> {
        self.and_then(T::into_output)
    }

    fn schema() -> Option<Value> {
        T::schema()
    }
}
