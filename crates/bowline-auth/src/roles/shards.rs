//! A map whose copies share what they have in common: a copy that changes one entry copies one part in 256.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;

const PARTS: usize = 256;

/// See the module.
#[derive(Clone)]
pub struct Shards<K, V> {
    hasher: RandomState,
    parts: Vec<Arc<HashMap<K, V>>>,
}

impl<K, V> Default for Shards<K, V> {
    fn default() -> Self {
        let empty = Arc::new(HashMap::new());
        Self { hasher: RandomState::new(), parts: vec![empty; PARTS] }
    }
}

impl<K: Hash + Eq + Clone, V: Clone> Shards<K, V> {
    fn part<Q: Hash + ?Sized>(&self, key: &Q) -> usize {
        // The high bits: the parts use the low ones of a hasher of their own.
        usize::from(self.hasher.hash_one(key).to_be_bytes()[0])
    }

    /// The value of a key.
    pub fn get<Q>(&self, key: &Q) -> Option<&V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        self.parts[self.part(key)].get(key)
    }

    /// The value of a key, to change; only this copy sees the change.
    pub fn get_mut<Q>(&mut self, key: &Q) -> Option<&mut V>
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let part = self.part(key);
        Arc::make_mut(&mut self.parts[part]).get_mut(key)
    }

    /// Forgets a key.
    pub fn remove<Q>(&mut self, key: &Q)
    where
        K: std::borrow::Borrow<Q>,
        Q: Hash + Eq + ?Sized,
    {
        let part = self.part(key);
        Arc::make_mut(&mut self.parts[part]).remove(key);
    }

    /// Sets the value of a key.
    pub fn set(&mut self, key: K, value: V) {
        let part = self.part(&key);
        Arc::make_mut(&mut self.parts[part]).insert(key, value);
    }

    /// The entry, made if absent.
    pub fn entry(&mut self, key: K) -> &mut V
    where
        V: Default,
    {
        let part = self.part(&key);
        Arc::make_mut(&mut self.parts[part]).entry(key).or_default()
    }

    /// Every entry, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (&K, &V)> {
        self.parts.iter().flat_map(|part| part.iter())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_changes_alone() {
        let mut first: Shards<u32, u32> = Shards::default();
        (0..1000).for_each(|n| *first.entry(n) = n);
        let mut second = first.clone();
        second.set(7, 70);
        second.remove(&8);
        *second.entry(2000) += 1;
        assert_eq!((first.get(&7), first.get(&8), first.get(&2000)), (Some(&7), Some(&8), None));
        assert_eq!((second.get(&7), second.get(&8), second.get(&2000)), (Some(&70), None, Some(&1)));
        assert_eq!((first.iter().count(), second.iter().count()), (1000, 1000));
    }
}
