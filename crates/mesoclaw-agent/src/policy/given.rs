//! Paths as they are given: text that means something else on another system is refused before
//! anything is looked up.

/// Longest path in bytes.
const MAX_BYTES: usize = 4096;

/// Why a path is refused as it is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum GivenError {
    /// Nothing is there.
    #[error("the path is empty")]
    Empty,
    /// Too long.
    #[error("the path is longer than {MAX_BYTES} bytes")]
    TooLong,
    /// Controls, invisible or direction-changing characters.
    #[error("the path contains a control or invisible character")]
    Hidden,
    /// A part ends in a dot or a space, which other systems drop.
    #[error("a part of the path ends in a dot or a space")]
    TrailingDotOrSpace,
    /// `C:` at the start.
    #[error("the path names a drive")]
    Drive,
    /// `\\server\share`, `\\?\`, `\\.\`.
    #[error("the path is a network or device path of another system")]
    Unc,
    /// `name.txt:stream`.
    #[error("the path names an alternate stream")]
    Stream,
    /// `CON`, `NUL`, `COM1`.
    #[error("the path uses a device name of another system")]
    Reserved,
}

/// Checks a path as it is written; `~/` at the start is fine.
///
/// # Errors
/// When its text would be read differently on some system, or hides something.
pub fn check_given(path: &str) -> Result<(), GivenError> {
    if path.is_empty() {
        return Err(GivenError::Empty);
    }
    if path.len() > MAX_BYTES {
        return Err(GivenError::TooLong);
    }
    if path.chars().any(super::show::is_hidden) {
        return Err(GivenError::Hidden);
    }
    if path.starts_with("\\\\") || path.starts_with("//?/") || path.starts_with("//./") {
        return Err(GivenError::Unc);
    }
    let mut start = path.chars();
    if start.next().is_some_and(|c| c.is_ascii_alphabetic()) && start.next() == Some(':') {
        return Err(GivenError::Drive);
    }
    path.split('/').try_for_each(check_part)
}

fn check_part(part: &str) -> Result<(), GivenError> {
    if matches!(part, "" | "." | "..") {
        return Ok(());
    }
    if part.ends_with(['.', ' ']) {
        return Err(GivenError::TrailingDotOrSpace);
    }
    if let Some((before, _)) = part.split_once(':')
        && before.contains('.')
    {
        return Err(GivenError::Stream);
    }
    let stem = part.split('.').next().unwrap_or(part).trim_end();
    let is_reserved = ["con", "prn", "aux", "nul", "conin$", "conout$"]
        .iter()
        .any(|name| stem.eq_ignore_ascii_case(name))
        || (stem.len() == 4
            && stem.is_char_boundary(3)
            && (stem[..3].eq_ignore_ascii_case("com") || stem[..3].eq_ignore_ascii_case("lpt"))
            && stem.ends_with(|c: char| c.is_ascii_digit()));
    if is_reserved {
        return Err(GivenError::Reserved);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_mean_something_else_elsewhere_are_refused() {
        for (path, expected) in [
            ("src/main.rs", Ok(())),
            ("/etc/hosts", Ok(())),
            ("~/notes.txt", Ok(())),
            ("../x//y/./z", Ok(())),
            ("10:00.log", Ok(())),
            ("日本/naïve.txt", Ok(())),
            ("", Err(GivenError::Empty)),
            ("a\0b", Err(GivenError::Hidden)),
            ("a\u{202e}b", Err(GivenError::Hidden)),
            ("a\u{200b}b", Err(GivenError::Hidden)),
            ("secret.txt.", Err(GivenError::TrailingDotOrSpace)),
            ("dir./x", Err(GivenError::TrailingDotOrSpace)),
            ("secret.txt ", Err(GivenError::TrailingDotOrSpace)),
            ("...", Err(GivenError::TrailingDotOrSpace)),
            ("C:", Err(GivenError::Drive)),
            ("c:/windows", Err(GivenError::Drive)),
            ("\\\\server\\share", Err(GivenError::Unc)),
            ("\\\\?\\C:\\x", Err(GivenError::Unc)),
            ("//?/x", Err(GivenError::Unc)),
            ("notes.txt:hidden", Err(GivenError::Stream)),
            ("a/x.txt::$DATA", Err(GivenError::Stream)),
            ("CON", Err(GivenError::Reserved)),
            ("a/nul.txt", Err(GivenError::Reserved)),
            ("com1", Err(GivenError::Reserved)),
            ("console", Ok(())),
        ] {
            assert_eq!(check_given(path), expected, "{path:?}");
        }
        assert_eq!(check_given(&"a".repeat(5000)), Err(GivenError::TooLong));
    }
}
