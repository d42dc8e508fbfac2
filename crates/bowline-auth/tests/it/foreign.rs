//! The other party: keys and signatures that our code did not make. ring signs; openssl makes RSA keys and signs too.

use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use serde_json::Value;

/// Runs openssl with `input` on its standard input; its whole life is this call.
pub(crate) fn openssl(arguments: &str, input: &[u8]) -> Vec<u8> {
    let mut child = Command::new("openssl")
        .args(arguments.split_whitespace())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("these tests need the openssl command (apt-get install openssl)");
    child.stdin.take().expect("piped").write_all(input).expect("openssl reads its input");
    let output = child.wait_with_output().expect("openssl ends");
    assert!(output.status.success(), "openssl {arguments}: {}", String::from_utf8_lossy(&output.stderr));
    output.stdout
}

pub(crate) fn base64(der: &[u8]) -> String {
    STANDARD.encode(der)
}

pub(crate) fn base64url(bytes: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

pub(crate) enum Signer {
    P256(EcdsaKeyPair),
    Ed25519(Ed25519KeyPair),
    Rsa(Box<RsaKeyPair>),
}

impl Signer {
    pub(crate) fn alg(&self) -> &'static str {
        match self {
            Self::P256(_) => "ES256",
            Self::Ed25519(_) => "EdDSA",
            Self::Rsa(_) => "RS256",
        }
    }

    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        let random = SystemRandom::new();
        match self {
            Self::P256(pair) => pair.sign(&random, message).expect("ring signs").as_ref().to_vec(),
            Self::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Self::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &random, message, &mut signature).expect("ring signs");
                signature
            }
        }
    }

    /// SubjectPublicKeyInfo for the curves, PKCS#1 for RSA (as `az connectedk8s` sends it).
    pub(crate) fn public_der(&self) -> Vec<u8> {
        match self {
            Self::P256(pair) => spki(
                &[
                    0x30, 0x13, 6, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 2, 1, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d,
                    3, 1, 7,
                ],
                pair.public_key().as_ref(),
            ),
            Self::Ed25519(pair) => spki(&[0x30, 5, 6, 3, 0x2b, 0x65, 0x70], pair.public_key().as_ref()),
            Self::Rsa(pair) => pair.public_key().as_ref().to_vec(),
        }
    }
}

fn spki(algorithm: &[u8], key: &[u8]) -> Vec<u8> {
    let mut body = algorithm.to_vec();
    body.extend([3, u8::try_from(key.len() + 1).expect("a short key"), 0]);
    body.extend(key);
    let mut der = vec![0x30, u8::try_from(body.len()).expect("a short key")];
    der.extend(body);
    der
}

pub(crate) fn p256() -> Signer {
    let random = SystemRandom::new();
    let pkcs8 =
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).expect("ring makes keys");
    Signer::P256(
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random)
            .expect("its own key"),
    )
}

pub(crate) fn ed25519() -> Signer {
    let pkcs8 = Ed25519KeyPair::generate_pkcs8(&SystemRandom::new()).expect("ring makes keys");
    Signer::Ed25519(Ed25519KeyPair::from_pkcs8(pkcs8.as_ref()).expect("its own key"))
}

/// An RSA key takes a moment to find, so the tests share one.
pub(crate) fn rsa() -> Signer {
    static PKCS8: OnceLock<Vec<u8>> = OnceLock::new();
    let pkcs8 = PKCS8.get_or_init(|| {
        let pem = openssl("genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048", b"");
        openssl("pkcs8 -topk8 -nocrypt -outform DER", &pem)
    });
    Signer::Rsa(Box::new(RsaKeyPair::from_pkcs8(pkcs8).expect("openssl's key")))
}

/// A JWS as any client library writes it.
pub(crate) fn jwt(header: &Value, claims: &Value, sign: impl FnOnce(&[u8]) -> Vec<u8>) -> String {
    let input = format!("{}.{}", base64url(header.to_string()), base64url(claims.to_string()));
    let signature = sign(input.as_bytes());
    format!("{input}.{}", base64url(signature))
}
