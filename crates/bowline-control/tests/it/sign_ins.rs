//! Refresh tokens and codes over weeks, and the signing keys over months.

use bowline_auth::{OAuthError, pkce};
use bowline_control::Control;
use bowline_control::identity::code::AuthorizeRequest;
use bowline_control::identity::sign_ins::MOST;
use bowline_control::identity::{CLI_CLIENT, PORTAL_CLIENT};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{PASSWORD, World, after, days, seconds, start};

const VERIFIER: &str = "a-verifier-of-more-than-forty-three-characters";
const REDIRECT: &str = "http://localhost:8400";

async fn code(world: &World, now: Timestamp) -> String {
    let user = world.control.check_password("admin", PASSWORD, "127.0.0.1", now).await.expect("the password");
    let request = AuthorizeRequest {
        client_id: CLI_CLIENT.to_owned(),
        redirect_uri: REDIRECT.to_owned(),
        scope: "openid offline_access".to_owned(),
        code_challenge: pkce::challenge(VERIFIER),
        nonce: None,
    };
    world.control.check_authorize(&request, Some("S256")).await.expect("a good request");
    world.control.issue_code(request, &user, now).await.expect("a code").expose().to_owned()
}

async fn redeem(control: &Control, code: &str, now: Timestamp) -> Result<Value, OAuthError> {
    let answer = control.token_for_code(code, CLI_CLIENT, REDIRECT, VERIFIER, None, now).await?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

/// The refresh token of a new sign-in.
async fn sign_in(world: &World, now: Timestamp) -> String {
    token(&redeem(&world.control, &code(world, now).await, now).await.expect("tokens"))
}

async fn renew(world: &World, token: &str, now: Timestamp) -> Result<Value, OAuthError> {
    let answer = world.control.token_for_refresh(token, CLI_CLIENT, None, "", now).await?;
    Ok(serde_json::to_value(answer).expect("JSON"))
}

#[track_caller]
fn token(answer: &Value) -> String {
    answer["refresh_token"].as_str().expect("a refresh token").to_owned()
}

#[tokio::test]
async fn a_copied_refresh_token_ends_the_sign_in_for_both_holders() {
    let world = World::new().await;
    let first = sign_in(&world, start()).await;
    let second = token(&renew(&world, &first, after(seconds(10))).await.expect("renewed"));
    let late = after(seconds(10 + 61));
    assert_eq!(renew(&world, &first, late).await, Err(OAuthError::ReusedRefreshToken));
    assert_eq!(renew(&world, &second, late).await, Err(OAuthError::RevokedGrant));
    let other = sign_in(&world, late).await;
    renew(&world, &other, late).await.expect("another sign-in of the same person goes on");
}

#[tokio::test]
async fn an_answer_that_was_lost_is_asked_for_again() {
    let world = World::new().await;
    let first = sign_in(&world, start()).await;
    let lost = token(&renew(&world, &first, after(seconds(10))).await.expect("renewed"));
    let again = token(&renew(&world, &first, after(seconds(40))).await.expect("within the moment"));
    assert_ne!(lost, again);
    renew(&world, &again, after(seconds(100))).await.expect("it goes on");
}

/// Several commands share one cache and renew at once.
#[tokio::test]
async fn eight_at_once_with_one_token_all_get_on() {
    let world = World::new().await;
    let first = sign_in(&world, start()).await;
    let all = futures::future::join_all((0..8).map(|_| renew(&world, &first, after(seconds(5))))).await;
    for answer in all {
        renew(&world, &token(&answer.expect("none is refused")), after(seconds(100)))
            .await
            .expect("each goes on");
    }
}

#[tokio::test]
async fn a_sign_in_ends_by_idleness_by_age_and_by_a_new_password() {
    let world = World::new().await;
    let idle = sign_in(&world, start()).await;
    assert_eq!(renew(&world, &idle, after(days(15))).await, Err(OAuthError::InvalidGrant));

    let mut busy = sign_in(&world, start()).await;
    for day in (10..=80).step_by(10) {
        busy = token(&renew(&world, &busy, after(days(day))).await.expect("it is used"));
    }
    assert_eq!(
        renew(&world, &busy, after(days(90) + seconds(1))).await,
        Err(OAuthError::SignInTooOld { days: 90 })
    );

    let before = sign_in(&world, after(days(80))).await;
    let changed = json!({"properties": {"password": "another Password, 43"}});
    world.put("/providers/Microsoft.Bowline/users/admin", changed, after(days(81))).await;
    assert_eq!(renew(&world, &before, after(days(82))).await, Err(OAuthError::RevokedGrant));
}

#[tokio::test]
async fn revocation_needs_the_token_and_its_client() {
    let world = World::new().await;
    let first = sign_in(&world, start()).await;
    let now = after(seconds(1));
    world.control.revoke("bwr_unknown", CLI_CLIENT, now).await.expect("nothing to revoke");
    world.control.revoke(&first, "1950a258-227b-4e31-a9cf-717495945fc2", now).await.expect("not its client");
    let second = token(&renew(&world, &first, now).await.expect("still there"));
    world.control.revoke(&second, CLI_CLIENT, now).await.expect("revoked");
    assert_eq!(renew(&world, &second, now).await, Err(OAuthError::RevokedGrant));
    assert_eq!(renew(&world, &first, now).await, Err(OAuthError::RevokedGrant), "the whole sign-in");
}

#[tokio::test]
async fn the_oldest_sign_in_makes_room_for_the_newest() {
    let world = World::new().await;
    let mut tokens = Vec::new();
    for second in 0..MOST as i64 {
        tokens.push(sign_in(&world, after(seconds(second))).await);
    }
    // Who signs out makes room: nobody is pushed out for the next one.
    let later = after(seconds(600));
    world.control.revoke(&tokens[5], CLI_CLIENT, later).await.expect("revoked");
    tokens.push(sign_in(&world, later).await);
    tokens[0] = token(&renew(&world, &tokens[0], later).await.expect("the oldest goes on"));

    let last = after(seconds(700));
    tokens.push(sign_in(&world, last).await);
    assert_eq!(renew(&world, &tokens[0], last).await, Err(OAuthError::RevokedGrant));
    for kept in [&tokens[1], &tokens[MOST]] {
        renew(&world, kept, last).await.expect("younger ones go on");
    }
    // Of one second, as a script does it: each gets in, and no more than the ceiling stay.
    let many = futures::future::join_all((0..20).map(|_| sign_in(&world, after(seconds(800))))).await;
    let mut open = 0;
    for token in tokens.iter().skip(MOST + 1).chain(&many) {
        open += usize::from(renew(&world, token, after(seconds(800))).await.is_ok());
    }
    assert_eq!(open, 21);
    assert_eq!(renew(&world, &tokens[20], after(seconds(800))).await, Err(OAuthError::RevokedGrant));
}

#[tokio::test]
async fn a_browser_is_signed_out_as_the_oldest_too() {
    let world = World::new().await;
    let (control, redirect) =
        (&world.control, format!("{}/portal/callback", world.control.settings().public_url));
    let user = control.check_password("admin", PASSWORD, "127.0.0.1", start()).await.expect("the password");
    let request = AuthorizeRequest {
        client_id: PORTAL_CLIENT.to_owned(),
        redirect_uri: redirect,
        scope: "openid profile".to_owned(),
        code_challenge: pkce::challenge(VERIFIER),
        nonce: None,
    };
    let code = control.issue_code(request, &user, start()).await.expect("a code");
    let (cookie, _) = control.open_portal_session(code.expose(), VERIFIER, start()).await.expect("a session");
    let session = async |now| control.portal_session(cookie.expose(), now).await.expect("read").is_some();
    for second in 1..MOST as i64 {
        let _ = sign_in(&world, after(seconds(second))).await;
    }
    assert!(session(after(seconds(200))).await);
    let _ = sign_in(&world, after(seconds(201))).await;
    assert!(!session(after(seconds(202))).await, "it was the oldest");
}

#[tokio::test]
async fn a_code_that_comes_twice_ends_the_sign_in_it_began() {
    let world = World::new().await;
    let code = code(&world, start()).await;
    let tokens = redeem(&world.control, &code, start()).await.expect("tokens");
    assert_eq!(redeem(&world.control, &code, after(seconds(5))).await, Err(OAuthError::UsedCode));
    assert_eq!(renew(&world, &token(&tokens), after(seconds(6))).await, Err(OAuthError::RevokedGrant));
}

#[tokio::test]
async fn keys_are_rotated_by_one_server_and_taken_over_by_the_other() {
    let world = World::new().await;
    let second = world.second_server().await;
    let kids = |control: &Control, now| -> Vec<String> {
        let jwks = control.identity().keys().jwks(now);
        let keys = jwks["keys"].as_array().cloned().unwrap_or_default();
        keys.iter().map(|key| key["kid"].as_str().unwrap_or_default().to_owned()).collect()
    };
    let due = after(days(89) + SignedDuration::from_hours(1));
    world.control.rotate_keys(due).await.expect("rotated");
    assert_eq!(kids(&world.control, due).len(), 2, "the successor is published before it signs");
    second.rotate_keys(due).await.expect("nothing to rotate");
    assert_eq!(kids(&second, due), kids(&world.control, due), "both servers publish the same keys");
    world.control.rotate_keys(due).await.expect("again");
    assert_eq!(kids(&world.control, due).len(), 2, "once is enough");

    let later = after(days(91));
    let access = |answer: &Value| answer["access_token"].as_str().expect("a token").to_owned();
    let code = code(&world, later).await;
    let new = access(&redeem(&world.control, &code, later).await.expect("tokens"));
    let third = world.second_server().await;
    for control in [&*second, &*third] {
        control.authenticate(&new, "127.0.0.1", later).await.expect("the new key is known everywhere");
    }
    assert_eq!(kids(&world.control, later).len(), 1, "the old key went with its last token");
}

/// A server that slept through the rotation of another one looks for the key when the first token under it comes.
#[tokio::test]
async fn a_token_under_a_new_key_makes_a_server_look_for_it() {
    let world = World::new().await;
    let second = world.second_server().await;
    let later = after(days(200));
    world.control.rotate_keys(later).await.expect("rotated");
    let code = code(&world, later).await;
    let answer = redeem(&world.control, &code, later).await.expect("tokens");
    let token = answer["access_token"].as_str().expect("a token");
    second.authenticate(token, "127.0.0.1", later).await.expect("found");
}
