//! A refusal as the user sees it: what happened, why, and what to try; its kind decides the exit code.

use std::fmt;

/// The kinds of failure, one exit code each. The numbers are a promise (`docs/guide/cli.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The service, the cluster or this machine refused or failed.
    Service,
    /// The command cannot be understood, or something it needs was not said.
    Usage,
    /// What was named does not exist.
    NotFound,
    /// Not signed in, or not allowed.
    Forbidden,
    /// It exists already, or somebody else changed it.
    Conflict,
    /// The server did not answer, or is not who it should be.
    Unreachable,
    /// The user pressed Ctrl-C.
    Interrupted,
}

impl Kind {
    /// The process's exit code.
    pub(crate) const fn exit_code(self) -> u8 {
        match self {
            Self::Service => 1,
            Self::Usage => 2,
            Self::NotFound => 3,
            Self::Forbidden => 4,
            Self::Conflict => 5,
            Self::Unreachable => 6,
            Self::Interrupted => 130,
        }
    }

    /// The code that programs read when the server gave none.
    pub(crate) const fn default_code(self) -> &'static str {
        match self {
            Self::Service => "Failed",
            Self::Usage => "Usage",
            Self::NotFound => "NotFound",
            Self::Forbidden => "NotAllowed",
            Self::Conflict => "Conflict",
            Self::Unreachable => "ServerUnreachable",
            Self::Interrupted => "Interrupted",
        }
    }
}

/// One failure, complete enough to be shown.
#[derive(Clone, Debug)]
pub(crate) struct Failure {
    pub(crate) kind: Kind,
    /// A stable code: the server's own where there is one.
    pub(crate) code: Option<String>,
    pub(crate) what: String,
    pub(crate) why: Vec<String>,
    pub(crate) next: Vec<String>,
}

impl Failure {
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, code: None, what: what.into(), why: Vec::new(), next: Vec::new() }
    }

    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Adds a reason; an empty one is left out.
    pub(crate) fn why(mut self, why: impl Into<String>) -> Self {
        let why = why.into();
        if !why.is_empty() {
            self.why.push(why);
        }
        self
    }

    /// Adds something the user can do next.
    pub(crate) fn next(mut self, next: impl Into<String>) -> Self {
        self.next.push(next.into());
        self
    }

    pub(crate) fn code(mut self, code: impl Into<String>) -> Self {
        self.code = Some(code.into());
        self
    }

    /// The code that programs read.
    pub(crate) fn stable_code(&self) -> &str {
        self.code.as_deref().unwrap_or(self.kind.default_code())
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.what)
    }
}

impl std::error::Error for Failure {}

/// What every step of the command returns.
pub(crate) type Result<T, E = Failure> = std::result::Result<T, E>;
