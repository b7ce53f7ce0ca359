//! Server-sent events, parsed as the bytes come (WHATWG HTML, "Server-sent events", §9.2.6).
//!
//! Invariant: wherever the bytes are cut, the events are the same; no line and no event is longer than
//! [`EVENT_BYTES_MAX`]. Lines end in LF, CRLF or CR; a byte order mark at the beginning and comments are
//! passed over; `id` and `retry` too, since no answer of a model is taken up again.
//!
//! A line that is no field is kept in [`Event::stray`]: Gemini writes errors so.
//! Not here: what an event means (the dialects).

/// Bytes of a line, and of an event: a picture in base64 that a model makes fits.
pub const EVENT_BYTES_MAX: usize = 8 << 20;

/// One event.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Event {
    /// Its name; empty if it has none.
    pub name: String,
    /// Its lines of data, joined by LF.
    pub data: String,
    /// Its lines that are no field of an event, joined by LF.
    pub stray: String,
}

/// Why bytes are no events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SseError {
    /// It does not end.
    #[error("an event is longer than {EVENT_BYTES_MAX} bytes")]
    TooLong,
    /// It is not UTF-8.
    #[error("an event is not UTF-8")]
    NotUtf8,
}

/// Parses events. After an error it stays at the error.
#[derive(Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Pending,
    /// The last byte was CR, so that LF after it ends no other line.
    after_cr: bool,
    /// The first line was read, which may begin with a byte order mark.
    is_started: bool,
    broken: Option<SseError>,
}

/// An event that is not at its end.
#[derive(Debug, Default)]
struct Pending {
    name: String,
    data: Option<String>,
    stray: Option<String>,
}

impl Parser {
    /// Reads more bytes, and adds the events that end with them to `events`.
    ///
    /// # Errors
    ///
    /// [`SseError`]; `events` holds those before it.
    pub fn push(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let read = self.read(bytes, events);
        self.broken = read.err();
        read
    }

    /// Is told that no more bytes come. Returns the event to which only the empty line is missing. Half
    /// a line is dropped unless it is no field: an error may come without an end of line.
    ///
    /// # Errors
    ///
    /// [`SseError`].
    pub fn finish(&mut self) -> Result<Option<Event>, SseError> {
        if let Some(error) = self.broken {
            return Err(error);
        }
        let line = std::mem::take(&mut self.line);
        if line.first().is_some_and(|byte| b"{[]},".contains(byte)) {
            self.take_line(&line)?;
        }
        Ok(std::mem::take(&mut self.event).finish())
    }

    fn read(&mut self, bytes: &[u8], events: &mut Vec<Event>) -> Result<(), SseError> {
        let mut rest = bytes;
        while let Some(first) = rest.first() {
            if std::mem::take(&mut self.after_cr) && *first == b'\n' {
                rest = &rest[1..];
                continue;
            }
            let end = rest.iter().position(|byte| matches!(byte, b'\n' | b'\r'));
            let piece = &rest[..end.unwrap_or(rest.len())];
            if self.line.len() + piece.len() > EVENT_BYTES_MAX {
                return Err(SseError::TooLong);
            }
            self.line.extend_from_slice(piece);
            let Some(end) = end else { return Ok(()) };
            self.after_cr = rest[end] == b'\r';
            rest = &rest[end + 1..];
            let mut line = std::mem::take(&mut self.line);
            events.extend(self.take_line(&line)?);
            line.clear();
            self.line = line;
        }
        Ok(())
    }

    /// Reads a whole line. Returns the event that it ends.
    fn take_line(&mut self, line: &[u8]) -> Result<Option<Event>, SseError> {
        let is_first = !std::mem::replace(&mut self.is_started, true);
        let line = match line.strip_prefix(b"\xef\xbb\xbf") {
            Some(line) if is_first => line,
            _ => line,
        };
        if line.is_empty() {
            return Ok(std::mem::take(&mut self.event).finish());
        }
        let line = std::str::from_utf8(line).map_err(|_| SseError::NotUtf8)?;
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" | "id" | "retry" => {}
            "event" => value.clone_into(&mut self.event.name),
            "data" => add_line(&mut self.event.data, value),
            _ => add_line(&mut self.event.stray, line),
        }
        if self.event.len() > EVENT_BYTES_MAX { Err(SseError::TooLong) } else { Ok(None) }
    }
}

impl Pending {
    fn len(&self) -> usize {
        let texts = [&self.data, &self.stray];
        self.name.len() + texts.into_iter().flatten().map(String::len).sum::<usize>()
    }

    /// Returns the event, if there is anything in it but a name.
    fn finish(self) -> Option<Event> {
        let Self { name, data, stray } = self;
        (data.is_some() || stray.is_some()).then(|| Event {
            name,
            data: data.unwrap_or_default(),
            stray: stray.unwrap_or_default(),
        })
    }
}

fn add_line(text: &mut Option<String>, line: &str) {
    match text {
        None => *text = Some(line.to_owned()),
        Some(text) => {
            text.push('\n');
            text.push_str(line);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Parses pieces; the error, if there is one, is the last.
    fn parse(pieces: &[&[u8]]) -> (Vec<Event>, Option<SseError>) {
        let (mut parser, mut events) = (Parser::default(), Vec::new());
        for piece in pieces {
            if let Err(error) = parser.push(piece, &mut events) {
                assert_eq!(parser.finish(), Err(error), "it stays at its error");
                return (events, Some(error));
            }
        }
        match parser.finish() {
            Ok(last) => events.extend(last),
            Err(error) => return (events, Some(error)),
        }
        (events, None)
    }

    fn whole(text: impl AsRef<[u8]>) -> (Vec<Event>, Option<SseError>) {
        parse(&[text.as_ref()])
    }

    fn data(data: &str) -> Event {
        Event { data: data.to_owned(), ..Event::default() }
    }

    #[test]
    fn every_end_of_line_is_one() {
        for end in ["\n", "\r\n", "\r"] {
            let text = format!("event: a{end}data: 1{end}data: 2{end}{end}data:3{end}{end}");
            let first = Event { name: "a".to_owned(), ..data("1\n2") };
            assert_eq!(whole(text), (vec![first, data("3")], None), "{end:?}");
        }
    }

    #[test]
    fn comments_marks_and_names_alone_are_no_events() {
        let text = "\u{feff}: ping\n\ndata: x\nid: 1\nretry: 5\n\n:\n\nevent: a\n\n\n\n";
        assert_eq!(whole(text), (vec![data("x")], None));
        assert_eq!(whole("data: \u{feff}\n\n"), (vec![data("\u{feff}")], None));
    }

    #[test]
    fn one_blank_after_the_colon_is_no_data() {
        assert_eq!(whole("data:  a\n\ndata\n\n"), (vec![data(" a"), data("")], None));
    }

    #[test]
    fn a_line_that_is_no_field_is_kept() {
        let stray = |text: &str| Event { stray: text.to_owned(), ..Event::default() };
        let text = "data: 1\n\n{\n  \"error\": {}\n}\n";
        assert_eq!(whole(text), (vec![data("1"), stray("{\n  \"error\": {}\n}")], None));
        assert_eq!(whole("{\"error\": 1}"), (vec![stray("{\"error\": 1}")], None));
    }

    #[test]
    fn half_a_line_at_the_end_is_dropped_and_a_whole_one_is_not() {
        assert_eq!(whole("data: 1\n\ndata: {\"a"), (vec![data("1")], None));
        assert_eq!(whole("data: [DONE]\n"), (vec![data("[DONE]")], None));
    }

    #[test]
    fn what_is_not_utf8_is_an_error_after_what_was() {
        let found = whole(b"data: a\n\ndata: \xff\n\ndata: b\n\n");
        assert_eq!(found, (vec![data("a")], Some(SseError::NotUtf8)));
    }

    #[test]
    fn the_longest_line_fits_and_one_byte_more_does_not() {
        let line = |bytes: usize| {
            let mut line = vec![b'x'; bytes];
            line[..5].copy_from_slice(b"data:");
            line
        };
        let most = [line(EVENT_BYTES_MAX), b"\n\n".to_vec()].concat();
        assert_eq!(whole(most).1, None);
        let more = line(EVENT_BYTES_MAX + 1);
        assert_eq!(whole(&more).1, Some(SseError::TooLong), "though it has no end");
        assert_eq!(whole([more, b"\n\n".to_vec()].concat()).1, Some(SseError::TooLong));
    }

    #[test]
    fn an_event_of_many_lines_ends_at_the_bound() {
        let lines = |count: usize| {
            let line = format!("data:{}\n", "x".repeat((1 << 20) - 1));
            whole(line.repeat(count) + "\n").1
        };
        assert_eq!(lines(8), None);
        assert_eq!(lines(9), Some(SseError::TooLong));
    }

    /// Text as it comes, with whatever is awkward in it.
    fn streams() -> impl Strategy<Value = Vec<u8>> {
        let pieces = prop::sample::select(vec![
            &b"data: "[..],
            b"data",
            b"event: a",
            b"\n",
            b"\r",
            b"\r\n",
            b"\n\n",
            b": comment",
            b"{\"error\"",
            b":",
            b" ",
            b"\xc3\xa4",
            b"\xef\xbb\xbf",
            b"\xff",
            b"id: 1",
            b"x",
        ]);
        prop::collection::vec(pieces, 0..24).prop_map(|pieces| pieces.concat())
    }

    proptest! {
        #[test]
        fn wherever_it_is_cut_the_events_are_the_same(
            bytes in streams(),
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..6),
        ) {
            let mut places: Vec<usize> =
                cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            places.extend([0, bytes.len()]);
            places.sort_unstable();
            let pieces: Vec<&[u8]> =
                places.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(parse(&pieces), whole(&bytes));
        }

        #[test]
        fn byte_by_byte_the_events_are_the_same(bytes in streams()) {
            let pieces: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(parse(&pieces), whole(&bytes));
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            whole(&bytes);
        }
    }
}
