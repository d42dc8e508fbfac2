//! A failure on standard error: three kinds of line for people, one object for programs.

use serde_json::json;

use super::Output;
use crate::failure::Failure;

pub(crate) fn print_failure(output: &Output, failure: &Failure) {
    if output.failures_as_json() {
        eprintln!("{}", as_json(failure));
    } else {
        eprint!("{}", as_lines(failure, output.colour && output.stderr_terminal));
    }
}

fn as_json(failure: &Failure) -> serde_json::Value {
    json!({"error": {
        "code": failure.stable_code(),
        "message": failure.what,
        "why": failure.why,
        "try": failure.next,
        "exitCode": failure.kind.exit_code(),
    }})
}

fn as_lines(failure: &Failure, colour: bool) -> String {
    let (red, plain) = if colour { ("\u{1b}[1;31m", "\u{1b}[0m") } else { ("", "") };
    let code = failure.code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
    let mut text = format!("{red}error:{plain} {}{code}\n", indent(&failure.what));
    for (label, lines) in [("why:  ", &failure.why), ("try:  ", &failure.next)] {
        for (number, line) in lines.iter().enumerate() {
            let label = if number == 0 { label } else { "      " };
            text.push_str(&format!("{label} {}\n", indent(line)));
        }
    }
    text
}

/// Further lines of one message stand under its first.
fn indent(text: &str) -> String {
    text.trim_end().replace('\n', "\n       ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;

    #[test]
    fn the_lines_are_what_why_and_try() {
        let failure = Failure::new(Kind::NotFound, "group 'a' does not exist")
            .code("ResourceGroupNotFound")
            .why("one\ntwo")
            .next("create it")
            .next("or name another");
        assert_eq!(
            as_lines(&failure, false),
            "error: group 'a' does not exist (ResourceGroupNotFound)\nwhy:   one\n       two\n\
             try:   create it\n       or name another\n"
        );
        assert_eq!(as_json(&failure)["error"]["exitCode"], 3);
    }
}
