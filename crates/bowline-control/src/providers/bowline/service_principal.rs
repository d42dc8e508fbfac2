//! `Microsoft.Bowline/servicePrincipals`: programs that sign in with a secret (RFC 6749 §4.4) or a key (RFC 7523).
//!
//! `addPassword` makes a secret and shows it once; only its SHA-256 is kept, sealed. Two secrets overlap, so that one can be
//! replaced without an outage.

use bowline_arm::{Error, NameRule, types};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::authorization::WATERMARK;
use crate::provider::{
    Act, Acting, Admission, Placement, ResourceProvider, Spec, Statuses, properties_of, unknown_action,
};

/// See the module.
pub struct ServicePrincipals;

/// The secret member that maps a secret's key id to its digest and expiry.
pub(crate) const DIGESTS: &str = "/passwordDigests";
/// How many secrets may be valid at once.
const MAX_SECRETS: usize = 10;
/// A secret's life unless the request says otherwise.
const DEFAULT_DAYS: i64 = 365;

const SPEC: Spec = Spec {
    resource_type: "Microsoft.Bowline/servicePrincipals",
    shape: &types::SERVICE_PRINCIPALS,
    action: "Microsoft.Bowline/servicePrincipals",
    placement: Placement::Tenant,
    name: NameRule {
        min: 36,
        max: 36,
        extra: "-",
        alphanumeric_ends: true,
        words: "the 36 characters of a GUID (the appId)",
    },
    writable: true,
    tracked: false,
    agent_key: None,
    statuses: Statuses::USUAL,
    watermark: Some(WATERMARK),
};

impl ResourceProvider for ServicePrincipals {
    fn spec(&self) -> &Spec {
        &SPEC
    }

    fn admit(&self, admission: &mut Admission<'_>) -> Result<(), Error> {
        let app_id: Uuid = admission.id.name().parse().map_err(|_| {
            Error::bad_request("InvalidAppId", "The name of a service principal is its appId, a GUID.")
                .with_target("name")
        })?;
        for key in admission.document["properties"]["publicKeys"].as_array().into_iter().flatten() {
            bowline_auth::PublicKey::parse(key.as_str().unwrap_or_default()).map_err(|error| {
                Error::bad_request("InvalidPublicKey", format!("A public key was refused: {error}."))
                    .with_target("properties.publicKeys")
            })?;
        }
        admission.default("displayName", app_id.to_string());
        admission.set("appId", app_id.to_string());
        admission.default("accountEnabled", true);
        admission.default("objectId", bowline_auth::random::guid().to_string());
        Ok(())
    }

    fn principal(&self, document: &Value) -> Option<Uuid> {
        super::object_id(document)
    }

    fn actions(&self) -> &'static [&'static str] {
        &["addPassword", "removePassword"]
    }

    fn act(&self, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
        match action {
            "addPassword" => add_password(acting),
            "removePassword" => remove_password(acting),
            other => Err(unknown_action(SPEC.resource_type, other)),
        }
    }
}

fn add_password(acting: &Acting<'_>) -> Result<Act, Error> {
    let now = acting.context.now;
    let days = acting.body["lifetimeDays"].as_i64().unwrap_or(DEFAULT_DAYS);
    if !(1..=3650).contains(&days) {
        return Err(Error::bad_request("InvalidRequestContent", "lifetimeDays must be between 1 and 3650.")
            .with_target("lifetimeDays"));
    }
    let expires_on = now + SignedDuration::from_hours(days * 24);
    let mut secrets = acting.secrets.clone();
    let digests = secrets.entry(DIGESTS.to_owned()).or_insert_with(|| json!({}));
    let Some(digests) = digests.as_object_mut() else {
        return Err(Error::internal("the digests of a service principal are not an object"));
    };
    digests.retain(|_, d| {
        d["expiresOn"].as_str().and_then(|t| t.parse::<Timestamp>().ok()).is_some_and(|t| t > now)
    });
    if digests.len() >= MAX_SECRETS {
        return Err(Error::conflict(
            "TooManyPasswords",
            format!(
                "The service principal has {MAX_SECRETS} valid secrets. Remove one first: POST …/removePassword with its keyId."
            ),
        ));
    }
    let (secret, key_id) = (bowline_auth::Secret::generate("bws_"), bowline_auth::random::guid().to_string());
    digests.insert(key_id.clone(), json!({"digest": secret.digest(), "expiresOn": expires_on.to_string()}));
    let hint: String = secret.expose().chars().take(7).collect();
    let mut document = acting.document.clone();
    let shown = json!({"keyId": key_id, "hint": hint, "startDateTime": now.to_string(), "endDateTime": expires_on.to_string()});
    let kept: Vec<Value> = credentials(&document)
        .into_iter()
        .filter(|c| c["keyId"].as_str().is_some_and(|k| digests.contains_key(k)))
        .chain([shown])
        .collect();
    properties_of(&mut document).insert("passwordCredentials".to_owned(), kept.into());
    let answer = json!({"secret": secret.expose(), "keyId": key_id, "expiresOn": expires_on.to_string()});
    Ok(Act::Change { document, secrets, answer })
}

fn remove_password(acting: &Acting<'_>) -> Result<Act, Error> {
    let key_id = acting.body["keyId"].as_str().unwrap_or_default();
    let mut secrets = acting.secrets.clone();
    let removed = secrets.get_mut(DIGESTS).and_then(Value::as_object_mut).and_then(|d| d.remove(key_id));
    if removed.is_none() {
        return Err(Error::new(
            404,
            "PasswordNotFound",
            format!("The service principal has no secret with the keyId '{key_id}'."),
        ));
    }
    let mut document = acting.document.clone();
    let kept: Vec<Value> = credentials(&document).into_iter().filter(|c| c["keyId"] != key_id).collect();
    properties_of(&mut document).insert("passwordCredentials".to_owned(), kept.into());
    Ok(Act::Change { document, secrets, answer: json!({}) })
}

fn credentials(document: &Value) -> Vec<Value> {
    document["properties"]["passwordCredentials"].as_array().cloned().unwrap_or_default()
}
