//! Reads `Content-Type`.

/// Type and charset, both in small letters, of `Text/HTML; charset="UTF-8"`.
pub(crate) fn read(text: &str) -> (Option<String>, Option<String>) {
    let mut parts = text.split(';');
    let essence = parts.next().unwrap_or_default().trim().to_ascii_lowercase();
    let essence = Some(essence).filter(|essence| essence.contains('/'));
    let charset = parts.find_map(|part| {
        let (name, value) = part.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        let is_charset = name.trim().eq_ignore_ascii_case("charset") && !value.is_empty();
        is_charset.then(|| value.to_ascii_lowercase())
    });
    (essence, charset)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn type_and_charset_are_read_in_every_spelling() {
        for (text, essence, charset) in [
            ("text/html", Some("text/html"), None),
            (
                "Text/HTML; Charset=\"UTF-8\"",
                Some("text/html"),
                Some("utf-8"),
            ),
            (
                "text/html;a=b ; charset = 'x' ",
                Some("text/html"),
                Some("x"),
            ),
            ("text/html; charset=", Some("text/html"), None),
            ("nonsense", None, None),
            ("", None, None),
        ] {
            let expected = (essence.map(str::to_owned), charset.map(str::to_owned));
            assert_eq!(read(text), expected, "{text}");
        }
    }
}
