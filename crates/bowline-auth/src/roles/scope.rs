//! Scopes: lower-cased ARM ids, `/` for the tenant's root.

use std::collections::HashSet;

/// The form in which scopes are compared: lower case, no trailing slash, `/` for the root.
pub fn normalise(scope: &str) -> String {
    let trimmed = scope.trim_end_matches('/');
    if trimmed.is_empty() { "/".to_owned() } else { trimmed.to_ascii_lowercase() }
}

/// Whether `scope` is `ancestor` or lies beneath it; both normalised.
pub fn covers(ancestor: &str, scope: &str) -> bool {
    if ancestor == "/" {
        return true;
    }
    scope.strip_prefix(ancestor).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `scope` and its ancestors by segment, nearest first, ending with the root.
pub(super) fn ancestors(scope: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(scope);
    std::iter::from_fn(move || {
        let current = next?;
        next = match current.rfind('/') {
            _ if current == "/" => None,
            Some(0) | None => Some("/"),
            Some(at) => Some(&current[..at]),
        };
        Some(current)
    })
}

/// Whether what is above a scope hangs in the hierarchy of management groups instead of in its path.
pub(super) fn is_anchor(scope: &str) -> bool {
    let one = |rest: &str| !rest.is_empty() && !rest.contains('/');
    scope.strip_prefix("/subscriptions/").is_some_and(one)
        || scope.strip_prefix("/providers/microsoft.management/managementgroups/").is_some_and(one)
}

/// The scopes at or beneath which an action is allowed: the mask of LIST and of the event stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ScopeSet {
    /// Sorted; none lies beneath another.
    roots: Vec<String>,
}

impl ScopeSet {
    /// Keeps the topmost of the given normalised scopes.
    pub fn new<'a>(scopes: impl IntoIterator<Item = &'a str>) -> Self {
        let all: HashSet<&str> = scopes.into_iter().collect();
        let topmost = |scope: &&str| !ancestors(scope).skip(1).any(|above| all.contains(above));
        let mut roots: Vec<String> = all.iter().copied().filter(topmost).map(str::to_owned).collect();
        roots.sort_unstable();
        Self { roots }
    }

    /// The topmost scopes, sorted.
    pub fn roots(&self) -> &[String] {
        &self.roots
    }

    pub fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Whether the action is allowed everywhere, so that no mask is needed.
    pub fn is_everything(&self) -> bool {
        self.roots.first().is_some_and(|root| root == "/")
    }

    /// Whether the action is allowed at this normalised scope.
    pub fn contains(&self, scope: &str) -> bool {
        !self.roots.is_empty() && ancestors(scope).any(|ancestor| self.has_root(ancestor))
    }

    /// Whether the action is allowed at this scope or somewhere beneath it: whether a LIST can show anything.
    pub fn reaches(&self, scope: &str) -> bool {
        if scope == "/" {
            return !self.roots.is_empty();
        }
        let beneath = || {
            let first = format!("{scope}/");
            let at = self.roots.partition_point(|root| root.as_str() < first.as_str());
            self.roots.get(at).is_some_and(|root| root.starts_with(&first))
        };
        self.contains(scope) || beneath()
    }

    fn has_root(&self, scope: &str) -> bool {
        self.roots.binary_search_by(|root| root.as_str().cmp(scope)).is_ok()
    }
}
