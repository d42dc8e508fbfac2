//! Functions that decide.

use bowline_kql::plan::{Expr, ExprKind, Op};
use bowline_kql::{Type, Value};

use super::Call;
use crate::compare::is_null;
use crate::convert;
use crate::error::QueryError;
use crate::eval::{Evaluated, arithmetic, eval};
use crate::run::{Run, null};

/// Those that look at only some of their arguments.
pub(super) fn lazy(
    run: &Run<'_>,
    name: &str,
    ty: Type,
    arguments: &[Expr],
    row: &[Value],
) -> Result<Option<Value>, QueryError> {
    let chosen = match name {
        "iff" | "iif" | "case" => {
            let mut rest = arguments.iter();
            loop {
                let Some(condition) = rest.next() else { break null(ty) };
                // The last one, without a value behind it, is what else it is.
                let Some(then) = rest.next() else { break eval(run, condition, row)? };
                if run.holds(condition, row)? {
                    break eval(run, then, row)?;
                }
            }
        }
        "coalesce" => {
            let mut found = null(ty);
            for argument in arguments {
                found = eval(run, argument, row)?;
                if !is_empty(&found) {
                    break;
                }
            }
            found
        }
        "column_names_of" => match arguments.first().map(|argument| &argument.kind) {
            Some(ExprKind::Subquery(plan)) => {
                crate::dynamic::of(&plan.schema.names().collect::<Vec<_>>().into())
            }
            _ => return Err(QueryError::failed("column_names_of() needs a table")),
        },
        _ => return Ok(None),
    };
    Ok(Some(convert::cast(&chosen, ty).unwrap_or_else(|| null(ty))))
}

fn is_empty(value: &Value) -> bool {
    is_null(value) || matches!(value, Value::String(text) if text.is_empty())
}

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let value = call.value(0);
    Some(Ok(match name {
        "not" => match value {
            Value::Bool(value) => Value::Bool(!value),
            _ => Value::Null(Type::Bool),
        },
        // The null of a text is the empty text, and an empty text is no null.
        "isnull" => Value::Bool(is_null(value)),
        "isnotnull" | "notnull" => Value::Bool(!is_null(value)),
        "isempty" => Value::Bool(convert::to_text(value).is_empty()),
        "isnotempty" | "notempty" => Value::Bool(!convert::to_text(value).is_empty()),
        "around" => {
            let difference_of = |a: &Value, b: &Value| match (a, b) {
                (Value::Datetime(a), Value::Datetime(b)) => Value::Timespan(a - b),
                (a, b) => arithmetic(Op::Subtract, a.ty(), a, b),
            };
            let difference = difference_of(value, call.value(1));
            let size = match difference {
                Value::Timespan(ticks) => Value::Timespan(ticks.abs()),
                Value::Long(number) => Value::Long(number.abs()),
                Value::Int(number) => Value::Int(number.abs()),
                Value::Real(number) => Value::Real(number.abs()),
                other => other,
            };
            Value::Bool(!is_null(&size) && crate::compare::order(&size, call.value(2)).is_le())
        }
        "assert" => {
            if value != &Value::Bool(true) {
                return Some(Err(QueryError::failed(format!(
                    "assert: {}",
                    call.text(1).unwrap_or_else(|| "the condition does not hold".to_owned())
                ))));
            }
            Value::Bool(true)
        }
        "new_guid" => {
            let bits = (u128::from(call.run.random().to_bits()) << 64)
                ^ u128::from(call.run.random().to_bits() << 11);
            // Version 4, the variant of RFC 9562.
            Value::Guid((bits & !(0xf << 76) & !(0x3 << 62)) | (0x4 << 76) | (0x2 << 62))
        }
        "gettype" => Value::String(type_name(value)),
        _ => return None,
    }))
}

fn type_name(value: &Value) -> String {
    use crate::json::Json;
    match value {
        Value::Dynamic(text) => match crate::dynamic::parse(text) {
            Json::Null => "null",
            Json::Bool(_) => "bool",
            Json::Number(number) if number.is_f64() => "double",
            Json::Number(_) => "long",
            Json::String(_) => "string",
            Json::Array(_) => "array",
            Json::Object(_) => "dictionary",
        }
        .to_owned(),
        Value::Null(Type::Dynamic) => "null".to_owned(),
        value => value.ty().name().to_owned(),
    }
}
