//! Sentences of our own that stand behind a result when a model repeats itself.

/// The same call gave the same result again.
pub(crate) const SAME_CALL: &str = "You already called this with the same arguments and got the \
same result. Do something else, or answer.";

/// Two calls take turns.
pub(crate) const BACK_AND_FORTH: &str = "You go back and forth between the same calls and get the \
same results. Do something else, or answer.";

/// A tool gave the same error again.
pub(crate) const SAME_ERROR: &str =
    "This is the same error as before. Do something else, or answer.";

/// Another tool that does not exist.
pub(crate) const UNKNOWN_TOOL: &str =
    "Again a tool that does not exist. Use the tools there are, or answer.";

/// The output with the hint behind it, as it is stored.
pub(crate) fn appended(mut output: String, hint: &str) -> String {
    if !output.is_empty() {
        output.push_str("\n\n");
    }
    output.push_str(hint);
    output
}

/// The output and the hint behind it, so that a prompt can put the hint outside the marks of
/// untrusted text. A text that ends with one of our sentences by itself does no harm: all of them
/// say the same.
pub(super) fn split(output: &str) -> (&str, Option<&'static str>) {
    for hint in [SAME_CALL, BACK_AND_FORTH, SAME_ERROR, UNKNOWN_TOOL] {
        if let Some(before) = output.strip_suffix(hint) {
            return (before.strip_suffix("\n\n").unwrap_or(before), Some(hint));
        }
    }
    (output, None)
}
