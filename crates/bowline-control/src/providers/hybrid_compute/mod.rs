//! `Microsoft.HybridCompute`: machines and what is declared for them (arc.md A.4).

mod gateway;
mod license;
mod machine;
mod machine_action;
mod machine_extension;
mod machine_license_profile;
mod machine_run_command;
mod network_security_perimeter_configuration;
mod private_endpoint_connection;
mod private_link_resource;
mod private_link_scope;
mod settings;

pub use gateway::Gateways;
pub use license::Licenses;
pub(crate) use license::complete as complete_license;
pub use machine::Machines;
pub use machine_extension::MachineExtensions;
pub use machine_license_profile::MachineLicenseProfiles;
pub use machine_run_command::MachineRunCommands;
pub use network_security_perimeter_configuration::NetworkSecurityPerimeterConfigurations;
pub use private_endpoint_connection::PrivateEndpointConnections;
pub use private_link_resource::PrivateLinkResources;
pub use private_link_scope::PrivateLinkScopes;
pub use settings::HybridComputeSettings;

use bowline_arm::{Error, NameRule};
use serde_json::Value;

use crate::provider::Admission;

/// Names of what lies beside or in a machine.
const CHILD_NAME: NameRule = NameRule {
    min: 1,
    max: 128,
    extra: "-_.",
    alphanumeric_ends: false,
    words: "1 to 128 letters, digits, '-', '_' and '.'",
};

/// The error for a property without which a resource says nothing.
fn missing(property: &str) -> Error {
    Error::bad_request(
        "InvalidRequestContent",
        format!("The required property 'properties.{property}' is missing from the request body."),
    )
    .with_target(format!("properties.{property}"))
}

/// The time that the resource shows already, or now: so that a PUT of the same document changes nothing.
fn kept_time(admission: &Admission<'_>, pointer: &str) -> String {
    let old = admission.existing.and_then(|e| e.pointer(pointer)).and_then(Value::as_str);
    old.map_or_else(|| admission.context.now.to_string(), str::to_owned)
}
