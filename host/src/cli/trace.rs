//! What a traced call asked of the host, as a person reads it: a line for each host call, the guest's
//! own lines between them, and a sum.
//!
//! Not here: what is recorded (`plugin::Trace`).

use serde_json::{Value, json};

use super::render::{counted, size, table};
use crate::plugin::{Check, Line, Request, Step, Trace, Usage};

/// Makes the member `trace` of what is printed as JSON.
pub(super) fn value(trace: &Trace, log: &[Line]) -> Value {
    let mut value = json!(trace);
    value["log"] = json!(log);
    value
}

/// Writes a trace.
pub(super) fn text(trace: &Trace, log: &[Line], usage: &Usage) -> String {
    let lines = table(trace.steps.iter().map(cells));
    let mut lines = lines.lines();
    let mut text = lines.next().map_or_else(String::new, |header| format!("{header}\n"));
    let mut said = log.iter();
    let mut told = 0;
    for (step, line) in trace.steps.iter().zip(lines) {
        while told < step.log_lines_before {
            said.next().map(spoken).into_iter().for_each(|line| text.push_str(&line));
            told += 1;
        }
        text.push_str(&format!("{line}\n"));
        for check in step.checks.iter().skip(1) {
            text.push_str(&format!("  and {}\n", decision(check)));
        }
        for request in step.checks.iter().filter_map(|check| check.request.as_ref()) {
            text.push_str(&format!("  {}\n", became(request)));
        }
    }
    text.extend(said.map(spoken));
    text + &sum(trace, usage)
}

fn cells(step: &Step) -> [(&'static str, String); 7] {
    let function = step.function.map_or_else(String::new, |name| format!("#{name}"));
    let times = if step.times > 1 { format!(" x{}", step.times) } else { String::new() };
    [
        ("MS", ms(step.at_us)),
        ("FUEL", step.fuel_before.to_string()),
        ("BYTES", step.bytes.to_string()),
        ("TOOK", ms(step.took_us)),
        ("CALL", format!("{}{function}{times}", step.interface)),
        ("DECISION", step.checks.first().map_or_else(|| "-".to_owned(), decision)),
        ("ABOUT", step.subject.clone().unwrap_or_default()),
    ]
}

fn decision(check: &Check) -> String {
    match check.is_allowed {
        true => check.rule.clone(),
        false => format!("DENIED {}: {}", check.permission, check.rule),
    }
}

fn became(request: &Request) -> String {
    let Request { target, end, bytes_out, bytes_in, took_us, .. } = request;
    let (sent, received) = (size(*bytes_out), size(*bytes_in));
    format!("{target}: {end}, {sent} out, {received} in, {} ms", ms(*took_us))
}

fn spoken(line: &Line) -> String {
    let fields = line.fields.iter().map(|(name, value)| format!(" {name}={value}"));
    let indented = line.message.replace('\n', "\n        ");
    format!("  {:>5} | {indented}{}\n", line.level.word(), fields.collect::<String>())
}

fn sum(trace: &Trace, usage: &Usage) -> String {
    let calls = trace.steps.iter().map(|step| step.times).sum::<u64>();
    let guest = trace.steps.iter().map(|step| step.fuel_before).sum::<u64>() + trace.fuel_after;
    let mut text = format!(
        "{}, {} moved; {} fuel, {guest} of it in the plugin; {} of memory; {} ms\n",
        counted(calls, "host call"),
        size(usage.host_call_bytes),
        usage.fuel,
        size(usage.memory_peak_bytes),
        ms(usage.duration_us),
    );
    if trace.dropped > 0 {
        text.push_str(&format!("and {} more that the trace has no room for\n", trace.dropped));
    }
    text
}

/// Writes microseconds as milliseconds.
pub(super) fn ms(us: u64) -> String {
    format!("{}.{:02}", us / 1_000, us % 1_000 / 10)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plugin::Level;

    #[test]
    fn lines_of_the_guest_stand_where_they_were_said() {
        let step = |at_us, function, log_lines_before| Step {
            at_us,
            took_us: 20,
            interface: "ax:kv/store",
            function: Some(function),
            subject: Some("key".to_owned()),
            checks: vec![Check {
                permission: "kv".to_owned(),
                is_allowed: at_us < 500,
                rule: if at_us < 500 { "granted: kv" } else { "declared, but not granted" }
                    .to_owned(),
                request: None,
            }],
            times: 1,
            bytes: 3,
            fuel_before: 1_200,
            fuel: 0,
            log_lines_before,
        };
        let trace = Trace {
            steps: vec![step(10, "get", 0), step(1_500, "write", 1)],
            dropped: 2,
            fuel_after: 100,
        };
        let line = |message: &str| Line {
            level: Level::Info,
            message: message.to_owned(),
            fields: vec![("n".to_owned(), "1".to_owned())],
        };
        let usage =
            Usage { fuel: 9_000, host_call_bytes: 6, duration_us: 2_000, ..Usage::default() };
        let shown = text(&trace, &[line("between"), line("after")], &usage);
        insta::assert_snapshot!(shown, @r"
          MS  FUEL  BYTES  TOOK  CALL               DECISION                              ABOUT
        0.01  1200      3  0.02  ax:kv/store#get    granted: kv                           key
           info | between n=1
        1.50  1200      3  0.02  ax:kv/store#write  DENIED kv: declared, but not granted  key
           info | after n=1
        2 host calls, 6 B moved; 9000 fuel, 2500 of it in the plugin; 0 B of memory; 2.00 ms
        and 2 more that the trace has no room for
        ");
    }
}
