//! Texts that are never null, also where a join found no partner.

use std::sync::Arc;

use bowline_kql::Type;
use datafusion::arrow::array::{ArrayRef, StringViewArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};

use crate::arrays::Cells;
use crate::columnar::run::refused;

/// The texts of a column, and the empty one where it is null.
pub(in crate::columnar) fn filled(texts: Expr) -> Expr {
    ScalarUDF::new_from_impl(Filled(Signature::any(1, Volatility::Immutable))).call(vec![texts])
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Filled(Signature);

impl ScalarUDFImpl for Filled {
    fn name(&self) -> &'static str {
        "filled"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8View)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else { return Err(super::keyed::no_column()) };
        let cells = Cells::of(array, Type::String).map_err(refused)?;
        let texts = (0..array.len()).map(|row| Some(cells.text(row).unwrap_or_default()));
        let filled: ArrayRef = Arc::new(texts.collect::<StringViewArray>());
        Ok(ColumnarValue::Array(filled))
    }
}
