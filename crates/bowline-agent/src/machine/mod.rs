//! The machine role: keeps one host in the record.

pub mod commands;
pub mod connect;
pub mod enrol;
pub mod home;
pub mod observe;
pub mod run;
pub mod software;
pub mod steps;
