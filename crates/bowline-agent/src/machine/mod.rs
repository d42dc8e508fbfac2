//! The machine role: keeps one host in the record.

pub mod home;
