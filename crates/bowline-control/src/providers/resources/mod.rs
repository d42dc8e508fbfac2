//! `Microsoft.Resources`: subscriptions and resource groups.

mod resource_group;
mod subscription;

pub use resource_group::ResourceGroups;
pub use subscription::Subscriptions;
