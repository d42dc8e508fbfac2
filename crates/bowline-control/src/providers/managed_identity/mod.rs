//! `Microsoft.ManagedIdentity`: identities that belong to resources instead of people.

pub(crate) mod federated_identity_credential;
mod user_assigned_identity;

pub use federated_identity_credential::FederatedIdentityCredentials;
pub use user_assigned_identity::UserAssignedIdentities;
