//! Which expressions may be evaluated over columns.

use bowline_kql::plan::{Expr, ExprKind, Step};

use crate::columnar::need::children;

/// Functions whose answer depends on how often or in which order they are asked, or on more than their values.
const NOT_OVER_COLUMNS: &[&str] = &["rand", "new_guid", "assert", "column_names_of"];

/// Whether an expression gives the same over columns, in any order of rows and however often.
pub(in crate::columnar) fn fits(expr: &Expr) -> bool {
    let itself = match &expr.kind {
        ExprKind::Late(_) => false,
        ExprKind::Call { function, .. } => !NOT_OVER_COLUMNS.contains(function),
        ExprKind::Path { steps, .. } => {
            steps.iter().all(|step| !matches!(step, Step::Computed(by) if !fits(by)))
        }
        _ => true,
    };
    itself && children(expr).into_iter().all(fits)
}
