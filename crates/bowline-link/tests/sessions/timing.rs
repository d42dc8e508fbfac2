//! Keep-alives, silence and the end of the token, with time passed in.

use std::time::Duration;

use bowline_link::{
    agent_session::{AgentSession, AgentTick, Event, SessionFault},
    item::KnownDocument,
    message::{Down, EndReason, Hello, KeepAlive, Up},
    server_session::{Claim, Direction, Opening, ServerSession, Tick},
};
use uuid::Uuid;

const fn s(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

fn open(direction: Direction, lifetime: u64) -> ServerSession {
    let opening = Opening {
        session: Uuid::nil(),
        epoch: Uuid::nil(),
        server_version: "0.1.0".into(),
        time: "2026-11-01T00:00:00Z".parse().unwrap(),
        lifetime: s(lifetime),
        keep_alive: s(20),
        direction,
        claim: Claim::default(),
    };
    ServerSession::open(opening, s(1000)).0
}

fn hello(protocol: u32) -> Down {
    Down::Hello(Hello {
        protocol,
        server: "0.1.0".into(),
        session: Uuid::nil(),
        epoch: Uuid::nil(),
        keep_alive_seconds: 20,
        ends_at: "2026-11-01T00:30:00Z".parse().unwrap(),
        time: "2026-11-01T00:00:00Z".parse().unwrap(),
        capabilities: vec![],
    })
}

#[test]
fn the_server_gives_up_on_an_agent_after_three_missed_keep_alives() {
    let mut session = open(Direction::Both, 1800);
    assert_eq!(session.tick(s(1000)), Tick::Wait(s(1020)));
    session.received(Up::KeepAlive(KeepAlive {}), s(1010));
    for at in [1020, 1040, 1060] {
        assert_eq!(session.tick(s(at)), Tick::Send(Down::KeepAlive(KeepAlive {})), "at {at}");
    }
    assert_eq!(session.deadline(), s(1070));
    assert_eq!(session.tick(s(1069)), Tick::Wait(s(1070)));
    assert_eq!(session.tick(s(1070)), Tick::Silent);
}

#[test]
fn an_agent_that_cannot_write_is_not_silent() {
    let mut session = open(Direction::Down, 1800);
    assert!(matches!(session.tick(s(1500)), Tick::Send(_)));
    assert_eq!(session.tick(s(1501)), Tick::Wait(s(1520)));
}

#[test]
fn a_session_ends_with_its_token_even_while_both_ends_talk() {
    let mut session = open(Direction::Both, 45);
    session.received(Up::KeepAlive(KeepAlive {}), s(1044));
    session.sent(s(1044));
    assert_eq!(session.tick(s(1044)), Tick::Wait(s(1045)));
    let Tick::End(Down::End(end)) = session.tick(s(1045)) else { panic!("no end") };
    assert_eq!(end.reason, EndReason::TokenExpired);
}

#[test]
fn an_agent_waits_ten_seconds_for_the_hello() {
    let mut session = AgentSession::start(KnownDocument::default(), s(5));
    assert_eq!(session.tick(s(5)), AgentTick::Wait(s(15)));
    assert_eq!(session.tick(s(15)), AgentTick::NoHello);
}

#[test]
fn an_agent_notices_a_silent_server() {
    let mut session = AgentSession::start(KnownDocument::default(), s(0));
    assert!(matches!(session.received(hello(1), s(1)), Ok(Event::Opened(_))));
    assert_eq!(session.tick(s(1)), AgentTick::Wait(s(21)));
    assert_eq!(session.tick(s(21)), AgentTick::Send(Up::KeepAlive(KeepAlive {})));
    session.received(Down::KeepAlive(KeepAlive {}), s(30)).unwrap();
    assert_eq!(session.tick(s(90)), AgentTick::Silent);
}

#[test]
fn a_line_before_the_hello_and_a_newer_protocol_are_refused() {
    let mut session = AgentSession::start(KnownDocument::default(), s(0));
    assert_eq!(session.received(Down::KeepAlive(KeepAlive {}), s(1)), Err(SessionFault::NoHelloFirst));
    assert_eq!(session.received(hello(2), s(1)), Err(SessionFault::NewerProtocol { theirs: 2 }));
}
