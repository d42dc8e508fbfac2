//! Backups in object storage: against a small store with the part of S3's interface that is used, which shows what a real one would hide.

use std::collections::{BTreeMap, HashMap};
use std::path::Path;
use std::process::{Command, Output};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use bowline_store::{Observation, SqliteOptions, open_sqlite};
use serde::Deserialize;
use uuid::Uuid;

#[derive(Default)]
struct Bucket {
    objects: HashMap<String, Vec<u8>>,
    /// Parts of an upload that is not finished.
    uploads: HashMap<String, BTreeMap<u32, Vec<u8>>>,
    /// How many uploads were begun.
    begun: usize,
    /// Refuses this part.
    refuses: Option<u32>,
    unsigned: usize,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    uploads: Option<String>,
    upload_id: Option<String>,
    part_number: Option<u32>,
}

type Shared = Arc<Mutex<Bucket>>;

fn xml(text: String) -> Response {
    ([(header::CONTENT_TYPE, "application/xml")], format!("<?xml version=\"1.0\"?>{text}")).into_response()
}

fn stored() -> Response {
    ([(header::ETAG, "\"e\"")], "").into_response()
}

async fn serve(
    State(bucket): State<Shared>,
    method: Method,
    uri: Uri,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut bucket = bucket.lock().unwrap();
    let signed =
        headers.get(header::AUTHORIZATION).is_some_and(|v| v.as_bytes().starts_with(b"AWS4-HMAC-SHA256"));
    bucket.unsigned += usize::from(!signed);
    let key = uri.path().to_owned();
    match (method.as_str(), asked.upload_id, asked.part_number) {
        ("POST", None, None) if asked.uploads.is_some() => {
            bucket.begun += 1;
            let id = format!("upload-{}", bucket.begun);
            bucket.uploads.insert(id.clone(), BTreeMap::new());
            xml(format!(
                "<InitiateMultipartUploadResult><UploadId>{id}</UploadId></InitiateMultipartUploadResult>"
            ))
        }
        ("PUT", Some(id), Some(part)) => {
            if bucket.refuses == Some(part) {
                return (StatusCode::FORBIDDEN, "<Error><Code>AccessDenied</Code></Error>").into_response();
            }
            bucket.uploads.get_mut(&id).unwrap().insert(part, body.to_vec());
            stored()
        }
        ("POST", Some(id), None) => {
            let parts = bucket.uploads.remove(&id).unwrap();
            bucket.objects.insert(key, parts.into_values().flatten().collect());
            xml("<CompleteMultipartUploadResult><ETag>\"e\"</ETag></CompleteMultipartUploadResult>"
                .to_owned())
        }
        ("DELETE", Some(id), None) => {
            bucket.uploads.remove(&id);
            StatusCode::NO_CONTENT.into_response()
        }
        ("PUT", None, None) => {
            bucket.objects.insert(key, body.to_vec());
            stored()
        }
        ("GET" | "HEAD", None, None) => match bucket.objects.get(&key) {
            Some(object) => ([(header::ETAG, "\"e\"")], object.clone()).into_response(),
            None => StatusCode::NOT_FOUND.into_response(),
        },
        other => panic!("nobody asks {other:?} of this store"),
    }
}

async fn bowline_server(arguments: &[&str], port: u16) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_bowline-server"));
    command.args(arguments).env_remove("BOWLINE_DATABASE").env_remove("BOWLINE_CONFIG");
    for name in ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(name);
    }
    command.env("AWS_ENDPOINT", format!("http://127.0.0.1:{port}")).env("AWS_ALLOW_HTTP", "true");
    command.env("AWS_ACCESS_KEY_ID", "key").env("AWS_SECRET_ACCESS_KEY", "secret").env("AWS_REGION", "local");
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

/// A record that does not get smaller: more than one part of an upload.
async fn fill(directory: &Path) {
    let store = open_sqlite(SqliteOptions::new(directory)).await.unwrap();
    for seq in 1..=7 {
        let bytes: Vec<u8> = (0..20_000).flat_map(|_| bowline_auth::random::bytes::<100>()).collect();
        let (source, source_epoch) = ("s/x".to_owned(), Uuid::from_u128(1));
        let batch = Observation { source, source_epoch, seq, time: jiff::Timestamp::UNIX_EPOCH, bytes };
        store.append_observation(batch).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_in_the_store_as_a_whole_or_not_at_all() {
    let bucket = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let router = Router::new().fallback(serve).layer(axum::extract::DefaultBodyLimit::disable());
    let router = router.with_state(Arc::clone(&bucket));
    tokio::spawn(async move { axum::serve(listener, router).await });
    let folder = tempfile::tempdir().unwrap();
    let (from, to) = (folder.path().join("from"), folder.path().join("to"));
    fill(&from).await;
    let from = ["--data-dir", from.to_str().unwrap()];
    let to = ["--data-dir", to.to_str().unwrap()];
    let url = "s3://bucket/nightly/one.tar";

    bucket.lock().unwrap().refuses = Some(2);
    let failed = bowline_server(&[&["backup", "--to", url], &from[..]].concat(), port).await;
    assert_eq!(failed.status.code(), Some(1), "{}", said(&failed));
    {
        let mut bucket = bucket.lock().unwrap();
        assert_eq!(bucket.begun, 1);
        assert!(bucket.objects.is_empty() && bucket.uploads.is_empty(), "nothing is left: {}", said(&failed));
        bucket.refuses = None;
    }

    let made = bowline_server(&[&["backup", "--to", url], &from[..]].concat(), port).await;
    assert!(made.status.success(), "{}", said(&made));
    assert_eq!(bucket.lock().unwrap().begun, 2, "it went up in parts");
    let again = bowline_server(&[&["backup", "--to", url], &from[..]].concat(), port).await;
    assert!(!again.status.success() && said(&again).contains("exists"), "{}", said(&again));
    let verified = bowline_server(&["backup", "verify", url], port).await;
    assert!(said(&verified).contains("is whole"), "{}", said(&verified));
    let restored = bowline_server(&[&["restore", "--from", url], &to[..]].concat(), port).await;
    assert!(restored.status.success(), "{}", said(&restored));
    let store = open_sqlite(SqliteOptions::new(folder.path().join("to"))).await.unwrap();
    assert_eq!(store.observations(0, 100).await.unwrap().len(), 7);

    {
        let mut shared = bucket.lock().unwrap();
        assert_eq!(shared.unsigned, 0, "every request is signed");
        let object = shared.objects.values_mut().next().unwrap();
        let middle = object.len() / 2;
        object[middle] ^= 1;
    }
    let damaged = bowline_server(&["backup", "verify", url], port).await;
    assert_eq!(damaged.status.code(), Some(3), "{}", said(&damaged));
    let none = bowline_server(&["backup", "verify", "s3://bucket/none.tar"], port).await;
    assert_eq!(none.status.code(), Some(1), "{}", said(&none));
}
