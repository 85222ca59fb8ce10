//! What is refused or asked about before a command is parsed at all.

use super::{BYTES_MAX, Unclear};
use crate::policy::rules::rule;
use crate::policy::show::{escaped, is_hidden};

/// Looks at the plain text of a command.
pub(super) fn screen(line: &str) -> Result<(), Unclear> {
    if line.contains('\0') {
        return Err(Unclear::forbidden(
            rule::SHELL_NUL,
            "the command contains a NUL byte",
        ));
    }
    if line.len() > BYTES_MAX {
        return Err(Unclear::forbidden(
            rule::SHELL_TOO_LONG,
            format!(
                "the command has {} bytes, more than {BYTES_MAX}",
                line.len()
            ),
        ));
    }
    match line
        .chars()
        .find(|c| !matches!(c, '\n' | '\t') && is_hidden(*c))
    {
        Some(hidden) => Err(Unclear {
            rule: rule::SHELL_HIDDEN,
            reason: format!(
                "the command contains the hidden character {}",
                escaped(&hidden.to_string())
            ),
            forbidden: false,
        }),
        None => Ok(()),
    }
}
