//! Answers of every form.

use ax_sdk::prelude::*;

/// A picture of one pixel.
const DOT: &[u8] = include_bytes!("dot.png");
/// A sound of no length.
const SILENCE: &[u8] = include_bytes!("silence.wav");

/// Does nothing. The suite calls whatever tool is the first of the list without arguments, so this is.
#[tool(read_only, idempotent)]
pub(crate) fn a_noop() -> Result<String> {
    Ok("ok".to_owned())
}

/// Greets somebody by name.
#[tool(read_only, idempotent)]
pub(crate) fn greet(
    /// Who is greeted.
    name: String,
) -> Result<String> {
    Ok(format!("Hello, {name}!"))
}

/// Answers with a text.
#[tool(read_only, idempotent)]
pub(crate) fn test_simple_text() -> Result<String> {
    Ok("This is a simple text response for testing.".to_owned())
}

/// Answers with a picture.
#[tool(read_only, idempotent)]
pub(crate) fn test_image_content() -> Result<Content> {
    Ok(Content::image("image/png", DOT))
}

/// Answers with a sound.
#[tool(read_only, idempotent)]
pub(crate) fn test_audio_content() -> Result<Content> {
    Ok(Content::Audio(Media { media_type: "audio/wav".to_owned(), data: SILENCE.to_vec() }))
}

/// Answers with a file, which clients get as an embedded resource.
#[tool(read_only, idempotent)]
pub(crate) fn test_embedded_resource() -> Result<Content> {
    Ok(Content::file("text/plain", "This is an embedded resource content."))
}

/// Answers with a text, a picture and a file.
#[tool(read_only, idempotent)]
pub(crate) fn test_multiple_content_types() -> Result<Vec<Content>> {
    Ok(vec![
        Content::text("Multiple content types test:"),
        Content::image("image/png", DOT),
        Content::file("application/json", r#"{"test":"data","value":123}"#),
    ])
}
