//! Lines of input, of bounded length.
//!
//! Of a line that is too long no more is kept than its `id`, so that whoever sent it gets an answer.

use serde_json::Value;
use tokio::io::{AsyncBufRead, AsyncBufReadExt as _};

use crate::server::mcp::id_scan::IdScan;

/// A line that was read.
#[derive(Debug, PartialEq)]
pub(super) enum Line {
    /// Its bytes, without the end.
    Whole(Vec<u8>),
    /// It was too long; its id, or null.
    TooLong(Value),
}

/// Reads the next line of at most `bytes_max`; none at the end of input.
pub(super) async fn next(
    input: &mut (impl AsyncBufRead + Unpin),
    bytes_max: usize,
) -> std::io::Result<Option<Line>> {
    let mut line = Vec::new();
    let mut scan: Option<IdScan> = None;
    loop {
        let bytes = input.fill_buf().await?;
        if bytes.is_empty() {
            // What has no end was broken off.
            return Ok(None);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let (taken, used) = match end {
            Some(at) => (&bytes[..at], at + 1),
            None => (bytes, bytes.len()),
        };
        if scan.is_none() && line.len() + taken.len() > bytes_max {
            let mut begun = IdScan::default();
            begun.feed(&std::mem::take(&mut line));
            scan = Some(begun);
        }
        match &mut scan {
            Some(scan) => scan.feed(taken),
            None => line.extend_from_slice(taken),
        }
        input.consume(used);
        if end.is_some() {
            return Ok(Some(match scan {
                Some(scan) => Line::TooLong(scan.value()),
                None => Line::Whole(line),
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(text: &str, bytes_max: usize) -> Vec<Line> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            // Seven bytes at a time, so that lines are read in pieces.
            let mut input = tokio::io::BufReader::with_capacity(7, text.as_bytes());
            let mut lines = Vec::new();
            while let Some(line) = next(&mut input, bytes_max).await.unwrap() {
                lines.push(line);
            }
            lines
        })
    }

    #[test]
    fn a_line_is_whole_up_to_its_bound_and_what_has_no_end_is_none() {
        let lines = read("12345678\n123456789\n\nrest", 8);
        let whole = |text: &str| Line::Whole(text.as_bytes().to_vec());
        assert_eq!(lines, [whole("12345678"), Line::TooLong(Value::Null), whole("")]);
    }

    #[test]
    fn of_a_line_that_is_too_long_the_id_is_known() {
        let filler = "x".repeat(100);
        for (line, id) in [
            (format!(r#"{{"id":7,"a":"{filler}"}}"#), json!(7)),
            (format!(r#"{{"a":{{"id":1}},"b":"{filler}","id" : "seven" }}"#), json!("seven")),
            (format!(r#"{{"a":"\"id\":3 {filler}","id":[4]}}"#), Value::Null),
            (format!(r#"[{{"id":5}},"{filler}"]"#), Value::Null),
            (format!(r#"{{"a":"{filler}""#), Value::Null),
            (format!(r#"{{"id":"{}"}}"#, "y".repeat(1_000)), Value::Null),
        ] {
            assert_eq!(read(&format!("{line}\n"), 16), [Line::TooLong(id)], "{line}");
        }
    }
}
