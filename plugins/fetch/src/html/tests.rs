//! Pages as they are written, and pages made to hurt.

use std::fmt::Write as _;

use proptest::prelude::*;

use super::convert;
use crate::inline::Form;
use crate::outline::OUTPUT_BYTES_MAX;
use crate::tree::DEPTH_MAX;

const URL: &str = "https://example.org/docs/page";

fn markdown(html: &str) -> String {
    convert(html, URL, Form::Markdown, true).text
}

fn plain(html: &str) -> String {
    convert(html, URL, Form::Text, true).text
}

/// Converts on a stack that is half of what a guest has.
fn on_a_small_stack(html: String) -> super::Page {
    let run = move || convert(&html, URL, Form::Markdown, true);
    let thread = std::thread::Builder::new().stack_size(256 * 1024).spawn(run);
    thread.expect("a thread").join().expect("no panic and no overflow")
}

#[test]
fn a_page_becomes_markdown() {
    let html = r##"<!doctype html><html lang="en-GB"><head><title>A &amp; B</title>
<meta name=description content="What it is.">
<link rel=stylesheet href=x><style>p{color:red}</style></head>
<body><nav><a href="/">Home</a></nav><main><h1>Head <em>line</em></h1>
<p>Some <b>bold</b>, <i>italic</i>, <code>co*de</code> and <s>old</s> text<br>on two lines.
<p>See <a href="../next?x=1#part">the  next
page</a>, <a href="#here">here</a>, <img src="pic.png" alt="A picture"><img src=dot.gif>.
<ul><li>one<li>two<ul><li>deep</ul><li><p>three</p><p>more</p></ul>
<ol start=9><li>nine<li>ten</ol>
<blockquote><p>said<p>again</blockquote>
<pre><code class="language-rust">fn main() {
    let x = "&lt;";
}
</code></pre>
<table><tr><th>Name<th>Size</tr><tr><td>a|b<td><b>2</b></table>
<hr><dl><dt>Term<dd>Meaning</dl></main><footer>Imprint</footer><script>alert(1)</script></body></html>"##;
    let page = convert(html, URL, Form::Markdown, true);
    let expected = r#"# Head *line*

Some **bold**, *italic*, `co*de` and ~~old~~ text  
on two lines.

See [the next page](https://example.org/next?x=1#part), here, ![A picture](https://example.org/docs/pic.png).

- one
- two
  - deep
- three

  more

9. nine
10. ten

> said
>
> again

```rust
fn main() {
    let x = "<";
}
```

| Name | Size |
| --- | --- |
| a\|b | **2** |

---

**Term**

: Meaning"#;
    assert_eq!(page.text, expected);
    assert_eq!(page.head.title(), Some("A & B"));
    assert_eq!(page.head.description(), Some("What it is."));
    assert_eq!(page.head.language(), Some("en-GB"));
    let links: Vec<_> = page.links.iter().map(|link| link.url.as_str()).collect();
    assert_eq!(links, ["https://example.org/next?x=1#part"]);
    assert_eq!(page.links[0].text, "the next page");
}

#[test]
fn a_page_becomes_text() {
    let html = "<h2>A*</h2><p><b>b</b> <a href=/x>c</a><ul><li>d</ul><pre>\ne\n</pre>";
    assert_eq!(plain(html), "A*\n\nb c\n\n- d\n\ne");
    let html = "<table><tr><th>a<th>b<tr><td>1|2<td>3</table>";
    assert_eq!(plain(html), "a | b\n1|2 | 3");
}

#[test]
fn what_a_reader_would_not_see_is_left_out() {
    for hidden in [
        "<!-- secret -->",
        "<!-- --!> <!-- > secret -->",
        "<p hidden>secret</p>",
        "<p hidden=until-found>secret</p>",
        "<div style='display:none'><div>x</div>secret</div>",
        "<div style='display&#58;none'>secret</div>",
        "<span style=font-size:0>secret</span>",
        "<div hidden><table><tr><td></div>secret</table></div>",
        "<span hidden><div></span>secret</div></span>",
        "<div hidden><template></div></template>secret</div>",
        "<div hidden></b></i></p></section>secret</div>",
        "<div hidden><svg><path/><path/></svg>secret</div>",
        "<div hidden style='display:block'>secret</div>",
        "<p HIDDEN>secret<div hidden>secret</div>",
        "<li hidden>secret<li hidden>secret</li>",
        "<template>secret</template>",
        "<noscript>secret</noscript>",
        "<script>'</p>secret'</script>",
        "<script><!--<script></script>secret--></script>",
        "<style>secret</style>",
        "<textarea>secret</textarea>",
        "<iframe>secret</iframe>",
        "<dialog>secret</dialog>",
        "<svg><text>secret</text></svg>",
        "<select><option>secret</select>",
        "<object>secret</object>",
        "<video>secret</video>",
        "<a title=secret>x</a>",
        "<input value=secret>",
        "<b data-x='>secret'>x</b>",
    ] {
        for main_only in [true, false] {
            let html = format!("<p>before</p>{hidden}<p>after</p>");
            let text = convert(&html, URL, Form::Markdown, main_only).text;
            assert!(!text.contains("secret"), "{hidden}: {text}");
            assert!(text.contains("before") && text.contains("after"), "{hidden}: {text}");
        }
    }
    let page =
        convert("<p hidden><b hidden>x</b></p><i style=opacity:0>y</i>", URL, Form::Text, false);
    assert_eq!((page.hidden, page.text.as_str()), (2, ""));
}

#[test]
fn characters_that_cannot_be_seen_are_left_out() {
    assert_eq!(markdown("<p>a&#8203;b&zwnj;c&#xE0041;d\u{202e}e</p>"), "abcde");
    assert_eq!(markdown("<pre>a&#8203;\u{2060}b</pre>"), "```\nab\n```");
    assert_eq!(markdown("<p><img src=x alt='a&#8203;b'></p>"), "![ab](https://example.org/docs/x)");
}

#[test]
fn noise_is_left_out_and_kept_when_asked_for() {
    let html = "<header>Logo</header><div role=search>Find</div><h1>T</h1><article><header>By \
                    me</header>Text</article><div><form>Mail <button>Go</button></form></div>\
                    <aside>Ad</aside><footer>(c)</footer>";
    assert_eq!(markdown(html), "# T\n\nBy me\n\nText");
    let anchored = "<h2>T<a href='#t'>¶</a></h2><article><header>h<ul><li>x</ul></header>y";
    assert_eq!(markdown(anchored), "## T\n\nh\n\ny");
    assert!(convert(anchored, URL, Form::Text, false).text.contains('¶'));
    let all = convert(html, URL, Form::Text, false).text;
    assert_eq!(all, "Logo\n\nFind\n\nT\n\nBy me\n\nText\n\nMail Go\n\nAd\n\n(c)");
}

#[test]
fn the_main_part_is_taken_if_there_is_enough_of_it() {
    let long = "word ".repeat(50);
    let html = format!("<p>around</p><main>{long}</main><p>after</p>");
    assert_eq!(markdown(&html), long.trim());
    assert_eq!(markdown("<p>around</p><main></main>"), "around");
    let html = format!("<body><form id=aspnet><p>{long}</p></form></body>");
    assert_eq!(markdown(&html), long.trim());
    assert_eq!(markdown(&format!("<nav>{long}</nav><p>.</p>")).len(), long.len() + 2);
}

#[test]
fn the_base_of_the_page_counts_once() {
    let html = "<base href='https://other.example/a/'><base href='https://evil.example/'>\
                    <a href=b>x</a>";
    assert_eq!(markdown(html), "[x](https://other.example/a/b)");
    assert_eq!(
        markdown("<base href='javascript:1'><a href=b>x</a>"),
        "[x](https://example.org/docs/b)"
    );
}

#[test]
fn links_that_are_none_are_text() {
    let html = "<a href='javascript:x'>a</a> <a href='data:text/html,x'>b</a> <a href='#c'>c</a> \
                    <a href='/docs/page#d'>d</a> <a>e</a> <img src='data:x' alt=f>";
    let page = convert(html, URL, Form::Markdown, true);
    assert_eq!((page.text.as_str(), page.links.len()), ("a b c d e f", 0));
}

#[test]
fn text_cannot_forge_markdown() {
    let html = "<p>[x](javascript:1) ![y](z) &lt;script&gt; `c`<p># h<p>- i<p>1. n<p>&gt; q<p>---\
                    <p>```<p>| a | b |";
    let expected = r"\[x\](javascript:1) !\[y\](z) \<script> \`c\`

\# h

\- i

1\. n

\> q

\---

\`\`\`

\| a | b |";
    assert_eq!(markdown(html), expected);
}

#[test]
fn tables_for_layout_are_no_tables() {
    let html = "<table><tr><td><table><tr><td>a<td>b<tr><td>c<td>d</table><td><h2>H</h2>x</table>";
    assert_eq!(markdown(html), "| a | b |\n| --- | --- |\n| c | d |\n\n## H\n\nx");
    assert_eq!(markdown("<table role=presentation><tr><td>a<td>b<tr><td>c</table>"), "a\n\nb\n\nc");
    let html =
        "<table><caption>C<tr><th colspan=2>h<th>i<tr><td><ul><li>a<li>b</ul><td>x<p>y</table>";
    assert_eq!(markdown(html), "C\n\n| h |  | i |\n| --- | --- | --- |\n| • a • b | x y |");
}

#[test]
fn a_table_that_turns_out_to_be_layout_loses_nothing() {
    let html = "<table><tr><td>a<td>b<tr><td>c<td>d<tr><td>e<td>f<h2>g</h2>h<td>i</table>";
    let expected = "| a | b |\n| --- | --- |\n| c | d |\n\ne\n\nf\n\n## g\n\nh\n\ni";
    assert_eq!(markdown(html), expected);
    let blocks = "<p>x</p>".repeat(16);
    assert!(
        markdown(&format!("<table><tr><td>a<td>{blocks}<tr><td>c<td>d</table>")).starts_with("| a")
    );
    assert!(
        markdown(&format!("<table><tr><td>a<td>{blocks}<p>x</p></table>")).starts_with("a\n\nx")
    );
}

#[test]
fn resolving_links_is_bounded() {
    let html = format!("<base href=/{}>{}", "z/".repeat(950), "<a href=x>y</a> ".repeat(2_000));
    let links = markdown(&html).matches("](").count();
    assert!((900..1_200).contains(&links), "{links}");
    assert_eq!(plain(&html).matches('y').count(), 2_000);
}

/// The words of a text, sorted: text beside the cells of a table comes before it.
fn words(text: &str) -> Vec<&str> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric());
    let mut words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    words.sort_unstable();
    words
}

#[test]
fn nesting_of_any_depth_takes_no_stack() {
    for element in [
        "div",
        "b",
        "ul><li",
        "blockquote",
        "table><tr><td",
        "a href=x",
        "pre",
        "x-y",
        "svg",
        "q",
        "h1",
    ] {
        let page = on_a_small_stack(format!("{}deep", format!("<{element}>").repeat(33_000)));
        let is_seen = page.text.contains("deep");
        assert!(is_seen || element == "svg", "{element}");
    }
    let page = on_a_small_stack(format!("{}in", "<i>".repeat(DEPTH_MAX)));
    assert!(!page.is_cut && page.text == "*in*");
    let page = on_a_small_stack(format!("{}out", "<i>".repeat(DEPTH_MAX + 1)));
    assert!(page.is_cut && page.text.is_empty());
}

/// Work that is not in proportion to the page would make this take minutes.
#[test]
fn hostile_pages_end_with_bounded_text() {
    let mut attributes = String::from("<a ");
    for index in 0..37_500 {
        write!(attributes, "a{index}=1 ").expect("a text");
    }
    let mut formats = String::new();
    for index in 0..15_000 {
        write!(formats, "<b a={index}><p>x").expect("a text");
    }
    let pages = [
        attributes,
        formats,
        format!("{}{}", "<b>".repeat(22_500), "</i>".repeat(50_000)),
        format!("<p><button>{}{}", "<b>".repeat(12_500), "<div></div>".repeat(20_000)),
        format!("<blockquote>{}", "a<br>".repeat(50_000)),
        format!("{}{}", "<blockquote>".repeat(1_250), "a<p>".repeat(50_000)),
        "<a href=x>y</a>".repeat(17_500),
        "<td>".repeat(62_500),
        format!("<table>{}", "<tr><td>a<td>b".repeat(17_500)),
        format!("<table><tr><td>{}<td>b{}", "w".repeat(125_000), "<tr><td>a<td>b".repeat(10_000)),
        "<table><tr><td>a".repeat(15_000),
        "<!--".repeat(62_500),
        "<![CDATA[".repeat(25_000),
        "&amp".repeat(62_500),
        "&CounterClockwiseContourIntegra".repeat(7_500),
        "<".repeat(1_300),
        "</".repeat(125_000),
        format!("<p style='{}'>x", "\\64 ;/**/".repeat(25_000)),
        format!("<a href='{}'>x", "../".repeat(75_000)),
        "<li>".repeat(62_500),
        "<main>x</main>".repeat(17_500),
        "`".repeat(1_300),
        "<code>`</code>".repeat(17_500),
        "*_[".repeat(75_000),
        "\u{200d}".repeat(75_000),
        "<svg><path/>".repeat(22_500),
        "<script>".repeat(30_000),
        "<h1><p><a href=y><li><td>".repeat(10_000),
    ];
    for html in pages {
        let start: String = html.chars().take(40).collect();
        let page = on_a_small_stack(html);
        assert!(page.text.len() <= OUTPUT_BYTES_MAX, "{start}");
    }
}

proptest! {
    #[test]
    fn no_text_panics(html in any::<String>(), main_only: bool) {
        convert(&html, &html, Form::Markdown, main_only);
    }

    #[test]
    fn no_tag_soup_panics_and_hidden_text_stays_hidden(
        tags in proptest::collection::vec((0usize..40, 0u8..4), 0..60),
        main_only: bool,
    ) {
        let names = [
            "p", "div", "b", "i", "a href=/x", "a", "ul", "ol", "li", "table", "tr", "td", "th",
            "tbody", "caption", "pre", "code", "h1", "h2", "blockquote", "dl", "dt", "dd", "br",
            "hr", "img alt=q src=r", "main", "article", "header", "form", "svg", "math", "select",
            "option", "button", "q", "span", "section", "details", "x-y",
        ];
        let mut html = String::new();
        for (name, what) in tags {
            let name = names[name];
            let bare = name.split(' ').next().unwrap_or_default();
            match what {
                0 => html.push_str(&format!("<{name}>t ")),
                1 => html.push_str(&format!("</{bare}>u")),
                2 => html.push_str(&format!("<{name} hidden><i>SECRET</i></{bare}>")),
                _ => html.push_str("<!--SECRET--> \u{200b}v"),
            }
        }
        // Elements without content hide nothing, and none is opened by these.
        let html = ["br", "hr", "img alt=q src=r"].iter().fold(html, |html, name| {
            let bare = name.split(' ').next().unwrap_or_default();
            html.replace(&format!("<{name} hidden><i>SECRET</i></{bare}>"), "")
        });
        for form in [Form::Markdown, Form::Text] {
            let page = convert(&html, URL, form, main_only);
            prop_assert!(!page.text.contains("SECRET"), "{}", html);
            prop_assert!(page.text.len() <= 200 + html.len() * 40);
            prop_assert!(page.links.iter().all(|link| !link.text.contains("SECRET")));
        }
    }

    #[test]
    fn no_word_is_lost_in_tables_and_lists(
        tags in proptest::collection::vec((0usize..14, any::<bool>()), 0..60),
    ) {
        let names = [
            "table", "tr", "td", "th", "ul", "li", "p", "h2", "pre", "blockquote", "caption", "b",
            "div", "tbody",
        ];
        let mut html = String::new();
        let mut all = String::new();
        for (index, (name, is_end)) in tags.into_iter().enumerate() {
            let slash = if is_end { "/" } else { "" };
            html.push_str(&format!("<{slash}{}>w{index} ", names[name]));
            all.push_str(&format!("w{index} "));
        }
        let page = convert(&html, URL, Form::Text, false);
        prop_assert_eq!(words(&page.text), words(&all), "{}", html);
    }
}
