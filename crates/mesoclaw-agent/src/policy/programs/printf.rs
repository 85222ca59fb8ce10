//! `printf`: its format prints, and `%n` in it sets a variable, also `PATH`.

use super::Call;
use super::arguments::assess as assess_arguments;
use super::assessment::Assessment;

/// Judges the call.
pub(super) fn assess(call: &Call<'_>) -> Assessment {
    let format = call.args().iter().find(|word| word.text != "--");
    match format {
        Some(format) if format.glob.is_some() || !only_prints(&format.text) => {
            call.unknown("a format that may do more than print")
        }
        _ => assess_arguments(call),
    }
}

/// Whether every conversion of a format is one that prints.
pub(super) fn only_prints(format: &str) -> bool {
    let mut parts = format.split('%');
    parts.next();
    while let Some(part) = parts.next() {
        if part.is_empty() {
            // `%%`: what follows is text.
            if parts.next().is_none() {
                return false;
            }
            continue;
        }
        let is_modifier = |c: char| {
            c.is_ascii_digit()
                || matches!(
                    c,
                    '#' | '-'
                        | '+'
                        | ' '
                        | '0'
                        | '\''
                        | '.'
                        | '*'
                        | 'h'
                        | 'l'
                        | 'j'
                        | 'z'
                        | 't'
                        | 'L'
                )
        };
        let conversion = part.trim_start_matches(is_modifier).chars().next();
        if !conversion.is_some_and(|c| "bcdeEfFgGiosuxXq".contains(c)) {
            return false;
        }
    }
    true
}
