//! The tool: what may be asked, and the questions that answer it.

use ax_sdk::model::{self, Request, Response};
use ax_sdk::prelude::*;
use ax_sdk::task;

use crate::length;
use crate::pieces;
use crate::prompt::{self, Style};

/// Words of a summary unless somebody says otherwise.
const WORDS: usize = 120;
/// Most words of a summary.
const WORDS_MAX: usize = 1_000;
/// Bytes of a piece: some 7,500 tokens, which every model of these years reads.
const PIECE_BYTES: usize = 30_000;
/// Most pieces: with one more question to bring them together, fewer than the manifest asks for.
const PIECES_MAX: usize = 16;
/// Bytes of a text.
const TEXT_BYTES_MAX: usize = PIECE_BYTES * PIECES_MAX / 2;
/// Tokens that a model may write for a word, and for what it thinks before.
const TOKENS_PER_WORD: usize = 4;
const TOKENS_BESIDE: usize = 2_000;

/// What the text says.
#[data]
#[serde(rename_all = "kebab-case")]
#[derive(Debug)]
pub struct Summary {
    /// The summary.
    pub text: String,
    /// Its words.
    pub words: u32,
    /// Whether it was cut, since the model wrote more than was wanted.
    pub cut: bool,
    /// Who wrote it.
    pub model: String,
    /// Pieces that the text was read in.
    pub pieces: u32,
}

/// Sums a text up by a model: what matters, in at most so many words, with names, numbers and dates as they
/// stand. The text goes to the provider of the model. A model can be wrong; look into the text
/// where it matters.
#[tool(title = "Sum a text up", read_only, open_world)]
pub fn summarise(
    /// What is summed up: at most 240,000 bytes.
    text: String,
    /// Most words of the summary, 5 to 1,000; 120 when absent.
    #[serde(rename = "max-words")]
    max_words: Option<u32>,
    /// `paragraph`, `bullets` or `sentence`; `paragraph` when absent.
    style: Option<Style>,
    /// Who writes it: `default` or `fast`; `default` when absent.
    model: Option<String>,
) -> Result<Json<Summary>> {
    let wish = Wish::new(max_words, style, model)?;
    let text = text.trim();
    if text.is_empty() {
        return Err(Error::invalid("text", "`text` is empty"));
    }
    if text.len() > TEXT_BYTES_MAX {
        let why = format!("`text` has {} bytes; it may have {TEXT_BYTES_MAX}", text.len());
        return Err(Error::invalid("text", why));
    }
    let pieces = pieces::of(text, PIECE_BYTES);
    let count = pieces.len() as u32;
    let answer = match pieces[..] {
        [one] => wish.request(one).complete()?,
        _ => wish.together(&pieces)?,
    };
    wish.summary(answer, count).map(Json)
}

/// What is wanted.
struct Wish {
    max_words: usize,
    style: Style,
    model: Option<String>,
}

impl Wish {
    fn new(max_words: Option<u32>, style: Option<Style>, model: Option<String>) -> Result<Self> {
        let max_words = max_words.map_or(WORDS, |words| words as usize);
        if !(5..=WORDS_MAX).contains(&max_words) {
            let why = format!("`max-words` is {max_words}; it may be 5 to {WORDS_MAX}");
            return Err(Error::invalid("max-words", why));
        }
        Ok(Self { max_words, style: style.unwrap_or_default(), model })
    }

    /// Asks about one piece.
    fn request(&self, text: &str) -> Request {
        let tokens = self.max_words * TOKENS_PER_WORD + TOKENS_BESIDE;
        let request = Request::new(prompt::material(text))
            .system(prompt::system(self.style, self.max_words))
            .max_tokens(tokens as u32);
        match &self.model {
            Some(model) => request.model(model),
            None => request,
        }
    }

    /// Asks about all pieces at the same time, and then about what was said of them.
    fn together(&self, pieces: &[&str]) -> Result<Response> {
        task::progress(0, Some(pieces.len() as u64 + 1), "reading");
        let questions = pieces.iter().map(|piece| self.request(piece)).collect();
        let answers = model::complete_all(questions).into_iter();
        let said: Vec<String> =
            answers.map(|answer| Ok(answer?.whole()?.text())).collect::<Result<_>>()?;
        task::progress(pieces.len() as u64, Some(pieces.len() as u64 + 1), "bringing together");
        self.request(&said.join("\n\n")).complete()
    }

    /// Makes what is given back of what the model said.
    fn summary(&self, answer: Response, pieces: u32) -> Result<Summary> {
        let answer = answer.whole()?;
        let (text, cut) = length::cut(&answer.text(), self.max_words);
        if text.is_empty() {
            return Err(Error::new(ErrorKind::Unavailable, "the model said nothing"));
        }
        let words = length::words(&text) as u32;
        Ok(Summary { text, words, cut, model: answer.model, pieces })
    }
}

#[cfg(test)]
mod tests {
    use ax_sdk::fake;
    use ax_sdk::model::Finish;

    use super::*;

    fn sum_up(text: &str, max_words: Option<u32>) -> Result<Summary> {
        summarise(text.to_owned(), max_words, None, None).map(|Json(summary)| summary)
    }

    #[test]
    fn a_text_is_asked_about_once_and_a_long_answer_is_cut() {
        fake::model(|_| Ok(fake::said("One two three. Four five six. Seven.")));
        let summary = sum_up("A text.", Some(6)).unwrap();
        assert_eq!(
            (summary.text.as_str(), summary.words, summary.cut),
            ("One two three. Four five six.", 6, true)
        );
        let asked = fake::asked();
        assert_eq!((asked.len(), asked[0].model.as_deref()), (1, None));
        assert!(asked[0].messages[1].text().contains("A text."));
    }

    #[test]
    fn a_long_text_is_read_in_pieces() {
        fake::model(|request| {
            let is_last = request.messages[1].text().contains("a part");
            Ok(fake::said(if is_last { "All of it." } else { "a part" }))
        });
        let summary = sum_up(&"word ".repeat(10_000), None).unwrap();
        assert_eq!((summary.text.as_str(), summary.pieces), ("All of it.", 2));
        assert_eq!(fake::asked().len(), 3);
    }

    #[test]
    fn what_may_not_be_asked_is_refused_before_anybody_is() {
        let code = |text: &str, words| sum_up(text, words).unwrap_err().code;
        assert_eq!(code(" \n", None), "text");
        assert_eq!(code(&"x".repeat(TEXT_BYTES_MAX + 1), None), "text");
        assert_eq!(
            (code("a", Some(4)), code("a", Some(1_001))),
            ("max-words".into(), "max-words".into())
        );
        assert!(fake::asked().is_empty());
    }

    #[test]
    fn an_answer_that_is_none_is_an_error() {
        fake::model(|_| Ok(model::Response { finish: Finish::Length, ..fake::said("half a") }));
        assert_eq!(sum_up("a", None).unwrap_err().code, "tokens");
        fake::model(|_| Ok(model::Response { finish: Finish::Refusal, ..fake::said("no") }));
        assert_eq!(sum_up("a", None).unwrap_err().code, "refusal");
        fake::model(|_| Ok(fake::said(" ")));
        assert_eq!(sum_up("a", None).unwrap_err().kind, ErrorKind::Unavailable);
    }
}
