//! `ax explain`, completions and the manual.

use serde_json::json;

use super::codes;
use super::command;
use super::fault::CliError;
use super::output::Output;

/// Columns of explained text.
const WIDTH: usize = 80;

pub(super) fn run(output: Output, code: Option<&str>) -> Result<(), CliError> {
    let Some(text) = code else {
        let listed: Vec<_> = codes::ALL
            .iter()
            .map(|code| json!({ "code": code.text, "title": code.title }))
            .collect();
        output.data(&listed, || {
            codes::ALL.iter().map(|code| format!("{}  {}\n", code.text, code.title)).collect()
        });
        return Ok(());
    };
    let code = codes::find(text).ok_or_else(|| CliError::UnknownCode { code: text.to_owned() })?;
    let value = json!({ "code": code.text, "title": code.title, "about": code.about });
    output.data(&value, || format!("{}  {}\n\n{}\n", code.text, code.title, wrap(code.about)));
    Ok(())
}

fn wrap(text: &str) -> String {
    let mut out = String::new();
    let mut column = 0;
    for word in text.split_whitespace() {
        if column > 0 && column + 1 + word.len() > WIDTH {
            out.push('\n');
            column = 0;
        } else if column > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += word.len();
    }
    out
}

pub(super) fn completions(shell: clap_complete::Shell) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut command(), "ax", &mut script);
    script
}

pub(super) fn manual() -> Vec<u8> {
    let mut page = Vec::new();
    // Writing to memory cannot fail.
    drop(clap_mangen::Man::new(command()).render(&mut page));
    page
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        command().debug_assert();
    }

    #[test]
    fn text_is_wrapped_at_words() {
        let text = wrap(&"word ".repeat(40));
        assert!(text.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(text.split_whitespace().count(), 40);
    }
}
