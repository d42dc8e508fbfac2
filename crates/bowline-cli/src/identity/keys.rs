//! The key pair a connected cluster's agent proves itself with: P-256.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;

use crate::failure::{Failure, Kind, Result};

/// What stands before an uncompressed P-256 point in a DER SubjectPublicKeyInfo (RFC 5480).
const P256_SPKI_PREFIX: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86,
    0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// A new key pair; the private half goes into the cluster and nowhere else.
pub(crate) struct AgentKey {
    /// PKCS#8 as PEM.
    pub(crate) private_pem: String,
    /// Base64 of the DER SubjectPublicKeyInfo, as `agentPublicKeyCertificate` carries it.
    pub(crate) public_base64: String,
}

impl AgentKey {
    pub(crate) fn generate() -> Result<Self> {
        let random = SystemRandom::new();
        let failed = || {
            Failure::new(Kind::Service, "a key pair could not be made")
                .why("this computer's random number generator or cryptography failed")
        };
        let pkcs8 =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).map_err(|_| failed())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
            .map_err(|_| failed())?;
        Ok(Self { private_pem: pem(pkcs8.as_ref()), public_base64: spki(pair.public_key().as_ref()) })
    }

    /// The public half of a key that an earlier run (or the agent itself) made; none when it is not of our kind.
    pub(crate) fn public_of(private_pem: &str) -> Option<String> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(private_pem.as_bytes()).ok()?;
        let random = SystemRandom::new();
        let pair =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der.secret_pkcs8_der(), &random)
                .ok()?;
        Some(spki(pair.public_key().as_ref()))
    }
}

fn spki(point: &[u8]) -> String {
    BASE64_STANDARD.encode([&P256_SPKI_PREFIX, point].concat())
}

fn pem(der: &[u8]) -> String {
    let text = BASE64_STANDARD.encode(der);
    let mut pem = String::from("-----BEGIN PRIVATE KEY-----\n");
    for start in (0..text.len()).step_by(64) {
        pem.push_str(&text[start..text.len().min(start + 64)]);
        pem.push('\n');
    }
    pem.push_str("-----END PRIVATE KEY-----\n");
    pem
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::process::{Command, Stdio};

    /// OpenSSL reads our private key and derives the very public key that we register.
    #[test]
    fn a_foreign_tool_derives_the_same_public_key() {
        let key = AgentKey::generate().unwrap();
        let mut openssl = Command::new("openssl")
            .args(["pkey", "-pubout", "-outform", "DER"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("openssl is installed");
        openssl.stdin.take().unwrap().write_all(key.private_pem.as_bytes()).unwrap();
        let output = openssl.wait_with_output().unwrap();
        assert!(output.status.success());
        assert_eq!(BASE64_STANDARD.encode(output.stdout), key.public_base64);
        assert_eq!(AgentKey::public_of(&key.private_pem).as_deref(), Some(key.public_base64.as_str()));
        assert_eq!(AgentKey::public_of("no key"), None);
    }
}
