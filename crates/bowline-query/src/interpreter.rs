//! The engine behind the port of [`bowline_kql::engine`]: from a text to its rows.

use bowline_kql::engine::{Answer, Engine, Failure};
use bowline_kql::plan::Query;
use bowline_kql::{Catalogue, Dialect, bind};

use crate::error::QueryError;
use crate::run::{Limits, Moment, Rows, Run, Source, begin};

/// Runs queries row by row.
#[derive(Clone, Copy, Debug)]
pub struct Interpreter;

impl Engine for Interpreter {
    fn answer(
        &self,
        text: &str,
        dialect: Dialect,
        catalogue: &Catalogue,
        source: &dyn Source,
        moment: Moment,
        limits: &Limits,
    ) -> Result<Vec<Answer>, Failure> {
        answer(text, dialect, catalogue, |query| begin(query, source, moment, limits, None))
    }
}

/// The answers of a text. Where a plug-in's columns are only in its data the run stops there, and the text is bound anew with them.
pub(crate) fn answer<'a>(
    text: &str,
    dialect: Dialect,
    catalogue: &Catalogue,
    begin: impl Fn(&Query) -> Run<'a>,
) -> Result<Vec<Answer>, Failure> {
    let mut catalogue = catalogue.clone();
    loop {
        let query = bind(text, dialect, &catalogue).map_err(Failure::Query)?;
        let run = begin(&query);
        let rows: Result<Vec<Rows>, _> = query.outputs.iter().map(|output| run.rows(&output.plan)).collect();
        let found = run.found.take();
        drop(run);
        let Some((ordinal, schema)) = found else {
            return Ok(tables(&query, rows.map_err(Failure::Run)?));
        };
        let known = &mut catalogue.discovered;
        known.resize(known.len().max(ordinal + 1), None);
        // Each round finds one more plug-in, of which a text has so many.
        if known[ordinal].replace(schema).is_some() {
            return Err(Failure::Run(QueryError::failed("the columns of a plug-in change with each run")));
        }
    }
}

fn tables(query: &Query, rows: Vec<Rows>) -> Vec<Answer> {
    let outputs = query.outputs.iter().zip(rows);
    let table = |(output, rows): (&bowline_kql::plan::Output, Rows)| {
        let (schema, render) = (output.plan.schema.clone(), output.render.clone());
        Answer { schema, rows, render }
    };
    outputs.map(table).collect()
}
