//! The smallest plugin: `say` gives back its text, `fail` gives back an error.

use ax_sdk::log::{self, Level};
use ax_sdk::prelude::*;

/// What was said.
#[data]
pub struct Said {
    text: String,
}

/// Gives back `text`, as content and as structured output.
#[tool(read_only, idempotent)]
pub fn say(text: String) -> Result<(String, Json<Said>)> {
    log::write(Level::Info, "echo was called", &[("tool", "say")]);
    Ok((text.clone(), Json(Said { text })))
}

/// Answers with an error of the kind `failed` and this message.
#[tool(read_only, idempotent)]
pub fn fail(message: String) -> Result<()> {
    log::write(Level::Info, "echo was called", &[("tool", "fail")]);
    Err(Error::failed(message))
}

ax_sdk::plugin!(tools: [say, fail]);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_said_comes_back() {
        let (text, Json(said)) = say("hello".to_owned()).unwrap();
        assert_eq!((text.as_str(), said.text.as_str()), ("hello", "hello"));
        let line = &ax_sdk::fake::logged()[0];
        assert_eq!(line.fields, [("tool".to_owned(), "say".to_owned())]);
    }
}
