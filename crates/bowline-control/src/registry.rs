//! The one list of resource types. Routes, RBAC actions, `/providers` and the OpenAPI description iterate over it.

use std::collections::HashMap;
use std::sync::Arc;

use bowline_arm::{Error, ResourceType};

use crate::provider::ResourceProvider;
use crate::providers;

/// Namespaces of Azure's public resource providers, one a line: what a client may ask for in good faith.
const AZURE: &str = include_str!("azure_namespaces.txt");

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
        let azures = AZURE.lines().find(|n| n.eq_ignore_ascii_case(namespace));
        match (siblings.is_empty(), azures) {
            (true, None) => Error::new(
                404,
                "InvalidResourceNamespace",
                format!(
                    "The resource namespace '{namespace}' is not served here. GET /providers lists the namespaces that are."
                ),
            ),
            (true, Some(namespace)) => Error::new(
                404,
                "InvalidResourceType",
                format!(
                    "Bowline does not serve the resource type '{asked}': '{namespace}' is a namespace of Azure that this release has no types of. \
                     GET /providers lists what is served."
                ),
            ),
            (false, _) => Error::new(
                404,
                "InvalidResourceType",
                format!(
                    "Bowline does not serve the resource type '{asked}'. Of the namespace '{namespace}' it has: {}.",
                    siblings.join(", ")
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_that_is_not_served_is_told_from_a_namespace_that_nobody_has() {
        let registry = Registry::default();
        let code = |text: &str| registry.find(&ResourceType::new(text)).err().map(|e| (e.code, e.message));
        assert_eq!(code("microsoft.hybridcompute/MACHINES"), None);
        for (asked, expected, words) in [
            ("Microsoft.HybridCompute/bogus", "InvalidResourceType", "Microsoft.HybridCompute/machines"),
            (
                "microsoft.compute/virtualMachines",
                "InvalidResourceType",
                "'Microsoft.Compute' is a namespace of Azure",
            ),
            ("Contoso.Own/things", "InvalidResourceNamespace", "GET /providers"),
        ] {
            let (code, message) = code(asked).unwrap();
            assert!(code == expected && message.contains(words), "{asked}: {code}: {message}");
        }
    }

    #[test]
    fn the_list_of_azures_namespaces_is_sorted_and_holds_each_once() {
        let names: Vec<String> = AZURE.lines().map(str::to_ascii_lowercase).collect();
        assert!(names.is_sorted_by(|a, b| a < b), "{names:?}");
    }
}
