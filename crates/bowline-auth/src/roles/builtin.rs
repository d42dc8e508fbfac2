//! The built-in roles, one data file each.

use uuid::{Uuid, uuid};

use super::RoleDefinition;

pub const OWNER: Uuid = uuid!("8e3af657-a8ff-443c-a75c-2fe8c4bcb635");
pub const CONTRIBUTOR: Uuid = uuid!("b24988ac-6180-42a0-ab88-20f7382dd24c");
pub const READER: Uuid = uuid!("acdd72a7-3385-48ef-bd42-f606fba81ae7");
pub const USER_ACCESS_ADMINISTRATOR: Uuid = uuid!("18d7d88d-d35e-4fb5-a5c3-7773c20a72d9");
pub const ARC_ONBOARDING: Uuid = uuid!("34e09817-6cbe-4d01-b1a2-e0eac5743d41");
pub const CONNECTED_MACHINE_ONBOARDING: Uuid = uuid!("b64e21ea-ac4e-4cdf-9dc9-5b892992bee7");
pub const CONNECTED_MACHINE_ADMINISTRATOR: Uuid = uuid!("cd570a14-e51a-42ad-bac8-bafd67325302");
pub const ARC_KUBERNETES_VIEWER: Uuid = uuid!("63f0a09d-1495-4db4-a681-037d84835eb4");
pub const ARC_CLUSTER_USER: Uuid = uuid!("00493d72-78f6-4148-b6c5-d3ce8e4799dd");

const FILES: [&str; 9] = [
    include_str!("builtin/owner.json"),
    include_str!("builtin/contributor.json"),
    include_str!("builtin/reader.json"),
    include_str!("builtin/user_access_administrator.json"),
    include_str!("builtin/kubernetes_cluster_azure_arc_onboarding.json"),
    include_str!("builtin/azure_connected_machine_onboarding.json"),
    include_str!("builtin/azure_connected_machine_resource_administrator.json"),
    include_str!("builtin/azure_arc_kubernetes_viewer.json"),
    include_str!("builtin/azure_arc_enabled_kubernetes_cluster_user_role.json"),
];

/// The built-in roles, in the order of the constants above.
pub fn built_in_roles() -> Vec<RoleDefinition> {
    let read = |file| serde_json::from_str(file).expect("a built-in role file is a role definition");
    FILES.into_iter().map(read).collect()
}
