//! `Microsoft.Bowline`: what Azure keeps outside ARM or does not have: users, service principals, enrolment tokens, agent settings.

mod agent_settings;
mod enrollment_token;
mod service_principal;
mod user;

pub use agent_settings::AgentSettings;
pub use enrollment_token::{EnrollmentTokens, Grant};
pub(crate) use service_principal::DIGESTS;
pub use service_principal::ServicePrincipals;
pub use user::Users;

use serde_json::Value;
use uuid::Uuid;

/// The object id that users and service principals carry.
fn object_id(document: &Value) -> Option<Uuid> {
    document["properties"]["objectId"].as_str()?.parse().ok()
}
