//! Slows down those who guess passwords and codes: after some free failures each further one doubles a delay.
//!
//! # Design notes
//! Three tables count at once, because attacks differ in what they hold still: the pair of user name and address
//! (one guesser), the address (many names from one place) and the user name (one name from many places). The last
//! two are capped, at 60 s and 30 s, so that nobody can lock an office or an administrator out by failing for them.
//! Each table is bounded; when it is full those that failed longest ago go first. The state is in the memory of one
//! server: a restart forgives, and n servers give n times the attempts, which the doubling makes irrelevant.
//! An account is a user name or a client id: whatever the attempt names.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};

/// When one table delays, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ThrottleRule {
    /// Failures that cost nothing.
    pub free: u32,
    /// The delay after the first failure that costs.
    pub first_delay: SignedDuration,
    /// The delay stops growing here.
    pub longest_delay: SignedDuration,
    /// Failures are forgotten when none followed for this long.
    pub forget_after: SignedDuration,
    /// One failure is forgiven each time this passes without one: what a site may fail steadily and not be slowed.
    pub forgive_every: Option<SignedDuration>,
    /// How many keys are remembered.
    pub capacity: usize,
}

/// The caller must wait.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
#[error("too many attempts failed; wait {} s", .retry_after_seconds)]
pub struct TooManyAttempts {
    pub retry_after_seconds: u64,
}

#[derive(Debug, Clone, Copy)]
struct Failures {
    count: u32,
    last: Timestamp,
}

/// One bounded table of failures by key.
#[derive(Debug)]
pub struct Throttle {
    rule: ThrottleRule,
    failures: HashMap<String, Failures>,
}

impl Throttle {
    pub fn new(rule: ThrottleRule) -> Self {
        Self { rule, failures: HashMap::new() }
    }

    /// Whether an attempt may be made now.
    pub fn check(&mut self, key: &str, now: Timestamp) -> Result<(), TooManyAttempts> {
        let Some(failures) = self.failures.get_mut(key) else { return Ok(()) };
        // A clock that was put back would make everybody wait until it is there again.
        failures.last = failures.last.min(now);
        let (last, count) = (failures.last, failures.count);
        let wait = last + self.delay(count);
        if wait <= now {
            return Ok(());
        }
        let millis = wait.duration_since(now).as_millis();
        Err(TooManyAttempts { retry_after_seconds: u64::try_from(millis).unwrap_or(1).div_ceil(1000).max(1) })
    }

    pub fn failed(&mut self, key: &str, now: Timestamp) {
        let rule = self.rule;
        if let Some(failures) = self.failures.get_mut(key) {
            failures.last = failures.last.min(now);
            failures.count = remaining(&rule, *failures, now).saturating_add(1);
            failures.last = now;
            return;
        }
        if self.failures.len() >= self.rule.capacity {
            self.make_room(now);
        }
        self.failures.insert(key.to_owned(), Failures { count: 1, last: now });
    }

    pub fn succeeded(&mut self, key: &str) {
        self.failures.remove(key);
    }

    pub fn len(&self) -> usize {
        self.failures.len()
    }

    pub fn is_empty(&self) -> bool {
        self.failures.is_empty()
    }

    fn delay(&self, count: u32) -> SignedDuration {
        let Some(doublings) = count.checked_sub(self.rule.free + 1) else { return SignedDuration::ZERO };
        let factor = 1i32.checked_shl(doublings.min(30)).unwrap_or(i32::MAX);
        self.rule
            .first_delay
            .checked_mul(factor)
            .unwrap_or(self.rule.longest_delay)
            .min(self.rule.longest_delay)
    }

    /// Removes what is forgotten anyway, else the eighth that failed longest ago, so that a flood of new keys
    /// pays for the scan once in many insertions.
    fn make_room(&mut self, now: Timestamp) {
        let forget_after = self.rule.forget_after;
        self.failures.retain(|_, failures| failures.last + forget_after > now);
        if self.failures.len() < self.rule.capacity {
            return;
        }
        let mut times: Vec<Timestamp> = self.failures.values().map(|failures| failures.last).collect();
        times.sort_unstable();
        let oldest = times[times.len() / 8];
        self.failures.retain(|_, failures| failures.last > oldest);
    }
}

/// What is left of earlier failures.
fn remaining(rule: &ThrottleRule, failures: Failures, now: Timestamp) -> u32 {
    if failures.last + rule.forget_after <= now {
        return 0;
    }
    let Some(every) = rule.forgive_every else { return failures.count };
    let forgiven = now.duration_since(failures.last).as_secs() / every.as_secs().max(1);
    failures.count.saturating_sub(u32::try_from(forgiven).unwrap_or(u32::MAX))
}

/// The three tables that guard a sign-in.
#[derive(Debug)]
pub struct SignInThrottle {
    pair: Throttle,
    address: Throttle,
    account: Throttle,
}

impl Default for SignInThrottle {
    fn default() -> Self {
        Self::for_passwords()
    }
}

impl SignInThrottle {
    /// For what people choose and others can guess.
    pub fn for_passwords() -> Self {
        let pair = ThrottleRule {
            free: 4,
            first_delay: SignedDuration::from_secs(1),
            longest_delay: SignedDuration::from_mins(15),
            forget_after: SignedDuration::from_hours(1),
            forgive_every: None,
            capacity: 10_000,
        };
        Self {
            pair: Throttle::new(pair),
            address: Throttle::new(ThrottleRule {
                free: 50,
                longest_delay: SignedDuration::from_secs(60),
                ..pair
            }),
            account: Throttle::new(ThrottleRule {
                free: 20,
                longest_delay: SignedDuration::from_secs(30),
                ..pair
            }),
        }
    }

    /// For secrets and keys of programs, codes and tokens: nobody guesses 256 bits, so this bounds work. One broken program
    /// is slowed alone; a site of thousands behind one address is slowed when it fails more than once a second for minutes.
    pub fn for_programs() -> Self {
        let pair = ThrottleRule {
            free: 10,
            first_delay: SignedDuration::from_secs(1),
            longest_delay: SignedDuration::from_mins(5),
            forget_after: SignedDuration::from_mins(15),
            forgive_every: Some(SignedDuration::from_secs(30)),
            capacity: 10_000,
        };
        let many = ThrottleRule {
            free: 300,
            longest_delay: SignedDuration::from_secs(60),
            forgive_every: Some(SignedDuration::from_secs(1)),
            ..pair
        };
        Self {
            pair: Throttle::new(pair),
            address: Throttle::new(many),
            account: Throttle::new(ThrottleRule { longest_delay: SignedDuration::from_secs(5), ..many }),
        }
    }
}

impl SignInThrottle {
    /// Whether this attempt may be made now; ask before the password is hashed. An attempt that names no account
    /// (an unknown token) counts for its address alone.
    pub fn check(&mut self, account: &str, address: &str, now: Timestamp) -> Result<(), TooManyAttempts> {
        let account = fold(account);
        let mut answers = vec![self.address.check(address, now)];
        if !account.is_empty() {
            answers.push(self.pair.check(&pair_key(&account, address), now));
            answers.push(self.account.check(&account, now));
        }
        let worst = answers.into_iter().filter_map(Result::err).max_by_key(|e| e.retry_after_seconds);
        worst.map_or(Ok(()), Err)
    }

    pub fn failed(&mut self, account: &str, address: &str, now: Timestamp) {
        let account = fold(account);
        self.address.failed(address, now);
        if !account.is_empty() {
            self.pair.failed(&pair_key(&account, address), now);
            self.account.failed(&account, now);
        }
    }

    /// Forgives the account and this pair, but not the address: who knows one password may be guessing others.
    pub fn succeeded(&mut self, account: &str, address: &str) {
        let account = fold(account);
        self.pair.succeeded(&pair_key(&account, address));
        self.account.succeeded(&account);
    }
}

fn pair_key(account: &str, address: &str) -> String {
    format!("{address} {account}")
}

/// One form per name, and a bounded one: names are as long as a guesser makes them.
fn fold(account: &str) -> String {
    account.trim().chars().take(128).flat_map(char::to_lowercase).collect()
}
