use proptest::prelude::*;

use super::*;

/// The document of RFC 9535, section 1.5.
const STORE: &str = r#"{ "store": { "book": [
    {"category": "reference", "author": "Nigel Rees", "title": "Sayings of the Century", "price": 8.95},
    {"category": "fiction", "author": "Evelyn Waugh", "title": "Sword of Honour", "price": 12.99},
    {"category": "fiction", "author": "Herman Melville", "title": "Moby Dick", "isbn": "0-553-21311-3", "price": 8.99},
    {"category": "fiction", "author": "J. R. R. Tolkien", "title": "The Lord of the Rings", "isbn": "0-395-19395-8", "price": 22.99}
], "bicycle": {"color": "red", "price": 399} } }"#;

fn ask(document: &str, query: &str) -> Result<Selected, Refusal> {
    select(document, query, None, &mut || true)
}

fn paths(document: &str, query: &str) -> String {
    let selected = ask(document, query).unwrap();
    selected.nodes.iter().map(|node| node.path.as_str()).collect::<Vec<_>>().join(" ")
}

fn values(document: &str, query: &str) -> String {
    let selected = ask(document, query).unwrap();
    selected.nodes.iter().map(|node| node.value.as_str()).collect::<Vec<_>>().join(" ")
}

#[test]
fn the_examples_of_the_rfc_select_what_it_says() {
    for (query, count) in [
        ("$.store.book[*].author", 4),
        ("$..author", 4),
        ("$.store.*", 2),
        ("$.store..price", 5),
        ("$..book[2].author", 1),
        ("$..book[2].publisher", 0),
        ("$..book[-1]", 1),
        ("$..book[0,1]", 2),
        ("$..book[:2]", 2),
        ("$..book[?@.isbn]", 2),
        ("$..book[?@.price<10]", 2),
        ("$..*", 27),
    ] {
        assert_eq!(ask(STORE, query).unwrap().nodes.len(), count, "{query}");
    }
    let path = "$['store']['book'][2]['title'] $['store']['book'][3]['title']";
    assert_eq!(paths(STORE, "$..book[?@.isbn].title"), path);
    assert_eq!(values(STORE, "$..bicycle"), r#"{"color":"red","price":399}"#);
}

#[test]
fn descendants_come_node_by_node() {
    let document = r#"{"o": {"j": 1, "k": 2}, "a": [5, 3, [{"j": 4}, {"k": 6}]]}"#;
    assert_eq!(paths(document, "$..j"), "$['o']['j'] $['a'][2][0]['j']");
    assert_eq!(values(document, "$..[0]"), r#"5 {"j":4}"#);
    assert_eq!(values(document, "$.a..[0, 1]"), r#"5 3 {"j":4} {"k":6}"#);
    assert_eq!(values(document, "$.o[*, *]"), "1 2 1 2");
}

#[test]
fn slices_go_both_ways_and_stay_inside() {
    let document = "[0,1,2,3,4,5,6]";
    for (query, wanted) in [
        ("$[1:3]", "1 2"),
        ("$[5:]", "5 6"),
        ("$[1:5:2]", "1 3"),
        ("$[5:1:-2]", "5 3"),
        ("$[::-1]", "6 5 4 3 2 1 0"),
        ("$[-2:]", "5 6"),
        ("$[:-9007199254740991:-9007199254740991]", "6"),
        ("$[9007199254740991::9007199254740991]", ""),
        ("$[::0]", ""),
    ] {
        assert_eq!(values(document, query), wanted, "{query}");
    }
    assert_eq!(values("[]", "$[::-1]"), "");
}

#[test]
fn filters_compare_as_the_rfc_says() {
    let document = r#"[{"a":1,"t":[1,2]},{"a":"x","t":[2,1]},{"a":true},{"a":null},{"b":0},{"a":1.0},{"a":[1]}]"#;
    for (filter, wanted) in [
        ("@.a==1", "0 5"),
        ("@.t[-1]==2", "0"),
        ("@.a>false", ""),
        ("@.a>=true", "2"),
        ("@.a<='x'", "1"),
        ("@.a==null", "3"),
        ("@.a==@.c", "4"),
        ("@.a!=1", "1 2 3 4 6"),
        ("@.a==$[6].a", "6"),
        ("!@.a", "4"),
        ("!(@.a==1||@.b==0)&&@.t", "1"),
        ("@.a<2", "0 5"),
        ("@.t[?@>1]", "0 1"),
        ("count(@.t[*])>=2", "0 1"),
        ("length(@.a)==1", "1 6"),
        ("value(@..t)==@.t", "0 1 2 3 4 5 6"),
    ] {
        let indices = paths(document, &format!("$[?{filter}]")).replace("$[", "").replace(']', "");
        assert_eq!(indices, wanted, "{filter}");
    }
}

#[test]
fn large_integers_are_compared_exactly() {
    let document = "[9007199254740992, 9007199254740993, 18446744073709551615]";
    assert_eq!(values(document, "$[?@>$[0]]"), "9007199254740993 18446744073709551615");
}

#[test]
fn patterns_match_whole_texts_or_parts() {
    let document = r#"["ab", "xab", "a\nb", "b"]"#;
    assert_eq!(paths(document, "$[?match(@, 'a.*')]"), "$[0]");
    assert_eq!(paths(document, "$[?search(@, 'a.*')]"), "$[0] $[1] $[2]");
    assert_eq!(paths(document, "$[?match(@, 'a|b')]"), "$[3]");
    assert_eq!(paths(document, "$[?match(@, 'b)|(?:x')]"), "", "a wrong pattern matches nothing");
    assert_eq!(paths(document, "$[?search(@, @)]"), "$[0] $[1] $[2] $[3]");
}

#[test]
fn normalized_paths_escape_names() {
    let document = r#"{"a'b\\\"\n\u000b\u007fé": 0}"#;
    assert_eq!(paths(document, "$.*"), "$['a\\'b\\\\\"\\n\\u000b\u{7f}é']");
    assert_eq!(values(document, r#"$["a'b\\\"\n\u000B\u007f\u00e9"]"#), "0");
    assert_eq!(values(r#"{"😀": 1}"#, r"$['\uD83D\uDE00']"), "1");
}

#[test]
fn wrong_queries_are_refused_with_their_place() {
    for (query, byte) in [
        ("", 0),
        ("a", 0),
        (" $", 0),
        ("$ ", 1),
        ("$.", 2),
        ("$..", 3),
        ("$. a", 2),
        ("$.1", 2),
        ("$[", 2),
        ("$[]", 2),
        ("$[01]", 2),
        ("$[-0]", 2),
        ("$[9007199254740992]", 2),
        ("$['a", 2),
        (r"$['\x']", 4),
        (r"$['\uD800']", 5),
        ("$[1 2]", 4),
        ("$[?]", 3),
        ("$[?1]", 4),
        ("$[?true]", 7),
        ("$[?@.a=1]", 6),
        ("$[?@.*==1]", 8),
        ("$[?1==@.a,]", 10),
        ("$[?length(@.*)==1]", 13),
        ("$[?count(1)==1]", 9),
        ("$[?count(@.*)]", 13),
        ("$[?match(@.a)]", 12),
        ("$[?match(@.a,'a')==true]", 19),
        ("$[?nope(@.a)]", 3),
        ("$[?@.a==01]", 8),
        ("$[?((@.a]", 8),
    ] {
        match ask("{}", query) {
            Err(Refusal::Query { byte: found, .. }) => assert_eq!(found, byte, "{query}"),
            other => panic!("{query}: {other:?}"),
        }
    }
}

#[test]
fn nesting_ends_at_8_levels() {
    let nested = |levels: usize| format!("${}{}", "[?@".repeat(levels), "]".repeat(levels));
    assert!(ask("[]", &nested(8)).is_ok());
    assert!(matches!(ask("[]", &nested(9)), Err(Refusal::Query { .. })));
    let parens = |levels: usize| format!("$[?{}@{}]", "(".repeat(levels), ")".repeat(levels));
    assert!(ask("[]", &parens(7)).is_ok());
    assert!(matches!(ask("[]", &parens(8)), Err(Refusal::Query { .. })));
}

#[test]
fn a_query_of_1_kib_is_the_longest() {
    let query = format!("$.{}", "a".repeat(QUERY_BYTES_MAX - 2));
    assert!(ask("{}", &query).is_ok());
    assert!(matches!(ask("{}", &format!("{query}a")), Err(Refusal::TooLong { .. })));
}

#[test]
fn an_answer_ends_at_its_limit() {
    let two = |limit| select("[1,2]", "$[*]", Some(limit), &mut || true).unwrap();
    assert_eq!((two(1).nodes.len(), two(1).more), (1, true));
    assert_eq!((two(2).nodes.len(), two(2).more), (2, false));
    let zero = select("[1,2]", "$[*]", Some(0), &mut || true);
    assert!(matches!(zero, Err(Refusal::OutOfRange { .. })));
}

#[test]
fn an_answer_of_1_mib_is_cut_and_a_first_node_over_it_refused() {
    let text = "x".repeat(300_000);
    let document = format!(r#"["{text}","{text}","{text}"]"#);
    let selected = ask(&document, "$[*,*]").unwrap();
    assert_eq!((selected.nodes.len(), selected.more), (3, true));
    // In the answer the backslashes are escaped, too.
    let escaped = |count: usize| format!("[\"{}\"]", "\\u0001".repeat(count));
    assert_eq!(ask(&escaped(149_780), "$[0]").unwrap().nodes.len(), 1);
    assert_eq!(ask(&escaped(149_790), "$[0]"), Err(Refusal::Result));
    let name = format!(r#"{{"{}":"{}"}}"#, "'".repeat(400_000), "x".repeat(400_000));
    assert_eq!(ask(&name, "$.*"), Err(Refusal::Result));
}

#[test]
fn work_that_multiplies_runs_out_of_steps() {
    let deep = format!("{}{}", "[".repeat(120), "]".repeat(120));
    let wide = format!("[{}]", vec!["[0,0,0,0]"; 1_000].join(","));
    for (document, query) in
        [(&deep, "$..*..*..*..*.a"), (&wide, "$[?$[?$..a]]"), (&wide, "$[?@!=1&&$..[?@==$]]")]
    {
        assert_eq!(ask(document, query), Err(Refusal::Steps { max: 5_000_000 }), "{query}");
    }
}

#[test]
fn an_evaluation_stops_when_asked() {
    let wide = format!("[{}0]", "0,".repeat(200_000));
    let stopped = select(&wide, "$[?@==1]", None, &mut || false);
    assert_eq!(stopped, Err(Refusal::Cancelled));
}

proptest! {
    #[test]
    fn no_query_panics(tokens in prop::collection::vec(prop::sample::select(vec![
        "$", "@", ".", "..", "*", "[", "]", "?", "(", ")", "!", "&&", "||", "==", "<", ",", ":", "a", "'b'", "-1", "0",
        "9007199254740991", "1e3", "length(", "match(", "count(", "\\", "\"", " ", "é", "true",
    ]), 0..20)) {
        let query = format!("${}", tokens.concat());
        let _any = ask(r#"{"a": [1, {"b": "é", "a": [[]]}], "b": null}"#, &query);
    }

    #[test]
    fn a_normalized_path_leads_back_to_its_node(names in prop::collection::vec(".{0,6}", 1..5)) {
        let mut document = serde_json::json!([0, "end"]);
        for name in &names {
            document = serde_json::json!({ "": 1, name.as_str(): document, "z": [2] });
        }
        for node in ask(&document.to_string(), "$..*").unwrap().nodes {
            let again = ask(&document.to_string(), &node.path).unwrap();
            prop_assert_eq!(again.nodes, vec![node]);
        }
    }
}
