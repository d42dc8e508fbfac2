//! What makes values the same in a group or a join, where that is not how they are held: JSON by what it means, numbers by their value.

use std::sync::Arc;

use bowline_kql::Type;
use datafusion::arrow::array::{ArrayRef, Int64Array, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::arrays::Cells;
use crate::columnar::run::refused;
use crate::compare::{Key, key};

/// Whether values of a type may be the same and held differently.
pub(in crate::columnar) fn needs_key(ty: Type) -> bool {
    matches!(ty, Type::Dynamic | Type::Real | Type::Decimal)
}

/// The keys of values of such a type.
pub(in crate::columnar) fn keyed(values: Expr, ty: Type) -> Expr {
    let signature = Signature::any(1, Volatility::Immutable);
    ScalarUDF::new_from_impl(Keyed { ty, signature }).call(vec![values])
}

pub(super) fn no_column() -> DataFusionError {
    DataFusionError::Internal("a function over a column has none".to_owned())
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Keyed {
    ty: Type,
    signature: Signature,
}

impl ScalarUDFImpl for Keyed {
    fn name(&self) -> &'static str {
        "keyed"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.ty == Type::Dynamic { DataType::Utf8View } else { DataType::Int64 })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else { return Err(no_column()) };
        let cells = Cells::of(array, self.ty).map_err(refused)?;
        let keys = (0..array.len()).map(|row| key(&cells.value(row)));
        let keyed: ArrayRef = if self.ty == Type::Dynamic {
            Arc::new(StringViewArray::from_iter(keys.map(|key| match key {
                Key::Json(text) => Some(text),
                _ => None,
            })))
        } else {
            Arc::new(Int64Array::from_iter(keys.map(|key| match key {
                Key::Bits(bits) => Some(bits.cast_signed()),
                _ => None,
            })))
        };
        Ok(ColumnarValue::Array(keyed))
    }
}
