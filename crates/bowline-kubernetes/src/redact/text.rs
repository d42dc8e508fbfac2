//! Credentials inside ordinary text: the password of an URL, `password=…` in arguments and messages.

/// What stands where a credential stood.
const MASK: &str = "[removed]";

/// Names that are followed by `=` and a credential.
const NAMES: &[&str] = &[
    "password",
    "passwd",
    "pwd",
    "passphrase",
    "token",
    "secret",
    "accountkey",
    "sharedaccesskey",
    "apikey",
    "api-key",
    "api_key",
    "accesskey",
    "access-key",
    "access_key",
    "secretkey",
    "secret-key",
    "secret_key",
    "sig",
];

/// Masks credentials in place. Text without any is not touched and costs no allocation.
pub(super) fn mask(text: &mut String) {
    if text.contains("://") && text.contains('@') {
        mask_user_info(text);
    }
    if text.contains('=') {
        mask_assignments(text);
    }
    mask_authorization(text);
}

/// `scheme://user:password@host` → `scheme://user:[removed]@host`.
fn mask_user_info(text: &mut String) {
    let mut from = 0;
    while let Some(found) = text[from..].find("://") {
        let start = from + found + 3;
        let end = text[start..]
            .find(|c: char| c == '/' || c == '?' || c.is_whitespace())
            .map_or(text.len(), |n| start + n);
        // A password may hold an unescaped slash, which ends the authority for a parser but not for a careless writer;
        // then the last `@` before the next space still marks it.
        let word_end = text[start..].find(char::is_whitespace).map_or(text.len(), |n| start + n);
        let at = text[start..end].rfind('@').or_else(|| slash_in_password(&text[start..word_end]));
        from = start;
        let Some(at) = at.map(|at| start + at) else { continue };
        if let Some(colon) = text[start..at].find(':').map(|n| start + n) {
            text.replace_range(colon + 1..at, MASK);
            from = colon + 1 + MASK.len();
        }
    }
}

/// The position of an `@` that ends a password with a slash in it. A port before the slash (`host:80/…@…`) is no password.
fn slash_in_password(word: &str) -> Option<usize> {
    let at = word.rfind('@')?;
    let colon = word[..at].find(':')?;
    let slash = word.find('/')?;
    let port_like = word.get(colon + 1..slash).is_none_or(|text| text.chars().all(|c| c.is_ascii_digit()));
    (colon < slash && slash < at && !port_like).then_some(at)
}

/// `--db-password=x`, `Pwd=x;`, `?sig=x&` → the name stays, the value goes.
fn mask_assignments(text: &mut String) {
    let mut from = 0;
    while let Some(found) = text[from..].find('=') {
        let equals = from + found;
        from = equals + 1;
        if !ends_with_credential_name(&text[..equals]) {
            continue;
        }
        let value = &text[from..];
        let quoted = value.chars().next().filter(|c| matches!(c, '"' | '\''));
        let end = match quoted {
            Some(quote) => value[1..].find(quote).map_or(value.len(), |n| n + 2),
            None => value
                .find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '&' | '"' | '\''))
                .unwrap_or(value.len()),
        };
        if end > 0 {
            text.replace_range(from..from + end, MASK);
            from += MASK.len();
        }
    }
}

fn ends_with_credential_name(before: &str) -> bool {
    let name = before.trim_end();
    NAMES.iter().any(|candidate| {
        let Some(start) = name.len().checked_sub(candidate.len()) else { return false };
        // `sig` and `pwd` are short: they count as whole words only.
        name.get(start..).is_some_and(|tail| tail.eq_ignore_ascii_case(candidate))
            && (candidate.len() > 3 || !name[..start].ends_with(|c: char| c.is_ascii_alphanumeric()))
    })
}

/// `Bearer x` and `Basic x`.
fn mask_authorization(text: &mut String) {
    for scheme in ["Bearer ", "Basic "] {
        let mut from = 0;
        while let Some(found) = text[from..].find(scheme) {
            let start = from + found + scheme.len();
            let end = text[start..]
                .find(|c: char| c.is_whitespace() || c == '"' || c == '\'')
                .map_or(text.len(), |n| start + n);
            from = start;
            // Shorter words are prose ("Basic setup").
            if end - start >= 16 {
                text.replace_range(start..end, MASK);
                from = start + MASK.len();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_in_text_are_masked_and_the_rest_stays() {
        let cases = [
            ("plain text", "plain text"),
            ("--name=web", "--name=web"),
            ("postgres://app:s3cret@db:5432/x", "postgres://app:[removed]@db:5432/x"),
            (
                "see http://a/ and https://u:p@h/ or ftp://x:y@z",
                "see http://a/ and https://u:[removed]@h/ or ftp://x:[removed]@z",
            ),
            ("amqp://u:pa/ss@h:1", "amqp://u:[removed]@h:1"),
            ("http://host:80/path@v1", "http://host:80/path@v1"),
            ("https://user@host/", "https://user@host/"),
            ("git@github.com:a/b", "git@github.com:a/b"),
            ("--db-password=hunter2 --x=1", "--db-password=[removed] --x=1"),
            ("Server=h;Pwd=abc;Db=d", "Server=h;Pwd=[removed];Db=d"),
            ("design=abc", "design=abc"),
            ("https://a/b?sv=1&sig=abc%3D&x=2", "https://a/b?sv=1&sig=[removed]&x=2"),
            ("TOKEN=\"a b\" done", "TOKEN=[removed] done"),
            (
                "curl -H 'Authorization: Bearer abcdefghijklmnopqrst' x",
                "curl -H 'Authorization: Bearer [removed]' x",
            ),
            ("Basic setup", "Basic setup"),
            ("password=", "password="),
            ("ключ=значение password=тайна", "ключ=значение password=[removed]"),
        ];
        for (before, after) in cases {
            let mut text = before.to_owned();
            mask(&mut text);
            assert_eq!(text, after);
        }
    }
}
