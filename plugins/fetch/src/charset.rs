//! Turns the bytes of a body into text.
//!
//! The order of belief: byte order mark, header, `<meta>`, then UTF-8 if it is that and else
//! windows-1252, as browsers do.
//!
//! Not here: the character sets of East Asia and the like, whose tables would be most of the
//! component. Such bytes are read as UTF-8 with replacements, and the report says so.

/// Bytes at the start of a page that are searched for `<meta charset>`, as the HTML standard says.
const META_BYTES: usize = 1_024;

/// What windows-1252 has at 0x80 to 0x9F; 0 marks the five that are control characters.
const WINDOWS_1252: [u16; 32] = [
    0x20AC, 0, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039,
    0x0152, 0, 0x017D, 0, 0, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC,
    0x2122, 0x0161, 0x203A, 0x0153, 0, 0x017E, 0x0178,
];

/// A text and how it was read.
#[derive(Debug, PartialEq, Eq)]
pub struct Decoded {
    /// The text.
    pub text: String,
    /// What the reader should know, when something was lost.
    pub note: Option<String>,
}

/// How bytes become characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Charset {
    Utf8,
    Windows1252,
    Utf16 { is_little: bool },
}

/// Decodes `bytes`; `declared` is what the header says. Never fails: what is no character is replaced
/// by U+FFFD.
pub fn decode(bytes: Vec<u8>, declared: Option<&str>, is_html: bool) -> Decoded {
    if let Some((charset, length)) = byte_order_mark(&bytes) {
        return Decoded { text: read(&bytes[length..], charset), note: None };
    }
    let in_page = if is_html { meta_charset(&bytes) } else { None };
    let named = declared.map(str::to_owned).or(in_page);
    let charset = match named.as_deref().map(by_name) {
        Some(Some(charset)) => charset,
        Some(None) => {
            let name: String = named.unwrap_or_default().chars().take(40).collect();
            let (text, is_whole) = utf8(bytes);
            let note = format!(
                "the character set `{}` is not supported; the text was read as UTF-8 and what is \
                 not UTF-8 replaced",
                name.escape_debug()
            );
            return Decoded { text, note: (!is_whole).then_some(note) };
        }
        None => {
            return match String::from_utf8(bytes) {
                Ok(text) => Decoded { text, note: None },
                Err(error) => {
                    Decoded { text: read(error.as_bytes(), Charset::Windows1252), note: None }
                }
            };
        }
    };
    if charset == Charset::Utf8 {
        let (text, is_whole) = utf8(bytes);
        let note = "some bytes are not UTF-8, as the page claims to be; they were replaced";
        return Decoded { text, note: (!is_whole).then(|| note.to_owned()) };
    }
    Decoded { text: read(&bytes, charset), note: None }
}

/// Reads UTF-8 without copying what is right; the flag is false when something was replaced.
fn utf8(bytes: Vec<u8>) -> (String, bool) {
    match String::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => (String::from_utf8_lossy(error.as_bytes()).into_owned(), false),
    }
}

fn byte_order_mark(bytes: &[u8]) -> Option<(Charset, usize)> {
    match bytes {
        [0xEF, 0xBB, 0xBF, ..] => Some((Charset::Utf8, 3)),
        [0xFF, 0xFE, ..] => Some((Charset::Utf16 { is_little: true }, 2)),
        [0xFE, 0xFF, ..] => Some((Charset::Utf16 { is_little: false }, 2)),
        _ => None,
    }
}

fn by_name(name: &str) -> Option<Charset> {
    match name.trim().to_ascii_lowercase().as_str() {
        "utf-8" | "utf8" => Some(Charset::Utf8),
        // The web reads all of these as windows-1252.
        "windows-1252" | "cp1252" | "x-cp1252" | "iso-8859-1" | "iso8859-1" | "iso_8859-1"
        | "latin1" | "latin-1" | "l1" | "us-ascii" | "ascii" => Some(Charset::Windows1252),
        "utf-16" | "utf-16le" => Some(Charset::Utf16 { is_little: true }),
        "utf-16be" => Some(Charset::Utf16 { is_little: false }),
        _ => None,
    }
}

fn read(bytes: &[u8], charset: Charset) -> String {
    match charset {
        Charset::Utf8 => String::from_utf8_lossy(bytes).into_owned(),
        Charset::Windows1252 => bytes.iter().copied().map(from_windows_1252).collect(),
        Charset::Utf16 { is_little } => {
            let units = bytes.chunks(2).map(|pair| match (pair, is_little) {
                (&[low, high], true) | (&[high, low], false) => u16::from_be_bytes([high, low]),
                // Half a unit at the end: a surrogate alone becomes U+FFFD.
                _ => 0xD800,
            });
            let read = char::decode_utf16(units);
            read.map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
        }
    }
}

fn from_windows_1252(byte: u8) -> char {
    match byte {
        0x80..=0x9F => match WINDOWS_1252[usize::from(byte - 0x80)] {
            0 => char::from(byte),
            code => char::from_u32(u32::from(code)).unwrap_or(char::REPLACEMENT_CHARACTER),
        },
        _ => char::from(byte),
    }
}

/// Finds `charset=…` inside a `<meta` at the start of a page.
fn meta_charset(bytes: &[u8]) -> Option<String> {
    let start = String::from_utf8_lossy(&bytes[..bytes.len().min(META_BYTES)]).to_ascii_lowercase();
    let metas = start.split("<meta").skip(1);
    let name = metas.filter_map(|meta| {
        let tag = meta.split('>').next()?;
        let value = tag.split_once("charset")?.1.trim_start().strip_prefix('=')?.trim_start();
        let value = value.trim_start_matches(['"', '\'']);
        let end = value.find(|c: char| c.is_whitespace() || "\"';/>".contains(c));
        Some(value[..end.unwrap_or(value.len())].to_owned())
    });
    let name = name.into_iter().find(|name| !name.is_empty())?;
    // What was read as ASCII up to here cannot be UTF-16; browsers take UTF-8.
    if name.starts_with("utf-16") { Some("utf-8".to_owned()) } else { Some(name) }
}

#[cfg(test)]
mod tests {
    use super::decode;

    fn text(bytes: &[u8], declared: Option<&str>) -> String {
        decode(bytes.to_vec(), declared, true).text
    }

    #[test]
    fn declared_sets_are_read() {
        assert_eq!(text("grün".as_bytes(), Some("UTF-8")), "grün");
        assert_eq!(text(b"gr\xfcn \x80", Some("iso-8859-1")), "grün €");
        assert_eq!(text(b"\x93x\x94", Some("Windows-1252")), "“x”");
        assert_eq!(text(b"h\0i\0", Some("utf-16le")), "hi");
    }

    #[test]
    fn the_byte_order_mark_wins_over_the_header() {
        assert_eq!(text(b"\xef\xbb\xbfgr\xc3\xbcn", Some("iso-8859-1")), "grün");
        assert_eq!(text(b"\xff\xfeh\0i\0", Some("utf-8")), "hi");
        assert_eq!(text(b"\xfe\xff\0h\0i\0", None), "hi\u{fffd}");
    }

    #[test]
    fn the_page_itself_may_say() {
        assert_eq!(text(b"<meta charset=\"latin1\">\xfc", None), "<meta charset=\"latin1\">ü");
        let page = b"<META http-equiv=x content='text/html; charset=ISO-8859-1'>\xc3\xbc";
        assert!(text(page, None).ends_with("Ã¼"));
        assert!(decode(b"<meta charset=latin1>\xc3\xbc".to_vec(), None, false).text.ends_with('ü'));
    }

    #[test]
    fn without_a_word_it_is_utf8_or_windows_1252() {
        assert_eq!(text("grün".as_bytes(), None), "grün");
        assert_eq!(text(b"gr\xfcn", None), "grün");
    }

    #[test]
    fn an_unknown_set_is_read_with_replacements_and_a_note() {
        let decoded = decode(b"a\x82\xa0".to_vec(), Some("shift_jis"), true);
        assert_eq!(decoded.text, "a\u{fffd}\u{fffd}");
        assert!(decoded.note.expect("a note").contains("`shift_jis`"));
        let plain = decode(b"plain".to_vec(), Some("shift_jis"), true);
        assert_eq!((plain.text.as_str(), plain.note), ("plain", None));
    }
}
