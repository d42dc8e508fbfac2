//! The built-in roles, one data file each.

use std::sync::LazyLock;

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
pub const ROLE_ADMINISTRATOR: Uuid = uuid!("f58310d9-a9f6-439a-9e8d-f62e7b41a168");

const FILES: [&str; 32] = [
    include_str!("builtin/owner.json"),
    include_str!("builtin/contributor.json"),
    include_str!("builtin/reader.json"),
    include_str!("builtin/user_access_administrator.json"),
    include_str!("builtin/kubernetes_cluster_azure_arc_onboarding.json"),
    include_str!("builtin/azure_connected_machine_onboarding.json"),
    include_str!("builtin/azure_connected_machine_resource_administrator.json"),
    include_str!("builtin/azure_arc_kubernetes_viewer.json"),
    include_str!("builtin/azure_arc_enabled_kubernetes_cluster_user_role.json"),
    include_str!("builtin/role_based_access_control_administrator.json"),
    include_str!("builtin/management_group_reader.json"),
    include_str!("builtin/management_group_contributor.json"),
    include_str!("builtin/resource_policy_contributor.json"),
    include_str!("builtin/policy_insights_data_writer.json"),
    include_str!("builtin/tag_contributor.json"),
    include_str!("builtin/locks_contributor.json"),
    include_str!("builtin/managed_identity_operator.json"),
    include_str!("builtin/managed_identity_contributor.json"),
    include_str!("builtin/monitoring_reader.json"),
    include_str!("builtin/monitoring_contributor.json"),
    include_str!("builtin/monitoring_metrics_publisher.json"),
    include_str!("builtin/monitoring_data_reader.json"),
    include_str!("builtin/log_analytics_reader.json"),
    include_str!("builtin/log_analytics_contributor.json"),
    include_str!("builtin/azure_arc_kubernetes_writer.json"),
    include_str!("builtin/azure_arc_kubernetes_admin.json"),
    include_str!("builtin/azure_arc_kubernetes_cluster_admin.json"),
    include_str!("builtin/microsoft_kubernetes_connected_cluster_role.json"),
    include_str!("builtin/kubernetes_extension_contributor.json"),
    include_str!("builtin/azure_connected_machine_resource_manager.json"),
    include_str!("builtin/hybrid_server_onboarding.json"),
    include_str!("builtin/hybrid_server_resource_administrator.json"),
];

static ROLES: LazyLock<Vec<RoleDefinition>> = LazyLock::new(|| {
    let read = |file| serde_json::from_str(file).expect("a built-in role file is a role definition");
    FILES.into_iter().map(read).collect()
});

/// The built-in roles; those of the constants above first, in their order.
pub fn built_in_roles() -> &'static [RoleDefinition] {
    &ROLES
}
