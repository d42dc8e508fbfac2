//! The columns of a table.

use serde::Serialize;

use crate::types::Type;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Column {
    pub name: String,
    pub ty: Type,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Schema {
    pub columns: Vec<Column>,
    /// There are more, which only the data knows.
    pub open: bool,
}

impl Column {
    pub fn new(name: impl Into<String>, ty: Type) -> Column {
        Column { name: name.into(), ty }
    }
}

impl Schema {
    pub fn new(columns: Vec<Column>) -> Schema {
        Schema { columns, open: false }
    }

    pub fn len(&self) -> usize {
        self.columns.len()
    }

    pub fn is_empty(&self) -> bool {
        self.columns.is_empty()
    }

    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    pub(crate) fn with(&self, more: impl IntoIterator<Item = Column>) -> Schema {
        let mut columns = self.columns.clone();
        columns.extend(more);
        Schema { columns, open: self.open }
    }
}
