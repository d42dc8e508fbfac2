//! Which headers pass a tunnel, and how the caller's identity travels in it.

use http::{HeaderMap, HeaderName, HeaderValue, header};

/// The caller's name, as the server says.
const USER: HeaderName = HeaderName::from_static("x-tunnel-user");
/// One of the caller's groups, as the server says.
const GROUP: HeaderName = HeaderName::from_static("x-tunnel-group");
/// The method of an upgrade, which a CONNECT has no place for.
pub(crate) const METHOD: HeaderName = HeaderName::from_static("x-tunnel-method");

/// Names that begin so end at the tunnel, in both directions: who somebody is, and what the two ends say to each other.
const NEVER: [&str; 6] = ["impersonate-", "x-remote-", "x-tunnel-", "x-forwarded-", "x-bowline-", "proxy-"];
/// Others that concern one connection, or this server and its caller.
const HOP: [HeaderName; 11] = [
    header::CONNECTION,
    header::UPGRADE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::EXPECT,
    header::HOST,
    header::FORWARDED,
    header::AUTHORIZATION,
    header::COOKIE,
    header::SET_COOKIE,
];
/// Not in the list of known names.
const KEEP_ALIVE: [&str; 2] = ["keep-alive", "http2-settings"];

/// The longest name of a user or group, in bytes.
const MAX_NAME: usize = 256;
/// The most groups that travel.
pub const MAX_GROUPS: usize = 256;

/// Who calls, in the words of Kubernetes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    user: String,
    groups: Vec<String>,
}

/// A name that nobody may call under.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// It means one of the cluster's own accounts.
    #[error(
        "'{0}' is a name of the cluster's own: names that begin with 'system:' are never used for callers"
    )]
    System(String),
    /// It cannot be sent.
    #[error("the name of a user or group is empty, longer than {MAX_NAME} bytes, or has control characters")]
    Unusable,
    /// There is none.
    #[error("the request does not say who calls")]
    Nobody,
    /// They would not be sent whole, and a rule might be about the rest.
    #[error("the caller is in more than {MAX_GROUPS} groups")]
    TooManyGroups,
}

fn check(name: &str) -> Result<(), IdentityError> {
    if name.is_empty() || name.len() > MAX_NAME || name.trim() != name || name.chars().any(char::is_control) {
        return Err(IdentityError::Unusable);
    }
    if name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("system:")) {
        return Err(IdentityError::System(name.to_owned()));
    }
    Ok(())
}

impl Identity {
    /// A caller.
    ///
    /// # Errors
    /// When one of the names must not be used.
    pub fn new(user: String, groups: Vec<String>) -> Result<Self, IdentityError> {
        if groups.len() > MAX_GROUPS {
            return Err(IdentityError::TooManyGroups);
        }
        check(&user)?;
        groups.iter().try_for_each(|group| check(group))?;
        Ok(Self { user, groups })
    }

    /// The name.
    #[must_use]
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Says it to the agent.
    pub(crate) fn write(&self, headers: &mut HeaderMap) {
        self.put(headers, USER, GROUP);
    }

    /// Says it to the API server.
    pub(crate) fn impersonate(&self, headers: &mut HeaderMap) {
        let user = HeaderName::from_static("impersonate-user");
        self.put(headers, user, HeaderName::from_static("impersonate-group"));
    }

    fn put(&self, headers: &mut HeaderMap, user: HeaderName, group: HeaderName) {
        let value = |name: &str| {
            HeaderValue::from_bytes(name.as_bytes()).expect("names with control characters were refused")
        };
        headers.insert(user, value(&self.user));
        headers.remove(&group);
        for name in &self.groups {
            headers.append(group.clone(), value(name));
        }
    }

    /// What the server said.
    pub(crate) fn read(headers: &HeaderMap) -> Result<Self, IdentityError> {
        let text = |value: &HeaderValue| {
            std::str::from_utf8(value.as_bytes()).map(str::to_owned).map_err(|_| IdentityError::Unusable)
        };
        let mut users = headers.get_all(USER).iter();
        let (Some(user), None) = (users.next(), users.next()) else { return Err(IdentityError::Nobody) };
        let groups = headers.get_all(GROUP).iter().map(text).collect::<Result<_, _>>()?;
        Self::new(text(user)?, groups)
    }
}

/// Removes what must not pass: what concerns one connection, what `Connection` names, and whatever says who somebody is.
pub fn clean(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    let never: Vec<HeaderName> = headers
        .keys()
        .filter(|name| {
            NEVER.iter().any(|start| name.as_str().starts_with(start)) || KEEP_ALIVE.contains(&name.as_str())
        })
        .cloned()
        .collect();
    for name in named.iter().chain(&never).chain(&HOP) {
        while headers.remove(name).is_some() {}
    }
}

/// The `Upgrade` header is not one name of a protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the request's Upgrade header is not one name of a protocol")]
pub struct BadUpgrade;

/// The one protocol that a request asks to change to; none when it asks for nothing.
///
/// # Errors
/// When it asks for several, or for what is no name of a protocol.
pub fn upgrade(headers: &HeaderMap) -> Result<Option<String>, BadUpgrade> {
    let mut asked = headers.get_all(header::UPGRADE).iter();
    let Some(value) = asked.next() else { return Ok(None) };
    let connection = headers.get_all(header::CONNECTION).iter().filter_map(|value| value.to_str().ok());
    let named =
        connection.flat_map(|value| value.split(',')).any(|name| name.trim().eq_ignore_ascii_case("upgrade"));
    if !named {
        // Said by somebody who does not mean this connection.
        return Ok(None);
    }
    let text = value.to_str().map_err(|_| BadUpgrade)?;
    let token = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~/".contains(&b);
    if asked.next().is_some() || text.is_empty() || text.len() > 64 || !text.bytes().all(token) {
        return Err(BadUpgrade);
    }
    Ok(Some(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_says_who_somebody_is_never_passes() {
        let mut headers = HeaderMap::new();
        for name in [
            "authorization",
            "cookie",
            "impersonate-user",
            "impersonate-group",
            "impersonate-uid",
            "impersonate-extra-scopes",
            "x-remote-user",
            "x-remote-extra-a",
            "x-tunnel-user",
            "x-tunnel-group",
            "x-tunnel-method",
            "x-tunnel-anything",
            "x-forwarded-for",
            "x-bowline-rendezvous",
            "proxy-authorization",
            "transfer-encoding",
            "keep-alive",
            "x-hop",
            "host",
        ] {
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("mallory"));
            headers.append(HeaderName::from_static(name), HeaderValue::from_static("mallory again"));
        }
        headers.append(header::CONNECTION, HeaderValue::from_static("close, X-Hop"));
        headers.append(header::CONNECTION, HeaderValue::from_static("te"));
        headers.append(header::ACCEPT, HeaderValue::from_static("application/json"));
        headers.append("x-stream-protocol-version", HeaderValue::from_static("v5"));
        headers.append("x-stream-protocol-version", HeaderValue::from_static("v4"));
        clean(&mut headers);
        let mut left: Vec<_> = headers.iter().map(|(n, v)| (n.as_str(), v.to_str().unwrap())).collect();
        left.sort_unstable();
        let expected = [
            ("accept", "application/json"),
            ("x-stream-protocol-version", "v4"),
            ("x-stream-protocol-version", "v5"),
        ];
        assert_eq!(left, expected);
    }

    #[test]
    fn an_identity_is_said_once_and_names_of_the_cluster_are_refused() {
        let made = Identity::new("ann".into(), vec!["g1".into(), "g2".into()]).unwrap();
        let mut headers = HeaderMap::new();
        headers.append("impersonate-user", HeaderValue::from_static("root"));
        headers.append("impersonate-group", HeaderValue::from_static("system:masters"));
        made.write(&mut headers);
        made.impersonate(&mut headers);
        assert_eq!(Identity::read(&headers).unwrap(), made);
        let groups: Vec<_> = headers.get_all("impersonate-group").iter().collect();
        assert_eq!(
            (headers.get_all("impersonate-user").iter().count(), groups),
            (1, vec![&HeaderValue::from_static("g1"), &HeaderValue::from_static("g2")])
        );
        headers.append(USER, HeaderValue::from_static("bob"));
        assert_eq!(Identity::read(&headers), Err(IdentityError::Nobody), "two users are none");
        for bad in ["system:admin", "System:masters", "SYSTEM:x"] {
            let error = IdentityError::System(bad.to_owned());
            assert_eq!(Identity::new(bad.into(), vec![]), Err(error.clone()));
            assert_eq!(Identity::new("ann".into(), vec![bad.into()]), Err(error));
        }
        for bad in ["", " ann", "an\nn", "an\0n", &"x".repeat(257)] {
            assert_eq!(Identity::new(bad.to_owned(), vec![]), Err(IdentityError::Unusable));
        }
        assert!(Identity::new("anne-sophie@grün.example".into(), vec![]).is_ok());
        let many = vec!["g".to_owned(); MAX_GROUPS + 1];
        assert_eq!(Identity::new("ann".into(), many), Err(IdentityError::TooManyGroups));
    }

    #[test]
    fn one_protocol_can_be_asked_for() {
        let headers = |connection: &'static str, upgrade: &[&'static str]| {
            let mut headers = HeaderMap::new();
            headers.append(header::CONNECTION, HeaderValue::from_static(connection));
            for value in upgrade {
                headers.append(header::UPGRADE, HeaderValue::from_static(value));
            }
            headers
        };
        assert_eq!(upgrade(&headers("keep-alive, Upgrade", &["SPDY/3.1"])), Ok(Some("SPDY/3.1".to_owned())));
        assert_eq!(upgrade(&headers("close", &["websocket"])), Ok(None));
        assert_eq!(upgrade(&headers("upgrade", &[])), Ok(None));
        for bad in [&["websocket", "h2c"][..], &["websocket, h2c"], &[""], &["a b"], &["a\tb"]] {
            assert_eq!(upgrade(&headers("upgrade", bad)), Err(BadUpgrade), "{bad:?}");
        }
    }
}
