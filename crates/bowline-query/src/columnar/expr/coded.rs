//! Texts as numbers, while rows are grouped by them: the same text has the same number in every batch of one query.
//!
//! # Design notes
//! Each batch has a dictionary of its own. Its texts are looked up once each, and groups are found by numbers, which costs a fraction of
//! comparing texts row by row.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use datafusion::arrow::array::{Array, ArrayRef, AsArray, DictionaryArray, Int32Array, StringArray};
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::common::Result;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use indexmap::IndexSet;

use super::keyed::no_column;
use crate::arrays;
use crate::columnar::run::refused;
use crate::error::QueryError;

/// The texts of one column, by number.
#[derive(Debug, Default)]
struct Known {
    texts: IndexSet<Box<str>>,
    bytes: usize,
    /// The dictionary of the batch before, and the numbers of its texts as far as they were asked for.
    last: Option<(ArrayRef, Vec<Option<i32>>)>,
}

/// Both ways of one column.
#[derive(Clone, Debug)]
pub(in crate::columnar) struct Codes {
    known: Arc<Mutex<Known>>,
    most: usize,
}

impl Codes {
    /// The texts take at most so many bytes.
    pub(in crate::columnar) fn new(most: usize) -> Self {
        Codes { known: Arc::default(), most }
    }

    /// The numbers of texts that are held as dictionaries.
    pub(in crate::columnar) fn numbers(&self, texts: Expr) -> Expr {
        ScalarUDF::new_from_impl(Coded::of(self, true)).call(vec![texts])
    }

    /// The texts of numbers.
    pub(in crate::columnar) fn texts(&self, numbers: Expr) -> Expr {
        ScalarUDF::new_from_impl(Coded::of(self, false)).call(vec![numbers])
    }
}

impl Known {
    fn number(&mut self, text: &str, most: usize) -> std::result::Result<i32, QueryError> {
        if let Some(at) = self.texts.get_index_of(text) {
            return Ok(at as i32);
        }
        self.bytes += text.len() + size_of::<Box<str>>() + 16;
        if self.bytes > most {
            return Err(QueryError::TooLarge { what: "bytes", limit: most });
        }
        let _ = self.texts.insert(text.into());
        i32::try_from(self.texts.len() - 1).map_err(|_| QueryError::TooLarge { what: "bytes", limit: most })
    }

    fn numbers(&mut self, array: &ArrayRef, most: usize) -> std::result::Result<ArrayRef, QueryError> {
        let coded = array.as_dictionary::<Int32Type>();
        let mut of_text = match self.last.take() {
            Some((texts, of_text)) if Arc::ptr_eq(&texts, coded.values()) => of_text,
            _ => vec![None; coded.values().len()],
        };
        let texts = coded.values().as_string::<i32>();
        let mut numbers = Vec::with_capacity(coded.len());
        for key in coded.keys() {
            let at = key.and_then(|key| usize::try_from(key).ok()).filter(|at| texts.is_valid(*at));
            numbers.push(match at {
                None => None,
                Some(at) => Some(match of_text[at] {
                    Some(number) => number,
                    None => {
                        let number = self.number(texts.value(at), most)?;
                        of_text[at] = Some(number);
                        number
                    }
                }),
            });
        }
        self.last = Some((Arc::clone(coded.values()), of_text));
        Ok(Arc::new(Int32Array::from(numbers)))
    }
}

#[derive(Debug)]
struct Coded {
    codes: Codes,
    to_numbers: bool,
    signature: Signature,
}

impl Coded {
    fn of(codes: &Codes, to_numbers: bool) -> Self {
        Coded { codes: codes.clone(), to_numbers, signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl PartialEq for Coded {
    fn eq(&self, other: &Self) -> bool {
        self.to_numbers == other.to_numbers && Arc::ptr_eq(&self.codes.known, &other.codes.known)
    }
}

impl Eq for Coded {}

impl Hash for Coded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.to_numbers.hash(state);
        Arc::as_ptr(&self.codes.known).hash(state);
    }
}

impl ScalarUDFImpl for Coded {
    fn name(&self) -> &'static str {
        if self.to_numbers { "numbers_of_texts" } else { "texts_of_numbers" }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.to_numbers { DataType::Int32 } else { arrays::dictionary() })
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let arrays = ColumnarValue::values_to_arrays(&args.args)?;
        let Some(array) = arrays.first() else { return Err(no_column()) };
        let mut known = self.codes.known.lock().unwrap_or_else(PoisonError::into_inner);
        if self.to_numbers {
            return Ok(ColumnarValue::Array(known.numbers(array, self.codes.most).map_err(refused)?));
        }
        let numbers = array.as_primitive::<Int32Type>();
        // Of a batch of groups: the numbers of a dictionary of its own.
        let mut own: IndexSet<i32> = IndexSet::new();
        let keys: Int32Array = numbers.iter().map(|number| Some(own.insert_full(number?).0 as i32)).collect();
        let text = |number: &i32| known.texts.get_index(*number as usize).map(|text| &**text);
        let texts: StringArray = own.iter().map(text).collect();
        Ok(ColumnarValue::Array(Arc::new(DictionaryArray::<Int32Type>::try_new(keys, Arc::new(texts))?)))
    }
}
