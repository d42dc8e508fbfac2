//! The answer in Resource Graph's shape: objects or a table, pages, facets.

use bowline_kql::engine::{Answer, Engine, EngineError, Failure, Limits, Moment, Rows, Source};
use bowline_kql::value::{format_datetime, format_timespan};
use bowline_kql::{Catalogue, Dialect, Table, Type, Value};
use serde_json::{Map, Value as Json, json};

use super::request::{Facet, Request};

/// What the answer is called for its facets.
const ANSWER: &str = "Answer";

/// The page of an answer; its link to the next one names the answer so.
pub(super) fn shape(
    request: &Request,
    answer: &Answer,
    pin: u64,
    engine: &dyn Engine,
    moment: Moment,
    limits: &Limits,
) -> Json {
    let facets = facets(request, answer, engine, moment, limits);
    let total = answer.rows.len();
    let rows = answer.rows.iter().skip(request.skip).take(request.top);
    let columns = &answer.schema.columns;
    let mut data: Vec<Json> = rows
        .map(|row| match request.table {
            true => Json::Array(row.iter().map(cell).collect()),
            false => columns
                .iter()
                .zip(row)
                .map(|(column, value)| (column.name.clone(), cell(value)))
                .collect::<Map<_, _>>()
                .into(),
        })
        .collect();
    let count = data.len();
    let end = request.skip.saturating_add(count);
    let mut shown = json!({
        "totalRecords": total, "count": count, "resultTruncated": "false", "facets": facets, "data": [],
    });
    if end < total && count > 0 {
        shown["$skipToken"] = request.token(end, pin).into();
    }
    if let Some(render) = &answer.render {
        let properties: Map<String, Json> =
            render.properties.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        shown["render"] = json!({"chart": render.chart, "properties": properties});
    }
    shown["data"] = if request.table {
        let heads: Vec<Json> =
            columns.iter().map(|column| json!({"name": column.name, "type": type_name(column.ty)})).collect();
        json!({"columns": heads, "rows": std::mem::take(&mut data)})
    } else {
        Json::Array(data)
    };
    shown
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

fn cell(value: &Value) -> Json {
    match value {
        Value::Null(_) => Json::Null,
        Value::Bool(value) => (*value).into(),
        Value::Int(value) => (*value).into(),
        Value::Long(value) => (*value).into(),
        Value::Real(value) => serde_json::Number::from_f64(*value).map_or(Json::Null, Json::Number),
        Value::Decimal(text) => {
            text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map_or(Json::Null, Json::Number)
        }
        Value::Datetime(ticks) => format_datetime(*ticks).into(),
        Value::Timespan(ticks) => format_timespan(*ticks).into(),
        Value::Guid(value) => uuid::Uuid::from_u128(*value).to_string().into(),
        Value::String(text) => text.as_str().into(),
        Value::Dynamic(text) => serde_json::from_str(text).unwrap_or(Json::Null),
    }
}

/// The answer as the one table of its facets.
struct Faceted(Rows);

impl Source for Faceted {
    fn rows(&self, _: &str) -> Result<Rows, EngineError> {
        Ok(Rows::clone(&self.0))
    }
}

/// Each facet is a count over the answer; one that is wrong says so and spoils nothing else.
fn facets(
    request: &Request,
    answer: &Answer,
    engine: &dyn Engine,
    moment: Moment,
    limits: &Limits,
) -> Vec<Json> {
    let table = Table { name: ANSWER.to_owned(), schema: answer.schema.clone() };
    let catalogue = Catalogue { tables: vec![table], ignore_case: true, ..Catalogue::default() };
    let source = Faceted(Rows::clone(&answer.rows));
    let one = |facet: &Facet| {
        let filter = facet.filter.as_ref().map(|filter| format!("\n| where {filter}")).unwrap_or_default();
        let order = if facet.ascending { "asc" } else { "desc" };
        let text = format!(
            "{ANSWER}{filter}\n| summarize ['count'] = count() by ['{name}'] = tostring({name})\n| sort by {} {order}",
            facet.sort_by,
            name = facet.expression,
        );
        match engine.answer(&text, Dialect::default(), &catalogue, &source, moment, limits) {
            Ok(answers) => {
                let Some(answer) = answers.last() else { return Json::Null };
                let data: Vec<Json> = answer
                    .rows
                    .iter()
                    .take(facet.top)
                    .map(|row| {
                        let pairs = answer.schema.columns.iter().zip(row);
                        pairs
                            .map(|(column, value)| (column.name.clone(), cell(value)))
                            .collect::<Map<_, _>>()
                            .into()
                    })
                    .collect();
                json!({
                    "expression": facet.expression, "resultType": "FacetResult",
                    "totalRecords": answer.rows.len(), "count": data.len(), "data": data,
                })
            }
            Err(failure) => {
                let message = match &failure {
                    Failure::Query(found) => {
                        found.first().map(|one| one.report(&text).to_string()).unwrap_or_default()
                    }
                    Failure::Run(error) => error.to_string(),
                };
                json!({
                    "expression": facet.expression, "resultType": "FacetError",
                    "errors": [{"code": "InvalidQuery", "message": message}],
                })
            }
        }
    };
    request.facets.iter().map(one).collect()
}
