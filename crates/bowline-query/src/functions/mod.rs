//! Scalar functions, family by family; the names are those of the language's table.

mod arrays;
mod conversion;
mod geo;
mod logic;
mod network;
mod numbers;
mod series;
mod text;
mod time;

use bowline_kql::plan::Expr;
use bowline_kql::{Type, Value};

use crate::error::QueryError;
use crate::eval::Evaluated;
use crate::run::{Run, null};

pub(crate) use network::Network;
pub(crate) use time::LAST as LAST_MOMENT;

/// A call with its arguments.
pub(super) struct Call<'a> {
    pub(super) run: &'a Run<'a>,
    /// The type of what it gives.
    pub(super) ty: Type,
    pub(super) values: Vec<Value>,
}

impl Call<'_> {
    pub(super) fn value(&self, index: usize) -> &Value {
        static NONE: Value = Value::Null(Type::Dynamic);
        self.values.get(index).unwrap_or(&NONE)
    }

    /// An argument as text; nothing where it was left out.
    pub(super) fn text(&self, index: usize) -> Option<String> {
        self.values.get(index).map(crate::convert::to_text)
    }

    pub(super) fn long(&self, index: usize) -> Option<i64> {
        match self.values.get(index)? {
            Value::Dynamic(text) => crate::dynamic::to_value(text, Type::Long)?.as_long(),
            value => value.as_long(),
        }
    }

    pub(super) fn real(&self, index: usize) -> Option<f64> {
        crate::compare::real(self.values.get(index)?)
    }

    pub(super) fn datetime(&self, index: usize) -> Option<i64> {
        match self.values.get(index)? {
            Value::Datetime(ticks) => Some(*ticks),
            _ => None,
        }
    }

    pub(super) fn timespan(&self, index: usize) -> Option<i64> {
        match self.values.get(index)? {
            Value::Timespan(ticks) => Some(*ticks),
            _ => None,
        }
    }

    /// An argument as JSON; null where it is left out.
    pub(super) fn json(&self, index: usize) -> crate::json::Json {
        self.values.get(index).map_or(crate::json::Json::Null, crate::dynamic::to_json)
    }

    /// A value of the call's type, or its null.
    pub(super) fn or_null(&self, value: Option<Value>) -> Value {
        value.unwrap_or_else(|| null(self.ty))
    }
}

/// The families, asked one after the other; each knows its names.
const FAMILIES: [fn(&str, &Call<'_>) -> Option<Evaluated>; 9] = [
    logic::call,
    text::call,
    conversion::call,
    time::call,
    numbers::call,
    arrays::call,
    network::call,
    series::call,
    geo::call,
];

pub(crate) fn call(run: &Run<'_>, function: &str, ty: Type, arguments: &[Expr], row: &[Value]) -> Evaluated {
    if let Some(value) = logic::lazy(run, function, ty, arguments, row)? {
        return Ok(value);
    }
    let call = Call { run, ty, values: run.values(arguments, row)? };
    if let Some(parts) = several(function, &call) {
        // Where it stands as one value, sorted lists are a list of them, and of anything else the first one counts.
        if parts.len() > 1 && ty == Type::Dynamic && function.starts_with("array_sort") {
            return Ok(crate::dynamic::of(
                &parts.iter().map(crate::dynamic::to_json).collect::<Vec<_>>().into(),
            ));
        }
        return Ok(parts.into_iter().next().unwrap_or_else(|| null(ty)));
    }
    FAMILIES
        .iter()
        .find_map(|family| family(function, &call))
        .unwrap_or_else(|| Err(QueryError::unsupported(format!("{function}()"))))
}

/// The values of a function that gives several.
pub(crate) fn parts(
    run: &Run<'_>,
    function: &str,
    arguments: &[Expr],
    row: &[Value],
) -> Result<Vec<Value>, QueryError> {
    let call = Call { run, ty: Type::Dynamic, values: run.values(arguments, row)? };
    several(function, &call).ok_or_else(|| QueryError::unsupported(format!("{function}()")))
}

fn several(function: &str, call: &Call<'_>) -> Option<Vec<Value>> {
    match function {
        "array_sort_asc" => Some(arrays::sorted(call, false)),
        "array_sort_desc" => Some(arrays::sorted(call, true)),
        name => series::several(name, call),
    }
}
