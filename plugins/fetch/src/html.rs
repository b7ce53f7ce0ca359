//! Converts a page: reads its tags, and decides how much around the content is left out.
//!
//! Not here: what becomes of a tag (`tree`).

use html5gum::Span;
use html5gum::Tokenizer;
use html5gum::emitters::callback::CallbackEmitter;
use html5gum::emitters::callback::CallbackEvent;

use crate::head::Head;
use crate::inline::Form;
use crate::links::Link;
use crate::tag::Attribute;
use crate::tag::Tag;
use crate::tree::Scope;
use crate::tree::Tree;

/// Bytes of text from which a part of a page is taken for its content without looking further.
const CONTENT_BYTES_MIN: usize = 200;
/// Below that, a part must have at least one in this many bytes of the wider part.
const CONTENT_SHARE: usize = 4;
/// Bytes of a page that names a main part up to which it is read a third time, when there was little
/// in the first two: each reading of 4 MiB takes up to 4 G fuel, and a call has 10 G.
const THIRD_READING_BYTES_MAX: usize = 1024 * 1024;
/// Bytes of an attribute that are kept: one more than is read of a style, so that a longer one is
/// known to be longer.
const ATTRIBUTE_BYTES_MAX: usize = 16 * 1024 + 1;

/// A converted page.
#[derive(Debug)]
pub struct Page {
    /// What it says about itself.
    pub head: Head,
    /// Its text.
    pub text: String,
    /// Links in that text.
    pub links: Vec<Link>,
    /// There are more links.
    pub has_more_links: bool,
    /// Elements that were left out since their attributes hide them.
    pub hidden: usize,
    /// The end of the page is left out: it is too long or too deep.
    pub is_cut: bool,
    text_bytes: usize,
}

/// Converts the page at `url`. With `main_only`, what surrounds the content is left out, unless
/// nearly nothing would be left.
pub fn convert(html: &str, url: &str, form: Form, main_only: bool) -> Page {
    if !main_only {
        return read(html, url, form, Scope::All);
    }
    let names_main = contains_main(html);
    let mut page = None;
    for scope in [Scope::Main, Scope::Noiseless, Scope::All] {
        let is_worth = match scope {
            Scope::Main => names_main,
            Scope::Noiseless => true,
            Scope::All => !names_main || html.len() <= THIRD_READING_BYTES_MAX,
        };
        if !is_worth {
            continue;
        }
        let wider = read(html, url, form, scope);
        page = Some(match page {
            Some(page) if is_enough(&page, &wider) => return page,
            _ if wider.text_bytes >= CONTENT_BYTES_MIN => return wider,
            _ => wider,
        });
    }
    page.unwrap_or_else(|| read(html, url, form, Scope::All))
}

/// Answers whether a part of the page is its content, although there is little of it.
fn is_enough(page: &Page, wider: &Page) -> bool {
    page.text_bytes > 0 && page.text_bytes * CONTENT_SHARE >= wider.text_bytes
}

/// Answers whether it is worth looking for a main part.
fn contains_main(html: &str) -> bool {
    let bytes = html.as_bytes();
    let is_main = |part: &[u8]| {
        part.get(..5).is_some_and(|start| start.eq_ignore_ascii_case(b"<main"))
            || part.starts_with(b"role=\"main\"")
            || part.starts_with(b"role='main'")
            || part.starts_with(b"role=main")
    };
    let starts = bytes.iter().enumerate().filter(|(_, byte)| matches!(byte, b'<' | b'r'));
    starts.into_iter().any(|(at, _)| is_main(&bytes[at..]))
}

fn read(html: &str, url: &str, form: Form, scope: Scope) -> Page {
    let mut tree = Tree::new(url, form, scope);
    let mut tag: Option<Tag> = None;
    let mut attribute: Option<Attribute> = None;
    let on_event = |event: CallbackEvent<'_>, _: Span<()>| {
        match event {
            CallbackEvent::OpenStartTag { name } => {
                attribute = None;
                tag = Some(Tag { name: name.to_owned(), ..Tag::default() });
            }
            CallbackEvent::AttributeName { name } => {
                attribute = None;
                if let Some(tag) = &mut tag
                    && let Some(known) = Attribute::of(name)
                {
                    let value = &mut tag.attributes[known as usize];
                    // The first of a name counts.
                    if value.is_none() {
                        *value = Some(String::new());
                        attribute = Some(known);
                    }
                }
            }
            CallbackEvent::AttributeValue { value } => {
                if let (Some(tag), Some(known)) = (&mut tag, attribute.take()) {
                    let value = String::from_utf8_lossy(value);
                    let end = value.floor_char_boundary(ATTRIBUTE_BYTES_MAX);
                    tag.attributes[known as usize] = Some(value[..end].to_owned());
                }
            }
            CallbackEvent::CloseStartTag { self_closing } => {
                if let Some(mut tag) = tag.take() {
                    tag.is_self_closing = self_closing;
                    tree.start(&tag);
                }
            }
            CallbackEvent::EndTag { name } => tree.end(name),
            CallbackEvent::String { value } => tree.text(&String::from_utf8_lossy(value)),
            CallbackEvent::Comment { .. }
            | CallbackEvent::Doctype { .. }
            | CallbackEvent::Error(_) => {}
        }
        tree.is_cut().then_some(())
    };
    let mut emitter = CallbackEmitter::new(on_event);
    // Without a tree, the name alone tells where text is raw, as in scripts.
    emitter.naively_switch_states(true);
    let is_stopped = Tokenizer::new_with_emitter(html, emitter).next().is_some();
    tree.finish();
    let is_cut = is_stopped || tree.is_cut();
    let Tree { head, links, writer, hidden, .. } = tree;
    let (text, text_bytes) = writer.finish();
    let (links, has_more_links) = links.finish();
    Page { head, text, links, has_more_links, hidden, is_cut, text_bytes }
}

#[cfg(test)]
mod tests;
