//! What applications and service principals prove themselves with: secrets (RFC 6749 §4.4) and keys (RFC 7523).
//!
//! `addPassword` makes a secret and shows it once; only its SHA-256 is kept, sealed. Several overlap, so that one can be replaced without an
//! outage. A key is a certificate or a bare public key; its bytes are public and stay in the document.

use bowline_arm::Error;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::provider::{Act, Acting, Admission, Spec, properties_of, unknown_action};

/// What can be done with the secrets of a type that has credentials.
pub(super) const ACTIONS: &[&str] = &["addPassword", "removePassword"];

/// The secret member that maps a secret's key id to its digest and validity.
pub(crate) const DIGESTS: &str = "/passwordDigests";
/// How many secrets, and how many keys, may be valid at once.
const MAX_CREDENTIALS: usize = 10;
/// A secret's life unless the request says otherwise.
const DEFAULT_DAYS: i64 = 365;
const MAX_DAYS: i64 = 3650;

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str()?.parse().ok()
}

fn refused(target: &str, why: String) -> Error {
    Error::bad_request("InvalidRequestContent", why).with_target(target)
}

/// From when until when a new secret holds: `lifetimeDays`, or `startDateTime` and `endDateTime`.
fn validity(body: &Value, now: Timestamp) -> Result<(Timestamp, Timestamp), Error> {
    let asked = |name: &str| match &body[name] {
        Value::Null => Ok(None),
        value => time(value)
            .map(Some)
            .ok_or_else(|| refused(name, format!("{name} must be a time such as 2027-01-31T00:00:00Z."))),
    };
    let days = body["lifetimeDays"].as_i64();
    if days.is_some_and(|d| !(1..=MAX_DAYS).contains(&d)) {
        return Err(refused("lifetimeDays", format!("lifetimeDays must be between 1 and {MAX_DAYS}.")));
    }
    let starts = asked("startDateTime")?.unwrap_or(now);
    let ends = asked("endDateTime")?
        .unwrap_or_else(|| starts.max(now) + SignedDuration::from_hours(days.unwrap_or(DEFAULT_DAYS) * 24));
    // A day of grace, because clients count ten years by the calendar.
    if ends <= now || ends <= starts || ends > now + SignedDuration::from_hours((MAX_DAYS + 4) * 24) {
        return Err(refused(
            "endDateTime",
            format!(
                "The secret must end after it starts, in the future, and within {MAX_DAYS} days; it would end at {ends}."
            ),
        ));
    }
    Ok((starts, ends))
}

/// Carries out one of [`ACTIONS`].
pub(super) fn act(spec: &Spec, action: &str, acting: &Acting<'_>) -> Result<Act, Error> {
    match action {
        "addPassword" => add_password(acting),
        "removePassword" => remove_password(acting),
        other => Err(unknown_action(spec.resource_type, other)),
    }
}

fn add_password(acting: &Acting<'_>) -> Result<Act, Error> {
    let now = acting.context.now;
    let (starts, ends) = validity(acting.body, now)?;
    let mut secrets = acting.secrets.clone();
    let digests = secrets.entry(DIGESTS.to_owned()).or_insert_with(|| json!({}));
    let Some(digests) = digests.as_object_mut() else {
        return Err(Error::internal("the digests of a principal's secrets are not an object"));
    };
    digests.retain(|_, d| time(&d["expiresOn"]).is_some_and(|t| t > now));
    if digests.len() >= MAX_CREDENTIALS {
        return Err(Error::conflict(
            "TooManyPasswords",
            format!(
                "'{}' has {MAX_CREDENTIALS} valid secrets. Remove one first: POST …/removePassword with its keyId.",
                acting.id
            ),
        ));
    }
    let (secret, key_id) = (bowline_auth::Secret::generate("bws_"), bowline_auth::random::guid().to_string());
    let (starts, ends) = (starts.to_string(), ends.to_string());
    digests.insert(key_id.clone(), json!({"digest": secret.digest(), "startsOn": starts, "expiresOn": ends}));
    let hint: String = secret.expose().chars().take(7).collect();
    let name: Option<String> = acting.body["displayName"].as_str().map(|n| n.chars().take(120).collect());
    let shown = json!({"keyId": key_id, "hint": hint, "displayName": name, "startDateTime": starts, "endDateTime": ends});
    let mut document = acting.document.clone();
    let kept: Vec<Value> = shown_passwords(&document)
        .into_iter()
        .filter(|c| c["keyId"].as_str().is_some_and(|k| digests.contains_key(k)))
        .chain([shown.clone()])
        .collect();
    properties_of(&mut document).insert("passwordCredentials".to_owned(), kept.into());
    let answer = json!({"secret": secret.expose(), "keyId": key_id, "expiresOn": ends, "credential": shown});
    Ok(Act::Change { document, secrets, answer })
}

fn remove_password(acting: &Acting<'_>) -> Result<Act, Error> {
    let key_id = acting.body["keyId"].as_str().unwrap_or_default();
    let mut secrets = acting.secrets.clone();
    let removed = secrets.get_mut(DIGESTS).and_then(Value::as_object_mut).and_then(|d| d.remove(key_id));
    if removed.is_none() {
        let short: String = key_id.chars().take(64).collect();
        return Err(Error::new(
            404,
            "PasswordNotFound",
            format!(
                "'{}' has no secret with the keyId '{short}'. Its passwordCredentials list those that it has.",
                acting.id
            ),
        ));
    }
    let mut document = acting.document.clone();
    let kept: Vec<Value> = shown_passwords(&document).into_iter().filter(|c| c["keyId"] != key_id).collect();
    properties_of(&mut document).insert("passwordCredentials".to_owned(), kept.into());
    Ok(Act::Change { document, secrets, answer: json!({}) })
}

fn shown_passwords(document: &Value) -> Vec<Value> {
    document["properties"]["passwordCredentials"].as_array().cloned().unwrap_or_default()
}

/// Whether a client secret is one of the stored ones.
pub(crate) enum SecretCheck {
    Valid,
    Expired,
    Wrong,
}

/// Compares a client secret with the digests of a principal.
pub(crate) fn check_secret(digests: Option<&Value>, given: &str, now: Timestamp) -> SecretCheck {
    let mut expired = false;
    for stored in digests.and_then(Value::as_object).into_iter().flat_map(|d| d.values()) {
        if !stored["digest"].as_str().is_some_and(|d| bowline_auth::secret::matches_digest(given, d)) {
            continue;
        }
        if time(&stored["expiresOn"]).is_some_and(|t| t > now)
            && time(&stored["startsOn"]).is_none_or(|t| t <= now)
        {
            return SecretCheck::Valid;
        }
        expired = true;
    }
    if expired { SecretCheck::Expired } else { SecretCheck::Wrong }
}

/// The public keys of a document that hold now: `publicKeys` and `keyCredentials`, as base64.
pub(crate) fn valid_keys(document: &Value, now: Timestamp) -> Vec<String> {
    let properties = &document["properties"];
    let plain = properties["publicKeys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|k| k.as_str().map(str::to_owned));
    let credentials = properties["keyCredentials"].as_array().into_iter().flatten().filter(|c| {
        time(&c["startDateTime"]).is_none_or(|t| t <= now) && time(&c["endDateTime"]).is_some_and(|t| t > now)
    });
    plain.chain(credentials.filter_map(|c| c["key"].as_str().map(str::to_owned))).collect()
}

/// Checks `publicKeys` and brings `keyCredentials` into their stored form.
pub(super) fn admit_keys(admission: &mut Admission<'_>) -> Result<(), Error> {
    for key in admission.document["properties"]["publicKeys"].as_array().into_iter().flatten() {
        bowline_auth::PublicKey::parse(key.as_str().unwrap_or_default()).map_err(|error| {
            Error::bad_request("InvalidPublicKey", format!("A public key was refused: {error}."))
                .with_target("properties.publicKeys")
        })?;
    }
    let Some(sent) = admission.document["properties"]["keyCredentials"].as_array().cloned() else {
        return Ok(());
    };
    if sent.len() > MAX_CREDENTIALS {
        return Err(refused(
            "properties.keyCredentials",
            format!("'{}' would have {} keys; {MAX_CREDENTIALS} are possible.", admission.id, sent.len()),
        ));
    }
    let none = Vec::new();
    let before =
        admission.existing.and_then(|e| e["properties"]["keyCredentials"].as_array()).unwrap_or(&none);
    let stored: Vec<Value> = sent
        .iter()
        .map(|credential| admit_key(credential, before, admission.context.now))
        .collect::<Result<_, _>>()?;
    admission.set("keyCredentials", stored);
    Ok(())
}

/// One key as it is stored. What a client read (without the key itself) and sends back stays as it is.
fn admit_key(sent: &Value, before: &[Value], now: Timestamp) -> Result<Value, Error> {
    let target = "properties.keyCredentials";
    let Some(key) = sent["key"].as_str().filter(|k| !k.is_empty()) else {
        let same = |b: &&Value| b["keyId"].is_string() && b["keyId"] == sent["keyId"];
        return before.iter().find(same).cloned().ok_or_else(|| {
            refused(target, "A new entry of keyCredentials needs 'key': the base64 of a certificate or of a public key in DER form.".to_owned())
        });
    };
    let key: String = key.split_whitespace().collect();
    let parsed = bowline_auth::PublicKey::parse(&key).map_err(|error| {
        Error::bad_request("InvalidPublicKey", format!("A key was refused: {error}.")).with_target(target)
    })?;
    // A certificate's end is the frame of what is asked for.
    let kind = if parsed.valid_until().is_some() { "AsymmetricX509Cert" } else { "AsymmetricKey" };
    let longest = parsed.valid_until().unwrap_or(Timestamp::MAX);
    let starts = time(&sent["startDateTime"]).unwrap_or(now);
    let ends = time(&sent["endDateTime"])
        .unwrap_or_else(|| {
            parsed.valid_until().unwrap_or(now + SignedDuration::from_hours(DEFAULT_DAYS * 24))
        })
        .min(longest);
    if ends <= now || ends <= starts {
        return Err(refused(
            target,
            format!("The key must end after it starts, and in the future; it would end at {ends}."),
        ));
    }
    let key_id =
        sent["keyId"].as_str().and_then(|k| k.parse().ok()).unwrap_or_else(bowline_auth::random::guid);
    let name: Option<String> = sent["displayName"].as_str().map(|n| n.chars().take(120).collect());
    Ok(json!({
        "keyId": key_id.to_string(), "type": kind, "usage": "Verify", "displayName": name, "key": key,
        "customKeyIdentifier": parsed.thumbprint(), "startDateTime": starts.to_string(), "endDateTime": ends.to_string(),
    }))
}
