//! An agent registers its next key; it takes over when the agent first proves it.

use bowline_arm::Error;
use bowline_auth::PublicKey;
use bowline_store::Record;
use jiff::{SignedDuration, Timestamp};

use crate::Control;
use crate::context::OpContext;
use crate::pipeline::{StatusChange, update_status_told};
use crate::providers::register_next_key;

impl Control {
    /// Registers the next key of the resource's agent; gives when it will expire and from when it should be renewed.
    ///
    /// # Errors
    /// When the key is refused or the store cannot be written.
    pub async fn rotate_agent_key(
        &self,
        context: &OpContext,
        record: &Record,
        public_key: &str,
    ) -> Result<(Timestamp, Timestamp), Error> {
        let key = PublicKey::parse(public_key).map_err(|error| {
            Error::bad_request("InvalidPublicKey", format!("The public key was refused: {error}."))
                .with_target("publicKey")
        })?;
        let lifetime = self.settings().key_lifetime;
        let expires_on = context.now + lifetime;
        let change: &StatusChange<'_> = &|document| {
            register_next_key(document, public_key, key.thumbprint(), expires_on);
            true
        };
        update_status_told(self, context, (&record.key, record.uid), "rotateKey/action", change).await?;
        Ok((expires_on, context.now + SignedDuration::from_secs(lifetime.as_secs() / 2)))
    }
}
