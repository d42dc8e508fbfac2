//! Why a query did not end with an answer.

pub use bowline_kql::engine::EngineError as QueryError;
