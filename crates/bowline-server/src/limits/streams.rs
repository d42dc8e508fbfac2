//! Event streams that are open, by principal: each is a small task that lives for an hour.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bowline_arm::Error;

/// See the module.
#[derive(Debug)]
pub struct Streams {
    limit: usize,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

/// An open stream; closing it is dropping this.
#[derive(Debug)]
pub struct Open {
    principal: String,
    open: Arc<Mutex<HashMap<String, usize>>>,
}

fn lock(open: &Mutex<HashMap<String, usize>>) -> MutexGuard<'_, HashMap<String, usize>> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut all = lock(&self.open);
        if let Some(count) = all.get_mut(&self.principal) {
            *count -= 1;
            if *count == 0 {
                all.remove(&self.principal);
            }
        }
    }
}

impl Streams {
    /// None is open.
    #[must_use]
    pub fn new(limit: usize) -> Self {
        Self { limit, open: Arc::default() }
    }

    /// Opens one more of a principal.
    ///
    /// # Errors
    /// `TooManyRequests` (429) when it has as many as it may.
    pub fn open(&self, principal: String) -> Result<Open, Error> {
        let mut all = lock(&self.open);
        let count = all.entry(principal.clone()).or_default();
        if *count >= self.limit {
            let message = format!(
                "You have {} event streams open, as many as one principal may. Close one, and try again after 5 s.",
                self.limit
            );
            return Err(Error::new(429, "TooManyRequests", message).with_retry_after(5));
        }
        *count += 1;
        drop(all);
        Ok(Open { principal, open: Arc::clone(&self.open) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_principal_has_so_many_and_a_closed_one_makes_room() {
        let streams = Streams::new(2);
        let open = |name: &str| streams.open(name.to_owned());
        let (one, _two, _other) = (open("a").unwrap(), open("a").unwrap(), open("b").unwrap());
        assert_eq!(open("a").unwrap_err().status, 429);
        drop(one);
        drop(open("a").unwrap());
        assert_eq!(lock(&streams.open).len(), 2);
    }
}
