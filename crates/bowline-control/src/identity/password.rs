//! People prove themselves by password.

use bowline_auth::{OAuthError, password};
use bowline_store::Record;
use jiff::Timestamp;

use super::issue::user_principal;
use super::{Door, unavailable};
use crate::Control;
use crate::providers::bowline::PASSWORD_HASH;

impl Control {
    /// Proves a user by password; slows down who guesses.
    ///
    /// # Errors
    /// Wrong, disabled, or too many attempts; a name that does not exist is answered as a wrong password, in the same time.
    pub async fn check_password(
        &self,
        username: &str,
        given: &str,
        address: &str,
        now: Timestamp,
    ) -> Result<Record, OAuthError> {
        let visit = self.identity().visit(Door::Password, username, address);
        visit.check(now)?;
        let key = format!("/providers/microsoft.bowline/users/{}", username.trim().to_ascii_lowercase());
        let record =
            if key.len() > 200 { None } else { self.store().get(&key).await.map_err(|e| unavailable(&e))? };
        let hash = match &record {
            Some(record) => self
                .open_secrets(record)
                .map_err(|_| OAuthError::ServerError)?
                .get(PASSWORD_HASH)
                .and_then(|h| h.as_str().map(str::to_owned)),
            None => None,
        };
        let given: String = given.chars().take(1024).collect();
        let right = tokio::task::spawn_blocking(move || password::verify_or_burn(hash.as_deref(), &given))
            .await
            .unwrap_or(false);
        match record.filter(|_| right) {
            Some(record) => {
                visit.succeeded();
                user_principal(&record).map(|_| record)
            }
            None => {
                visit.failed(now);
                Err(OAuthError::WrongPassword)
            }
        }
    }
}
