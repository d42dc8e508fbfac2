//! Which principals exist: those of the directory, known to the snapshot, and the identities that resources have of their own.

use std::collections::HashSet;

use bowline_arm::Error;
use uuid::Uuid;

use crate::Control;
use crate::authorization::{PrincipalKind, Snapshot};
use crate::pipeline::store_error;

/// The principals that a request may name.
pub struct Principals<'a> {
    snapshot: &'a Snapshot,
    /// Those of clusters and machines among the ones that the request names.
    identities: HashSet<Uuid>,
}

#[cfg(test)]
impl<'a> Principals<'a> {
    /// Those that the snapshot knows.
    pub(crate) fn of(snapshot: &'a Snapshot) -> Self {
        Self { snapshot, identities: HashSet::new() }
    }
}

impl Principals<'_> {
    /// What a principal is; none when there is no such principal.
    #[must_use]
    pub fn kind(&self, object_id: Uuid) -> Option<PrincipalKind> {
        let identity = || self.identities.contains(&object_id).then_some(PrincipalKind::ServicePrincipal);
        self.snapshot.principal(object_id).map(|p| p.kind).or_else(identity)
    }
}

impl Control {
    /// Looks up those of the named principals that the snapshot does not know.
    pub(crate) async fn principals<'a>(
        &self,
        snapshot: &'a Snapshot,
        named: Vec<Uuid>,
    ) -> Result<Principals<'a>, Error> {
        let mut identities = HashSet::new();
        for object_id in named.into_iter().filter(|id| snapshot.principal(*id).is_none()) {
            let record = self.store().get_by_principal(object_id).await.map_err(|e| store_error(&e))?;
            let Some(record) = record else { continue };
            let provider = self.registry().by_key(&record.resource_type);
            if provider.is_some_and(|p| p.spec().agent_key.is_some()) {
                identities.insert(object_id);
            }
        }
        Ok(Principals { snapshot, identities })
    }
}
