//! What every operation carries: who acts, for which request, at which moment.

use bowline_store::Guard;
use jiff::Timestamp;
use uuid::Uuid;

use crate::repeatable::Repeat;

/// What kind of principal acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ActorKind {
    /// A person.
    User,
    /// A service principal.
    Application,
    /// The identity of a resource: an agent.
    ManagedIdentity,
    /// The bearer of an enrolment token.
    EnrollmentToken,
    /// A background task of this server.
    System,
}

impl ActorKind {
    /// As `systemData` calls it.
    #[must_use]
    pub const fn created_by_type(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Application | Self::System => "Application",
            Self::ManagedIdentity => "ManagedIdentity",
            Self::EnrollmentToken => "Key",
        }
    }
}

/// What an enrolment token permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EnrollmentGrant {
    /// The key of the scope under which resources may be created.
    pub scope: String,
    /// Types that may be created, lower case.
    pub resource_types: Vec<String>,
    /// The key of the entry that counts uses.
    pub entry: String,
    /// How many resources it may create.
    pub max_uses: u64,
}

/// Who acts.
#[derive(Clone, Debug)]
pub struct Actor {
    /// What kind.
    pub kind: ActorKind,
    /// The principal's object id.
    pub object_id: Uuid,
    /// How people know it: a user name, an application's or a resource's name.
    pub name: String,
    /// The key of the resource whose identity this is.
    pub resource: Option<String>,
    /// What the enrolment token permits.
    pub enrollment: Option<EnrollmentGrant>,
}

impl Actor {
    /// A background task.
    #[must_use]
    pub fn system(task: &str) -> Self {
        Self {
            kind: ActorKind::System,
            object_id: Uuid::nil(),
            name: format!("bowline/{task}"),
            resource: None,
            enrollment: None,
        }
    }
}

/// One operation.
#[derive(Clone, Debug)]
pub struct OpContext {
    /// Who.
    pub actor: Actor,
    /// Ties the request, its log lines and its change together.
    pub correlation_id: Uuid,
    /// The one reading of the clock.
    pub now: Timestamp,
    /// Where the request came from.
    pub client: Option<String>,
    /// The caller asks to take over a name that another host has.
    pub replace: bool,
    /// Which Kubernetes cluster the request is made for, when it says so.
    pub cluster: Option<String>,
    /// The caller may send the same request again and wants the same answer.
    pub repeat: Option<Repeat>,
    /// The lease under which a background task writes.
    pub fence: Option<Guard>,
}

impl OpContext {
    /// The context of a background task.
    #[must_use]
    pub fn system(task: &str, now: Timestamp) -> Self {
        Self {
            actor: Actor::system(task),
            correlation_id: bowline_auth::random::guid(),
            now,
            client: None,
            replace: false,
            cluster: None,
            repeat: None,
            fence: None,
        }
    }
}
