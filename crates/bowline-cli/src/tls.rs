//! Which servers are believed: the certificate authority that was given, or this computer's own when none was.
//!
//! There is no way to skip verification. When a certificate is not trusted, [`presented_certificates`] looks at what
//! the server presents, so that the refusal can name its fingerprint; that handshake always ends in a refusal, so
//! nothing is ever sent over it.

use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, ring::default_provider};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme};
use url::Url;

use crate::failure::{Failure, Result};

/// The TLS settings for one server.
pub(crate) fn client_config(ca_pem: Option<(&Path, &str)>) -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    match ca_pem {
        Some((path, pem)) => add_authority(&mut roots, path, pem)?,
        None => {
            // Roots this library cannot read are ones it could not verify with either.
            let (_added, _unreadable) =
                roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        }
    }
    let config = builder(default_provider()).with_root_certificates(roots).with_no_client_auth();
    Ok(config)
}

fn builder(provider: CryptoProvider) -> rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier> {
    ClientConfig::builder_with_provider(Arc::new(provider))
        .with_safe_default_protocol_versions()
        .expect("the provider speaks TLS 1.2 and 1.3")
}

fn add_authority(roots: &mut RootCertStore, path: &Path, pem: &str) -> Result<()> {
    let refused = |why: String| {
        Failure::usage(format!("{} is not a file of certificates", path.display()))
            .why(why)
            .next("it is the PEM file that the server keeps as ca.crt in its data directory")
    };
    let certificates: Vec<_> = CertificateDer::pem_slice_iter(pem.as_bytes())
        .collect::<std::result::Result<_, _>>()
        .map_err(|error| refused(error.to_string()))?;
    if certificates.is_empty() {
        return Err(refused("there is no certificate in it".to_owned()));
    }
    for certificate in certificates {
        roots.add(certificate).map_err(|error| refused(error.to_string()))?;
    }
    Ok(())
}

/// The fingerprints of what a server presents: its own certificate first.
pub(crate) async fn presented_certificates(server: &Url) -> Vec<String> {
    let Some(host) = server.host_str() else { return Vec::new() };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    let Ok(name) = ServerName::try_from(host.to_owned()) else { return Vec::new() };
    let recorder = Arc::new(Recorder { provider: default_provider(), seen: Mutex::new(Vec::new()) });
    let config = builder(default_provider())
        .dangerous()
        .with_custom_certificate_verifier(Arc::clone(&recorder) as Arc<dyn ServerCertVerifier>)
        .with_no_client_auth();
    let port = server.port_or_known_default().unwrap_or(443);
    let look = async {
        if let Ok(stream) = tokio::net::TcpStream::connect((host, port)).await {
            // The outcome is a refusal by construction; what counts is what was recorded on the way.
            let _refused = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await;
        }
    };
    let _in_time = tokio::time::timeout(Duration::from_secs(5), look).await;
    let seen = recorder.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    seen.iter().map(|der| fingerprint(der)).collect()
}

/// SHA-256 of a certificate, as `openssl x509 -fingerprint -sha256` prints it.
fn fingerprint(der: &[u8]) -> String {
    let digest = ring::digest::digest(&ring::digest::SHA256, der);
    let pairs: Vec<String> = digest.as_ref().iter().map(|byte| format!("{byte:02X}")).collect();
    pairs.join(":")
}

/// Writes down what it is shown, and believes nothing.
#[derive(Debug)]
struct Recorder {
    provider: CryptoProvider,
    seen: Mutex<Vec<Vec<u8>>>,
}

impl ServerCertVerifier for Recorder {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> std::result::Result<ServerCertVerified, rustls::Error> {
        let mut seen = self.seen.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        seen.push(end_entity.to_vec());
        seen.extend(intermediates.iter().map(|certificate| certificate.to_vec()));
        Err(rustls::Error::General("this handshake only looks".to_owned()))
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("this handshake only looks".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> std::result::Result<HandshakeSignatureValid, rustls::Error> {
        Err(rustls::Error::General("this handshake only looks".to_owned()))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
