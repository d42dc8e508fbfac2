//! `Microsoft.ManagedIdentity`: identities that belong to resources instead of people.

mod user_assigned_identity;

pub use user_assigned_identity::UserAssignedIdentities;
