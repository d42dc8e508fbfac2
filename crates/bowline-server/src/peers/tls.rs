//! Mutual TLS between servers without an authority: each shows a certificate that it made itself, and is known by its digest.
//!
//! # Design notes
//! A certificate's names, dates and issuer mean nothing here, so none is looked at. What counts is that the other side has the key of a certificate whose
//! digest a living server's row says; the signature of the handshake proves the key. TLS 1.3 only.

use std::sync::Arc;

use rcgen::{CertificateParams, KeyPair};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, DistinguishedName, Error, ServerConfig,
    SignatureScheme,
};
use sha2::{Digest as _, Sha256};

/// What both sides speak.
const ALPN: &[u8] = b"bowline-peer/1";

/// The certificate of this server, made at its start.
#[derive(Debug)]
pub struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivatePkcs8KeyDer<'static>,
    provider: Arc<CryptoProvider>,
    /// What others know it by.
    pub pin: String,
}

/// What others know a certificate by.
#[must_use]
pub fn pin_of(certificate: &CertificateDer<'_>) -> String {
    hex::encode(Sha256::digest(certificate))
}

/// No name is looked at, and TLS wants one.
#[must_use]
pub fn name() -> ServerName<'static> {
    ServerName::try_from("peer.bowline").expect("it is a name")
}

impl Identity {
    /// A new one.
    ///
    /// # Errors
    /// When none can be made.
    pub fn make() -> anyhow::Result<Self> {
        let pair = KeyPair::generate()?;
        let params = CertificateParams::new(vec!["peer.bowline".to_owned()])?;
        let certificate = params.self_signed(&pair)?.der().clone();
        let key = PrivatePkcs8KeyDer::from(pair.serialize_der());
        let pin = pin_of(&certificate);
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        Ok(Self { certificate, key, provider, pin })
    }

    fn key(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::Pkcs8(self.key.clone_key())
    }

    /// Takes connections of whoever has the key of the certificate that it shows; whose it is has to be looked up.
    ///
    /// # Errors
    /// When the certificate is not usable.
    pub fn server(&self) -> Result<Arc<ServerConfig>, Error> {
        let shows = Arc::new(Shown { provider: Arc::clone(&self.provider), pin: None });
        let builder = ServerConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_protocol_versions(&[&TLS13])?.with_client_cert_verifier(shows);
        let mut config = builder.with_single_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        // Each connection proves itself anew.
        config.send_tls13_tickets = 0;
        Ok(Arc::new(config))
    }

    /// Connects to the server with this certificate and to no other.
    ///
    /// # Errors
    /// When the certificate is not usable.
    pub fn client(&self, pin: &str) -> Result<Arc<ClientConfig>, Error> {
        let shows = Arc::new(Shown { provider: Arc::clone(&self.provider), pin: Some(pin.to_owned()) });
        let builder = ClientConfig::builder_with_provider(Arc::clone(&self.provider));
        let builder = builder.with_protocol_versions(&[&TLS13])?;
        let builder = builder.dangerous().with_custom_certificate_verifier(shows);
        let mut config = builder.with_client_auth_cert(vec![self.certificate.clone()], self.key())?;
        config.alpn_protocols = vec![ALPN.to_vec()];
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Arc::new(config))
    }
}

/// Judges the certificate that the other side shows.
#[derive(Debug)]
struct Shown {
    provider: Arc<CryptoProvider>,
    /// The only one that is right; without it each is, until it was looked up.
    pin: Option<String>,
}

impl Shown {
    fn judge(&self, certificate: &CertificateDer<'_>) -> Result<(), Error> {
        match &self.pin {
            Some(pin) if pin_of(certificate) != *pin => {
                Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure))
            }
            _ => Ok(()),
        }
    }

    fn proves_key(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }

    fn schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}

fn never_tls12() -> Error {
    Error::General("TLS 1.2 is not spoken between servers".to_owned())
}

impl ServerCertVerifier for Shown {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _server_name: &ServerName<'_>,
        _ocsp_response: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.judge(end_entity).map(|()| ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(never_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proves_key(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

impl ClientCertVerifier for Shown {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _intermediates: &[CertificateDer<'_>],
        _now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.judge(end_entity).map(|()| ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _cert: &CertificateDer<'_>,
        _dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(never_tls12())
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.proves_key(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.schemes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio_rustls::{TlsAcceptor, TlsConnector};

    /// The two certificates that each side saw of the other.
    async fn shake(server: &Identity, client: Arc<ClientConfig>) -> std::io::Result<(String, String)> {
        let (here, there) = tokio::io::duplex(16 << 10);
        let acceptor = TlsAcceptor::from(server.server().unwrap());
        let (accepted, connected) =
            tokio::join!(acceptor.accept(there), TlsConnector::from(client).connect(name(), here));
        let (accepted, connected) = (accepted?, connected?);
        let seen = |certificates: Option<&[CertificateDer<'_>]>| pin_of(&certificates.unwrap()[0]);
        Ok((seen(accepted.get_ref().1.peer_certificates()), seen(connected.get_ref().1.peer_certificates())))
    }

    #[tokio::test]
    async fn two_servers_know_each_other_by_their_certificates() {
        let (one, two, other) =
            (Identity::make().unwrap(), Identity::make().unwrap(), Identity::make().unwrap());
        let seen = shake(&one, two.client(&one.pin).unwrap()).await.unwrap();
        assert_eq!(seen, (two.pin.clone(), one.pin.clone()));
        assert!(shake(&one, two.client(&other.pin).unwrap()).await.is_err(), "another server is refused");
        assert!(shake(&one, two.client("").unwrap()).await.is_err());
    }

    #[tokio::test]
    async fn a_certificate_without_its_key_or_none_at_all_is_refused() {
        let (one, two, thief) =
            (Identity::make().unwrap(), Identity::make().unwrap(), Identity::make().unwrap());
        // It shows the certificate of another server, and has not its key.
        let stolen = Identity { certificate: two.certificate.clone(), ..thief };
        let client = stolen.client(&one.pin);
        assert!(client.is_err() || shake(&one, client.unwrap()).await.is_err());
        let nobody = ClientConfig::builder_with_provider(Arc::clone(&one.provider))
            .with_protocol_versions(&[&TLS13])
            .unwrap()
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(Shown {
                provider: Arc::clone(&one.provider),
                pin: None,
            }))
            .with_no_client_auth();
        assert!(shake(&one, Arc::new(nobody)).await.is_err());
    }
}
