//! Why a cluster refused, in a form that a person can act on.

use thiserror::Error;

/// What can go wrong between us and a cluster's API server.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The kubeconfig is missing, unreadable or does not hold the wanted context.
    #[error("the kubeconfig cannot be used: {0}")]
    Kubeconfig(String),
    /// Neither a kubeconfig nor a pod's service account was found.
    #[error("no cluster is configured: {0}")]
    NotConfigured(String),
    /// The API server did not answer at all.
    #[error("the API server at {server} cannot be reached: {why}")]
    Unreachable { server: String, why: String },
    /// The API server answered with a certificate that we do not trust.
    #[error("the certificate of the API server at {server} is not trusted: {why}")]
    Untrusted { server: String, why: String },
    /// HTTP 401.
    #[error("the API server does not accept the credentials: {message}")]
    Unauthorized { message: String },
    /// HTTP 403.
    #[error("the API server forbids it: {message}")]
    Forbidden { message: String },
    /// HTTP 404: the object or the kind does not exist.
    #[error("not found: {message}")]
    NotFound { message: String },
    /// HTTP 409: somebody else owns a field, or the object already exists or changed meanwhile.
    #[error("conflict: {message}")]
    Conflict { message: String },
    /// HTTP 410: the revision we wanted to go on from is gone, so the list has to be read again.
    #[error("the revision is no longer known to the API server: {message}")]
    Gone { message: String },
    /// HTTP 429 or 503, with the seconds after which to come back, when given.
    #[error("the API server is busy: {message}")]
    Busy { message: String, retry_after: Option<u32> },
    /// Every other refusal.
    #[error("the API server answered {code} {reason}: {message}")]
    Refused { code: u16, reason: String, message: String },
    /// The answer was not what the Kubernetes API promises.
    #[error("the API server's answer cannot be understood: {0}")]
    BadAnswer(String),
    /// A kind was named in a form we do not know.
    #[error(
        "`{0}` is not a kind: write version/Kind or group/version/Kind, for instance v1/Pod or apps/v1/Deployment"
    )]
    BadKind(String),
}

impl ClusterError {
    /// What to do next, as one sentence for a person.
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Kubeconfig(_) => {
                "Name the file with --kubeconfig and the context with --context; `kubectl config get-contexts` lists them."
            }
            Self::NotConfigured(_) => {
                "Pass --kubeconfig, set KUBECONFIG, or run inside a pod with a service account token."
            }
            Self::Unreachable { .. } => {
                "Check that the address in the kubeconfig is right, that the cluster runs, and that no firewall or proxy is between."
            }
            Self::Untrusted { .. } => {
                "Put the cluster's certificate authority into the kubeconfig (certificate-authority-data)."
            }
            Self::Unauthorized { .. } => {
                "Sign in to the cluster again or renew the kubeconfig; the token or client certificate may have expired."
            }
            Self::Forbidden { .. } => {
                "Ask a cluster administrator for the missing right, or use a context with more rights."
            }
            Self::NotFound { .. } => "Check the name and the namespace, and that the kind is installed.",
            Self::Conflict { .. } => {
                "Read the object again, see who owns the fields, and decide whose change wins."
            }
            Self::Gone { .. } => "Nothing: the list is read again.",
            Self::Busy { .. } => "Wait and try again; the API server sheds load.",
            Self::Refused { .. } => "Read the message; the API server's log and its audit log tell more.",
            Self::BadAnswer(_) => {
                "Check that the address is a Kubernetes API server and not a load balancer's error page."
            }
            Self::BadKind(_) => "List the kinds that the cluster serves with `kubectl api-resources`.",
        }
    }

    /// What was asked for does not exist.
    pub fn is_missing(&self) -> bool {
        matches!(self, ClusterError::NotFound { .. })
    }

    /// Whether the same request may succeed a little later without anybody changing anything.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. } | Self::Busy { .. } | Self::Gone { .. } => true,
            Self::Refused { code, .. } => *code >= 500,
            _ => false,
        }
    }
}

/// Turns what the client library says into our words. `server` is only for the message.
pub(crate) fn from_kube(error: kube::Error, server: &str) -> ClusterError {
    match error {
        kube::Error::Api(status) => from_status(*status),
        kube::Error::SerdeError(error) => ClusterError::BadAnswer(error.to_string()),
        kube::Error::FromUtf8(error) => ClusterError::BadAnswer(error.to_string()),
        kube::Error::InferKubeconfig(error) => ClusterError::Kubeconfig(chain(&error)),
        kube::Error::Auth(error) => ClusterError::Unauthorized { message: chain(&error) },
        other => from_transport(&other, server),
    }
}

pub(crate) fn from_transport(error: &(dyn std::error::Error + 'static), server: &str) -> ClusterError {
    let why = chain(error);
    let server = server.to_owned();
    // rustls has no type in the chain that survives the boxing of every layer, so its words decide.
    if why.contains("invalid peer certificate") || why.contains("UnknownIssuer") {
        return ClusterError::Untrusted { server, why };
    }
    ClusterError::Unreachable { server, why }
}

fn from_status(status: kube::core::Status) -> ClusterError {
    let message = status.message.clone();
    let retry_after = status.details.as_ref().map(|details| details.retry_after_seconds).filter(|n| *n > 0);
    match status.code {
        401 => ClusterError::Unauthorized { message },
        403 => ClusterError::Forbidden { message },
        404 => ClusterError::NotFound { message },
        409 => ClusterError::Conflict { message },
        410 => ClusterError::Gone { message },
        429 | 503 => ClusterError::Busy { message, retry_after },
        code => ClusterError::Refused { code, reason: status.reason, message },
    }
}

/// The error and its sources in one line, without a sentence that merely repeats the one before.
pub(crate) fn chain(error: &(dyn std::error::Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        let more = source.to_string();
        if !text.contains(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        next = source.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(code: u16) -> kube::Error {
        kube::Error::Api(Box::new(kube::core::Status::failure("why", "Reason").with_code(code)))
    }

    #[test]
    fn each_http_code_becomes_its_own_refusal() {
        for (code, transient) in [
            (401, false),
            (403, false),
            (404, false),
            (409, false),
            (410, true),
            (429, true),
            (500, true),
            (422, false),
        ] {
            let error = from_kube(status(code), "https://c");
            assert_eq!(error.is_transient(), transient, "{code}: {error}");
            assert!(error.to_string().contains("why"), "{error}");
            assert!(!error.advice().is_empty());
        }
    }
}
