//! `Microsoft.Management`: the tree above subscriptions.

mod management_group;

pub use management_group::ManagementGroups;
