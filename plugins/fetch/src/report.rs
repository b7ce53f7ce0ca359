//! Makes the report of an answer: the text in the form that is wanted, and what is known about it.
//!
//! Not here: getting the answer (`tool`).

use ax_sdk::data;
use ax_sdk::http::Response;

use crate::charset;
use crate::excerpt::excerpt;
use crate::head::Head;
use crate::html;
use crate::inline;
use crate::inline::Form;
use crate::invisible;
use crate::json;
use crate::links::Link;
use crate::media::Body;
use crate::media::MediaType;
use crate::outline::OUTPUT_BYTES_MAX;

/// Bytes of a body that are taken. Its text, the piece of it that is being read and what is written
/// stand in 64 MiB together, each up to three times as long when all of it has to be replaced.
pub const BODY_BYTES_MAX: u32 = 4 * 1024 * 1024;
/// Characters of a piece, unless the request says otherwise: some 5,000 tokens.
pub const CHARS: u32 = 20_000;
/// Most characters of a piece: with four bytes each and escapes it fits the 1 MiB of a result, with
/// the links beside it.
pub const CHARS_MAX: u32 = 100_000;

/// In which form the text is wanted.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    /// Markdown. JSON is indented in a code block, other text stays as it is.
    #[default]
    Markdown,
    /// Text without marks. JSON is indented, other text stays as it is.
    Text,
    /// The body as it came, decoded: nothing is left out, not even what a reader would not see.
    Raw,
}

/// What is wanted of an answer.
#[derive(Debug, Clone, Copy)]
pub struct Wish {
    /// The form.
    pub format: Format,
    /// Without what surrounds the content.
    pub main_only: bool,
    /// Where the piece begins, in characters.
    pub offset: u32,
    /// Most characters of the piece: 1 to [`CHARS_MAX`].
    pub max_chars: u32,
}

impl Wish {
    /// Checks the numbers of a request; what is absent takes its default.
    ///
    /// # Errors
    ///
    /// [`Refusal::MaxChars`].
    pub fn new(
        format: Option<Format>,
        main_only: Option<bool>,
        offset: Option<u32>,
        max_chars: Option<u32>,
    ) -> Result<Self, Refusal> {
        let max_chars = max_chars.unwrap_or(CHARS);
        if !(1..=CHARS_MAX).contains(&max_chars) {
            return Err(Refusal::MaxChars { given: max_chars });
        }
        Ok(Self {
            format: format.unwrap_or_default(),
            main_only: main_only.unwrap_or(true),
            offset: offset.unwrap_or(0),
            max_chars,
        })
    }
}

/// What was found.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// The URL that answered, after redirects.
    pub url: String,
    /// The status, 200 to 599. One of 400 and up is no error: `markdown` is what the server said.
    pub status: u16,
    /// As `text/html`, without parameters; guessed when the server does not say. Empty when there is
    /// nothing to guess from.
    pub media_type: String,
    /// The page's title, at most 300 characters.
    pub title: Option<String>,
    /// The page's own description, at most 1,000 characters.
    pub description: Option<String>,
    /// The language the page says it is in, as `de-AT`.
    pub language: Option<String>,
    /// The piece from `offset` on, in the form that was asked for. Where it goes, it ends with a line.
    #[serde(rename = "markdown")]
    pub text: String,
    /// Characters of the whole text.
    pub chars: usize,
    /// Pass this as `offset` to read on; absent at the end of the text.
    pub next_offset: Option<usize>,
    /// Whether there is more than this piece. When `next-offset` is absent too, the rest cannot be
    /// read: the text is cut at 2 MiB.
    pub truncated: bool,
    /// The links of the whole text, each once, the first 200 or 128 KiB; only with `offset` 0 and not
    /// for `raw`.
    pub links: Vec<Link>,
    /// What the reader should know, in sentences: that bytes were replaced, hidden parts left out,
    /// the end cut.
    pub notes: Vec<String>,
}

/// Why there is no report.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// `max-chars` is 0 or more than [`CHARS_MAX`].
    #[error("`max-chars` is {given}; it may be 1 to {CHARS_MAX}")]
    MaxChars {
        /// What was given.
        given: u32,
    },
    /// `offset` is behind the end.
    #[error("`offset` is {given}, and the text has {chars} characters; it may have changed")]
    Offset {
        /// What was given.
        given: u32,
        /// Characters of the text.
        chars: usize,
    },
    /// The answer is no text.
    #[error("the answer is `{media_type}`, which is not text; only HTML, JSON and text are read")]
    MediaType {
        /// What it is.
        media_type: String,
    },
}

impl Refusal {
    /// Names what is wrong, for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::MaxChars { .. } => "max-chars",
            Self::Offset { .. } => "offset",
            Self::MediaType { .. } => "media-type",
        }
    }
}

/// The text and what belongs to it.
#[derive(Debug, Default)]
struct Content {
    head: Head,
    text: String,
    links: Vec<Link>,
    notes: Vec<String>,
    is_cut: bool,
}

/// Makes the report.
///
/// # Errors
///
/// [`Refusal`]. An error page (status 400 and up) that is no text is reported without its body.
pub fn report(mut answer: Response, wish: &Wish) -> Result<Report, Refusal> {
    let body = std::mem::take(&mut answer.body);
    let media_type = match answer.header("content-type").map(MediaType::parse) {
        Some(known) if !known.essence.is_empty() => known,
        _ if body.is_empty() => MediaType::default(),
        _ => MediaType::sniff(&body),
    };
    let mut content = Content::default();
    if media_type.body() != Body::Other {
        content = read(body, &media_type, &answer.url, wish);
    } else if body.is_empty() || answer.status >= 400 {
        content.notes.push("the answer holds no text".to_owned());
    } else {
        return Err(Refusal::MediaType { media_type: media_type.essence });
    }
    if let Some(language) = answer.header("content-language") {
        content.head.read_language(language);
    }
    let offset = usize::try_from(wish.offset).unwrap_or(usize::MAX);
    let max_chars = usize::try_from(wish.max_chars).unwrap_or(usize::MAX);
    let piece = excerpt(&content.text, offset, max_chars)
        .map_err(|chars| Refusal::Offset { given: wish.offset, chars })?;
    if content.is_cut {
        content
            .notes
            .push("the end is left out, since the whole is too long or too deep".to_owned());
    }
    let head = content.head;
    Ok(Report {
        url: answer.url,
        status: answer.status,
        media_type: media_type.essence,
        title: head.title().map(str::to_owned),
        description: head.description().map(str::to_owned),
        language: head.language().map(str::to_owned),
        truncated: piece.next_offset.is_some() || content.is_cut,
        text: piece.text,
        chars: piece.chars,
        next_offset: piece.next_offset,
        links: if wish.offset == 0 { content.links } else { Vec::new() },
        notes: content.notes,
    })
}

fn read(body: Vec<u8>, media_type: &MediaType, url: &str, wish: &Wish) -> Content {
    let kind = media_type.body();
    let decoded = charset::decode(body, media_type.charset.as_deref(), kind == Body::Html);
    let mut content = Content { notes: decoded.note.into_iter().collect(), ..Content::default() };
    let form = match wish.format {
        Format::Markdown => Form::Markdown,
        Format::Text => Form::Text,
        Format::Raw => {
            cut(decoded.text, &mut content);
            return content;
        }
    };
    match kind {
        Body::Html => {
            let page = html::convert(&decoded.text, url, form, wish.main_only);
            content.notes.extend(notes(&page));
            content.head = page.head;
            content.text = page.text;
            content.links = page.links;
            content.is_cut = page.is_cut;
        }
        Body::Json => match json::indent(&decoded.text) {
            Some((text, is_cut)) => {
                content.is_cut = is_cut;
                let text = invisible::visible(&text);
                content.text = if form == Form::Markdown { fenced(&text) } else { text };
            }
            None => {
                content.notes.push("the answer claims to be JSON and is not".to_owned());
                cut(invisible::visible(&decoded.text), &mut content);
            }
        },
        Body::Text | Body::Other => cut(invisible::visible(&decoded.text), &mut content),
    }
    content
}

/// Keeps what of a text is within the bound.
fn cut(mut text: String, content: &mut Content) {
    content.is_cut = text.len() > OUTPUT_BYTES_MAX;
    text.truncate(text.floor_char_boundary(OUTPUT_BYTES_MAX));
    content.text = text;
}

fn fenced(json: &str) -> String {
    let fence = "`".repeat((inline::backticks(json) + 1).max(3));
    format!("{fence}json\n{json}\n{fence}")
}

fn notes(page: &html::Page) -> Vec<String> {
    let mut notes = Vec::new();
    if page.hidden > 0 {
        let (count, noun) = (page.hidden, if page.hidden == 1 { "element" } else { "elements" });
        notes.push(format!("{count} {noun} that a reader would not see left out"));
    }
    if page.has_more_links {
        notes.push("not all links are listed".to_owned());
    }
    notes
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::CHARS_MAX;
    use super::Format;
    use super::Refusal;
    use super::Report;
    use super::Response;
    use super::Wish;
    use super::report;
    use crate::outline::OUTPUT_BYTES_MAX;

    fn answer(status: u16, media_type: &str, body: impl Into<Vec<u8>>) -> Response {
        Response {
            url: "https://example.org/".to_owned(),
            status,
            headers: vec![("content-type".to_owned(), media_type.to_owned())],
            body: body.into(),
        }
    }

    fn wish(format: Format, offset: u32, max_chars: u32) -> Wish {
        Wish::new(Some(format), None, Some(offset), Some(max_chars)).expect("a wish")
    }

    fn markdown(media_type: &str, body: impl Into<Vec<u8>>) -> Report {
        report(answer(200, media_type, body), &wish(Format::Markdown, 0, CHARS_MAX))
            .expect("a report")
    }

    #[test]
    fn a_request_takes_defaults_and_its_numbers_are_checked() {
        let wish = Wish::new(None, None, None, None).expect("defaults");
        assert_eq!((wish.format, wish.main_only), (Format::Markdown, true));
        assert_eq!((wish.offset, wish.max_chars), (0, 20_000));
        for given in [0, CHARS_MAX + 1] {
            let refusal = Wish::new(None, None, None, Some(given)).expect_err("too few or many");
            assert_eq!((refusal.code(), refusal), ("max-chars", Refusal::MaxChars { given }));
        }
    }

    #[test]
    fn a_long_page_is_read_piece_by_piece() {
        let body: String =
            (0..2_000).map(|line| format!("<p>Line <a href=/{line}>{line}</a>")).collect();
        let mut offset = Some(0);
        let mut whole = String::new();
        while let Some(at) = offset {
            let at = u32::try_from(at).expect("a number");
            let page = answer(200, "text/html", body.clone());
            let piece = report(page, &wish(Format::Text, at, 1_000)).expect("a piece");
            assert!(piece.text.chars().count() <= 1_000);
            assert_eq!(piece.truncated, piece.next_offset.is_some());
            assert_eq!(piece.links.len(), if at == 0 { 200 } else { 0 });
            whole.push_str(&piece.text);
            offset = piece.next_offset;
        }
        assert_eq!(whole.split("\n\n").count(), 2_000);
        let refusal = report(answer(200, "text/html", "x"), &wish(Format::Text, 2, 1));
        assert_eq!(refusal, Err(Refusal::Offset { given: 2, chars: 1 }));
    }

    #[test]
    fn json_is_indented_in_a_block() {
        let told = markdown("application/json; charset=utf-8", r#"{"a":[1,"```"]}"#);
        assert_eq!(told.text, "````json\n{\n  \"a\": [\n    1,\n    \"```\"\n  ]\n}\n````");
        let wish = wish(Format::Text, 0, 100);
        let told = report(answer(200, "application/problem+json", "[1]"), &wish).expect("a report");
        assert_eq!(told.text, "[\n  1\n]");
        let told = markdown("application/json", "{oops");
        assert_eq!((told.text.as_str(), told.notes.len()), ("{oops", 1));
    }

    #[test]
    fn text_and_raw_stay_as_they_are() {
        let text = "# a\n  b <c>\n\n- d";
        assert_eq!(markdown("text/plain", text).text, text);
        let html = "<p hidden>x\u{200b}</p>";
        let raw = report(answer(200, "text/html", html), &wish(Format::Raw, 0, 100)).expect("raw");
        assert_eq!((raw.text.as_str(), raw.title, raw.links.len()), (html, None, 0));
    }

    #[test]
    fn what_is_no_text_is_refused_or_left_out_of_an_error_page() {
        let wish = wish(Format::Markdown, 0, 100);
        let refusal = report(answer(200, "image/png", "x"), &wish).expect_err("a picture");
        assert_eq!(refusal.code(), "media-type");
        assert!(refusal.to_string().contains("`image/png`"));
        let told = report(answer(404, "image/png", "x"), &wish).expect("an error page");
        assert_eq!((told.status, told.text.as_str(), told.notes.len()), (404, "", 1));
        let told = report(answer(204, "", ""), &wish).expect("nothing");
        assert_eq!((told.media_type.as_str(), told.chars), ("", 0));
    }

    #[test]
    fn an_error_page_is_read_too() {
        let page = answer(404, "text/html", "<title>Gone</title><p>Not here");
        let told = report(page, &wish(Format::Markdown, 0, 100)).expect("a report");
        assert_eq!((told.status, told.text.as_str()), (404, "Not here"));
        assert_eq!(told.title.as_deref(), Some("Gone"));
    }

    #[test]
    fn text_is_cut_at_the_bound_and_the_report_says_so() {
        let told = markdown("text/plain", vec![b'x'; OUTPUT_BYTES_MAX]);
        assert!(told.truncated && told.notes.is_empty());
        assert_eq!(told.chars, OUTPUT_BYTES_MAX);
        let told = markdown("text/plain", vec![b'x'; OUTPUT_BYTES_MAX + 1]);
        assert_eq!((told.chars, told.notes.len()), (OUTPUT_BYTES_MAX, 1));
        let page = format!("<p>{}", "ü".repeat(OUTPUT_BYTES_MAX));
        let told = markdown("text/html", page);
        assert!(told.truncated && told.chars <= OUTPUT_BYTES_MAX && told.notes.len() == 1);
    }

    proptest! {
        #[test]
        fn no_bytes_panic_and_the_piece_is_bounded(
            body in proptest::collection::vec(any::<u8>(), 0..2_000),
            media_type in prop_oneof![
                Just("text/html"), Just("text/html; charset=latin1"), Just("application/json"),
                Just("text/plain; charset=utf-16"), Just("text/html; charset=big5"), Just(""),
            ],
            format in prop_oneof![Just(Format::Markdown), Just(Format::Text), Just(Format::Raw)],
            offset in 0u32..50,
            max_chars in 1u32..500,
        ) {
            let wish = wish(format, offset, max_chars);
            match report(answer(200, media_type, body), &wish) {
                Ok(told) => {
                    let chars = told.text.chars().count();
                    prop_assert!(chars <= 500 && chars <= told.chars);
                    prop_assert!(told.links.len() <= 200);
                }
                Err(refusal) => prop_assert!(["offset", "media-type"].contains(&refusal.code())),
            }
        }
    }
}
