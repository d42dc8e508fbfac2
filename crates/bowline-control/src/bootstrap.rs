//! The first start: tenant, keys, administrator, default subscription; and what every later start reads of them.
//!
//! Everything that must exist once is decided by the store ([`Store::set_setting_once`], guarded commits), so that two servers that
//! start on one empty database agree.

use std::collections::BTreeMap;
use std::sync::Arc;

use bowline_arm::{ApiVersion, Precondition, ResourceId};
use bowline_auth::seal::{Keyring, RootKey, Seal};
use bowline_auth::{KeySet, RotationRule, SigningKey, random, roles};
use bowline_store::{List, Store, StoreError};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use uuid::Uuid;

use crate::Control;
use crate::activity::Done;
use crate::context::OpContext;
use crate::pipeline::{self, WriteRequest};
use crate::providers::bowline::PASSWORD_HASH;

/// What every start needs before the application can be opened.
pub struct Foundation {
    /// The tenant's GUID.
    pub tenant: Uuid,
    /// Opens and seals secrets.
    pub seal: Seal,
    /// Signs tokens.
    pub keys: KeySet,
}

/// Why a server cannot start on this store.
#[derive(Debug, thiserror::Error)]
pub enum BootstrapError {
    /// The store.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The root key does not open this store.
    #[error(
        "the root key does not open this database: {0}. Start the server with the root key that it was created with (--root-key-file)"
    )]
    RootKey(#[from] bowline_auth::seal::SealError),
    /// A signing key.
    #[error("a stored signing key cannot be read: {0}")]
    SigningKey(#[from] bowline_auth::keys::KeyError),
    /// A setting is not what this program writes.
    #[error("the setting '{name}' cannot be read: {reason}")]
    Setting {
        /// Which.
        name: &'static str,
        /// Why.
        reason: String,
    },
    /// The root management group, the administrator or the subscription could not be made.
    #[error("what every server needs to have could not be created: {0}")]
    Administrator(bowline_arm::Error),
}

/// A signing key as it is stored, sealed.
#[derive(Serialize, Deserialize)]
struct StoredKey {
    times: bowline_auth::keys::KeyTimes,
    pkcs8: Vec<u8>,
}

/// Reads, or on the first start makes, what the application stands on.
///
/// # Errors
/// See [`BootstrapError`].
pub async fn foundation(
    store: &Arc<dyn Store>,
    root: &RootKey,
    rule: RotationRule,
    now: Timestamp,
) -> Result<Foundation, BootstrapError> {
    let bad = |name: &'static str| move |reason: String| BootstrapError::Setting { name, reason };
    let tenant = store.set_setting_once("tenant", &random::guid().to_string()).await?;
    let tenant: Uuid = tenant.parse().map_err(|e: uuid::Error| bad("tenant")(e.to_string()))?;
    let fresh =
        serde_json::to_string(&Keyring::create(root, now)).map_err(|e| bad("keyring")(e.to_string()))?;
    let keyring: Keyring = serde_json::from_str(&store.set_setting_once("keyring", &fresh).await?)
        .map_err(|e| bad("keyring")(e.to_string()))?;
    let seal = Seal::unlock(&keyring, root)?;
    let key = SigningKey::generate_starting(now, rule);
    let sealed = hex::encode(seal_key(&seal, &key));
    store.set_setting_once("signing-key", &sealed).await?;
    let keys = stored_keys(&**store, &seal, rule).await?;
    Ok(Foundation { tenant, seal, keys })
}

/// The signing keys that are in the store: the first one, and those that followed it.
pub(crate) async fn stored_keys(
    store: &dyn Store,
    seal: &Seal,
    rule: RotationRule,
) -> Result<KeySet, BootstrapError> {
    let missing = || BootstrapError::Setting { name: "signing-key", reason: "it is not there".to_owned() };
    let first = store.setting("signing-key").await?.ok_or_else(missing)?;
    let mut keys = vec![open_key(seal, &first)?];
    for entry in store.entries("signingKey", None, 100).await? {
        keys.push(open_key(seal, &String::from_utf8_lossy(&entry.data))?);
    }
    Ok(KeySet::new(keys, rule))
}

/// A signing key, sealed for the store.
pub(crate) fn seal_key(seal: &Seal, key: &SigningKey) -> Vec<u8> {
    let stored = StoredKey { times: key.times(), pkcs8: key.to_pkcs8().to_vec() };
    let plain = serde_json::to_vec(&stored).expect("a key's bytes and times are JSON");
    seal.seal("signing-key", b"", &plain)
}

fn open_key(seal: &Seal, text: &str) -> Result<SigningKey, BootstrapError> {
    let bad = |reason: String| BootstrapError::Setting { name: "signing-key", reason };
    let sealed = hex::decode(text).map_err(|e| bad(e.to_string()))?;
    let stored: StoredKey =
        serde_json::from_slice(&seal.open("signing-key", b"", &sealed)?).map_err(|e| bad(e.to_string()))?;
    Ok(SigningKey::from_pkcs8(&stored.pkcs8, stored.times)?)
}

/// What the first start made.
#[derive(Debug)]
pub struct FirstStart {
    /// The default subscription's id.
    pub subscription: String,
}

/// Makes the administrator with the given password, its Owner role at `/`, and the default subscription, if there is no user yet.
///
/// # Errors
/// See [`BootstrapError`].
pub async fn first_start(
    control: &Control,
    username: &str,
    password: &str,
    now: Timestamp,
) -> Result<Option<FirstStart>, BootstrapError> {
    crate::management_groups::ensure_root(control, now).await.map_err(BootstrapError::Administrator)?;
    let users =
        List { resource_type: Some("microsoft.bowline/users".to_owned()), limit: 1, ..List::default() };
    if !control.store().list(&users).await?.is_empty() {
        return Ok(None);
    }
    let context = OpContext::system("bootstrap", now);
    // The user comes last: a start that was killed half-way begins again.
    let object_id = control.store().set_setting_once("administrator", &random::guid().to_string()).await?;
    let subscription =
        control.store().set_setting_once("default-subscription", &random::guid().to_string()).await?;
    let put = async |id: String, body: serde_json::Value| -> Result<(), BootstrapError> {
        let id: ResourceId =
            id.parse().map_err(|e| BootstrapError::Administrator(bowline_arm::Error::internal(e)))?;
        let version: ApiVersion = "2026-11-01".parse().expect("the literal is an api-version");
        let request = WriteRequest { id, version, body, precondition: Precondition::default() };
        pipeline::put(control, &context, request).await.map(|_| ()).map_err(BootstrapError::Administrator)
    };
    put(format!("/subscriptions/{subscription}"), json!({"displayName": "Default"})).await?;
    let assignment = Uuid::new_v5(&Uuid::NAMESPACE_OID, object_id.as_bytes());
    put(
        format!("/providers/Microsoft.Authorization/roleAssignments/{assignment}"),
        json!({"properties": {"principalId": object_id, "principalType": "User", "roleDefinitionId": roles::OWNER.to_string()}}),
    )
    .await?;
    control
        .put_administrator(&context, username, password, &object_id)
        .await
        .map_err(BootstrapError::Administrator)?;
    Ok(Some(FirstStart { subscription }))
}

impl Control {
    /// The first administrator gets the object id that its role was given to before it existed.
    async fn put_administrator(
        &self,
        context: &OpContext,
        username: &str,
        password: &str,
        object_id: &str,
    ) -> Result<(), bowline_arm::Error> {
        let id: ResourceId = format!("/providers/Microsoft.Bowline/users/{username}")
            .parse()
            .map_err(bowline_arm::Error::internal)?;
        let provider = Arc::clone(self.registry().find(id.resource_type())?);
        bowline_auth::password::check_policy(username, password).map_err(|e| {
            bowline_arm::Error::bad_request(
                "PasswordPolicy",
                format!("The administrator's password was refused: {e}."),
            )
        })?;
        let now = context.now.to_string();
        let mut document = json!({"properties": {
            "username": username, "displayName": "Administrator", "accountEnabled": true, "objectId": object_id, "passwordChangedOn": now,
        }});
        pipeline::stamp(&mut document, None, context);
        let secrets =
            BTreeMap::from([(PASSWORD_HASH.to_owned(), bowline_auth::password::hash(password).into())]);
        let draft = self.draft(&*provider, &id, random::guid(), &document, &secrets)?;
        let action = provider.spec().action_of("write");
        let done = Done { action: &action, id: &id, before: None, after: Some(&draft.etag), operation: None };
        let commit = bowline_store::Commit {
            activity: self.tell(context, &done),
            writes: vec![bowline_store::Write::Create(draft)],
            ..self.empty_commit(context)
        };
        match self.commit(context, commit, provider.spec().watermark).await {
            Ok(_) => Ok(()),
            Err(error) => Err(pipeline::commit_error(&error).unwrap_or_else(|| {
                bowline_arm::Error::conflict("Conflict", "Another server has just created the administrator.")
            })),
        }
    }
}
