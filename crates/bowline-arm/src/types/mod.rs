//! Wire types per provider namespace: what each api-version shows, accepts and keeps to itself.
//!
//! A resource is one JSON document in its latest model. A [`Shape`] says, as data, which properties exist since which
//! version, which are read-only, which are secret. Conversion to an older version removes what that version does not know; a PUT in
//! an older version keeps what it cannot express. The tables of Azure's types were derived from the public resource shapes
//! of Azure's REST specifications; those of `Microsoft.Bowline` are ours.
//!
//! # Design notes
//! Data instead of a Rust type per version: a type has up to 250 properties and three versions, and they differ in a
//! few entries. What a property *means* is the provider's business, not the wire's.

mod shape;

use std::sync::LazyLock;

pub use shape::{Access, Kind, Node, Shape};

macro_rules! shapes {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)*) => {
        $($(#[$doc])*
        pub static $name: LazyLock<Shape> =
            LazyLock::new(|| Shape::from_json(include_str!($file)).expect("the committed shape tables parse; a test reads each"));)*

        /// Every shape, for tests and for the OpenAPI description.
        #[must_use]
        pub fn all() -> Vec<&'static Shape> {
            vec![$(LazyLock::force(&$name)),*]
        }
    };
}

shapes! {
    /// `Microsoft.Resources/subscriptions`.
    SUBSCRIPTIONS = "resources/subscriptions.json";
    /// `Microsoft.Resources/resourceGroups`.
    RESOURCE_GROUPS = "resources/resource_groups.json";
    /// `Microsoft.Kubernetes/connectedClusters`.
    CONNECTED_CLUSTERS = "kubernetes/connected_clusters.json";
    /// `Microsoft.HybridCompute/machines`.
    MACHINES = "hybrid_compute/machines.json";
    /// `Microsoft.HybridCompute/machines/extensions`.
    MACHINE_EXTENSIONS = "hybrid_compute/machine_extensions.json";
    /// `Microsoft.HybridCompute/machines/runCommands`.
    MACHINE_RUN_COMMANDS = "hybrid_compute/machine_run_commands.json";
    /// `Microsoft.HybridCompute/machines/licenseProfiles`.
    MACHINE_LICENSE_PROFILES = "hybrid_compute/machine_license_profiles.json";
    /// `Microsoft.HybridCompute/licenses`.
    LICENSES = "hybrid_compute/licenses.json";
    /// `Microsoft.HybridCompute/gateways`.
    GATEWAYS = "hybrid_compute/gateways.json";
    /// `Microsoft.HybridCompute/settings`.
    HYBRID_COMPUTE_SETTINGS = "hybrid_compute/settings.json";
    /// `Microsoft.HybridCompute/privateLinkScopes`.
    PRIVATE_LINK_SCOPES = "hybrid_compute/private_link_scopes.json";
    /// `Microsoft.HybridCompute/privateLinkScopes/privateEndpointConnections`.
    PRIVATE_ENDPOINT_CONNECTIONS = "hybrid_compute/private_endpoint_connections.json";
    /// `Microsoft.HybridCompute/privateLinkScopes/privateLinkResources`.
    PRIVATE_LINK_RESOURCES = "hybrid_compute/private_link_resources.json";
    /// `Microsoft.HybridCompute/privateLinkScopes/networkSecurityPerimeterConfigurations`.
    NETWORK_SECURITY_PERIMETER_CONFIGURATIONS = "hybrid_compute/network_security_perimeter_configurations.json";
    /// `Microsoft.ResourceGraph/queries`.
    GRAPH_QUERIES = "resource_graph/queries.json";
    /// `Microsoft.Authorization/roleAssignments`.
    ROLE_ASSIGNMENTS = "authorization/role_assignments.json";
    /// `Microsoft.Authorization/denyAssignments`.
    DENY_ASSIGNMENTS = "authorization/deny_assignments.json";
    /// `Microsoft.Authorization/roleDefinitions`.
    ROLE_DEFINITIONS = "authorization/role_definitions.json";
    /// `Microsoft.ManagedIdentity/userAssignedIdentities`.
    USER_ASSIGNED_IDENTITIES = "managed_identity/user_assigned_identities.json";
    /// `Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials`.
    FEDERATED_IDENTITY_CREDENTIALS = "managed_identity/federated_identity_credentials.json";
    /// `Microsoft.Authorization/locks`.
    LOCKS = "authorization/locks.json";
    /// `Microsoft.Management/managementGroups`.
    MANAGEMENT_GROUPS = "management/management_groups.json";
    /// `Microsoft.Subscription/aliases`.
    SUBSCRIPTION_ALIASES = "subscription/aliases.json";
    /// `Microsoft.Bowline/locations`.
    LOCATIONS = "bowline/locations.json";
    /// `Microsoft.Bowline/users`.
    USERS = "bowline/users.json";
    /// `Microsoft.Bowline/groups`.
    GROUPS = "bowline/groups.json";
    /// `Microsoft.Bowline/applications`.
    APPLICATIONS = "bowline/applications.json";
    /// `Microsoft.Bowline/applications/federatedIdentityCredentials`.
    APPLICATION_FEDERATED_IDENTITY_CREDENTIALS = "bowline/application_federated_identity_credentials.json";
    /// `Microsoft.Bowline/servicePrincipals`.
    SERVICE_PRINCIPALS = "bowline/service_principals.json";
    /// `Microsoft.Bowline/enrollmentTokens`.
    ENROLLMENT_TOKENS = "bowline/enrollment_tokens.json";
    /// `Microsoft.Bowline/agentSettings`.
    AGENT_SETTINGS = "bowline/agent_settings.json";
}
