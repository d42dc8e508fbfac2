//! `Microsoft.HybridCompute`: machines.

mod machine;

pub use machine::Machines;
