//! What passes, as whom, and how it ends.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bowline_tunnel::carrier::{self, Traffic};
use bowline_tunnel::near::{NearError, Tunnel};
use bowline_tunnel::{Body, MAX_STREAMS, empty};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

use crate::scene::{PATIENCE, Scene, full};

fn get(path: &str) -> Request<Body> {
    Request::get(path).header("host", "bowline").body(empty()).unwrap()
}

#[tokio::test]
async fn a_request_passes_as_its_caller_and_as_nobody_else() {
    let scene = Scene::start().await;
    let request = Request::patch("/apis/apps/v1/deployments/a%2Fb?fieldManager=x&force=true")
        .header("host", "bowline")
        .header("authorization", "Bearer secret")
        .header("impersonate-user", "system:admin")
        .header("Impersonate-Group", "system:masters")
        .header("impersonate-extra-scopes", "all")
        .header("x-remote-user", "system:admin")
        .header("x-tunnel-user", "mallory")
        .header("x-tunnel-group", "admins")
        .header("x-tunnel-method", "DELETE")
        .header("cookie", "__Host-bowline=1")
        .header("connection", "X-Mine")
        .header("x-mine", "1")
        .header("accept", "application/json")
        .header("content-type", "application/apply-patch+yaml")
        .body(full("kind: Deployment"))
        .unwrap();
    let response = scene.call(request).await.unwrap();
    let names: Vec<_> = response.headers().keys().map(|name| name.as_str().to_owned()).collect();
    assert!(names.contains(&"audit-id".to_owned()), "{names:?}");
    assert!(!names.iter().any(|name| name == "set-cookie" || name.starts_with("x-tunnel")), "{names:?}");
    let said = response.into_body().collect().await.unwrap().to_bytes();
    let said = String::from_utf8(said.to_vec()).unwrap();
    let mut lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.remove(0), "PATCH /apis/apps/v1/deployments/a%2Fb?fieldManager=x&force=true");
    lines.sort_unstable();
    let expected = [
        "accept: application/json",
        "content-length: 16",
        "content-type: application/apply-patch+yaml",
        "impersonate-group: bakers",
        "impersonate-group: smiths",
        "impersonate-user: ann",
    ];
    assert_eq!(lines, expected);
}

#[tokio::test]
async fn bodies_and_refusals_come_back_as_they_are() {
    let scene = Scene::start().await;
    let large = vec![9; 3 << 20];
    let echo = Request::post("/echo").header("host", "b").body(full(large.clone())).unwrap();
    let body = scene.call(echo).await.unwrap().into_body().collect().await.unwrap().to_bytes();
    assert!(body == large, "3 MiB come back");
    assert!(scene.traffic.sent.load(Ordering::Relaxed) > 3 << 20);
    assert!(scene.traffic.received.load(Ordering::Relaxed) > 3 << 20);
    let (status, text) = scene.text(get("/no")).await;
    assert!(status == 403 && text.contains("the cluster says no"), "{text}");
    let (status, text) = scene.text(get("/unreachable")).await;
    assert!(
        status == 502 && text.contains("cannot reach the API server") && text.contains("refused"),
        "{text}"
    );
}

async fn switch(
    scene: &Scene,
    method: Method,
    protocol: &'static str,
) -> (HeaderMap, String, TokioIo<hyper::upgrade::Upgraded>) {
    let request = Request::builder()
        .method(method)
        .uri("/switch")
        .header("host", "b")
        .header("connection", "Upgrade")
        .header("upgrade", protocol)
        // SPDY sends one, and an extended CONNECT must have none.
        .header("content-length", "0")
        .header("impersonate-user", "root")
        .header("x-stream-protocol-version", "v5")
        .header("x-stream-protocol-version", "v4")
        .body(empty())
        .unwrap();
    let mut response = scene.call(request).await.unwrap();
    assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
    let mut io = TokioIo::new(hyper::upgrade::on(&mut response).await.unwrap());
    let length = io.read_u32().await.unwrap();
    let mut said = vec![0; length as usize];
    let _ = io.read_exact(&mut said).await.unwrap();
    (response.headers().clone(), String::from_utf8(said).unwrap(), io)
}

#[tokio::test]
async fn an_upgrade_carries_bytes_both_ways_and_ends_one_direction_at_a_time() {
    for (method, protocol) in [(Method::POST, "SPDY/3.1"), (Method::GET, "websocket")] {
        let scene = Scene::start().await;
        let (headers, said, io) = switch(&scene, method.clone(), protocol).await;
        assert_eq!(headers[header::UPGRADE], protocol);
        assert_eq!(headers["x-stream-protocol-version"], "v5");
        assert!(said.starts_with(method.as_str()), "{said}");
        assert!(said.contains(r#""impersonate-user": "ann""#) && !said.contains("root"), "{said}");
        assert!(said.contains("v5") && said.contains("v4"), "repeated headers stay: {said}");
        let sent = vec![5; 1 << 20];
        let (mut reading, mut writing) = tokio::io::split(io);
        let writer = sent.clone();
        tokio::spawn(async move {
            writing.write_all(&writer).await.unwrap();
            writing.shutdown().await.unwrap();
        });
        let mut received = Vec::new();
        let _ = reading.read_to_end(&mut received).await.unwrap();
        let end = received.split_off(sent.len());
        assert!(received == sent && end == b"bye", "{} bytes and {end:?}", received.len());
    }
}

#[tokio::test]
async fn an_upgrade_that_the_cluster_refuses_is_told_in_its_words() {
    let scene = Scene::start().await;
    let asked = |path: &str| {
        let request = Request::get(path).header("host", "b").header("connection", "upgrade");
        request.header("upgrade", "websocket").body(empty()).unwrap()
    };
    let (status, text) = scene.text(asked("/no")).await;
    assert!(status == 403 && text.contains("the cluster says no"), "{status} {text}");
    let (status, text) = scene.text(asked("/echo")).await;
    assert!(status == 502 && text.contains("answered 200"), "what is no 101 is no upgrade: {status} {text}");
    let mut two = asked("/switch");
    two.headers_mut().append(header::UPGRADE, HeaderValue::from_static("h2c"));
    let (status, text) = scene.text(two).await;
    assert!(status == 502 && text.contains("not one name"), "{status} {text}");
}

#[tokio::test]
async fn readers_that_stand_still_stop_nobody() {
    let scene = Scene::start().await;
    let mut stalled = Vec::new();
    for _ in 0..MAX_STREAMS {
        let response = scene.call(get("/endless")).await.unwrap();
        stalled.push(response);
    }
    let asked = tokio::time::timeout(PATIENCE, scene.text(get("/version"))).await;
    assert_eq!(asked.expect("an answer beside them").0, 200);
    let mut first = stalled.swap_remove(0).into_body();
    let mut read = 0;
    while read < 4 << 20 {
        let frame =
            tokio::time::timeout(PATIENCE, first.frame()).await.expect("it goes on").unwrap().unwrap();
        read += frame.data_ref().map_or(0, bytes::Bytes::len);
    }
}

#[tokio::test]
async fn a_cut_ends_streams_and_requests_and_the_tunnel_says_so() {
    let scene = Scene::start().await;
    let (_, _, mut io) = switch(&scene, Method::GET, "websocket").await;
    scene.cut.cancel();
    let mut buffer = [0; 10];
    let read = tokio::time::timeout(PATIENCE, io.read(&mut buffer)).await.expect("the stream ends");
    assert!(matches!(read, Ok(0) | Err(_)), "{read:?}");
    assert!(!scene.tunnel.is_gone(), "others go on");

    let mut body = scene.call(get("/endless")).await.unwrap().into_body();
    let _ = body.frame().await.unwrap().unwrap();
    scene.agent.cancel();
    let end = async {
        loop {
            match body.frame().await {
                Some(Ok(_)) => {}
                other => break other,
            }
        }
    };
    let end = tokio::time::timeout(PATIENCE, end).await.expect("the answer ends");
    assert!(matches!(end, Some(Err(_))), "a part is not taken for the whole");
    tokio::time::timeout(PATIENCE, scene.tunnel.ends().cancelled()).await.expect("the tunnel knows");
    assert!(scene.tunnel.is_gone());
    let (status, text) = scene.text(get("/version")).await;
    assert!(status == 502 && text.contains("tunnel is gone"), "{text}");
}

#[tokio::test]
async fn the_server_can_end_the_tunnel_whatever_streams() {
    let scene = Scene::start().await;
    let mut body = scene.call(get("/endless")).await.unwrap().into_body();
    let _ = body.frame().await.unwrap().unwrap();
    scene.tunnel.ends().cancel();
    let end = async { while let Some(Ok(_)) = body.frame().await {} };
    tokio::time::timeout(PATIENCE, end).await.expect("the answer ends");
    assert!(scene.tunnel.is_gone());
}

#[tokio::test(start_paused = true)]
async fn an_agent_that_says_nothing_is_no_tunnel() {
    let (here, _there) = duplex(1024);
    let opened = Tunnel::open(here, Duration::from_secs(3), Arc::new(Traffic::default())).await;
    assert!(matches!(opened, Err(NearError::NotOpened(_))));
    let (here, there) = duplex(1024);
    drop(there);
    let opened = Tunnel::open(here, Duration::from_secs(3), Arc::new(Traffic::default())).await;
    assert!(matches!(opened, Err(NearError::NotOpened(_))));
}

#[test]
fn a_handshake_is_a_websockets_or_none() {
    let (asked, expected) = carrier::ask();
    let answer = carrier::accept(&asked).unwrap();
    assert_eq!(answer[header::SEC_WEBSOCKET_ACCEPT], expected);
    for missing in [header::UPGRADE, header::SEC_WEBSOCKET_VERSION, header::SEC_WEBSOCKET_KEY] {
        let mut headers = asked.clone();
        headers.remove(&missing);
        assert!(carrier::accept(&headers).is_none(), "without {missing}");
    }
}
