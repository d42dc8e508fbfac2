//! The answer in Resource Graph's shape: objects or a table, pages, facets.
//!
//! # Design notes
//! It is written as it is read, row by row: columns in the order of the query, and a `dynamic` as its own text, so that its keys
//! are in the order in which they were written.

use bowline_arm::Error;
use bowline_kql::engine::{Answer, Engine, EngineError, Failure, Limits, Moment, Row, Rows, Source};
use bowline_kql::plan::{Column, Render};
use bowline_kql::value::{format_datetime, format_timespan};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use serde::ser::{Serialize, SerializeMap as _, Serializer};
use serde_json::value::{RawValue, to_raw_value};
use serde_json::{Map, Value as Json, json};

use super::request::{Facet, Request};

/// What the answer is called for its facets.
const ANSWER: &str = "Answer";

/// What runs the facets.
pub(super) struct Over<'a> {
    pub(super) engine: &'a dyn Engine,
    pub(super) moment: Moment,
    pub(super) limits: &'a Limits,
}

/// The page of an answer from a row on, as JSON, with the link to the next one if there is more.
pub(super) fn shape(
    request: &Request,
    answer: &Answer,
    from: usize,
    link: Option<String>,
    over: &Over<'_>,
) -> Result<String, Error> {
    let columns = &answer.schema.columns;
    let rows: Vec<&Row> = answer.rows.iter().skip(from).take(request.top).collect();
    let count = rows.len();
    let heads = || columns.iter().map(|column| Head { name: &column.name, ty: type_name(column.ty) });
    let data = match request.table {
        true => Data::Table { columns: heads().collect(), rows: rows.into_iter().map(Cells).collect() },
        false => Data::Objects(rows.into_iter().map(|row| Object { columns, row }).collect()),
    };
    let facets: Result<Vec<_>, _> = request.facets.iter().map(|one| facet(one, answer, over)).collect();
    let shown = Shown {
        total: answer.rows.len(),
        count,
        truncated: "false",
        link,
        facets: facets.map_err(Error::internal)?,
        data,
        render: answer.render.as_ref().map(render),
    };
    serde_json::to_string(&shown).map_err(Error::internal)
}

#[derive(serde::Serialize)]
struct Shown<'a> {
    #[serde(rename = "totalRecords")]
    total: usize,
    count: usize,
    #[serde(rename = "resultTruncated")]
    truncated: &'static str,
    #[serde(rename = "$skipToken", skip_serializing_if = "Option::is_none")]
    link: Option<String>,
    facets: Vec<Box<RawValue>>,
    data: Data<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    render: Option<Json>,
}

#[derive(serde::Serialize)]
#[serde(untagged)]
enum Data<'a> {
    Objects(Vec<Object<'a>>),
    Table { columns: Vec<Head<'a>>, rows: Vec<Cells<'a>> },
}

#[derive(serde::Serialize)]
struct Head<'a> {
    name: &'a str,
    #[serde(rename = "type")]
    ty: &'static str,
}

struct Cells<'a>(&'a Row);

impl Serialize for Cells<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(Cell))
    }
}

struct Object<'a> {
    columns: &'a [Column],
    row: &'a Row,
}

impl Serialize for Object<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = serializer.serialize_map(Some(self.columns.len()))?;
        for (column, value) in self.columns.iter().zip(self.row) {
            members.serialize_entry(&column.name, &Cell(value))?;
        }
        members.end()
    }
}

struct Cell<'a>(&'a Value);

impl Serialize for Cell<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Null(_) => to.serialize_none(),
            Value::Bool(value) => to.serialize_bool(*value),
            Value::Int(value) => to.serialize_i32(*value),
            Value::Long(value) => to.serialize_i64(*value),
            // JSON knows no end of the numbers.
            Value::Real(value) => to.serialize_some(&serde_json::Number::from_f64(*value)),
            Value::Decimal(text) => {
                to.serialize_some(&text.parse::<f64>().ok().and_then(serde_json::Number::from_f64))
            }
            Value::Datetime(ticks) => to.serialize_str(&format_datetime(*ticks)),
            Value::Timespan(ticks) => to.serialize_str(&format_timespan(*ticks)),
            Value::Guid(value) => to.serialize_str(&uuid::Uuid::from_u128(*value).to_string()),
            Value::String(text) => to.serialize_str(text),
            Value::Dynamic(text) => serde_json::from_str::<&RawValue>(text).ok().serialize(to),
        }
    }
}

/// Types of Resource Graph's tables.
fn type_name(ty: Type) -> &'static str {
    match ty {
        Type::Bool => "boolean",
        Type::Int | Type::Long => "integer",
        Type::Real | Type::Decimal => "number",
        Type::Datetime => "datetime",
        Type::Dynamic => "object",
        Type::String | Type::Guid | Type::Timespan => "string",
    }
}

fn render(render: &Render) -> Json {
    let properties: Map<String, Json> =
        render.properties.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
    json!({"chart": render.chart, "properties": properties})
}

/// The answer as the one table of its facets.
struct Faceted(Rows);

impl Source for Faceted {
    fn rows(&self, _: &str) -> Result<Rows, EngineError> {
        Ok(Rows::clone(&self.0))
    }
}

#[derive(serde::Serialize)]
#[serde(rename_all = "camelCase")]
struct Counted<'a> {
    expression: &'a str,
    result_type: &'static str,
    total_records: usize,
    count: usize,
    data: Vec<Object<'a>>,
}

/// A facet is a count over the answer; one that is wrong says so and spoils nothing else.
fn facet(facet: &Facet, answer: &Answer, over: &Over<'_>) -> serde_json::Result<Box<RawValue>> {
    let table = Table { name: ANSWER.to_owned(), schema: answer.schema.clone() };
    let catalogue = Catalogue { tables: vec![table], ignore_case: true, ..Catalogue::default() };
    let source = Faceted(Rows::clone(&answer.rows));
    let filter = facet.filter.as_ref().map(|filter| format!("\n| where {filter}")).unwrap_or_default();
    let order = if facet.ascending { "asc" } else { "desc" };
    let text = format!(
        "{ANSWER}{filter}\n| summarize ['count'] = count() by ['{name}'] = tostring({name})\n| sort by {} {order}",
        facet.sort_by,
        name = facet.expression,
    );
    match over.engine.answer(&text, Dialect::default(), &catalogue, &source, over.moment, over.limits) {
        Ok(answers) => {
            let Some(answer) = answers.last() else { return to_raw_value(&()) };
            let columns = &answer.schema.columns;
            let rows = answer.rows.iter().take(facet.top);
            let data: Vec<Object<'_>> = rows.map(|row| Object { columns, row }).collect();
            to_raw_value(&Counted {
                expression: &facet.expression,
                result_type: "FacetResult",
                total_records: answer.rows.len(),
                count: data.len(),
                data,
            })
        }
        Err(failure) => {
            let message = match &failure {
                Failure::Query(found) => {
                    found.first().map(|one| one.report(&text).to_string()).unwrap_or_default()
                }
                Failure::Run(error) => error.to_string(),
            };
            to_raw_value(&json!({
                "expression": facet.expression, "resultType": "FacetError",
                "errors": [{"code": "InvalidQuery", "message": message}],
            }))
        }
    }
}
