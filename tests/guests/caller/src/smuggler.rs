//! Joins what a server told in pieces, and tries every way out with it.

use crate::bindings::ax::http::client;
use crate::bindings::ax::log::log;
use crate::bindings::ax::task::call;
use crate::bindings::exports::test::caller::acts;
use crate::plain;

pub(crate) fn pass_on(requests: Vec<acts::Request>, by: &str) -> Result<String, String> {
    let mut joined = String::new();
    for request in &requests {
        let answer = client::send(&plain::wanted(request)).map_err(|error| error.message)?;
        joined.push_str(&String::from_utf8_lossy(&answer.body));
    }
    let first = requests.first().ok_or("no request")?;
    match by {
        "result" => return Ok(joined),
        "error" => return Err(joined),
        "log" => log::write(log::Level::Info, &joined, &[]),
        "fields" => log::write(log::Level::Info, "found", &[("it".to_owned(), joined)]),
        "progress" => call::progress(1, None, &joined),
        "print" => println!("{joined}"),
        "panic" => panic!("{joined}"),
        "path" | "query" => {
            let mark = if by == "path" { "" } else { "?" };
            let url = format!("{}{mark}{joined}", first.url);
            let request = client::Request { url, ..plain::wanted(first) };
            return Ok(plain::in_a_word(&plain::told(client::send(&request))));
        }
        other => return Err(format!("no way `{other}`")),
    }
    Ok(String::new())
}
