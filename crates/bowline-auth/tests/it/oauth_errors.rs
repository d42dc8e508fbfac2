//! Every refusal as clients get it, printed to a committed file.

use bowline_auth::OAuthError;
use bowline_auth::assertion::AssertionError;
use bowline_auth::device::Poll;
use bowline_auth::oauth_error::AssertionPart;
use bowline_auth::pkce::PkceError;
use bowline_auth::upstream::UpstreamError;
use serde_json::json;
use uuid::Uuid;

use crate::{blessed, now};

fn all() -> Vec<OAuthError> {
    let text = || "…".to_owned();
    let no_match =
        |part| OAuthError::NoMatchingCredential {
            client_id: "…".to_owned(), part, found: "…".to_owned()
        };
    let foreign = |source| OAuthError::ForeignAssertion { issuer: "…".to_owned(), source };
    vec![
        OAuthError::MissingParameter { parameter: "grant_type" },
        OAuthError::InvalidRequest { why: text() },
        OAuthError::UnknownTenant { tenant: text() },
        OAuthError::UnknownClient { client_id: text() },
        OAuthError::WrongClientSecret { client_id: text() },
        OAuthError::ExpiredClientSecret { client_id: text() },
        OAuthError::PublicClientWithCredential { client_id: text() },
        OAuthError::MissingCredential { client_id: text() },
        AssertionError::BadSignature.into(),
        AssertionError::ExpiredCertificate { at: now() }.into(),
        AssertionError::Expired { at: now() }.into(),
        AssertionError::ClockSkew { seconds: -400 }.into(),
        AssertionError::WrongAudience { audience: text() }.into(),
        AssertionError::IssuerIsNotSubject.into(),
        AssertionError::MissingClaim { claim: "jti" }.into(),
        OAuthError::NoFederatedCredential { client_id: text(), issuer: text() },
        no_match(AssertionPart::Issuer),
        no_match(AssertionPart::Audience),
        no_match(AssertionPart::Subject),
        foreign(UpstreamError::Expired),
        foreign(UpstreamError::NotYet { claim: "nbf" }),
        foreign(UpstreamError::BadSignature),
        foreign(UpstreamError::UnknownKey),
        OAuthError::ForeignIssuer { issuer: text(), why: text() },
        OAuthError::ReplayedAssertion,
        OAuthError::LapsedIdentity { client_id: text(), at: now() },
        OAuthError::UnsupportedGrantType { grant_type: text() },
        OAuthError::UnsupportedResponseType { response_type: text() },
        OAuthError::PasswordGrant,
        OAuthError::InvalidScope { scope: text() },
        OAuthError::UnknownResource { resource: text(), base: text() },
        OAuthError::WrongRedirectUri { redirect_uri: text() },
        OAuthError::WrongPassword,
        OAuthError::TooManyAttempts { retry_after_seconds: 8 },
        OAuthError::TooManyRequests { retry_after_seconds: 8 },
        OAuthError::DisabledAccount,
        OAuthError::DeletedAccount,
        OAuthError::InvalidGrant,
        OAuthError::ReusedRefreshToken,
        OAuthError::RevokedGrant,
        OAuthError::SignInTooOld { days: 90 },
        OAuthError::LoginRequired,
        OAuthError::UsedCode,
        PkceError::MethodNotS256.into(),
        PkceError::Mismatch.into(),
        OAuthError::AuthorizationPending,
        OAuthError::SlowDown,
        OAuthError::ExpiredDeviceCode,
        OAuthError::AccessDenied,
        OAuthError::UnknownDeviceCode,
        OAuthError::TemporarilyUnavailable,
        OAuthError::ServerError,
    ]
}

#[test]
fn the_refusals_are_as_committed() {
    let line = |error: OAuthError| {
        let body = error.body("c", now());
        format!("{} {} {}\n", error.status(), body.error, body.error_description)
    };
    blessed::check("oauth-errors.txt", &all().into_iter().map(line).collect::<String>());
}

#[test]
fn the_page_of_codes_is_as_committed() {
    let mut page = String::from(
        "# Sign-in errors\n\nPrinted by a test from the table in `bowline-auth`; `UPDATE=1 cargo test -p bowline-auth` writes it. An unknown user name is answered as a wrong password, so \
         that nobody learns names here.\n\n| code | status | error | sentence |\n|---|---|---|---|\n",
    );
    let mut rows: Vec<(u32, String)> = all()
        .into_iter()
        .map(|error| {
            let (code, status) = (error.code(), error.status());
            (code, format!("| AADSTS{code} | {status} | `{}` | {error} |\n", error.error()))
        })
        .collect();
    rows.sort();
    page.extend(rows.into_iter().map(|(_, row)| row));
    blessed::check("../../../../docs/reference/sign-in-errors.md", &page);
}

#[test]
fn the_body_is_that_of_the_wire() {
    let body = OAuthError::AuthorizationPending.body("c0ffee", now());
    assert_eq!(
        serde_json::to_value(body).expect("JSON"),
        json!({
            "error": "authorization_pending",
            "error_description": "AADSTS70016: The sign-in is waiting for the person to type the code.",
            "error_codes": [70016],
            "timestamp": "2026-11-01T12:00:00Z",
            "trace_id": "c0ffee",
            "correlation_id": "c0ffee",
        })
    );
}

#[test]
fn a_poll_is_a_refusal_or_a_person() {
    let name = |poll| OAuthError::try_from(poll).map(|error| error.error());
    assert_eq!(name(Poll::Pending), Ok("authorization_pending"));
    assert_eq!(name(Poll::SlowDown), Ok("slow_down"));
    assert_eq!(name(Poll::Denied), Ok("access_denied"));
    assert_eq!(name(Poll::Expired), Ok("expired_token"));
    assert_eq!(name(Poll::Approved { object_id: Uuid::nil() }), Err(Uuid::nil()));
}
