//! The one list of resource types. Routes, RBAC actions, `/providers` and the OpenAPI description iterate over it.

use std::collections::HashMap;
use std::sync::Arc;

use bowline_arm::{Error, ResourceType};

use crate::provider::ResourceProvider;
use crate::providers;

/// Finds the provider of a type.
pub struct Registry {
    by_type: HashMap<String, Arc<dyn ResourceProvider>>,
    ordered: Vec<Arc<dyn ResourceProvider>>,
}

impl Default for Registry {
    fn default() -> Self {
        Self::new(providers::all())
    }
}

impl Registry {
    /// A registry of these providers.
    #[must_use]
    pub fn new(ordered: Vec<Arc<dyn ResourceProvider>>) -> Self {
        let by_type = ordered.iter().map(|p| (p.spec().type_key(), Arc::clone(p))).collect();
        Self { by_type, ordered }
    }

    /// All providers in a stable order.
    #[must_use]
    pub fn all(&self) -> &[Arc<dyn ResourceProvider>] {
        &self.ordered
    }

    /// The provider of a type.
    ///
    /// # Errors
    /// `InvalidResourceNamespace` or `InvalidResourceType` (404), naming what exists.
    pub fn find(&self, resource_type: &ResourceType) -> Result<&Arc<dyn ResourceProvider>, Error> {
        self.by_type.get(resource_type.key()).ok_or_else(|| self.unknown(resource_type))
    }

    /// The provider of a stored type key, if this binary has it.
    #[must_use]
    pub fn by_key(&self, key: &str) -> Option<&Arc<dyn ResourceProvider>> {
        self.by_type.get(key)
    }

    fn unknown(&self, asked: &ResourceType) -> Error {
        let namespace = asked.namespace();
        let mut siblings: Vec<&str> = self
            .ordered
            .iter()
            .map(|p| p.spec().resource_type)
            .filter(|t| t.split('/').next().is_some_and(|n| n.eq_ignore_ascii_case(namespace)))
            .collect();
        siblings.sort_unstable();
        if siblings.is_empty() {
            Error::new(
                404,
                "InvalidResourceNamespace",
                format!(
                    "The resource namespace '{namespace}' is not served here. GET /providers lists the namespaces that are."
                ),
            )
        } else {
            Error::new(
                404,
                "InvalidResourceType",
                format!(
                    "The resource type '{asked}' was not found in the namespace '{namespace}'. It has: {}.",
                    siblings.join(", ")
                ),
            )
        }
    }
}
