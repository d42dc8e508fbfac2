//! What an editor needs to know of the language and the tables: `GET /providers/Microsoft.Bowline/querySchema`.
//!
//! Names and types only, the same for everybody: which rows a table has is asked by a query.

use bowline_kql::functions;
use serde_json::{Value, json};

use super::tables;

/// Tables with their columns, and the functions of the language.
pub(crate) fn schema() -> Value {
    let catalogue = tables::catalogue();
    let tables: Vec<Value> = catalogue
        .tables
        .iter()
        .map(|table| {
            let columns = table.schema.columns.iter();
            let columns: Vec<Value> =
                columns.map(|column| json!({"name": column.name, "type": column.ty.name()})).collect();
            json!({"name": table.name, "columns": columns})
        })
        .collect();
    json!({
        "defaultTable": catalogue.default_table,
        "tables": tables,
        "functions": functions::completion(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_names_tables_columns_and_functions() {
        let schema = schema();
        let tables = schema["tables"].as_array().unwrap();
        let default = tables.iter().find(|table| table["name"] == schema["defaultTable"]).unwrap();
        let columns = default["columns"].as_array().unwrap();
        assert!(columns.contains(&json!({"name": "name", "type": "string"})), "{default}");
        assert!(columns.contains(&json!({"name": "properties", "type": "dynamic"})), "{default}");
        let functions = schema["functions"].as_array().unwrap();
        let count = functions.iter().find(|function| function["name"] == "countif").unwrap();
        assert_eq!(count["kind"], "aggregate");
        assert!(functions.len() > 300);
    }
}
