//! `Microsoft.Subscription`: the names under which subscriptions were ordered.

mod alias;

pub use alias::Aliases;
