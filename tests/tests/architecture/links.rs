//! The documentation as a book: every page is in it, every link on a page leads somewhere.
//!
//! Not here: links into the web, which change without us.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use ax_tests::page::Page;
use ax_tests::program;

/// The table of contents, which mdBook reads.
const SUMMARY: &str = "docs/SUMMARY.md";

/// Where the book's pages are.
const BOOK: &str = "docs";

/// Where a link leads: a path from the repository's root, and a heading of it.
#[derive(Debug, PartialEq, Eq)]
struct Target {
    path: String,
    anchor: Option<String>,
}

/// Reads a link on a page; none when it leads into the web.
fn target(page: &str, link: &str) -> Option<Target> {
    if link.contains("://") || link.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = match link.split_once('#') {
        Some((file, anchor)) => (file, Some(anchor.to_owned())),
        None => (link, None),
    };
    let folder = Path::new(page).parent().unwrap_or(Path::new(""));
    let path = if file.is_empty() { page.to_owned() } else { joined(folder, file) };
    Some(Target { path, anchor })
}

/// Joins without looking at the disk: `docs` and `../README.md` are `README.md`.
fn joined(folder: &Path, file: &str) -> String {
    let mut path = PathBuf::new();
    for part in folder.join(file).components() {
        match part {
            Component::ParentDir if path.pop() => {}
            other => path.push(other),
        }
    }
    path.to_string_lossy().into_owned()
}

/// Says what is wrong with a link.
fn flaw(pages: &[Page], page: &Page, link: &str) -> Option<String> {
    let Target { path, anchor } = target(&page.path, link)?;
    if !program::repository().join(&path).exists() {
        return Some(format!("nothing is at `{path}`"));
    }
    // Whoever reads the book has its pages alone.
    if page.path.starts_with(BOOK) && !path.starts_with(BOOK) {
        return Some(format!("`{path}` is not in the book; link to its address instead"));
    }
    if page.path.starts_with(BOOK) && path.ends_with("/README.md") && page.path != SUMMARY {
        return Some(format!("`{path}` has another name in the book: `index.html`"));
    }
    let anchor = anchor?;
    let anchors = pages.iter().find(|other| other.path == path).map(Page::anchors)?;
    (!anchors.contains(&anchor)).then(|| format!("`{path}` has no heading `#{anchor}`"))
}

#[test]
fn the_book_has_every_page_once() {
    let listed: Vec<String> = Page::read(SUMMARY)
        .links()
        .iter()
        .filter_map(|(_, link)| target(SUMMARY, link))
        .map(|target| target.path)
        .collect();
    let once: BTreeSet<String> = listed.iter().cloned().collect();
    assert_eq!(listed.len(), once.len(), "{SUMMARY} names a page twice");
    let pages = Page::all().into_iter().map(|page| page.path);
    let wanted = pages.filter(|path| path.starts_with(BOOK) && path != SUMMARY).collect();
    assert_eq!(once, wanted, "pages that {SUMMARY} names, and pages that there are");
}

#[test]
fn every_link_on_a_page_leads_somewhere() {
    let pages = Page::all();
    let mut broken = Vec::new();
    for page in &pages {
        for (line, link) in page.links() {
            if let Some(why) = flaw(&pages, page, &link) {
                broken.push(format!("{}:{line}: {link}: {why}", page.path));
            }
        }
    }
    assert_eq!(broken, Vec::<String>::new());
}

#[test]
fn a_page_has_one_title_and_each_heading_its_own_name() {
    for page in Page::all() {
        let headings = page.headings();
        let titles = headings.iter().filter(|heading| heading.level == 1).count();
        assert!(titles == 1 || page.path == SUMMARY, "{}: {titles} titles", page.path);
        let names: BTreeSet<String> = page.anchors().into_iter().collect();
        assert_eq!(names.len(), headings.len(), "{}: two headings of one name", page.path);
    }
}

#[test]
fn a_link_that_leads_nowhere_is_found() {
    let page = |path: &str, text: &str| Page { path: path.to_owned(), text: text.to_owned() };
    let pages =
        [page("docs/policy.md", "# Policies\n\n## Keys\n"), page("docs/errors.md", "# A\n")];
    let flaw = |link: &str| flaw(&pages, &pages[1], link);
    assert_eq!(flaw("policy.md#keys"), None);
    assert_eq!(flaw("#a"), None);
    assert_eq!(flaw("https://example.org/none"), None);
    assert_eq!(flaw("none.md").as_deref(), Some("nothing is at `docs/none.md`"));
    let outside = flaw("../README.md").expect("it is not in the book");
    assert!(outside.contains("not in the book"), "{outside}");
    assert!(flaw("README.md").expect("renamed").contains("another name"));
    assert!(flaw("policy.md#none").expect("no heading").contains("no heading `#none`"));
}
