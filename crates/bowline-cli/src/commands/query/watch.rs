//! `bowline query --watch`: the answer again whenever it is another one. A terminal is drawn anew; programs get one document for each change.

use std::time::Duration;

use serde_json::Value;

use super::{Question, ask};
use crate::app::App;
use crate::client::Arm;
use crate::config::host;
use crate::failure::{Kind, Result};
use crate::render::{Answer, View};

/// Until Ctrl-C, until nobody reads any more, or until the server refuses.
pub(super) async fn run(app: &App, arm: &Arm, question: &Question, every: Duration) -> Result<Answer> {
    tokio::select! {
        // Whoever stops a watch has seen what he wanted: that is no failure.
        _ = tokio::signal::ctrl_c() => Ok(Answer::nothing()),
        ended = follow(app, arm, question, every) => ended.map(|()| Answer::nothing()),
    }
}

async fn follow(app: &App, arm: &Arm, question: &Question, every: Duration) -> Result<()> {
    let (mut shown, mut away) = (Value::Null, false);
    loop {
        match ask(arm, question).await {
            Ok((value, more)) => {
                if away {
                    app.output.note("The server answers again.");
                    away = false;
                }
                if value != shown {
                    let head = heading(&value, more, every);
                    let answer = Answer { value: value.clone(), view: View::Rows };
                    if !app.output.print_again(answer, &head, shown.is_null(), host::now())? {
                        return Ok(());
                    }
                    shown = value;
                }
            }
            // A server that restarts comes back; what was shown stands.
            Err(failure) if failure.kind == Kind::Unreachable && !shown.is_null() => {
                if !away {
                    app.output.note("The server does not answer; trying again.");
                    away = true;
                }
            }
            Err(failure) => return Err(failure),
        }
        tokio::time::sleep(every).await;
    }
}

/// What stands above a table on a terminal.
fn heading(value: &Value, more: bool, every: Duration) -> String {
    let rows = value["rows"].as_array().map_or(0, Vec::len);
    let plus = if more { "+" } else { "" };
    format!("{rows}{plus} rows, changed {}, asked every {} s; Ctrl-C ends it", host::now(), every.as_secs())
}
