//! A small store with the part of S3's interface that is used; Google's XML interface is the same but for who asks and what is sent along.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;

use super::{Record, Settings, said, with};

/// The bucket that there is.
const BUCKET: &str = "/bucket/";

#[derive(Default)]
struct Bucket {
    objects: HashMap<String, Vec<u8>>,
    /// Parts of an upload that is not finished.
    uploads: HashMap<String, BTreeMap<u32, Vec<u8>>>,
    /// How many uploads were begun.
    begun: usize,
    /// Refuses this part.
    refuses: Option<u32>,
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

/// Who asks is known by the name of its key: a signature of Amazon's kind, or a token that a service account of Google's made.
fn refusal(headers: &HeaderMap) -> Option<StatusCode> {
    let given = headers.get(header::AUTHORIZATION).and_then(|given| given.to_str().ok()).unwrap_or_default();
    if let Some(signature) = given.strip_prefix("AWS4-HMAC-SHA256 ") {
        return (!signature.contains("Credential=key/")).then_some(StatusCode::FORBIDDEN);
    }
    let token = given.strip_prefix("Bearer ").unwrap_or_default();
    let head = token.split('.').next().unwrap_or_default();
    let head: serde_json::Value = URL_SAFE_NO_PAD
        .decode(head)
        .ok()
        .and_then(|head| serde_json::from_slice(&head).ok())
        .unwrap_or_default();
    (head["kid"] != "known" || head["alg"] != "RS256").then_some(StatusCode::UNAUTHORIZED)
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
    let key = uri.path().to_owned();
    if let Some(refusal) = refusal(&headers) {
        return (refusal, xml("<Error><Code>Denied</Code></Error>".to_owned())).into_response();
    }
    if !key.starts_with(BUCKET) {
        return (StatusCode::NOT_FOUND, xml("<Error><Code>NoSuchBucket</Code></Error>".to_owned()))
            .into_response();
    }
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
                return (StatusCode::FORBIDDEN, xml("<Error><Code>AccessDenied</Code></Error>".to_owned()))
                    .into_response();
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
            Some(object) => {
                let headers =
                    [(header::ETAG, "\"e\""), (header::LAST_MODIFIED, "Sun, 01 Mar 2026 12:00:00 GMT")];
                (headers, object.clone()).into_response()
            }
            None => StatusCode::NOT_FOUND.into_response(),
        },
        other => panic!("nobody asks {other:?} of this store"),
    }
}

async fn start() -> (Shared, String) {
    let bucket = Shared::default();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().fallback(serve).layer(axum::extract::DefaultBodyLimit::disable());
    let router = router.with_state(Arc::clone(&bucket));
    tokio::spawn(async move { axum::serve(listener, router).await });
    (bucket, address)
}

fn amazon(address: &str) -> Settings {
    vec![
        ("AWS_ENDPOINT", address.to_owned()),
        ("AWS_ALLOW_HTTP", "true".to_owned()),
        ("AWS_ACCESS_KEY_ID", "key".to_owned()),
        ("AWS_SECRET_ACCESS_KEY", "hidden".to_owned()),
        ("AWS_REGION", "local".to_owned()),
    ]
}

/// The key file of a service account, as Google gives it out.
fn account(address: &str, id: &str) -> String {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap().serialize_pem();
    serde_json::json!({
        "type": "service_account", "private_key_id": id, "private_key": key,
        "client_email": "backups@site.iam.gserviceaccount.com", "gcs_base_url": address, "disable_oauth": false
    })
    .to_string()
}

fn google(address: &str, folder: &std::path::Path) -> Settings {
    let file = |name: &str, id: &str| {
        let path = folder.join(name);
        std::fs::write(&path, account(address, id)).unwrap();
        path.to_string_lossy().into_owned()
    };
    let _ = file("other.json", "other");
    vec![("GOOGLE_SERVICE_ACCOUNT", file("known.json", "known")), ("GOOGLE_ALLOW_HTTP", "true".to_owned())]
}

/// One byte of what is kept is another, then the end is missing.
async fn is_damaged(record: &Record, bucket: &Shared, url: &str) {
    let object =
        |change: &dyn Fn(&mut Vec<u8>)| change(bucket.lock().unwrap().objects.values_mut().next().unwrap());
    object(&|object| {
        let middle = object.len() / 2;
        object[middle] ^= 1;
    });
    let damaged = record.verify(url).await;
    assert_eq!(damaged.status.code(), Some(3), "{}", said(&damaged));
    object(&|object| {
        let middle = object.len() / 2;
        object[middle] ^= 1;
        object.truncate(middle);
    });
    let cut = record.verify(url).await;
    assert_eq!(cut.status.code(), Some(3), "{}", said(&cut));
}

/// In a store of Amazon's kind or of Google's.
async fn whole_or_not_at_all(record: &Record, bucket: &Shared, url: &str) {
    bucket.lock().unwrap().refuses = Some(2);
    record.is_refused(url, &record.settings, "refuses").await;
    {
        let mut bucket = bucket.lock().unwrap();
        assert_eq!(bucket.begun, 1);
        assert!(bucket.objects.is_empty() && bucket.uploads.is_empty(), "nothing is left");
        bucket.refuses = None;
    }
    record.goes_and_comes(url).await;
    assert_eq!(bucket.lock().unwrap().begun, 2, "it went up in parts");
    let elsewhere = url.replace("bucket", "none");
    record.is_refused(&elsewhere, &record.settings, "no such bucket").await;
    is_damaged(record, bucket, url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_in_amazons_store_as_a_whole_or_not_at_all() {
    let (bucket, address) = start().await;
    let record = Record::new(amazon(&address)).await;
    let url = "s3://bucket/nightly/one.tar";
    let stranger = with(&record.settings, "AWS_ACCESS_KEY_ID", "stranger");
    record.is_refused(url, &stranger, "AWS_SECRET_ACCESS_KEY").await;
    whole_or_not_at_all(&record, &bucket, url).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_in_googles_store_as_a_whole_or_not_at_all() {
    let (bucket, address) = start().await;
    let folder = tempfile::tempdir().unwrap();
    let record = Record::new(google(&address, folder.path())).await;
    let url = "gs://bucket/nightly/one.tar";
    let other = folder.path().join("other.json");
    let stranger = with(&record.settings, "GOOGLE_SERVICE_ACCOUNT", other.to_str().unwrap());
    record.is_refused(url, &stranger, "GOOGLE_SERVICE_ACCOUNT").await;
    let missing = with(&record.settings, "GOOGLE_SERVICE_ACCOUNT", "/nowhere/key.json");
    record.is_refused(url, &missing, "/nowhere/key.json").await;
    whole_or_not_at_all(&record, &bucket, url).await;
}
