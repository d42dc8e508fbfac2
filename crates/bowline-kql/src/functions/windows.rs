//! Functions of neighbouring rows.

use super::Line;
use super::Naming::None as N;

pub(super) const LINES: &[Line] = &[
    ("row_number", "[start:long], [restart:bool] -> long", N, "The number of the row."),
    ("row_cumsum", "value:number, [restart:bool] -> =0", N, "The sum of the rows so far."),
    ("row_rank_dense", "value:any, [restart:bool] -> long", N, "The rank of the row, without gaps."),
    ("row_rank_min", "value:any, [restart:bool] -> long", N, "The rank of the row, with gaps."),
    ("row_rank", "value:any, [dense:bool] -> long", N, "Old form of row_rank_dense."),
    (
        "row_window_session",
        "time:datetime, from_first:timespan, between:timespan, [restart:bool] -> =0",
        N,
        "The beginning of the session that the row is in.",
    ),
    ("prev", "column:any, [offset:long], [default:any] -> =0", N, "The value of an earlier row."),
    ("next", "column:any, [offset:long], [default:any] -> =0", N, "The value of a later row."),
];
