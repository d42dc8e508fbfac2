//! Whom a token is asked for: from a scope to the audience that the token will name. What older clients send as `resource`
//! reads like a scope without a permission.
//!
//! # Design notes
//! Clients write one server in many ways: `B/.default`, `B//.default` (az appends to an audience that ends in a slash),
//! `B/user_impersonation`, or the public cloud's names when nobody told an SDK otherwise. All of these mean this server,
//! and the token says so: its `aud` is the public URL whatever was asked, so that a token never carries the name of somebody
//! else's service. The data planes have audiences of their own, which the resource API refuses: a token for ingestion
//! manages nothing. What is not in the tables is refused, because a token that names an unknown service could be shown to it.

use crate::OAuthError;

/// Names of Azure's own APIs that this server answers for: asked for by clients that were only given another base address.
const ALIASES: [&str; 4] = [
    "https://management.azure.com",
    "https://management.core.windows.net",
    "https://graph.microsoft.com",
    "https://graph.windows.net",
];

/// Audiences of data planes; clients have these two built in.
pub const DATA_PLANES: [&str; 2] = ["https://monitor.azure.com", "https://api.loganalytics.io"];

/// Scopes that say something about the answer and name no resource (OpenID Connect Core §5.4, §11).
const OPENID: [&str; 6] = ["openid", "profile", "email", "address", "phone", "offline_access"];

/// The audience that is meant; `base` is the server's public URL without a slash at its end. Nothing asked means this server.
///
/// # Errors
/// `UnknownResource`, and `InvalidScope` when two resources are asked for at once.
pub fn resolve(base: &str, scope: &str) -> Result<String, OAuthError> {
    let mut audience: Option<&str> = None;
    for name in scope.split_ascii_whitespace().filter(|name| !OPENID.contains(name)) {
        let found = known(base, name).ok_or_else(|| OAuthError::UnknownResource {
            resource: name.chars().take(256).collect(),
            base: base.to_owned(),
        })?;
        if audience.is_some_and(|other| other != found) {
            return Err(OAuthError::InvalidScope { scope: scope.chars().take(256).collect() });
        }
        audience = Some(found);
    }
    Ok(audience.unwrap_or(base).to_owned())
}

fn known<'a>(base: &'a str, name: &str) -> Option<&'a str> {
    // A bare permission is one of Microsoft Graph's, which is served here.
    if !name.contains(['/', ':']) && !name.is_empty() {
        return Some(base);
    }
    if is_under(name, base) || ALIASES.iter().any(|alias| is_under(name, alias)) {
        return Some(base);
    }
    DATA_PLANES.into_iter().find(|plane| is_under(name, plane))
}

/// Whether the scope is the resource itself or a permission of it. The host of a resource has no case.
fn is_under(name: &str, resource: &str) -> bool {
    name.split_at_checked(resource.len()).is_some_and(|(start, rest)| {
        start.eq_ignore_ascii_case(resource) && (rest.is_empty() || rest.starts_with('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "https://localhost:8443";

    #[test]
    fn this_server_has_many_names_and_one_audience() {
        for scope in [
            "",
            "openid profile offline_access",
            "https://localhost:8443/.default",
            "https://localhost:8443//.default openid",
            "https://LOCALHOST:8443/user_impersonation",
            "https://localhost:8443",
            "https://management.azure.com/.default",
            "https://management.core.windows.net//.default offline_access",
            "https://graph.microsoft.com/User.Read https://graph.microsoft.com/Group.Read.All",
            "User.Read",
        ] {
            assert_eq!(resolve(BASE, scope).as_deref(), Ok(BASE), "{scope}");
        }
        assert_eq!(resolve(BASE, "https://localhost:8443/").as_deref(), Ok(BASE), "as a resource");
    }

    #[test]
    fn data_planes_keep_their_names() {
        assert_eq!(resolve(BASE, "https://monitor.azure.com//.default").as_deref(), Ok(DATA_PLANES[0]));
        assert_eq!(resolve(BASE, "https://api.loganalytics.io").as_deref(), Ok(DATA_PLANES[1]));
    }

    #[test]
    fn others_and_two_at_once_are_refused() {
        for scope in [
            "https://vault.azure.net/.default",
            "https://localhost:84433/.default",
            "https://localhost:8443.evil.example/.default",
            "https://management.azure.com.evil.example/.default",
            "api://1234/.default",
        ] {
            let refused = resolve(BASE, scope).expect_err(scope);
            assert_eq!(refused.code(), 500_011, "{scope}");
        }
        let both = "https://localhost:8443/.default https://monitor.azure.com/.default";
        assert_eq!(resolve(BASE, both).expect_err("two").code(), 70_011);
    }
}
