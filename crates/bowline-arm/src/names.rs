//! ARM's rules for names and locations.

use crate::Error;

/// What a name may look like. Each resource type states its own.
#[derive(Clone, Copy, Debug)]
pub struct NameRule {
    /// Shortest name.
    pub min: usize,
    /// Longest name.
    pub max: usize,
    /// Characters beside letters and digits.
    pub extra: &'static str,
    /// Whether the first and last character must be a letter or a digit.
    pub alphanumeric_ends: bool,
    /// What the rule is called in an error, e.g. "1 to 63 letters, digits, '-' and '_'".
    pub words: &'static str,
}

impl NameRule {
    /// Refuses a name that breaks the rule; the message states the rule and the first thing wrong.
    ///
    /// # Errors
    /// `InvalidResourceName` (400).
    pub fn check(&self, resource_type: &str, name: &str) -> Result<(), Error> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || self.extra.contains(c);
        let wrong = if name.chars().count() < self.min || name.chars().count() > self.max {
            Some(format!("it has {} characters", name.chars().count()))
        } else if let Some(c) = name.chars().find(|c| !allowed(*c)) {
            Some(format!("it contains {c:?}"))
        } else if name.ends_with('.') {
            Some("it ends with '.'".to_owned())
        } else if self.alphanumeric_ends
            && !(name.starts_with(|c: char| c.is_ascii_alphanumeric())
                && name.ends_with(|c: char| c.is_ascii_alphanumeric()))
        {
            Some("it must start and end with a letter or a digit".to_owned())
        } else {
            None
        };
        match wrong {
            None => Ok(()),
            Some(why) => Err(Error::bad_request(
                "InvalidResourceName",
                format!(
                    "The name '{}' is not valid for {resource_type}: {why}. A name has {}.",
                    shorten(name),
                    self.words
                ),
            )
            .with_target("name")),
        }
    }
}

fn shorten(name: &str) -> String {
    if name.chars().count() <= 80 {
        name.to_owned()
    } else {
        name.chars().take(80).chain("…".chars()).collect()
    }
}

/// "East US" and "eastus" are one location: lower case without blanks.
///
/// # Errors
/// `InvalidLocation` (400) when other characters remain or nothing does.
pub fn normalize_location(text: &str) -> Result<String, Error> {
    let location: String = text.chars().filter(|c| !c.is_whitespace()).flat_map(char::to_lowercase).collect();
    let valid = (1..=64).contains(&location.len())
        && location.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
        && location.starts_with(|c: char| c.is_ascii_alphanumeric());
    if valid {
        Ok(location)
    } else {
        Err(Error::bad_request(
            "InvalidLocation",
            format!("The location '{}' is not valid: use 1 to 64 letters, digits, '-' and '_', such as 'local' or 'East US'.", shorten(text)),
        )
        .with_target("location"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: NameRule = NameRule {
        min: 1,
        max: 10,
        extra: "-_.",
        alphanumeric_ends: true,
        words: "1 to 10 letters, digits, '-', '_' and '.'",
    };

    #[test]
    fn names_that_break_the_rule_are_refused_with_the_reason() {
        assert!(RULE.check("t", "a-1.b").is_ok());
        for (name, part) in [
            ("", "0 characters"),
            ("abcdefghijk", "11 characters"),
            ("a b", "' '"),
            ("a.", "ends with '.'"),
            ("-a", "start and end"),
            ("ä", "'ä'"),
        ] {
            let error = RULE.check("t", name).unwrap_err();
            assert!(error.message.contains(part), "{name}: {}", error.message);
            assert_eq!(error.code, "InvalidResourceName");
        }
    }

    #[test]
    fn locations_are_normalised() {
        assert_eq!(normalize_location("East US 2").unwrap(), "eastus2");
        assert!(normalize_location("").is_err());
        assert!(normalize_location("a/b").is_err());
    }
}
