//! What a quoted text means.

/// The text between the quotes of a string token, of any of its forms, with its escapes resolved.
pub(crate) fn unquote(token: &str) -> String {
    let token = token.strip_prefix(['h', 'H']).unwrap_or(token);
    for fence in ["```", "~~~"] {
        if let Some(inside) = token.strip_prefix(fence) {
            let inside = inside.strip_suffix(fence).unwrap_or(inside);
            // What follows the opening fence on its line is the name of a language.
            return inside.split_once('\n').map_or(inside, |(_, lines)| lines).to_owned();
        }
    }
    if let Some(quoted) = token.strip_prefix('@') {
        let quote = &quoted[..1];
        return inner(quoted).replace(&quote.repeat(2), quote);
    }
    unescape(inner(token))
}

fn inner(quoted: &str) -> &str {
    let mut inside = quoted.chars();
    let quote = inside.next();
    let rest = inside.as_str();
    match quote {
        Some(quote) => rest.strip_suffix(quote).unwrap_or(rest),
        None => rest,
    }
}

fn unescape(text: &str) -> String {
    if !text.contains('\\') {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some('a') => out.push('\u{7}'),
            Some('b') => out.push('\u{8}'),
            Some('f') => out.push('\u{c}'),
            Some('v') => out.push('\u{b}'),
            Some('0') => out.push('\0'),
            Some('u') => coded(&mut rest, 4, &mut out),
            Some('U') => coded(&mut rest, 8, &mut out),
            Some('x') => coded(&mut rest, 2, &mut out),
            Some(other) => out.push(other),
            None => out.push('\\'),
        }
    }
    out
}

fn coded(rest: &mut std::str::Chars<'_>, digits: usize, out: &mut String) {
    let text = rest.as_str();
    let hex = text.get(..digits).filter(|hex| hex.bytes().all(|byte| byte.is_ascii_hexdigit()));
    let Some(hex) = hex else { return };
    *rest = text[digits..].chars();
    let code = u32::from_str_radix(hex, 16).unwrap_or(0xfffd);
    out.push(char::from_u32(code).unwrap_or('\u{fffd}'));
}

#[cfg(test)]
mod tests {
    use super::unquote;

    #[test]
    fn every_form_of_a_string_is_read() {
        assert_eq!(unquote(r#""a\"b\n""#), "a\"b\n");
        assert_eq!(unquote(r#"'it\'s'"#), "it's");
        assert_eq!(unquote(r#"@"c:\x""y""#), "c:\\x\"y");
        assert_eq!(unquote(r"h'secret'"), "secret");
        assert_eq!(unquote("```\nline\n```"), "line\n");
        assert_eq!(unquote(r"'\u00e4'"), "ä");
        assert_eq!(unquote("\""), "");
    }
}
