//! What a caller may see of the tables: rows of the record where they may read the type, Kubernetes objects where they may see objects of
//! the cluster or, kind by kind, of the namespace.
//!
//! # Design notes
//! Rights are asked for places, which are few. Where a condition would have to look at a row, the row stays hidden.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bowline_arm::Error;
use bowline_auth::{Mask as Scopes, Plane, ScopeSet};
use bowline_kql::tables::{Mask, Place, Reach};

use super::request::Request;
use crate::Control;
use crate::authorization::Snapshot;
use crate::context::OpContext;
use crate::hierarchy::group_key;

/// Before the class of rows that a data action shows.
pub(super) const DATA: &str = "data:";
/// What shows every object of a cluster.
const OBJECTS: &str = "Microsoft.Bowline/kubernetesObjects/read";

/// One caller's.
pub(super) struct Caller {
    snapshot: Arc<Snapshot>,
    context: OpContext,
    /// Where the query looks; none: everywhere.
    scopes: Option<ScopeSet>,
    /// By action; none where it is allowed everywhere.
    masks: Mutex<HashMap<Arc<str>, Option<Arc<Scopes>>>>,
}

impl Caller {
    /// Scopes that the caller cannot see are dropped, as in Azure; 403 when none remains.
    pub(super) async fn of(control: &Control, context: &OpContext, request: &Request) -> Result<Self, Error> {
        let snapshot = control.authorization().snapshot().await;
        let all = request.subscriptions.is_empty() && request.management_groups.is_empty();
        let scopes = if all { None } else { Some(chosen(&snapshot, context, request)?) };
        Ok(Self { snapshot, context: context.clone(), scopes, masks: Mutex::default() })
    }

    fn mask(&self, class: &Arc<str>) -> Option<Arc<Scopes>> {
        let mut masks = self.masks.lock().unwrap_or_else(PoisonError::into_inner);
        let find = || match class.strip_prefix(DATA) {
            Some(action) => self.snapshot.scopes_of(&self.context, Plane::Data, action),
            None => self.snapshot.scopes_of(&self.context, Plane::Control, class),
        };
        masks.entry(Arc::clone(class)).or_insert_with(find).clone()
    }

    /// Where the query looks.
    fn asked(&self, scope: &str) -> Reach {
        match &self.scopes {
            None => Reach::All,
            Some(scopes) if scopes.contains(scope) => Reach::All,
            Some(scopes) if scopes.reaches(scope) => Reach::Some,
            Some(_) => Reach::Nothing,
        }
    }

    fn allowed(&self, place: &Place) -> Reach {
        let Some(mask) = self.mask(&place.class) else { return Reach::All };
        if mask.is_everything() || mask.contains(&place.scope) {
            return Reach::All;
        }
        if place.class.starts_with(DATA) {
            let all = self.mask(&OBJECTS.into());
            let whole = all.is_none_or(|all| all.contains(&place.scope));
            return if whole { Reach::All } else { Reach::Nothing };
        }
        if mask.reaches(&place.scope) { Reach::Some } else { Reach::Nothing }
    }
}

fn chosen(snapshot: &Snapshot, context: &OpContext, request: &Request) -> Result<ScopeSet, Error> {
    let subscriptions =
        request.subscriptions.iter().map(|name| format!("/subscriptions/{}", name.to_lowercase()));
    let mut keys: Vec<String> = subscriptions.collect();
    for name in &request.management_groups {
        let group = group_key(&name.to_lowercase());
        keys.extend(snapshot.hierarchy().below(&group));
        keys.push(group);
    }
    keys.retain(|key| snapshot.has_any_role(context, key));
    if keys.is_empty() {
        let asked = [request.subscriptions.as_slice(), &request.management_groups].concat().join(", ");
        return Err(Error::forbidden(&context.actor.name, "Microsoft.ResourceGraph/resources/read", &asked));
    }
    Ok(ScopeSet::new(keys.iter().map(String::as_str)))
}

impl Mask for Caller {
    fn reach(&self, place: &Place) -> Reach {
        match (self.asked(&place.scope), self.allowed(place)) {
            (Reach::Nothing, _) | (_, Reach::Nothing) => Reach::Nothing,
            (Reach::All, Reach::All) => Reach::All,
            _ => Reach::Some,
        }
    }

    fn shows(&self, place: &Place, key: &str) -> bool {
        self.scopes.as_ref().is_none_or(|scopes| scopes.contains(key))
            && self.mask(&place.class).is_none_or(|mask| mask.contains(key))
    }
}
