//! `Microsoft.Bowline`: what Azure keeps outside ARM or does not have: users, groups, applications, service principals,
//! enrolment tokens, agent settings, locations.

mod agent_settings;
mod application;
mod application_federated_identity_credential;
pub(crate) mod credentials;
mod enrollment_token;
mod group;
mod location;
mod service_principal;
mod user;

pub use agent_settings::AgentSettings;
pub use application::Applications;
pub use application_federated_identity_credential::ApplicationFederatedIdentityCredentials;
pub use enrollment_token::{EnrollmentTokens, Grant};
pub use group::Groups;
pub use location::Locations;
pub use service_principal::ServicePrincipals;
pub(crate) use user::PASSWORD_HASH;
pub use user::Users;

use serde_json::Value;
use uuid::Uuid;

/// The object id that everything of the directory carries.
fn object_id(document: &Value) -> Option<Uuid> {
    document["properties"]["objectId"].as_str()?.parse().ok()
}
