//! The refusals of the sign-in endpoints, as OAuth clients know them: status, `error`, an AADSTS number that
//! MSAL and people search for, and a sentence that says what to do.

use jiff::Timestamp;
use serde::Serialize;

use crate::assertion::AssertionError;
use crate::device::Poll;
use crate::pkce::PkceError;
use crate::upstream::UpstreamError;

/// What of an assertion no federated credential names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AssertionPart {
    Issuer,
    Subject,
    Audience,
}

impl std::fmt::Display for AssertionPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Issuer => "issuer",
            Self::Subject => "subject",
            Self::Audience => "audience",
        })
    }
}

/// A refusal of `/token`, `/devicecode` or `/authorize`.
#[derive(Debug, Clone, thiserror::Error, PartialEq, Eq)]
pub enum OAuthError {
    #[error("The request has no {parameter}; send it as a form field.")]
    MissingParameter { parameter: &'static str },
    #[error("The request is not understood: {why}.")]
    InvalidRequest { why: String },
    #[error("There is no tenant {tenant}; this server has one: use its GUID, organizations, common or adfs.")]
    UnknownTenant { tenant: String },
    #[error("No application has the client id {client_id}; check it, or make one with 'bowline sp create'.")]
    UnknownClient { client_id: String },
    #[error("The client secret is wrong for the client {client_id}; check it, or make a new one.")]
    WrongClientSecret { client_id: String },
    #[error("All secrets of the client {client_id} have expired; make a new one.")]
    ExpiredClientSecret { client_id: String },
    #[error("The client {client_id} is public: it must send neither client_secret nor client_assertion.")]
    PublicClientWithCredential { client_id: String },
    #[error(
        "The client {client_id} has no credential in the request; send client_secret or client_assertion."
    )]
    MissingCredential { client_id: String },
    #[error("The client assertion is refused: {0}.")]
    Assertion(#[source] AssertionError),
    #[error(
        "The client {client_id} trusts no token of another issuer; give it a federated identity credential with the issuer {issuer:?}, or use a key or secret of its own."
    )]
    NoFederatedCredential { client_id: String, issuer: String },
    #[error(
        "No federated identity credential of the client {client_id} matches the assertion's {part} {found:?}; compare issuer, subject and audience of its federatedIdentityCredentials with the token."
    )]
    NoMatchingCredential { client_id: String, part: AssertionPart, found: String },
    #[error("The assertion of {issuer} is refused: {source}.")]
    ForeignAssertion { issuer: String, source: UpstreamError },
    #[error(
        "The keys of {issuer} cannot be read ({why}), so that its assertion proves nothing now; try again, or tell its operator."
    )]
    ForeignIssuer { issuer: String, why: String },
    #[error("The client assertion was used before; make a new one, with a new jti, for each request.")]
    ReplayedAssertion,
    #[error("The identity of {client_id} expired at {at}; run connect again, nothing configured is lost.")]
    LapsedIdentity { client_id: String, at: Timestamp },
    #[error("The grant type {grant_type:?} is not supported.")]
    UnsupportedGrantType { grant_type: String },
    #[error(
        "User name and password are not taken here (grant_type=password); use 'az login --use-device-code', a service principal, or the browser."
    )]
    PasswordGrant,
    #[error("The response type {response_type:?} is not supported; use code.")]
    UnsupportedResponseType { response_type: String },
    #[error("The scope {scope:?} asks for several resources at once; ask for a token for each.")]
    InvalidScope { scope: String },
    #[error("The resource {resource:?} is not served here; ask for the scope {base}/.default.")]
    UnknownResource { resource: String, base: String },
    #[error("The redirect address {redirect_uri:?} is not registered for this client.")]
    WrongRedirectUri { redirect_uri: String },
    #[error("The user name or the password is wrong.")]
    WrongPassword,
    #[error("Too many attempts failed; wait {retry_after_seconds} s and try again.")]
    TooManyAttempts { retry_after_seconds: u64 },
    #[error("Too many requests came from this client or address; wait {retry_after_seconds} s.")]
    TooManyRequests { retry_after_seconds: u64 },
    #[error("The account is disabled; ask an administrator.")]
    DisabledAccount,
    #[error("The account of this sign-in was deleted; sign in with another.")]
    DeletedAccount,
    #[error("The code or refresh token is not known, or has expired; sign in again.")]
    InvalidGrant,
    #[error("The refresh token was used before, so this sign-in was ended everywhere; sign in again.")]
    ReusedRefreshToken,
    #[error(
        "The sign-in was ended (by a sign-out, by a new password, or as the oldest of more than one person may have); sign in again."
    )]
    RevokedGrant,
    #[error("The sign-in began more than {days} days ago; sign in again.")]
    SignInTooOld { days: i64 },
    #[error("Nobody is signed in in this browser, and the request forbids to ask (prompt=none).")]
    LoginRequired,
    #[error("The authorization code was already used; sign in again.")]
    UsedCode,
    #[error("The proof key is refused: {0}.")]
    Pkce(#[from] PkceError),
    #[error("The sign-in is waiting for the person to type the code.")]
    AuthorizationPending,
    #[error("The device asks too often; wait five seconds longer between requests.")]
    SlowDown,
    #[error("The code has expired; start the sign-in again.")]
    ExpiredDeviceCode,
    #[error("The sign-in was denied by the person who was asked.")]
    AccessDenied,
    #[error("The device code is not known; start the sign-in again.")]
    UnknownDeviceCode,
    #[error("The server is busy; try again in a moment.")]
    TemporarilyUnavailable,
    #[error("Something failed inside the server; its log has the reason under this correlation id.")]
    ServerError,
}

/// The body of wire.md §1.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OAuthErrorBody {
    pub error: &'static str,
    pub error_description: String,
    pub error_codes: [u32; 1],
    pub timestamp: Timestamp,
    pub trace_id: String,
    pub correlation_id: String,
}

impl OAuthError {
    /// The OAuth `error` member (RFC 6749 §5.2, RFC 8628 §3.5).
    pub fn error(&self) -> &'static str {
        self.facts().1
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        self.facts().0
    }

    /// The AADSTS number.
    pub fn code(&self) -> u32 {
        self.facts().2
    }

    pub fn body(&self, correlation_id: &str, now: Timestamp) -> OAuthErrorBody {
        let (_, error, code) = self.facts();
        OAuthErrorBody {
            error,
            error_description: format!("AADSTS{code}: {self}"),
            error_codes: [code],
            timestamp: now,
            trace_id: correlation_id.to_owned(),
            correlation_id: correlation_id.to_owned(),
        }
    }

    /// How long the caller must wait before it tries again, when that is the reason.
    pub fn retry_after_seconds(&self) -> Option<u64> {
        match self {
            Self::TooManyAttempts { retry_after_seconds } | Self::TooManyRequests { retry_after_seconds } => {
                Some(*retry_after_seconds)
            }
            Self::TemporarilyUnavailable => Some(1),
            _ => None,
        }
    }

    /// Status, `error`, AADSTS number.
    fn facts(&self) -> (u16, &'static str, u32) {
        match self {
            Self::MissingParameter { .. } => (400, "invalid_request", 900_144),
            Self::InvalidRequest { .. } => (400, "invalid_request", 90_023),
            Self::UnknownTenant { .. } => (400, "invalid_request", 90_002),
            Self::UnknownClient { .. } => (400, "unauthorized_client", 700_016),
            Self::WrongClientSecret { .. } => (401, "invalid_client", 7_000_215),
            Self::ExpiredClientSecret { .. } => (401, "invalid_client", 7_000_222),
            Self::PublicClientWithCredential { .. } => (401, "invalid_client", 700_025),
            Self::MissingCredential { .. } => (401, "invalid_client", 7_000_218),
            Self::Assertion(error) => (401, "invalid_client", assertion_code(error)),
            Self::NoFederatedCredential { .. } => (401, "invalid_client", 70_021),
            Self::NoMatchingCredential { part: AssertionPart::Issuer, .. } => {
                (401, "invalid_client", 700_211)
            }
            Self::NoMatchingCredential { part: AssertionPart::Audience, .. } => {
                (401, "invalid_client", 700_212)
            }
            Self::NoMatchingCredential { part: AssertionPart::Subject, .. } => {
                (401, "invalid_client", 700_213)
            }
            Self::ForeignAssertion { source, .. } => (401, "invalid_client", foreign_code(source)),
            Self::ForeignIssuer { .. } => (400, "invalid_request", 50_166),
            Self::ReplayedAssertion => (401, "invalid_client", 700_027),
            Self::LapsedIdentity { .. } => (401, "invalid_client", 700_027),
            Self::UnsupportedGrantType { .. } => (400, "unsupported_grant_type", 70_003),
            Self::PasswordGrant => (400, "unsupported_grant_type", 70_003),
            Self::UnsupportedResponseType { .. } => (400, "unsupported_response_type", 70_005),
            Self::InvalidScope { .. } => (400, "invalid_scope", 70_011),
            Self::UnknownResource { .. } => (400, "invalid_resource", 500_011),
            Self::WrongRedirectUri { .. } => (400, "invalid_request", 50_011),
            Self::WrongPassword => (400, "invalid_grant", 50_126),
            Self::TooManyAttempts { .. } => (429, "invalid_grant", 50_053),
            Self::TooManyRequests { .. } => (429, "temporarily_unavailable", 90_055),
            Self::DeletedAccount => (400, "invalid_grant", 50_034),
            Self::ReusedRefreshToken | Self::RevokedGrant => (400, "invalid_grant", 50_173),
            Self::SignInTooOld { .. } => (400, "invalid_grant", 70_043),
            Self::LoginRequired => (400, "login_required", 50_058),
            Self::DisabledAccount => (400, "invalid_grant", 50_057),
            Self::InvalidGrant => (400, "invalid_grant", 70_008),
            Self::UsedCode => (400, "invalid_grant", 54_005),
            Self::Pkce(PkceError::BadVerifier | PkceError::Mismatch) => (400, "invalid_grant", 501_481),
            Self::Pkce(_) => (400, "invalid_request", 50_147),
            Self::AuthorizationPending => (400, "authorization_pending", 70_016),
            Self::SlowDown => (400, "slow_down", 70_016),
            Self::ExpiredDeviceCode => (400, "expired_token", 70_019),
            Self::AccessDenied => (400, "access_denied", 65_004),
            Self::UnknownDeviceCode => (400, "invalid_grant", 70_018),
            Self::TemporarilyUnavailable => (503, "temporarily_unavailable", 90_006),
            Self::ServerError => (500, "server_error", 50_000),
        }
    }
}

fn assertion_code(error: &AssertionError) -> u32 {
    match error {
        AssertionError::ClockSkew { .. }
        | AssertionError::Expired { .. }
        | AssertionError::LivesTooLong { .. } => 700_024,
        AssertionError::WrongAudience { .. } => 700_023,
        AssertionError::IssuerIsNotSubject => 700_021,
        AssertionError::Malformed { .. } | AssertionError::MissingClaim { .. } => 50_027,
        AssertionError::UnsupportedAlgorithm { .. }
        | AssertionError::NoKeyForAlgorithm { .. }
        | AssertionError::ExpiredCertificate { .. }
        | AssertionError::BadSignature => 700_027,
    }
}

fn foreign_code(error: &UpstreamError) -> u32 {
    match error {
        UpstreamError::Expired | UpstreamError::NotYet { .. } => 700_024,
        UpstreamError::Algorithm { .. } | UpstreamError::UnknownKey | UpstreamError::BadSignature => 700_027,
        UpstreamError::Malformed(_) | UpstreamError::Claim { .. } => 50_027,
        UpstreamError::OtherIssuer { .. } | UpstreamError::Incomplete { .. } => 50_166,
    }
}

impl From<AssertionError> for OAuthError {
    fn from(error: AssertionError) -> Self {
        Self::Assertion(error)
    }
}

impl TryFrom<Poll> for OAuthError {
    type Error = uuid::Uuid;

    /// The refusal a poll stands for, or the object id of the person who approved.
    fn try_from(poll: Poll) -> Result<Self, uuid::Uuid> {
        match poll {
            Poll::Pending => Ok(Self::AuthorizationPending),
            Poll::SlowDown => Ok(Self::SlowDown),
            Poll::Denied => Ok(Self::AccessDenied),
            Poll::Expired => Ok(Self::ExpiredDeviceCode),
            Poll::Approved { object_id } => Err(object_id),
        }
    }
}
