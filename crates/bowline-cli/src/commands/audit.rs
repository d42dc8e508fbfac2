//! `bowline audit`: holds the server's activity log against what was signed about it.
//!
//! The chain and the signatures are checked here, on this computer: the server only hands out entries and statements. Whose signatures count
//! is decided by the public key that was kept elsewhere (`--public-key`); without one the server's own word is taken for it, and that is said.

use std::path::PathBuf;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bowline_arm::audit::{LOG, Report, Stated, Verifier};
use bowline_arm::chain::LoggedEntry;
use ring::signature::{ECDSA_P256_SHA256_FIXED, UnparsedPublicKey};
use serde_json::{Value, json};

use crate::api;
use crate::app::App;
use crate::config::host;
use crate::failure::{Failure, Kind, Result};
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum AuditCommand {
    /// Find out whether the activity log is what was written and signed
    Verify {
        /// The public key that signs it (JWK, JWKS or PEM), as it was kept elsewhere; may be given several times
        #[arg(long, value_name = "FILE")]
        public_key: Vec<PathBuf>,
        /// Signed heads that were kept elsewhere: a copy of a server's audit-heads.jws
        #[arg(long, value_name = "FILE")]
        heads: Vec<PathBuf>,
    },
}

const DETAILS: &[Column] = &[
    Column::text("Result", &["/result"]),
    Column::text("First entry", &["/first"]),
    Column::text("Last entry", &["/last"]),
    Column::text("Signed up to", &["/signedUpTo"]),
    Column::text("Signed on", &["/signedOn"]),
];

pub(crate) async fn run(app: &App, command: AuditCommand) -> Result<Answer> {
    let AuditCommand::Verify { public_key, heads } = command;
    let arm = app.arm()?;
    let served = arm.get(&format!("{}/auditStatements", api::BOWLINE_ROOT), api::BOWLINE).await?;
    let mut keys = Vec::new();
    for path in &public_key {
        keys.extend(read_keys(&host::read_input(path, "the public key")?).ok_or_else(|| {
            Failure::usage(format!("{} holds no public key", path.display()))
                .why("a P-256 key is needed, as JWK, JWKS or PEM")
                .next("print it where the server runs: bowline-server audit public-key --data-dir DIR")
        })?);
    }
    if public_key.is_empty() {
        keys = read_keys(&served.to_string()).unwrap_or_default();
        eprintln!(
            "The server itself said by which key it signs: give --public-key FILE with one that you kept."
        );
    }
    let mut statements: Vec<String> = Vec::new();
    statements.extend(
        served["value"].as_array().into_iter().flatten().filter_map(|s| s.as_str().map(str::to_owned)),
    );
    for path in &heads {
        statements.extend(host::read_log(path)?.lines().map(str::to_owned).filter(|line| !line.is_empty()));
    }
    let believed: Vec<Stated> = statements.iter().filter_map(|s| believe(s, &keys)).collect();
    let mut verifier = Verifier::new(believed);
    let mut after = verifier.start();
    loop {
        let token = after.to_string();
        let path = format!("{}/auditEntries", api::BOWLINE_ROOT);
        // A page at a time: the log may be larger than memory.
        let page = arm.page(&path, api::BOWLINE, &[("$skipToken", token.as_str())]).await?;
        let entries: Vec<LoggedEntry> = serde_json::from_value(page["value"].clone())
            .map_err(|error| Failure::new(Kind::Service, "the log cannot be read").why(error.to_string()))?;
        entries.iter().for_each(|entry| verifier.take(entry));
        match entries.last() {
            Some(last) => after = last.seq,
            None => return answer(&verifier.finish()),
        }
    }
}

fn answer(report: &Report) -> Result<Answer> {
    if report.findings.is_empty() {
        let value = json!({
            "result": "the log is what was signed",
            "first": report.range.map(|range| range.0),
            "last": report.range.map(|range| range.1),
            "signedUpTo": report.signed.map(|signed| signed.0),
            "signedOn": report.signed.map(|signed| signed.1.to_string()),
        });
        return Ok(Answer::details(value, DETAILS));
    }
    let count = report.findings.len() as u64 + report.more;
    let mut failure =
        Failure::new(Kind::Service, format!("the activity log is not what was signed: {count} findings"))
            .code("AuditFailed");
    for finding in &report.findings {
        failure = failure.why(finding.to_string());
    }
    Err(failure.next("what each finding means: docs/guide/activity-log.md"))
}

/// Uncompressed points of the P-256 keys in a JWK, a JWKS or PEM.
fn read_keys(text: &str) -> Option<Vec<Vec<u8>>> {
    if text.trim_start().starts_with('{') {
        let value: Value = serde_json::from_str(text).ok()?;
        let keys = value["keys"].as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        return keys.iter().map(point_of).collect();
    }
    let pem = text.split("-----").find(|part| !part.trim().is_empty() && !part.contains("PUBLIC KEY"))?;
    let der = STANDARD.decode(pem.split_whitespace().collect::<String>()).ok()?;
    // SubjectPublicKeyInfo of P-256 is 26 fixed bytes and the point.
    let point = der.get(26..).filter(|point| point.len() == 65 && point[0] == 4)?;
    Some(vec![point.to_vec()])
}

fn point_of(jwk: &Value) -> Option<Vec<u8>> {
    let number = |name: &str| URL_SAFE_NO_PAD.decode(jwk[name].as_str()?).ok().filter(|n| n.len() == 32);
    (jwk["crv"] == "P-256").then_some(())?;
    Some([vec![4], number("x")?, number("y")?].concat())
}

/// What a statement says, if one of the keys signed it.
fn believe(statement: &str, keys: &[Vec<u8>]) -> Option<Stated> {
    let (signed, signature) = statement.trim().rsplit_once('.')?;
    let (header, payload) = signed.split_once('.')?;
    let header: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(header).ok()?).ok()?;
    let signature = URL_SAFE_NO_PAD.decode(signature).ok()?;
    let by = |key: &Vec<u8>| {
        let key = UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key);
        key.verify(signed.as_bytes(), &signature).is_ok()
    };
    if header["alg"] != "ES256" || !keys.iter().any(by) {
        return None;
    }
    let stated: Stated = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    (stated.log == LOG).then_some(stated)
}
