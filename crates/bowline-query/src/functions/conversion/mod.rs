//! From one type to another, and reading structured text.

mod structured;
mod units;
mod xml;

use bowline_kql::{Type, Value};

use super::Call;
use crate::eval::Evaluated;
use crate::{convert, dynamic};

pub(super) fn call(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    plain(name, call).or_else(|| structured::call(name, call)).or_else(|| units::call(name, call))
}

fn plain(name: &str, call: &Call<'_>) -> Option<Evaluated> {
    let value = call.value(0);
    Some(Ok(match name {
        "tostring" => Value::String(convert::to_text(value)),
        "tolong" | "toint" | "toreal" | "todouble" | "todecimal" | "todatetime" | "totimespan" | "totime"
        | "tobool" | "toboolean" | "toguid" => call.or_null(convert::cast(value, call.ty)),
        "todynamic" | "toobject" | "parse_json" | "parsejson" => match value {
            Value::Dynamic(_) | Value::Null(_) => value.clone(),
            value => {
                let text = convert::to_text(value);
                match crate::json::read(&text) {
                    Some(json) => dynamic::of(&json),
                    // A text that is no JSON is itself.
                    None if text.is_empty() => Value::Null(Type::Dynamic),
                    None => dynamic::of(&crate::json::Json::String(text)),
                }
            }
        },
        "dynamic_to_json" => Value::String(match value {
            Value::Dynamic(text) => dynamic::canonical(text),
            value => dynamic::to_json(value).to_string(),
        }),
        "tohex" => Value::String(call.long(0).map_or_else(String::new, |number| {
            let length = usize::try_from(call.long(1).unwrap_or(0).clamp(0, 16)).unwrap_or(0);
            hex(number, length)
        })),
        _ => return None,
    }))
}

/// The two's complement of a negative number, as long as was asked for where that is enough.
fn hex(number: i64, length: usize) -> String {
    let all = format!("{number:0length$x}");
    match i32::try_from(number) {
        Ok(short) if number < 0 && length == 8 => format!("{short:08x}"),
        _ => all,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hexadecimal_digits_are_those_of_the_wanted_width() {
        assert_eq!(hex(256, 0), "100");
        assert_eq!(hex(-256, 0), "ffffffffffffff00");
        assert_eq!(hex(-256, 8), "ffffff00");
        assert_eq!(hex(256, 8), "00000100");
        assert_eq!(hex(256, 2), "100");
        assert_eq!(hex(i64::MIN, 8), "8000000000000000");
    }
}
