//! What a request path names: a resource, a collection of a type at a scope, or an action on a resource.
//!
//! Paths of real clients come in any case, with doubled and trailing slashes, and with percent-encoded segments.

use percent_encoding::percent_decode_str;

use crate::resource_id::{InvalidResourceId, ResourceId, ResourceType};

/// The object of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Target {
    /// One resource or scope.
    Resource(ResourceId),
    /// All resources of a type at a scope: `{scope}/providers/{namespace}/{type}` or `/subscriptions`.
    Collection { scope: ResourceId, resource_type: ResourceType },
    /// A verb on a resource: `{resource}/{action}`; only POST means this.
    Action { resource: ResourceId, name: String },
}

/// Why a path names nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// A segment is not valid UTF-8 once decoded.
    #[error("the path holds percent-encoded bytes that are not UTF-8")]
    Encoding,
    /// Not an id.
    #[error(transparent)]
    Id(#[from] InvalidResourceId),
}

/// Types of `Microsoft.Resources` that clients address without their namespace, such as
/// `/subscriptions/{s}/resourcegroups/{g}/deployments/{d}/operations`.
const WITHOUT_NAMESPACE: [&str; 4] = ["deployments", "tagNames", "operationResults", "operationStatuses"];

impl Target {
    /// The resource or scope that is asked about, or at which something is listed.
    #[must_use]
    pub fn scope(&self) -> &ResourceId {
        match self {
            Self::Resource(id) => id,
            Self::Collection { scope, .. } => scope,
            Self::Action { resource, .. } => resource,
        }
    }

    /// Reads a path. `post` says whether an odd last segment is an action (POST) or a type (everything else).
    ///
    /// # Errors
    /// See [`TargetError`].
    pub fn parse(path: &str, post: bool) -> Result<Self, TargetError> {
        let decoded: Vec<String> = path
            .split('/')
            .filter(|s| !s.is_empty())
            .map(|s| {
                percent_decode_str(s).decode_utf8().map(|t| t.into_owned()).map_err(|_| TargetError::Encoding)
            })
            .collect::<Result<_, _>>()?;
        let mut segments: Vec<&str> = decoded.iter().map(String::as_str).collect();
        if let Some(at) = missing_namespace(&segments) {
            segments.splice(at..at, ["providers", "Microsoft.Resources"]);
        }
        let outline = Outline::of(&segments);
        if outline.complete {
            return Ok(Self::Resource(ResourceId::from_segments(&segments)?));
        }
        let (last, before) = segments.split_last().ok_or(InvalidResourceId::Incomplete("/".to_owned()))?;
        // `{scope}/{word}` is a list of the scope, except that a POST to a group is an action on it.
        if post && !before.is_empty() && Outline::of(before).complete {
            return Ok(Self::Action {
                resource: ResourceId::from_segments(before)?,
                name: (*last).to_owned(),
            });
        }
        collection(before, last, outline.provider)
    }
}

/// Where the parts of a path begin, read from the left: only so can a second `providers` be told from a type of that name.
struct Outline {
    /// The last `providers` that switches the namespace.
    provider: Option<usize>,
    /// Whether the segments name a whole resource or scope.
    complete: bool,
}

impl Outline {
    fn of(segments: &[&str]) -> Self {
        let mut provider = None;
        let mut at = scope_length(segments);
        while segments.get(at).is_some_and(|s| s.eq_ignore_ascii_case("providers")) {
            provider = Some(at);
            // The namespace, then pairs; `providers` right behind the namespace is a type.
            at += 2;
            let first = at;
            while at + 1 < segments.len() && (at == first || !segments[at].eq_ignore_ascii_case("providers"))
            {
                at += 2;
            }
            if at == first || at + 1 == segments.len() {
                return Self { provider, complete: false };
            }
        }
        Self { provider, complete: at == segments.len() }
    }
}

/// How many segments the subscription and the resource group take.
fn scope_length(segments: &[&str]) -> usize {
    let is = |at: usize, word: &str| segments.get(at).is_some_and(|s| s.eq_ignore_ascii_case(word));
    match (is(0, "subscriptions"), is(2, "resourceGroups")) {
        (true, true) if segments.len() >= 4 => 4,
        (true, _) if segments.len() >= 2 => 2,
        _ => 0,
    }
}

/// Where the namespace is to be put in, when a client left it out.
fn missing_namespace(segments: &[&str]) -> Option<usize> {
    let at = scope_length(segments);
    let first = segments.get(at)?;
    (segments.len() > at + 1 && WITHOUT_NAMESPACE.iter().any(|w| first.eq_ignore_ascii_case(w))).then_some(at)
}

fn collection(before: &[&str], last: &str, provider: Option<usize>) -> Result<Target, TargetError> {
    let Some(at) = provider.filter(|at| *at < before.len()) else {
        // `/subscriptions`, `/tenants`, `/subscriptions/{s}/resourceGroups`, `/subscriptions/{s}/resources` …
        return Ok(Target::Collection {
            scope: ResourceId::from_segments(before)?,
            resource_type: ResourceType::new(format!("Microsoft.Resources/{last}")),
        });
    };
    let [namespace, pairs @ ..] = &before[at + 1..] else {
        // `{scope}/providers/{namespace}`: the description of a provider.
        let scope = ResourceId::from_segments(&before[..at])?;
        return Ok(Target::Collection {
            scope,
            resource_type: ResourceType::new(format!("Microsoft.Resources/providers/{last}")),
        });
    };
    let kinds: Vec<&str> = pairs.chunks(2).map(|pair| pair[0]).chain([last]).collect();
    // Types nest below the resource before them; the first lies directly at the scope.
    let scope_segments = if pairs.is_empty() { &before[..at] } else { before };
    let scope = ResourceId::from_segments(scope_segments)?;
    Ok(Target::Collection {
        scope,
        resource_type: ResourceType::new(format!("{namespace}/{}", kinds.join("/"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn show(path: &str, post: bool) -> String {
        match Target::parse(path, post) {
            Ok(Target::Resource(id)) => format!("resource {id} : {}", id.resource_type()),
            Ok(Target::Collection { scope, resource_type }) => {
                format!("collection {resource_type} at {scope}")
            }
            Ok(Target::Action { resource, name }) => format!("action {name} on {resource}"),
            Err(error) => format!("error {error}"),
        }
    }

    #[test]
    fn paths_name_resources_collections_and_actions() {
        let cases = [
            ("/", false, "resource / : Microsoft.Resources/tenants"),
            ("/subscriptions", false, "collection Microsoft.Resources/subscriptions at /"),
            ("/tenants/", false, "collection Microsoft.Resources/tenants at /"),
            ("/subscriptions/s", false, "resource /subscriptions/s : Microsoft.Resources/subscriptions"),
            (
                "/subscriptions/s/resourcegroups",
                false,
                "collection Microsoft.Resources/resourcegroups at /subscriptions/s",
            ),
            (
                "/subscriptions/s/resources",
                false,
                "collection Microsoft.Resources/resources at /subscriptions/s",
            ),
            (
                "/subscriptions/s/providers",
                false,
                "collection Microsoft.Resources/providers at /subscriptions/s",
            ),
            (
                "/subscriptions/s/providers/Microsoft.Kubernetes",
                false,
                "collection Microsoft.Resources/providers/Microsoft.Kubernetes at /subscriptions/s",
            ),
            (
                "/subscriptions/s/providers/Microsoft.Kubernetes/register",
                true,
                "collection Microsoft.Kubernetes/register at /subscriptions/s",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/A.B//cs/",
                false,
                "collection A.B/cs at /subscriptions/s/resourceGroups/g",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/A.B/cs/c%20d",
                false,
                "resource /subscriptions/s/resourceGroups/g/providers/A.B/cs/c d : A.B/cs",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/A.B/cs/c/listKeys",
                true,
                "action listKeys on /subscriptions/s/resourceGroups/g/providers/A.B/cs/c",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/A.B/cs/c/ds",
                false,
                "collection A.B/cs/ds at /subscriptions/s/resourceGroups/g/providers/A.B/cs/c",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/A.B/cs/c/providers/X.Y/zs",
                false,
                "collection X.Y/zs at /subscriptions/s/resourceGroups/g/providers/A.B/cs/c",
            ),
            ("/providers/Microsoft.Bowline/users", false, "collection Microsoft.Bowline/users at /"),
            ("/providers", false, "collection Microsoft.Resources/providers at /"),
            (
                "/subscriptions/s/providers/Microsoft.Features/providers/A.B/features",
                false,
                "collection Microsoft.Features/providers/features at /subscriptions/s/providers/Microsoft.Features/providers/A.B",
            ),
            (
                "/subscriptions/s/providers/Microsoft.Features/providers/A.B/features/f",
                false,
                "resource /subscriptions/s/providers/Microsoft.Features/providers/A.B/features/f : Microsoft.Features/providers/features",
            ),
            (
                "/subscriptions/s/providers/Microsoft.Features/providers/A.B/features/f/register",
                true,
                "action register on /subscriptions/s/providers/Microsoft.Features/providers/A.B/features/f",
            ),
            (
                "/subscriptions/s/resourcegroups/g/deployments/d/operations",
                false,
                "collection Microsoft.Resources/deployments/operations at /subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/d",
            ),
            (
                "/subscriptions/s/resourcegroups/g/deployments/d/operations/o",
                false,
                "resource /subscriptions/s/resourceGroups/g/providers/Microsoft.Resources/deployments/d/operations/o : Microsoft.Resources/deployments/operations",
            ),
            (
                "/subscriptions/s/tagNames/t/tagValues/v",
                false,
                "resource /subscriptions/s/providers/Microsoft.Resources/tagNames/t/tagValues/v : Microsoft.Resources/tagNames/tagValues",
            ),
            (
                "/subscriptions/s/tagNames",
                false,
                "collection Microsoft.Resources/tagNames at /subscriptions/s",
            ),
            (
                "/subscriptions/s/resourceGroups/g/moveResources",
                true,
                "action moveResources on /subscriptions/s/resourceGroups/g",
            ),
            (
                "//SUBSCRIPTIONS/s//ResourceGroups/g/Providers/A.B/cs/providers/ds/e//",
                false,
                "resource /subscriptions/s/resourceGroups/g/providers/A.B/cs/providers/ds/e : A.B/cs/ds",
            ),
            (
                "/subscriptions/s/resourceGroups/g/providers/A.B/cs/c/providers/X.Y/zs/z/providers/U.V/ws/w/listKeys",
                true,
                "action listKeys on /subscriptions/s/resourceGroups/g/providers/A.B/cs/c/providers/X.Y/zs/z/providers/U.V/ws/w",
            ),
            (
                "/providers/Microsoft.ResourceGraph/resources",
                true,
                "collection Microsoft.ResourceGraph/resources at /",
            ),
        ];
        for (path, post, expected) in cases {
            assert_eq!(show(path, post), expected, "{path}");
        }
    }

    #[test]
    fn paths_that_name_nothing_are_refused() {
        for path in [
            "/foo/bar",
            "/subscriptions/s/foo/bar",
            "/subscriptions/%FF",
            "/subscriptions/a%2Fb",
            "/subscriptions/s/providers/A.B/cs/%00",
        ] {
            assert!(show(path, false).starts_with("error"), "{path}: {}", show(path, false));
        }
    }
}
