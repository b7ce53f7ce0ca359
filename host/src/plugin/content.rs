//! Judges what a described tool answered: its pieces, one by one, and the part for programs.
//!
//! Invariant: what comes out keeps the bounds and the forms of `ax:types`, so that a client that holds
//! a plugin to them refuses nothing. Texts that are only shown are cut and scrubbed; what would mean
//! something else then is refused.

use serde_json::Value;

use super::error::CallError;
use super::exports::{Content, Media, Output, within};
use super::imports::bindings::ax::types::types as wit;
use super::json;
use super::limits::Limits;
use super::schema;
use super::text;

/// Bytes of a media type, as `ax:types` promises (RFC 6838 names at most 127 characters).
const MEDIA_TYPE_BYTES: usize = 127;
/// Bytes of a link's address, as `ax:types` promises.
const URI_BYTES: usize = 2_048;
/// Bytes of a link's name, as `ax:types` promises.
const LINK_NAME_BYTES: usize = 128;
/// Bytes of a link's description, as `ax:types` promises.
const LINK_DESCRIPTION_BYTES: usize = 1 << 10;
/// Pieces of one answer, as `ax:types` promises.
const PIECES: usize = 1_000;
/// Bytes of what is refused that are repeated.
const REPEATED_BYTES: usize = 80;

/// Addresses that are programs, which whoever shows a link may run.
const SCRIPTS: [&str; 2] = ["javascript", "vbscript"];

/// Makes an answer of what a tool gave, if it is one.
pub(super) fn output(
    output: wit::Output,
    answer_schema: Option<&Value>,
    limits: &Limits,
) -> Result<Output, CallError> {
    let unusable = |why: String| CallError::Answer { why };
    let pieces = output.content.len();
    if pieces > PIECES {
        return Err(unusable(format!("it has {pieces} pieces, at most {PIECES} are taken")));
    }
    let structured_bytes = output.structured.as_ref().map_or(0, String::len);
    let bytes = structured_bytes + output.content.iter().map(size_of).sum::<usize>();
    within(bytes as u64, limits)?;
    let structured = output
        .structured
        .map(|document| json::parse(&document, limits.result_bytes))
        .transpose()
        .map_err(|error| unusable(format!("its structured part: {error}")))?;
    fits(structured.as_ref(), answer_schema).map_err(unusable)?;
    let numbered = output.content.into_iter().enumerate();
    let judged = numbered.map(|(index, piece)| {
        content(piece, limits).map_err(|why| unusable(format!("its piece {}: {why}", index + 1)))
    });
    Ok(Output::Content { content: judged.collect::<Result<_, _>>()?, structured })
}

/// Compares the part for programs with the schema that its tool declared.
fn fits(structured: Option<&Value>, answer_schema: Option<&Value>) -> Result<(), String> {
    match (structured, answer_schema) {
        (None, None) => Ok(()),
        (None, Some(_)) => {
            Err("the tool has an output schema, and the answer no structured part".to_owned())
        }
        (Some(structured), _) if !structured.is_object() => {
            Err("its structured part is no object".to_owned())
        }
        (Some(_), None) => Ok(()),
        (Some(structured), Some(schema)) => schema::check(schema, structured).map_err(|why| {
            format!("its structured part does not fit the tool's output schema: {why}")
        }),
    }
}

fn size_of(content: &wit::Content) -> usize {
    match content {
        wit::Content::Text(text) | wit::Content::Other(text) => text.len(),
        wit::Content::Image(media) | wit::Content::Audio(media) | wit::Content::File(media) => {
            media.data.len() + media.media_type.len()
        }
        wit::Content::Link(link) => {
            let optional = [&link.media_type, &link.description].into_iter().flatten();
            link.uri.len() + link.name.len() + optional.map(String::len).sum::<usize>()
        }
    }
}

fn content(piece: wit::Content, limits: &Limits) -> Result<Content, String> {
    let whole = usize::try_from(limits.result_bytes).unwrap_or(usize::MAX);
    Ok(match piece {
        wit::Content::Text(text) => Content::Text { text: text::scrub(&text, whole) },
        wit::Content::Image(image) => Content::Image(media(image)?),
        wit::Content::Audio(audio) => Content::Audio(media(audio)?),
        wit::Content::File(file) => Content::File(media(file)?),
        wit::Content::Link(link) => link_of(link)?,
        wit::Content::Other(value) => Content::Other {
            value: json::parse(&value, limits.result_bytes).map_err(|error| error.to_string())?,
        },
    })
}

fn media(media: wit::Media) -> Result<Media, String> {
    use base64::Engine as _;
    Ok(Media {
        media_type: media_type(media.media_type)?,
        data: base64::engine::general_purpose::STANDARD.encode(&media.data),
    })
}

/// Refuses what is no media type of RFC 6838, or one with parameters.
fn media_type(given: String) -> Result<String, String> {
    let is_name = |name: &str| {
        name.starts_with(|first: char| first.is_ascii_alphanumeric())
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&byte))
    };
    let is_one = given.split_once('/').is_some_and(|(kind, name)| is_name(kind) && is_name(name));
    match is_one && given.len() <= MEDIA_TYPE_BYTES {
        true => Ok(given),
        false => Err(format!(
            "{} is no media type; one is like \"image/png\", without parameters, and has at most \
             {MEDIA_TYPE_BYTES} bytes",
            repeated(&given)
        )),
    }
}

/// A cut address would point somewhere else, so a long one is refused; the rest is only shown.
fn link_of(link: wit::Link) -> Result<Content, String> {
    Ok(Content::Link {
        uri: uri(link.uri)?,
        name: text::line(&link.name, LINK_NAME_BYTES),
        media_type: link.media_type.map(media_type).transpose()?,
        description: link.description.map(|words| text::scrub(&words, LINK_DESCRIPTION_BYTES)),
    })
}

/// Refuses what is no absolute address, and what a reader would run rather than fetch.
fn uri(given: String) -> Result<String, String> {
    if given.len() > URI_BYTES {
        return Err(format!("the address of a link has more than {URI_BYTES} bytes"));
    }
    let is_scheme = |scheme: &str| {
        scheme.starts_with(|first: char| first.is_ascii_alphabetic())
            && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    let scheme = given.split_once(':').map(|(scheme, rest)| (scheme, !rest.is_empty()));
    let is_hidden = |character: char| {
        character.is_whitespace() || character.is_control() || !text::is_shown(character)
    };
    match scheme {
        Some((scheme, true)) if is_scheme(scheme) && !given.contains(is_hidden) => {
            if SCRIPTS.iter().any(|script| scheme.eq_ignore_ascii_case(script)) {
                return Err(format!("a link to a script: {}", repeated(&given)));
            }
            Ok(given)
        }
        _ => Err(format!(
            "{} is no absolute URI, which a link leads to; one is like \"https://example.org/a\"",
            repeated(&given)
        )),
    }
}

/// Repeats what was refused, as far as a line allows.
fn repeated(given: &str) -> String {
    format!("\"{}\"", text::line(given, REPEATED_BYTES))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn judged(answer: wit::Output) -> Result<Output, String> {
        output(answer, None, &Limits::default()).map_err(|error| error.to_string())
    }

    fn of(content: Vec<wit::Content>) -> wit::Output {
        wit::Output { content, structured: None, extra: None }
    }

    fn link(uri: &str, media_type: Option<&str>) -> wit::Output {
        of(vec![wit::Content::Link(wit::Link {
            uri: uri.to_owned(),
            name: "a\nb".to_owned(),
            media_type: media_type.map(str::to_owned),
            description: None,
            extra: None,
        })])
    }

    fn image(media_type: &str) -> wit::Output {
        let media_type = media_type.to_owned();
        of(vec![wit::Content::Image(wit::Media { media_type, data: vec![1], extra: None })])
    }

    #[test]
    fn an_answer_has_a_thousand_pieces_at_most() {
        let pieces = |count| of(vec![wit::Content::Text(String::new()); count]);
        assert!(judged(pieces(PIECES)).is_ok());
        let why = judged(pieces(PIECES + 1)).expect_err("one too many");
        assert!(why.ends_with("it has 1001 pieces, at most 1000 are taken"), "{why}");
    }

    #[test]
    fn a_link_leads_to_an_absolute_address() {
        for uri in ["https://a.b/ö?c#d", "urn:isbn:1", "mailto:a@b.c", "ax+x:y"] {
            let Ok(Output::Content { content, .. }) = judged(link(uri, Some("text/html"))) else {
                panic!("{uri} is an address");
            };
            assert!(matches!(&content[0], Content::Link { name, .. } if name == "a b"));
        }
        let long = format!("https://{}", "a".repeat(URI_BYTES));
        for (uri, why) in [
            ("", "\"\" is no absolute URI"),
            ("a/b", "no absolute URI"),
            ("//a.b", "no absolute URI"),
            ("https:", "no absolute URI"),
            ("1a:b", "no absolute URI"),
            ("https://a b", "no absolute URI"),
            ("https://a\nb", "\"https://a b\" is no absolute URI"),
            ("https://a\u{202e}b", "no absolute URI"),
            ("JavaScript:alert(1)", "a link to a script: \"JavaScript:alert(1)\""),
            (long.as_str(), "more than 2048 bytes"),
        ] {
            let told = judged(link(uri, None)).expect_err("it is refused");
            assert!(told.contains(why), "{uri}: {told}");
        }
    }

    #[test]
    fn a_media_type_is_one() {
        for kind in ["image/svg+xml", "application/vnd.a-b_c.d+json"] {
            assert!(judged(image(kind)).is_ok(), "{kind}");
        }
        let long = format!("a/{}", "b".repeat(MEDIA_TYPE_BYTES - 2));
        assert!(judged(image(&long)).is_ok());
        for kind in ["", "not a mime", "image", "image/", "text/plain; a=b", &format!("{long}b")] {
            let why = judged(image(kind)).expect_err(kind);
            assert!(why.contains("its piece 1: ") && why.contains("is no media type"), "{why}");
            assert!(judged(link("a:b", Some(kind))).is_err(), "{kind}");
        }
    }

    #[test]
    fn the_part_for_programs_is_an_object_of_its_schema() {
        let of = |structured: Option<&str>, schema: Option<&Value>| {
            let structured = structured.map(str::to_owned);
            let answer = wit::Output { content: Vec::new(), structured, extra: None };
            output(answer, schema, &Limits::default()).map_err(|error| error.to_string())
        };
        let schema = json!({ "properties": { "n": { "type": "integer" } } });
        assert!(of(Some("{\"n\": 1}"), Some(&schema)).is_ok());
        assert!(of(Some("{\"n\": \"1\"}"), None).is_ok());
        assert!(of(None, None).is_ok());
        for (structured, schema, why) in [
            (Some("{\"n\": \"1\"}"), Some(&schema), "`n`: expected a whole number, got \"1\""),
            (Some("[]"), None, "is no object"),
            (None, Some(&schema), "no structured part"),
            (Some("{"), None, "its structured part: line 1"),
        ] {
            let told = of(structured, schema).expect_err("it is refused");
            assert!(told.contains(why), "{told}");
        }
    }
}
