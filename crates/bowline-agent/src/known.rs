//! What the server has been told of one kind of objects: per object its name and half of its hash, nothing else.
//!
//! Design notes: 20,000 pods take about 3 MB here. The uid of an object is part of what is hashed, so that an object that was
//! deleted and made again under the same name is another one without a uid being kept.

use std::collections::HashMap;

use bowline_link::item::ContentHash;

/// The objects of one kind by `namespace/name`.
#[derive(Debug, Default)]
pub(crate) struct Known {
    objects: HashMap<Box<str>, Mark>,
    sweep: u32,
}

#[derive(Debug, Clone, Copy)]
struct Mark {
    hash: [u8; 16],
    sweep: u32,
}

impl Known {
    /// A list begins: objects that it does not mention will be gone.
    pub(crate) fn begin_list(&mut self) {
        self.sweep = self.sweep.wrapping_add(1);
    }

    /// The list is complete: the names that it did not mention.
    pub(crate) fn end_list(&mut self) -> Vec<Box<str>> {
        let sweep = self.sweep;
        let gone: Vec<Box<str>> = self
            .objects
            .iter()
            .filter(|(_, mark)| mark.sweep != sweep)
            .map(|(name, _)| name.clone())
            .collect();
        for name in &gone {
            self.objects.remove(name);
        }
        gone
    }

    /// An object exists with this content. Says whether that is news.
    pub(crate) fn saw(&mut self, name: &str, hash: &ContentHash) -> bool {
        let (half, _) = hash.as_bytes().split_first_chunk::<16>().expect("a hash has 32 bytes");
        let mark = Mark { hash: *half, sweep: self.sweep };
        match self.objects.get_mut(name) {
            Some(before) => std::mem::replace(before, mark).hash != mark.hash,
            None => {
                self.objects.insert(name.into(), mark);
                true
            }
        }
    }

    /// An object is gone. Says whether it had been known.
    pub(crate) fn forget(&mut self, name: &str) -> bool {
        self.objects.remove(name).is_some()
    }

    /// Every name.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.objects.keys().map(AsRef::as_ref)
    }

    /// Whether an object of this name is known.
    pub(crate) fn contains(&self, name: &str) -> bool {
        self.objects.contains_key(name)
    }

    pub(crate) fn len(&self) -> usize {
        self.objects.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hash(content: u8) -> ContentHash {
        ContentHash::of(&content.into())
    }

    #[test]
    fn only_what_changed_is_news_and_only_what_is_missing_is_gone() {
        let mut known = Known::default();
        known.begin_list();
        assert!(known.saw("n/a", &hash(1)) && known.saw("n/b", &hash(1)) && known.saw("n/c", &hash(1)));
        assert!(known.end_list().is_empty());
        assert!(!known.saw("n/a", &hash(1)));
        assert!(known.saw("n/a", &hash(2)));
        known.begin_list();
        assert!(!known.saw("n/a", &hash(2)));
        // Seen by a watch between two lists counts as seen, too.
        assert!(known.saw("n/d", &hash(1)));
        let mut gone = known.end_list();
        gone.sort();
        assert_eq!(gone, ["n/b".into(), "n/c".into()]);
        assert!(known.forget("n/d") && !known.forget("n/d"));
        assert_eq!(known.len(), 1);
    }

    #[test]
    fn an_interrupted_list_does_not_delete_anything() {
        let mut known = Known::default();
        known.begin_list();
        known.saw("n/a", &hash(1));
        known.saw("n/b", &hash(1));
        known.end_list();
        known.begin_list();
        known.saw("n/a", &hash(1));
        // It failed here and begins again.
        known.begin_list();
        known.saw("n/a", &hash(1));
        known.saw("n/b", &hash(1));
        assert!(known.end_list().is_empty());
    }
}
