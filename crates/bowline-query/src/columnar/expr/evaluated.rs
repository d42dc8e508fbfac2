//! An expression of the interpreter as a function over arrays.
//!
//! # Design notes
//! An expression that reads one column whose texts are held once each is evaluated once per text, and taken by key: tables repeat
//! themselves. What a dictionary gave is kept for the next batch, which mostly has the same.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use bowline_kql::engine::{EngineError, Limits, Moment, Rows, Source};
use bowline_kql::plan::Expr;
use bowline_kql::{Type, Value};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray, UInt32Array,
};
use datafusion::arrow::compute::take;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

use super::quick::Quick;
use crate::arrays::{self, Cells};
use crate::columnar::run::refused;
use crate::error::QueryError;
use crate::eval::eval;
use crate::run::{Run, alone};

/// Rows between two looks at whether anybody waits.
const LOOK: usize = 4096;
/// A dictionary that is so many times larger than its batch is not evaluated as a whole.
const SPARSE: usize = 4;

pub(super) struct Evaluated {
    number: usize,
    name: String,
    expr: Expr,
    types: Vec<Type>,
    moment: Moment,
    ignore_case: bool,
    limits: Limits,
    signature: Signature,
    quick: Option<Quick>,
    kept: Mutex<Option<Arc<OfTexts>>>,
}

/// What each text of a dictionary gives, and behind them what null gives.
struct OfTexts {
    texts: ArrayRef,
    given: ArrayRef,
    /// Texts for which there is no answer.
    errors: Vec<(usize, QueryError)>,
}

struct Nothing;

impl Source for Nothing {
    fn rows(&self, table: &str) -> std::result::Result<Rows, EngineError> {
        Err(QueryError::failed(format!("the table {table} is asked for inside of an expression")))
    }
}

impl Evaluated {
    pub(super) fn new(number: usize, expr: Expr, types: Vec<Type>, run: &Run<'_>) -> Self {
        Evaluated {
            number,
            name: format!("evaluated_{number}"),
            quick: Quick::of(&expr, &types),
            expr,
            types,
            moment: run.moment,
            ignore_case: run.ignore_case,
            limits: run.limits().clone(),
            signature: Signature::variadic_any(Volatility::Immutable),
            kept: Mutex::default(),
        }
    }

    /// The values of the expression over rows.
    fn rows(&self, arrays: &[ArrayRef], rows: usize) -> std::result::Result<Vec<Value>, QueryError> {
        let run = alone(&Nothing, self.moment, &self.limits, self.ignore_case);
        let cells = arrays.iter().zip(&self.types).map(|(array, ty)| Cells::of(array, *ty));
        let cells: Vec<Cells<'_>> = cells.collect::<std::result::Result<_, _>>()?;
        let mut values = Vec::with_capacity(rows);
        let mut row = Vec::with_capacity(cells.len());
        for at in 0..rows {
            if at % LOOK == 0 {
                run.check()?;
            }
            row.clear();
            row.extend(cells.iter().map(|cells| cells.value(at)));
            values.push(eval(&run, &self.expr, &row)?);
        }
        Ok(values)
    }

    fn over(&self, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        if let ([array], Some(quick)) = (arrays, &self.quick)
            && let Some(found) = quick.over(array)
        {
            return Ok(found);
        }
        if let [array] = arrays
            && *array.data_type() == arrays::dictionary()
        {
            return self.over_texts(array);
        }
        if arrays.len() > 1 && arrays.iter().all(|array| *array.data_type() == arrays::dictionary()) {
            return self.over_combinations(arrays, rows);
        }
        let values = self.rows(arrays, rows).map_err(refused)?;
        Ok(arrays::build(self.expr.ty, values.iter()))
    }

    /// Each combination of texts is evaluated once.
    fn over_combinations(&self, arrays: &[ArrayRef], rows: usize) -> Result<ArrayRef> {
        let keys: Vec<&Int32Array> =
            arrays.iter().map(|array| array.as_dictionary::<Int32Type>().keys()).collect();
        let mut known: HashMap<Vec<Option<i32>>, u32> = HashMap::new();
        let (mut firsts, mut of_row) = (Vec::new(), Vec::with_capacity(rows));
        let mut combination = Vec::with_capacity(keys.len());
        for row in 0..rows {
            combination.clear();
            combination.extend(keys.iter().map(|keys| keys.is_valid(row).then(|| keys.value(row))));
            let at = match known.get(&combination) {
                Some(at) => *at,
                None => {
                    let at = firsts.len() as u32;
                    let _ = known.insert(combination.clone(), at);
                    firsts.push(row as u32);
                    at
                }
            };
            of_row.push(at);
        }
        let firsts = UInt32Array::from(firsts);
        let each: Vec<ArrayRef> =
            arrays.iter().map(|array| take(array, &firsts, None)).collect::<std::result::Result<_, _>>()?;
        let values = self.rows(&each, firsts.len()).map_err(refused)?;
        let made = arrays::build(self.expr.ty, values.iter());
        Ok(take(&made, &UInt32Array::from(of_row), None)?)
    }

    fn over_texts(&self, array: &ArrayRef) -> Result<ArrayRef> {
        let coded = array.as_dictionary::<Int32Type>();
        if coded.values().len() > SPARSE * coded.len() + LOOK && self.found(coded.values()).is_none() {
            let values = self.rows(std::slice::from_ref(array), coded.len()).map_err(refused)?;
            return self.shaped(arrays::build(self.expr.ty, values.iter()));
        }
        let of_texts = self.of_texts(coded.values()).map_err(refused)?;
        let null = i32::try_from(coded.values().len()).unwrap_or(i32::MAX);
        let keys = if coded.keys().null_count() == 0 {
            coded.keys().clone()
        } else {
            Int32Array::from_iter_values(coded.keys().iter().map(|key| key.unwrap_or(null)))
        };
        for (at, error) in &of_texts.errors {
            let at = i32::try_from(*at).unwrap_or(i32::MAX);
            if keys.values().contains(&at) {
                return Err(refused(error.clone()));
            }
        }
        if self.gives_texts() {
            return Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::clone(&of_texts.given))?));
        }
        Ok(take(&of_texts.given, &keys, None)?)
    }

    fn gives_texts(&self) -> bool {
        matches!(self.expr.ty, Type::String | Type::Dynamic)
    }

    /// Texts that were made row by row, in the form that the function promised.
    fn shaped(&self, made: ArrayRef) -> Result<ArrayRef> {
        if !self.gives_texts() {
            return Ok(made);
        }
        let texts: StringArray = made.as_string_view().iter().collect();
        let keys = Int32Array::from_iter_values((0..texts.len()).map(|at| i32::try_from(at).unwrap_or(0)));
        Ok(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(texts))?))
    }

    fn found(&self, texts: &ArrayRef) -> Option<Arc<OfTexts>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        kept.as_ref().filter(|kept| Arc::ptr_eq(&kept.texts, texts)).map(Arc::clone)
    }

    fn of_texts(&self, texts: &ArrayRef) -> std::result::Result<Arc<OfTexts>, QueryError> {
        if let Some(found) = self.found(texts) {
            return Ok(found);
        }
        let ty = self.types.first().copied().unwrap_or(Type::String);
        if let Some(given) = self.quick.as_ref().and_then(|quick| quick.over_texts(texts)) {
            return Ok(self.keep(OfTexts { texts: Arc::clone(texts), given, errors: Vec::new() }));
        }
        let run = alone(&Nothing, self.moment, &self.limits, self.ignore_case);
        let cells = Cells::of(texts, ty)?;
        let (mut values, mut errors) = (Vec::with_capacity(texts.len() + 1), Vec::new());
        for at in 0..=texts.len() {
            if at % LOOK == 0 {
                run.check()?;
            }
            let value = if at < texts.len() { cells.value(at) } else { Value::null(ty) };
            values.push(eval(&run, &self.expr, &[value]).unwrap_or_else(|error| {
                errors.push((at, error));
                Value::null(self.expr.ty)
            }));
        }
        let given: ArrayRef = if self.gives_texts() {
            Arc::new(values.iter().map(arrays::text).collect::<StringArray>())
        } else {
            arrays::build(self.expr.ty, values.iter())
        };
        Ok(self.keep(OfTexts { texts: Arc::clone(texts), given, errors }))
    }

    fn keep(&self, made: OfTexts) -> Arc<OfTexts> {
        let made = Arc::new(made);
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(&made));
        made
    }
}

impl ScalarUDFImpl for Evaluated {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let coded = matches!(arguments, [one] if *one == arrays::dictionary());
        Ok(if coded && self.gives_texts() { arrays::dictionary() } else { arrays::held(self.expr.ty) })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = args.number_rows;
        let arrays: Vec<ArrayRef> =
            args.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<_>>()?;
        Ok(ColumnarValue::Array(self.over(&arrays, rows)?))
    }
}

impl std::fmt::Debug for Evaluated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {:?}", self.name, self.expr)
    }
}

impl PartialEq for Evaluated {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number && self.expr == other.expr
    }
}

impl Eq for Evaluated {}

impl Hash for Evaluated {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.number.hash(state);
    }
}
