//! `--query`: a JMESPath expression over the answer, as az users know it.

use serde_json::Value;

use crate::failure::{Failure, Kind, Result};

/// A compiled expression.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    expression: jmespath::Expression<'static>,
}

impl Query {
    pub(crate) fn parse(text: &str) -> Result<Self> {
        jmespath::compile(text).map(|expression| Self { expression }).map_err(|error| {
            Failure::usage(format!("--query '{text}' is not valid JMESPath"))
                .why(one_line(&error.to_string()))
                .next("the names of a list: --query '[].name'")
                .next("some of a list: --query \"[?location=='local'].id\"   (text stands in single quotes)")
        })
    }

    pub(crate) fn apply(&self, value: &Value) -> Result<Value> {
        let failed = |why: String| {
            Failure::new(
                Kind::Usage,
                format!("--query '{}' does not fit the answer", self.expression.as_str()),
            )
            .why(why)
            .next("look at the whole answer with -o json and without --query")
        };
        let found = self.expression.search(value).map_err(|error| failed(one_line(&error.to_string())))?;
        serde_json::to_value(&*found).map_err(|error| failed(error.to_string()))
    }
}

/// JMESPath draws an arrow under the expression; a message is one line.
fn one_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_query_selects_and_a_bad_one_says_so() {
        let answer = json!([{"name": "a", "n": 1}, {"name": "b", "n": 2}]);
        let names = Query::parse("[?n > `1`].name").unwrap().apply(&answer).unwrap();
        assert_eq!(names, json!(["b"]));
        assert_eq!(
            Query::parse("[0].n").unwrap().apply(&answer).unwrap(),
            json!(1),
            "a whole number stays whole"
        );
        assert_eq!(Query::parse("[].[").unwrap_err().kind, Kind::Usage);
        assert_eq!(Query::parse("length(`1`)").unwrap().apply(&answer).unwrap_err().kind, Kind::Usage);
    }
}
