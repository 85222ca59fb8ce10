//! Wildcards: `*` and `?` within a part of a path, `**` over parts.

/// Whether `text` matches `pattern`, where `*` stands for any characters and `?` for one.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let pattern: &[u8] = pattern.as_bytes();
    let text: &[u8] = text.as_bytes();
    let (mut p, mut t) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                back = Some((p + 1, t));
                p += 1;
            }
            Some(c) if *c == b'?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, from)) = back else {
                    return false;
                };
                back = Some((after_star, from + 1));
                p = after_star;
                t = from + 1;
            }
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|c| *c == b'*'))
}

/// Whether the path `parts` match the pattern, part by part; a part `**` stands for any number of
/// parts, also none.
pub(super) fn matches_parts(pattern: &[&str], parts: &[&str]) -> bool {
    let mut back: Option<(usize, usize)> = None;
    let (mut p, mut t) = (0, 0);
    while t < parts.len() {
        match (pattern.get(p), parts.get(t)) {
            (Some(&"**"), _) => {
                back = Some((p + 1, t));
                p += 1;
            }
            (Some(pattern), Some(part)) if matches(pattern, part) => {
                p += 1;
                t += 1;
            }
            _ => {
                let Some((after_star, from)) = back else {
                    return false;
                };
                back = Some((after_star, from + 1));
                p = after_star;
                t = from + 1;
            }
        }
    }
    pattern
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|part| *part == "**"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_as_described() {
        for (pattern, text, expected) in [
            ("a", "a", true),
            ("a", "ab", false),
            ("*", "", true),
            ("*.rs", "main.rs", true),
            ("*.rs", "main.rsx", false),
            ("a*b*c", "aXbYc", true),
            ("a*b*c", "aXbY", false),
            ("?", "é", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
        for (pattern, path, expected) in [
            ("src/**", "src/a/b.rs", true),
            ("src/**", "src", true),
            ("src/*", "src/a/b.rs", false),
            ("**/*.rs", "a/b/c.rs", true),
            ("**", "a", true),
            ("a/**/z", "a/z", true),
            ("a/**/z", "a/b/c/y", false),
        ] {
            let pattern: Vec<_> = pattern.split('/').collect();
            let path: Vec<_> = path.split('/').collect();
            assert_eq!(
                matches_parts(&pattern, &path),
                expected,
                "{pattern:?} {path:?}"
            );
        }
    }
}
