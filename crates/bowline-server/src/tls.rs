//! TLS: the operator's certificate, or one of a local certificate authority that is made at the first start.
//!
//! The local authority signs only certificates for this server's names. Its key never leaves the data directory.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, bail};
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use crate::config::Config;

/// The server's configuration, with HTTP/2 and HTTP/1.1 by ALPN.
///
/// # Errors
/// When certificates cannot be read or made.
pub fn configure(config: &Config) -> anyhow::Result<Arc<ServerConfig>> {
    let (chain, key) = match &config.tls {
        Some((cert, key)) => (cert.clone(), key.clone()),
        None => local(config)?,
    };
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_file_iter(&chain)
        .and_then(Iterator::collect)
        .with_context(|| format!("the certificate {} cannot be read", chain.display()))?;
    let key = PrivateKeyDer::from_pem_file(&key)
        .with_context(|| format!("the private key {} cannot be read", key.display()))?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .context("certificate and private key do not belong together")?;
    server.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    // Idle sessions are many and long: tickets would only cost memory and handshake time.
    server.send_tls13_tickets = 1;
    Ok(Arc::new(server))
}

/// The certificate (PEM) of the local authority; none when the operator brought a certificate.
///
/// # Errors
/// When it cannot be read.
pub fn authority_pem(config: &Config) -> anyhow::Result<Option<Vec<u8>>> {
    match config.tls {
        Some(_) => Ok(None),
        None => Ok(Some(read(&config.data_dir.join("tls/ca.crt"))?.into())),
    }
}

/// The local authority's certificate for this server, made or renewed when needed.
fn local(config: &Config) -> anyhow::Result<(std::path::PathBuf, std::path::PathBuf)> {
    let folder = config.data_dir.join("tls");
    make_private_folder(&folder)?;
    let (ca_cert, ca_key) = (folder.join("ca.crt"), folder.join("ca.key"));
    if !ca_key.exists() {
        make_authority(&ca_cert, &ca_key)?;
    }
    let ca_pem = read(&ca_cert)?;
    let (cert, key) = (folder.join("server.crt"), folder.join("server.key"));
    let host = url::Url::parse(&config.public_url)?
        .host_str()
        .unwrap_or("localhost")
        .trim_matches(['[', ']'])
        .to_owned();
    // A fresh leaf at every start costs a millisecond, and is never about to expire or for another name.
    make_leaf(&read(&ca_key)?, &host, &cert, &key)?;
    write(&config.data_dir.join("ca.crt"), ca_pem.as_bytes(), 0o644)?;
    Ok((cert, key))
}

/// What the local authority's certificate says, but for its times.
fn authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "Bowline local authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

fn make_authority(cert: &Path, key: &Path) -> anyhow::Result<()> {
    let pair = KeyPair::generate()?;
    let mut params = authority();
    let day = std::time::Duration::from_secs(86_400);
    let now = now();
    params.not_before = (now - day).into();
    params.not_after = (now + day * 3650).into();
    let certificate = params.self_signed(&pair)?;
    write(key, pair.serialize_pem().as_bytes(), 0o600)?;
    write(cert, certificate.pem().as_bytes(), 0o644)
}

fn make_leaf(ca_key: &str, host: &str, cert: &Path, key: &Path) -> anyhow::Result<()> {
    // The issuer's name and key identifier follow from its parameters and key, so its certificate need not be parsed.
    let issuer = Issuer::new(
        authority(),
        KeyPair::from_pem(ca_key).context("the local authority's key cannot be read")?,
    );
    let pair = KeyPair::generate()?;
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, host);
    let mut names = vec![
        SanType::DnsName("localhost".try_into()?),
        SanType::IpAddress([127, 0, 0, 1].into()),
        SanType::IpAddress(std::net::Ipv6Addr::LOCALHOST.into()),
    ];
    match host.parse::<std::net::IpAddr>() {
        Ok(address) => names.push(SanType::IpAddress(address)),
        Err(_) if host != "localhost" => names.push(SanType::DnsName(host.to_owned().try_into()?)),
        Err(_) => {}
    }
    params.subject_alt_names = names;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let day = std::time::Duration::from_secs(86_400);
    let now = now();
    params.not_before = (now - day).into();
    params.not_after = (now + day * 397).into();
    let certificate = params.signed_by(&pair, &issuer)?;
    write(key, pair.serialize_pem().as_bytes(), 0o600)?;
    write(cert, certificate.pem().as_bytes(), 0o644)
}

#[expect(
    clippy::disallowed_methods,
    reason = "certificates are made at the start, before there is a request with a clock"
)]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

#[expect(clippy::disallowed_methods, reason = "the TLS files are kept here and nowhere else")]
fn read(path: &Path) -> anyhow::Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Makes a folder that only the server's user can enter.
///
/// # Errors
/// When it cannot be made.
#[expect(clippy::disallowed_methods, reason = "the data directory is made here and nowhere else")]
pub fn make_private_folder(path: &Path) -> anyhow::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::create_dir_all(path).with_context(|| format!("the folder {} cannot be made", path.display()))?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("the folder {} cannot be made private", path.display()))
}

/// Writes a file whole: a crash leaves the old one or the new one.
///
/// # Errors
/// When it cannot be written.
#[expect(
    clippy::disallowed_methods,
    reason = "small files of the data directory are written here and nowhere else"
)]
pub fn write(path: &Path, content: &[u8], mode: u32) -> anyhow::Result<()> {
    let beside = path.with_extension("new");
    let attempt = || -> std::io::Result<()> {
        let mut file =
            std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(mode).open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        std::fs::rename(&beside, path)
    };
    attempt().with_context(|| format!("{} cannot be written", path.display()))
}

/// Reads a file that anybody may read.
///
/// # Errors
/// When it cannot be read.
#[expect(clippy::disallowed_methods, reason = "files of the settings are read here and nowhere else")]
pub fn read_public(path: &Path) -> anyhow::Result<Vec<u8>> {
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}

/// Reads a secret file, refusing one that others may read.
///
/// # Errors
/// When it cannot be read or its permissions are too wide.
#[expect(clippy::disallowed_methods, reason = "secret files are read here and nowhere else")]
pub fn read_secret(path: &Path) -> anyhow::Result<Vec<u8>> {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(path)
        .with_context(|| format!("{} cannot be read", path.display()))?
        .permissions()
        .mode();
    if mode & 0o077 != 0 {
        bail!("{} can be read by others (mode {:o}): run chmod 600 on it", path.display(), mode & 0o777);
    }
    std::fs::read(path).with_context(|| format!("{} cannot be read", path.display()))
}
