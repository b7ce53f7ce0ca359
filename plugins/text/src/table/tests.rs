use std::collections::HashSet;

use proptest::prelude::*;

use super::*;

const READING: Reading = Reading { delimiter: None, header: true, typed: true, records: false };
const WRITING: Writing = Writing { columns: None, delimiter: None, header: true, crlf: false };

fn names(table: &Table) -> Vec<&str> {
    table.columns.iter().map(|column| column.name.as_str()).collect()
}

fn records(text: &str) -> String {
    read(text, Reading { records: true, ..READING }).unwrap().records.unwrap()
}

fn written(records: &str) -> Result<String, String> {
    let answer = write(records, WRITING);
    answer.map(|answer| answer.text).map_err(|refusal| refusal.to_string())
}

#[test]
fn a_table_has_typed_columns() {
    let table =
        read("\u{feff}id,name,ok\r\n1,\"a, \"\"b\"\"\n\",true\r\n\r\n2,,\r\n", READING).unwrap();
    assert_eq!(names(&table), ["id", "name", "ok"]);
    assert_eq!(table.columns[0].values, Some(Values::Integers(vec![Some(1), Some(2)])));
    let texts = vec!["a, \"b\"\n".to_owned(), String::new()];
    assert_eq!(table.columns[1].values, Some(Values::Texts(texts)));
    assert_eq!(table.columns[2].values, Some(Values::Booleans(vec![Some(true), None])));
    assert_eq!((table.rows, table.ragged_count, table.columns[1].empty), (2, 0, 1));
}

#[test]
fn records_are_objects_with_the_same_types() {
    let wanted = r#"[{"a":1,"b":"x","c":0.5},{"a":null,"b":"","c":2.0}]"#;
    assert_eq!(records("a,b,c\n1,x,0.5\n,,2"), wanted);
    assert_eq!(records("a"), "[]");
    assert_eq!(records(""), "[]");
}

#[test]
fn ragged_rows_are_reported_and_lose_nothing() {
    let table = read("a,b\n\n1\n\"x\n\",2\n3,4,5\n", READING).unwrap();
    assert_eq!(names(&table), ["a", "b", "column-3"]);
    assert_eq!(table.columns[2].values, Some(Values::Integers(vec![None, None, Some(5)])));
    let short = Ragged { row: 1, line: 3, cells: 1 };
    let long = Ragged { row: 3, line: 6, cells: 3 };
    assert_eq!((table.ragged.as_slice(), table.ragged_count), ([short, long].as_slice(), 2));
    let many = read(&format!("a,b\n{}", "1\n".repeat(101)), READING).unwrap();
    assert_eq!((many.ragged.len(), many.ragged_count), (100, 101));
}

#[test]
fn names_are_made_unique() {
    let table = read("a,a,,a-2,a,column-3\n", READING).unwrap();
    assert_eq!(names(&table), ["a", "a-2", "column-3", "a-2-2", "a-3", "column-3-2"]);
    let table = read("a,b\n", Reading { header: false, ..READING }).unwrap();
    assert_eq!((names(&table), table.rows), (vec!["column-1", "column-2"], 1));
}

#[test]
fn a_quote_that_is_not_closed_is_refused() {
    for (text, line) in [("\"", 1), ("a\n\n\"b\nc\n", 3), ("a,\"\"\"\nb", 1)] {
        assert_eq!(read(text, READING), Err(Refusal::OpenQuote { line }), "{text}");
    }
    let table = read("a\n\"end\"", READING).unwrap();
    assert_eq!(table.columns[0].values, Some(Values::Texts(vec!["end".to_owned()])));
    assert_eq!(read("a\"b\nend\n", READING).unwrap().rows, 1);
}

#[test]
fn delimiters_are_one_ascii_character() {
    let tabs = Reading { delimiter: Some('\t'), ..READING };
    assert_eq!(names(&read("a\tb,c", tabs).unwrap()), ["a", "b,c"]);
    for delimiter in ['"', '\n', '\r', 'é', '€'] {
        let delimiter = Some(delimiter);
        assert_eq!(read("a", Reading { delimiter, ..READING }), Err(Refusal::Delimiter));
        assert_eq!(write("[]", Writing { delimiter, ..WRITING }), Err(Refusal::Delimiter));
    }
}

#[test]
fn rows_columns_and_cells_are_bounded() {
    let refused = |text: &str| {
        read(text, READING).map(|table| table.rows).map_err(|refusal| refusal.to_string())
    };
    assert_eq!(refused(&"1\n".repeat(ROWS_MAX + 1)), Ok(ROWS_MAX));
    assert_eq!(
        refused(&"1\n".repeat(ROWS_MAX + 2)).unwrap_err(),
        "`text` has more than 50000 rows"
    );
    assert_eq!(refused(&",".repeat(COLUMNS_MAX - 1)), Ok(0));
    assert_eq!(refused(&",".repeat(COLUMNS_MAX)).unwrap_err(), "`text` has more than 1000 columns");
    let wide = format!("{}\n", ",".repeat(COLUMNS_MAX - 1));
    assert_eq!(refused(&wide.repeat(100)), Ok(99));
    assert_eq!(refused(&wide.repeat(101)).unwrap_err(), "`text` has more than 100000 cells");
    let long = format!("{}\n{}", "a".repeat(100_000), "1\n".repeat(100));
    assert_eq!(read(&long, Reading { records: true, ..READING }), Err(Refusal::Result));
}

#[test]
fn objects_and_lists_are_written() {
    assert_eq!(
        written(r#"[{"a":1,"b":"x,\""},{"c":null,"a":true}]"#).unwrap(),
        "a,b,c\n1,\"x,\"\"\",\ntrue,,\n"
    );
    assert_eq!(written(r#"[[1,"b"],[0.5,null]]"#).unwrap(), "1,b\n0.5,\n");
    assert_eq!(written("[]").unwrap(), "");
    let columns = Some(vec!["b".to_owned(), "z".to_owned()]);
    let some = Writing { columns: columns.clone(), crlf: true, delimiter: Some(';'), ..WRITING };
    assert_eq!(write(r#"[{"a":1,"b":2}]"#, some).unwrap().text, "b;z\r\n2;\r\n");
    let lists = Writing { columns, header: false, ..WRITING };
    assert_eq!(write("[[1,2]]", lists).unwrap().text, "1,2\n");
}

#[test]
fn what_is_no_table_is_refused_with_its_place() {
    for (records, why) in [
        ("{}", "`records` is an object; it should be a list"),
        ("[1]", "`records[0]` is a number; it should be an object or a list"),
        ("[{\"a\":1},[]]", "`records[1]` is a list; it should be an object as the first one"),
        ("[[1],{}]", "`records[1]` is an object; it should be a list as the first one"),
        ("[[1],[1,2]]", "`records[1]` is a list of another length; it should be a list of 1 cells"),
        ("[[]]", "`records[0]` is a list of another length; it should be a list of 1 cells"),
        ("[{}]", "`records[0]` is an empty object; it should be an object with members"),
        (
            "[{\"a\":{}}]",
            "`records[0].a` is an object; it should be text, a number, a truth value or null",
        ),
        (
            "[[1,[]]]",
            "`records[0][1]` is a list; it should be text, a number, a truth value or null",
        ),
    ] {
        assert_eq!(written(records).unwrap_err(), why);
    }
    let none = write("[]", Writing { columns: Some(Vec::new()), ..WRITING });
    assert!(matches!(none, Err(Refusal::OutOfRange { .. })));
    let many = |count| Writing { columns: Some(vec!["a".to_owned(); count]), ..WRITING };
    assert!(write("[]", many(1_000)).is_ok());
    assert!(matches!(write("[]", many(1_001)), Err(Refusal::OutOfRange { .. })));
}

/// Cells with everything that quoting is for.
fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a1,;\"\r\n\t ]{0,6}",
        ".{0,6}",
        Just("\u{feff}a".to_owned()),
        Just("end".to_owned())
    ]
}

proptest! {
    #[test]
    fn a_table_that_was_written_is_read_as_it_was(
        header in prop::collection::vec(cell(), 1..5),
        seed in prop::collection::vec(prop::collection::vec(cell(), 4), 0..6),
        delimiter in prop::sample::select(vec![',', ';', '\t', ' ', '|', 'a']),
        crlf: bool,
    ) {
        let mut known = HashSet::new();
        prop_assume!(header.iter().all(|name| !name.is_empty() && known.insert(name)));
        let rows: Vec<&[String]> = seed.iter().map(|row| &row[..header.len()]).collect();
        let delimiter = Some(delimiter);
        let writing = Writing { columns: Some(header.clone()), delimiter, crlf, header: true };
        let text = write(&serde_json::to_string(&rows).unwrap(), writing).unwrap().text;
        let table = read(&text, Reading { delimiter, typed: false, ..READING }).unwrap();
        prop_assert_eq!(names(&table), header);
        for (index, column) in table.columns.iter().enumerate() {
            let wanted = rows.iter().map(|row| row[index].clone()).collect();
            prop_assert_eq!(&column.values, &Some(Values::Texts(wanted)));
        }
        prop_assert_eq!((table.rows, table.ragged_count), (rows.len(), 0));
    }

    #[test]
    fn records_survive_being_written_and_read(
        rows in prop::collection::vec((any::<bool>(), any::<i64>(), "[a-z,\"]{1,5}"), 1..8),
    ) {
        let objects: Vec<_> = rows
            .iter()
            .map(|(a, b, c)| serde_json::json!({ "a": a, "b": b, "c": c }))
            .collect();
        let json = serde_json::to_string(&objects).unwrap();
        let text = write(&json, WRITING).unwrap().text;
        prop_assert_eq!(records(&text), json);
    }

    #[test]
    fn no_text_panics(text in "[a,\"\r\n é;0-9.]{0,40}", any in ".{0,40}", header: bool) {
        for text in [text, any] {
            for reading in [Reading { header, ..READING }, Reading { header, records: true, ..READING }] {
                if let Ok(table) = read(&text, reading) {
                    let cells = table.columns.iter().all(|column| match &column.values {
                        Some(Values::Booleans(cells)) => cells.len() == table.rows,
                        Some(Values::Integers(cells)) => cells.len() == table.rows,
                        Some(Values::Numbers(cells)) => cells.len() == table.rows,
                        Some(Values::Texts(cells)) => cells.len() == table.rows,
                        None => reading.records,
                    });
                    prop_assert!(cells);
                }
            }
            let _any = write(&text, WRITING);
        }
    }
}
