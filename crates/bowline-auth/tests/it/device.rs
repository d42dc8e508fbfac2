//! The device grant: codes that survive being typed, and each state of a sign-in.

use bowline_auth::device::{
    DecideError, DeviceGrant, LIFETIME_SECONDS, Poll, generate_user_code, normalise_user_code, show_user_code,
};
use uuid::Uuid;

use crate::{after, now};

fn start() -> DeviceGrant {
    DeviceGrant::start("client", "https://localhost:8443/.default", now()).0
}

#[test]
fn a_code_survives_being_typed() {
    let code = generate_user_code();
    let shown = show_user_code(&code);
    assert_eq!((shown.len(), shown.as_bytes()[4]), (9, b'-'));
    for typed in [
        shown.clone(),
        shown.to_lowercase(),
        format!("  {} ", code),
        shown.replace('-', " "),
        shown.replace('-', "–"),
    ] {
        assert_eq!(normalise_user_code(&typed).as_deref(), Some(code.as_str()), "{typed:?}");
    }
    for typed in ["", "BCDF", "BCDF-GHJKL", "ABCD-EFGH", "1234-5678", "BCDF-GHJÄ", &"B".repeat(100)] {
        assert_eq!(normalise_user_code(typed), None, "{typed:?}");
    }
    assert_ne!(generate_user_code(), generate_user_code());
}

#[test]
fn the_device_code_is_stored_as_a_digest_only() {
    let (grant, device_code) = DeviceGrant::start("client", "scope", now());
    let stored = serde_json::to_string(&grant).expect("JSON");
    assert!(!stored.contains(device_code.expose()));
    assert_eq!(grant.device_code_digest, device_code.digest());
    assert_eq!(serde_json::from_str::<DeviceGrant>(&stored).expect("the same"), grant);
}

#[test]
fn an_approved_sign_in_is_told_to_the_device() {
    let mut grant = start();
    assert_eq!(grant.poll(after(5)), Poll::Pending);
    let ada = Uuid::from_u128(1);
    grant.decide(Some(ada), after(7)).expect("in time");
    let mut grant: DeviceGrant =
        serde_json::from_value(serde_json::to_value(&grant).expect("JSON")).expect("the same");
    assert_eq!(grant.decide(None, after(8)), Err(DecideError::AlreadyDecided), "the first answer counts");
    assert_eq!(grant.poll(after(10)), Poll::Approved { object_id: ada });
}

#[test]
fn a_denied_or_expired_sign_in_ends() {
    let mut grant = start();
    grant.decide(None, after(1)).expect("in time");
    assert_eq!(grant.poll(after(5)), Poll::Denied);

    let mut grant = start();
    assert_eq!(grant.poll(after(LIFETIME_SECONDS - 1)), Poll::Pending);
    assert_eq!(grant.decide(Some(Uuid::nil()), after(LIFETIME_SECONDS)), Err(DecideError::Expired));
    assert_eq!(grant.poll(after(LIFETIME_SECONDS)), Poll::Expired);
    let mut late = start();
    late.decide(Some(Uuid::nil()), after(1)).expect("in time");
    assert_eq!(late.poll(after(LIFETIME_SECONDS)), Poll::Expired, "an approval does not outlive its code");
}

#[test]
fn a_hasty_device_is_slowed_down_for_good() {
    let mut grant = start();
    assert_eq!(grant.poll(after(0)), Poll::Pending);
    assert_eq!(grant.poll(after(2)), Poll::SlowDown);
    assert_eq!(grant.interval_seconds, 10);
    assert_eq!(grant.poll(after(8)), Poll::SlowDown, "six seconds are too few now");
    assert_eq!(grant.interval_seconds, 15);
    assert_eq!(grant.poll(after(23)), Poll::Pending);
    grant.decide(Some(Uuid::nil()), after(24)).expect("in time");
    assert_eq!(
        grant.poll(after(24)),
        Poll::Approved { object_id: Uuid::nil() },
        "good news is never delayed"
    );
    let mut hasty = start();
    for second in 0..100 {
        hasty.poll(after(second));
    }
    assert_eq!(hasty.interval_seconds, 60, "the interval has a ceiling");
}
