//! Values as Arrow arrays and back.
//!
//! # Design notes
//! A `long`, a moment and a length of time are 64 bits; a text, a `dynamic`, a `guid` (32 hex digits, which sort as it does) and a `decimal` are
//! texts. A `dynamic` that is JSON's null is null, and a text is never null.

use std::sync::Arc;

use bowline_kql::{Type, Value};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Int32Array, Int64Array, StringArray,
    StringViewArray,
};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int32Type, Int64Type};
use datafusion::common::ScalarValue;

use crate::error::QueryError;

/// How values of a type are held.
pub(crate) fn held(ty: Type) -> DataType {
    match ty {
        Type::Bool => DataType::Boolean,
        Type::Int => DataType::Int32,
        Type::Long | Type::Datetime | Type::Timespan => DataType::Int64,
        Type::Real => DataType::Float64,
        Type::String | Type::Dynamic | Type::Guid | Type::Decimal => DataType::Utf8View,
    }
}

/// Texts of which each different one is held once.
pub(crate) fn dictionary() -> DataType {
    DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))
}

/// The array of values of one type.
pub(crate) fn build<'v>(ty: Type, values: impl Iterator<Item = &'v Value>) -> ArrayRef {
    match ty {
        Type::Bool => Arc::new(BooleanArray::from_iter(values.map(|value| match value {
            Value::Bool(value) => Some(*value),
            _ => None,
        }))),
        Type::Int => Arc::new(Int32Array::from_iter(values.map(|value| match value {
            Value::Int(value) => Some(*value),
            _ => None,
        }))),
        Type::Long | Type::Datetime | Type::Timespan => Arc::new(Int64Array::from_iter(values.map(ticks))),
        Type::Real => Arc::new(Float64Array::from_iter(values.map(|value| match value {
            Value::Real(value) => Some(*value),
            _ => None,
        }))),
        Type::String | Type::Dynamic | Type::Guid | Type::Decimal => {
            Arc::new(StringViewArray::from_iter(values.map(text)))
        }
    }
}

fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::Long(value) | Value::Datetime(value) | Value::Timespan(value) => Some(*value),
        _ => None,
    }
}

/// A value that is held as text.
pub(crate) fn text(value: &Value) -> Option<std::borrow::Cow<'_, str>> {
    match value {
        Value::String(text) | Value::Decimal(text) => Some(text.into()),
        Value::Dynamic(text) if text == "null" => None,
        Value::Dynamic(text) => Some(text.into()),
        Value::Guid(value) => Some(format!("{value:032x}").into()),
        Value::Null(Type::String) => Some("".into()),
        _ => None,
    }
}

/// A value as a constant of a plan.
pub(crate) fn scalar(value: &Value) -> ScalarValue {
    match (value, value.ty()) {
        (Value::Bool(value), _) => ScalarValue::Boolean(Some(*value)),
        (Value::Int(value), _) => ScalarValue::Int32(Some(*value)),
        (Value::Real(value), _) => ScalarValue::Float64(Some(*value)),
        (_, Type::Bool) => ScalarValue::Boolean(None),
        (_, Type::Int) => ScalarValue::Int32(None),
        (_, Type::Real) => ScalarValue::Float64(None),
        (value, Type::Long | Type::Datetime | Type::Timespan) => ScalarValue::Int64(ticks(value)),
        (value, Type::String | Type::Dynamic | Type::Guid | Type::Decimal) => {
            ScalarValue::Utf8View(text(value).map(|text| text.into_owned()))
        }
    }
}

/// Reads cells of one array.
pub(crate) struct Cells<'a> {
    ty: Type,
    array: &'a ArrayRef,
    of: Of<'a>,
}

enum Of<'a> {
    Bools(&'a BooleanArray),
    Ints(&'a Int32Array),
    Longs(&'a Int64Array),
    Reals(&'a Float64Array),
    Views(&'a StringViewArray),
    Texts(&'a StringArray),
    Coded(&'a Int32Array, &'a StringArray),
    /// Nothing but nulls.
    Nothing,
}

impl<'a> Cells<'a> {
    /// # Errors
    /// When values of this type are not held like this.
    pub(crate) fn of(array: &'a ArrayRef, ty: Type) -> Result<Self, QueryError> {
        let of = match array.data_type() {
            DataType::Boolean => Of::Bools(array.as_boolean()),
            DataType::Int32 => Of::Ints(array.as_primitive::<Int32Type>()),
            DataType::Int64 => Of::Longs(array.as_primitive::<Int64Type>()),
            DataType::Float64 => Of::Reals(array.as_primitive::<Float64Type>()),
            DataType::Utf8View => Of::Views(array.as_string_view()),
            DataType::Utf8 => Of::Texts(array.as_string::<i32>()),
            DataType::Null => Of::Nothing,
            coded if *coded == dictionary() => {
                let coded = array.as_dictionary::<Int32Type>();
                Of::Coded(coded.keys(), coded.values().as_string::<i32>())
            }
            other => return Err(QueryError::failed(format!("a column of {ty} is held as {other}"))),
        };
        Ok(Cells { ty, array, of })
    }

    /// The text of a cell; nothing where it is null.
    pub(crate) fn text(&self, row: usize) -> Option<&'a str> {
        match &self.of {
            Of::Views(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Of::Texts(texts) => texts.is_valid(row).then(|| texts.value(row)),
            Of::Coded(keys, texts) => {
                let key = keys.is_valid(row).then(|| keys.value(row))?;
                let at = usize::try_from(key).ok()?;
                texts.is_valid(at).then(|| texts.value(at))
            }
            _ => None,
        }
    }

    pub(crate) fn value(&self, row: usize) -> Value {
        let null = || Value::null(self.ty);
        match &self.of {
            _ if self.array.is_null(row) => null(),
            Of::Bools(values) => Value::Bool(values.value(row)),
            Of::Ints(values) => Value::Int(values.value(row)),
            Of::Reals(values) => Value::Real(values.value(row)),
            Of::Longs(values) => match self.ty {
                Type::Datetime => Value::Datetime(values.value(row)),
                Type::Timespan => Value::Timespan(values.value(row)),
                _ => Value::Long(values.value(row)),
            },
            Of::Nothing => null(),
            Of::Views(_) | Of::Texts(_) | Of::Coded(..) => match (self.text(row), self.ty) {
                (None, _) => null(),
                (Some(text), Type::Dynamic) => Value::Dynamic(text.to_owned()),
                (Some(text), Type::Decimal) => Value::Decimal(text.to_owned()),
                (Some(text), Type::Guid) => {
                    u128::from_str_radix(text, 16).map_or_else(|_| null(), Value::Guid)
                }
                (Some(text), _) => Value::String(text.to_owned()),
            },
        }
    }
}
