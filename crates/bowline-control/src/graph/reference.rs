//! Which resource a path means: `users/ada`, `users('ada@bowline.local')`, `servicePrincipals(appId='…')`, or an object id.

use bowline_arm::{Error, ResourceId};
use bowline_store::Record;
use uuid::Uuid;

use super::object::{Kind, user_name};
use super::{bad, not_found};
use crate::Control;
use crate::context::OpContext;
use crate::pipeline::store_error;

/// A key as a path gives it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    /// The object's `id`.
    ObjectId(Uuid),
    /// `appId`, the name of applications and service principals.
    AppId(Uuid),
    /// A user's name, without our domain.
    UserName(String),
    /// What no object of the kind can have.
    Nothing(String),
}

impl Reference {
    /// A key without a name.
    pub(super) fn parse(kind: Kind, key: &str) -> Self {
        match (key.parse(), kind) {
            (Ok(id), _) => Self::ObjectId(id),
            (Err(_), Kind::User) => Self::UserName(user_name(key).to_owned()),
            (Err(_), _) => Self::Nothing(key.chars().take(128).collect()),
        }
    }

    fn named(kind: Kind, name: &str, value: &str) -> Result<Self, Error> {
        match (name.to_ascii_lowercase().as_str(), kind) {
            ("id", _) => Ok(Self::parse(kind, value)),
            ("userprincipalname", Kind::User) => Ok(Self::UserName(user_name(value).to_owned())),
            ("appid", Kind::Application | Kind::ServicePrincipal) => value
                .parse()
                .map(Self::AppId)
                .map_err(|_| bad(format!("appId must be a GUID, not '{}'.", short(value)))),
            _ => Err(bad(format!("'{}' is no key of {}.", short(name), kind.collection()))),
        }
    }
}

fn short(text: &str) -> String {
    text.chars().take(64).collect()
}

/// `collection`, or `collection(key)` and `collection(name='key')`.
pub(super) fn parse_element(segment: &str) -> Result<(&str, Option<Reference>), Error> {
    let Some((collection, rest)) = segment.split_once('(') else { return Ok((segment, None)) };
    let malformed = || bad(format!("The path segment '{}' is not understood.", short(segment)));
    let inside = rest.strip_suffix(')').ok_or_else(malformed)?;
    let kind = Kind::of_collection(collection).ok_or_else(malformed)?;
    let unquote = |text: &str| {
        text.strip_prefix('\'')
            .and_then(|t| t.strip_suffix('\''))
            .map_or_else(|| text.to_owned(), |t| t.replace("''", "'"))
    };
    let reference = match inside.split_once('=') {
        Some((name, value)) if !inside.starts_with('\'') => {
            Reference::named(kind, name.trim(), &unquote(value.trim()))?
        }
        _ => Reference::parse(kind, &unquote(inside)),
    };
    Ok((collection, Some(reference)))
}

/// The id of a resource of the directory by its name.
pub(super) fn resource(kind: Kind, name: &str) -> Option<ResourceId> {
    ResourceId::child(&ResourceId::root(), kind.resource_type(), &[name]).ok()
}

/// The record behind an object id.
pub(super) async fn record_of(control: &Control, object_id: Uuid) -> Result<Option<Record>, Error> {
    control.store().get_by_principal(object_id).await.map_err(|e| store_error(&e))
}

/// The resource that a reference means. That there is none is said only to who may read others of the kind.
pub(super) async fn locate(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    reference: &Reference,
) -> Result<ResourceId, Error> {
    let missing = async |what: &str| match require_read(control, context, kind).await {
        Ok(()) => not_found(what),
        Err(refused) => refused,
    };
    match reference {
        Reference::AppId(app_id) => {
            let name = app_id.to_string();
            match resource(kind, &name) {
                Some(id) => Ok(id),
                None => Err(missing(&name).await),
            }
        }
        Reference::UserName(name) => match resource(kind, name) {
            Some(id) => Ok(id),
            None => Err(missing(name).await),
        },
        Reference::Nothing(text) => Err(missing(text).await),
        Reference::ObjectId(object_id) => {
            let fits = |record: &Record| {
                let own = kind.resource_type().eq_ignore_ascii_case(&record.resource_type);
                let other =
                    Kind::ALL.iter().any(|k| k.resource_type().eq_ignore_ascii_case(&record.resource_type));
                own || (kind == Kind::ServicePrincipal && !other)
            };
            match record_of(control, *object_id).await?.filter(fits) {
                Some(record) => record.id.parse().map_err(Error::internal),
                None => Err(missing(&object_id.to_string()).await),
            }
        }
    }
}

/// Refuses who may read no object of a kind at all.
pub(super) async fn require_read(control: &Control, context: &OpContext, kind: Kind) -> Result<(), Error> {
    require(control, context, kind, "read").await
}

/// Refuses who may do something to no object of a kind at all.
pub(super) async fn require(
    control: &Control,
    context: &OpContext,
    kind: Kind,
    verb: &str,
) -> Result<(), Error> {
    let action = format!("{}/{verb}", kind.resource_type());
    let place = format!("/providers/{}", kind.resource_type().to_ascii_lowercase());
    let mask = control.authorization().snapshot().await.scopes(context, &action);
    if mask.is_none_or(|mask| mask.reaches(&place)) {
        return Ok(());
    }
    Err(Error::forbidden(&context.actor.name, &action, &place))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_in_parentheses_are_read() {
        let id = Uuid::from_u128(7);
        let read =
            |text: &str| parse_element(text).map(|(collection, key)| (collection.to_owned(), key)).ok();
        assert_eq!(read("users"), Some(("users".to_owned(), None)));
        for text in [format!("servicePrincipals(appId='{id}')"), format!("serviceprincipals(appid='{id}')")] {
            assert_eq!(read(&text).unwrap().1, Some(Reference::AppId(id)), "{text}");
        }
        assert_eq!(read(&format!("groups('{id}')")).unwrap().1, Some(Reference::ObjectId(id)));
        let user = |name: &str| Some(Reference::UserName(name.to_owned()));
        assert_eq!(read("users('ada@bowline.local')").unwrap().1, user("ada"));
        assert_eq!(read("users(userPrincipalName='o''neil@x.example')").unwrap().1, user("o'neil@x.example"));
        for broken in ["users('a'", "groups(appId='x')", "servicePrincipals(appId='x')", "what('x')"] {
            assert_eq!(read(broken), None, "{broken}");
        }
    }
}
