//! A column of which few different texts exist: each is held once, each row holds a small number.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, DictionaryArray, Int32Array, StringArray, StringBuilder};
use datafusion::arrow::buffer::NullBuffer;

/// Numbers of texts, as small as they can be.
#[derive(Debug)]
enum Numbers {
    /// All rows have the same.
    One(usize),
    Small(Box<[u8]>),
    Wide(Box<[u16]>),
}

/// A column of a chunk.
#[derive(Debug)]
pub(crate) struct Codes {
    numbers: Numbers,
    /// The texts; the row of a null has the number behind the last.
    texts: Arc<StringArray>,
}

/// Gathers a column.
#[derive(Default)]
pub(crate) struct Gathering<'a> {
    known: HashMap<&'a str, u16>,
    texts: Vec<&'a str>,
    numbers: Vec<Option<u16>>,
}

impl<'a> Gathering<'a> {
    /// The next row; a chunk has fewer rows than there are numbers.
    pub(crate) fn push(&mut self, text: Option<&'a str>) {
        // Rows that lie together are often alike.
        let last = self.numbers.last().copied().flatten();
        if let (Some(text), Some(number)) = (text, last)
            && self.texts[usize::from(number)] == text
        {
            return self.numbers.push(last);
        }
        let number = text.map(|text| {
            let next = u16::try_from(self.texts.len()).unwrap_or(u16::MAX);
            *self.known.entry(text).or_insert_with(|| {
                self.texts.push(text);
                next
            })
        });
        self.numbers.push(number);
    }

    pub(crate) fn finish(self) -> Codes {
        let null = u16::try_from(self.texts.len()).unwrap_or(u16::MAX);
        let all = || self.numbers.iter().map(|number| number.unwrap_or(null));
        let first = all().next().unwrap_or(null);
        let numbers = if all().all(|number| number == first) {
            Numbers::One(usize::from(first))
        } else if null < 256 {
            Numbers::Small(all().map(|number| number as u8).collect())
        } else {
            Numbers::Wide(all().collect())
        };
        // Without room to grow.
        let bytes = self.texts.iter().map(|text| text.len()).sum();
        let mut texts = StringBuilder::with_capacity(self.texts.len(), bytes);
        self.texts.iter().for_each(|text| texts.append_value(text));
        Codes { numbers, texts: Arc::new(texts.finish()) }
    }
}

impl Codes {
    pub(crate) fn texts(&self) -> &StringArray {
        &self.texts
    }

    /// The number of a row's text; one behind the last is null.
    pub(crate) fn number(&self, row: usize) -> usize {
        match &self.numbers {
            Numbers::One(number) => *number,
            Numbers::Small(numbers) => usize::from(numbers[row]),
            Numbers::Wide(numbers) => usize::from(numbers[row]),
        }
    }

    pub(crate) fn text(&self, row: usize) -> Option<&str> {
        let number = self.number(row);
        (number < self.texts.len()).then(|| self.texts.value(number))
    }

    /// These rows as Arrow knows them.
    pub(crate) fn array(&self, rows: &[u32]) -> ArrayRef {
        self.with(Arc::clone(&self.texts), rows)
    }

    /// What a function makes of each text, for these rows.
    pub(crate) fn map(&self, rows: &[u32], each: impl Fn(&str) -> Option<String>) -> ArrayRef {
        let mut gathering = HashMap::new();
        let mut texts: Vec<String> = Vec::new();
        let of_text: Vec<Option<i32>> = (0..self.texts.len())
            .map(|at| {
                let made = each(self.texts.value(at))?;
                let next = i32::try_from(texts.len()).ok()?;
                Some(*gathering.entry(made).or_insert_with_key(|made| {
                    texts.push(made.clone());
                    next
                }))
            })
            .collect();
        let keys = rows.iter().map(|row| of_text.get(self.number(*row as usize)).copied().flatten());
        dictionary(keys.collect(), Arc::new(StringArray::from(texts)))
    }

    fn with(&self, texts: Arc<StringArray>, rows: &[u32]) -> ArrayRef {
        let none = texts.len();
        let numbers: Vec<i32> = rows.iter().map(|row| self.number(*row as usize) as i32).collect();
        let nulls = numbers.iter().any(|number| *number as usize >= none);
        let valid = nulls.then(|| {
            NullBuffer::from(numbers.iter().map(|number| (*number as usize) < none).collect::<Vec<bool>>())
        });
        let numbers: Vec<i32> = match nulls {
            true => numbers.iter().map(|number| if *number as usize >= none { 0 } else { *number }).collect(),
            false => numbers,
        };
        dictionary(Int32Array::new(numbers.into(), valid), texts)
    }

    pub(crate) fn bytes(&self) -> usize {
        let numbers = match &self.numbers {
            Numbers::One(_) => 0,
            Numbers::Small(numbers) => numbers.len(),
            Numbers::Wide(numbers) => 2 * numbers.len(),
        };
        numbers + self.texts.get_array_memory_size()
    }
}

fn dictionary(keys: Int32Array, texts: Arc<StringArray>) -> ArrayRef {
    // No text at all: every row is null, and a dictionary needs no value for that.
    Arc::new(DictionaryArray::new(keys, texts))
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::AsArray;
    use datafusion::arrow::datatypes::Int32Type;

    fn codes<'a>(texts: impl IntoIterator<Item = Option<&'a str>>) -> Codes {
        let mut gathering = Gathering::default();
        texts.into_iter().for_each(|text| gathering.push(text));
        gathering.finish()
    }

    fn read(array: &ArrayRef) -> Vec<Option<String>> {
        let array = array.as_dictionary::<Int32Type>();
        let values = array.values().as_string::<i32>();
        (0..array.len()).map(|at| array.key(at).map(|key| values.value(key).to_owned())).collect()
    }

    #[test]
    fn rows_come_back_as_they_went_in() {
        let many: Vec<String> = (0..300).map(|n| n.to_string()).collect();
        let cases: Vec<Vec<Option<&str>>> = vec![
            vec![],
            vec![None, None],
            vec![Some("a"), Some("a")],
            vec![Some("a"), None, Some("b"), Some("a")],
            many.iter().map(|text| Some(text.as_str())).chain([None, Some("7")]).collect(),
        ];
        for case in cases {
            let codes = codes(case.iter().copied());
            let rows: Vec<u32> = (0..case.len() as u32).collect();
            let wanted: Vec<Option<String>> = case.iter().map(|text| text.map(str::to_owned)).collect();
            assert_eq!(read(&codes.array(&rows)), wanted);
            let upper = codes.map(&rows, |text| (text != "b").then(|| text.to_uppercase()));
            let wanted: Vec<Option<String>> =
                case.iter().map(|text| text.filter(|text| *text != "b").map(str::to_uppercase)).collect();
            assert_eq!(read(&upper), wanted);
        }
    }
}
