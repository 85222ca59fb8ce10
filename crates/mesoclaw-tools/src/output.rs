//! Text for a model that never grows beyond its bound.

/// Longest part of one line that is shown, in bytes.
pub const LINE_MAX_BYTES: usize = 2_000;

/// Collects lines up to a number of bytes.
pub struct Bounded {
    text: String,
    max_bytes: usize,
    is_full: bool,
}

impl Bounded {
    /// An empty text of at most `max_bytes`.
    pub fn new(max_bytes: usize) -> Self {
        Self {
            text: String::new(),
            max_bytes,
            is_full: false,
        }
    }

    /// Adds a line and its end; `false` when it does not fit, and then nothing fits any more.
    pub fn line(&mut self, line: &str) -> bool {
        if self.is_full || self.text.len() + line.len() + 1 > self.max_bytes {
            self.is_full = true;
            return false;
        }
        self.text.push_str(line);
        self.text.push('\n');
        true
    }

    /// The text, with notes about it below.
    pub fn finish(self, notes: &[String]) -> String {
        with_notes(self.text, notes)
    }
}

/// Puts notes of ours below somebody else's text.
pub fn with_notes(mut text: String, notes: &[String]) -> String {
    for note in notes {
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.extend(["[", note, "]\n"]);
    }
    if text.ends_with('\n') {
        text.pop();
    }
    text
}

/// The start of a line, and whether something was cut off.
pub fn cut_line(line: &str) -> (&str, bool) {
    if line.len() <= LINE_MAX_BYTES {
        return (line, false);
    }
    let end = floor_char_boundary(line, LINE_MAX_BYTES);
    (line.get(..end).unwrap_or_default(), true)
}

/// The last place not after `at` where a character starts.
pub fn floor_char_boundary(text: &str, at: usize) -> usize {
    if at >= text.len() {
        return text.len();
    }
    (0..=at)
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0)
}

/// A number of bytes for people.
pub fn bytes(n: u64) -> String {
    const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];
    if n < 1024 {
        return format!("{n} bytes");
    }
    let mut amount = n as f64 / 1024.0;
    let mut unit = UNITS[0];
    for next in UNITS.iter().skip(1) {
        if amount < 1024.0 {
            break;
        }
        amount /= 1024.0;
        unit = next;
    }
    format!("{amount:.1} {unit}")
}

/// A path as one line of text, whatever is in its name: controls and invisible characters are
/// shown as escapes.
pub fn shown_path(path: &std::path::Path) -> String {
    mesoclaw_agent::policy::escaped(&path.to_string_lossy())
}
