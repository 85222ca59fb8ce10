//! Reads a unified diff of one file. Any text gives a patch or an error, never a panic.

/// The longest diff that is read, in bytes.
const DIFF_MAX_BYTES: usize = 4 * 1024 * 1024;

/// A diff of one file.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct FilePatch {
    /// The old name as the diff gives it; `None` when it has no header.
    pub old_name: Option<String>,
    /// The new name.
    pub new_name: Option<String>,
    /// Whether it makes a file.
    pub creates: bool,
    /// Whether it removes the file.
    pub deletes: bool,
    /// The changes, in the order of the file.
    pub hunks: Vec<Hunk>,
}

/// One run of changes with the lines around it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hunk {
    /// The line of the diff it starts at, from 1.
    pub at: usize,
    /// First line of the old text, from 1; 0 when there is none.
    pub old_start: usize,
    /// Whether the numbers of lines in its header are those of its body: only then its place in
    /// the file is believed.
    pub is_counted: bool,
    /// Its lines.
    pub lines: Vec<Line>,
}

/// A line of a hunk.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Line {
    /// What happens to it.
    pub kind: LineKind,
    /// The text without its end.
    pub text: String,
    /// Whether the file ends here without an end of line.
    pub has_no_end: bool,
}

/// What happens to a line.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LineKind {
    /// It stays.
    Context,
    /// It goes.
    Removed,
    /// It comes.
    Added,
}

/// The text is no diff of one file.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParseError {
    /// Too long.
    #[error("the diff is longer than {DIFF_MAX_BYTES} bytes")]
    TooLong,
    /// No `@@` anywhere.
    #[error(
        "the diff has no hunk: it needs a line like `@@ -1,3 +1,4 @@` and then lines that start with a space, `+` or `-`"
    )]
    NoHunk,
    /// A second file.
    #[error("line {line} of the diff starts a second file: patch one file with each call")]
    SecondFile {
        /// Where.
        line: usize,
    },
    /// A hunk header that is none.
    #[error("line {line} of the diff is not a hunk header: it must look like `@@ -1,3 +1,4 @@`")]
    HunkHeader {
        /// Where.
        line: usize,
    },
    /// A line of a hunk that is none.
    #[error(
        "line {line} of the diff starts with `{start}`: every line of a hunk starts with a space, `+` or `-`"
    )]
    HunkLine {
        /// Where.
        line: usize,
        /// Its first character.
        start: String,
    },
    /// A hunk that changes nothing.
    #[error("the hunk at line {line} of the diff has no line with `+` or `-`")]
    EmptyHunk {
        /// Where.
        line: usize,
    },
    /// Something only git can apply.
    #[error(
        "line {line} of the diff is a rename or a binary change, which `patch` cannot apply; use the shell"
    )]
    Unsupported {
        /// Where.
        line: usize,
    },
}

impl ParseError {
    /// As a sentence for a model.
    pub fn sentence(&self) -> String {
        format!("The patch cannot be read: {self}.")
    }
}

/// Reads a diff. Text around it, as `diff --git` lines or a code fence, is passed over.
///
/// # Errors
/// It is no unified diff of one file.
pub fn parse(diff: &str) -> Result<FilePatch, ParseError> {
    if diff.len() > DIFF_MAX_BYTES {
        return Err(ParseError::TooLong);
    }
    let mut lines: Vec<&str> = diff.split('\n').collect();
    if lines.last() == Some(&"") {
        lines.pop();
    }
    strip_fence(&mut lines);
    let mut reader = Reader {
        lines,
        at: 0,
        patch: FilePatch::default(),
    };
    while let Some(line) = reader.line() {
        if line.starts_with("@@") {
            reader.hunk(line)?;
        } else if is_old_name(line) && reader.peek(1).is_some_and(is_new_name) {
            reader.names()?;
        } else if is_unsupported(line) {
            return Err(ParseError::Unsupported {
                line: reader.at + 1,
            });
        } else {
            reader.at += 1;
        }
    }
    if reader.patch.hunks.is_empty() && !reader.patch.deletes {
        return Err(ParseError::NoHunk);
    }
    Ok(reader.patch)
}

/// Models wrap diffs in code fences.
fn strip_fence(lines: &mut Vec<&str>) {
    let is_fence = |line: &&str| line.trim_start().starts_with("```");
    if lines.first().is_some_and(is_fence) {
        lines.remove(0);
        if let Some(end) = lines.iter().rposition(|line| line.trim() == "```") {
            lines.truncate(end);
        }
    }
}

fn is_old_name(line: &str) -> bool {
    line.starts_with("--- ")
}

fn is_new_name(line: &str) -> bool {
    line.starts_with("+++ ")
}

fn is_unsupported(line: &str) -> bool {
    [
        "rename from ",
        "copy from ",
        "GIT binary patch",
        "Binary files ",
    ]
    .iter()
    .any(|start| line.starts_with(start))
}

struct Reader<'a> {
    lines: Vec<&'a str>,
    at: usize,
    patch: FilePatch,
}

impl<'a> Reader<'a> {
    fn line(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn peek(&self, ahead: usize) -> Option<&'a str> {
        self.lines.get(self.at + ahead).copied()
    }

    fn names(&mut self) -> Result<(), ParseError> {
        if self.patch.old_name.is_some() || !self.patch.hunks.is_empty() {
            return Err(ParseError::SecondFile { line: self.at + 1 });
        }
        let name = |line: Option<&str>| {
            let name = line.and_then(|line| line.get(4..)).unwrap_or_default();
            // After a tab stands the time.
            let name = name.split('\t').next().unwrap_or_default();
            name.trim_end_matches('\r')
                .trim()
                .trim_matches('"')
                .to_owned()
        };
        let (old, new) = (name(self.line()), name(self.peek(1)));
        self.patch.creates = old == "/dev/null";
        self.patch.deletes = new == "/dev/null";
        self.patch.old_name = Some(old);
        self.patch.new_name = Some(new);
        self.at += 2;
        Ok(())
    }

    fn hunk(&mut self, header: &str) -> Result<(), ParseError> {
        let header_at = self.at + 1;
        let numbers = match self::header(header) {
            Some(Header::Numbers(numbers)) => Some(numbers),
            Some(Header::Bare) => None,
            None => return Err(ParseError::HunkHeader { line: header_at }),
        };
        self.at += 1;
        let mut hunk = Hunk {
            at: header_at,
            old_start: numbers.map_or(0, |numbers| numbers.old_start),
            is_counted: false,
            lines: Vec::new(),
        };
        let mut left = numbers.unwrap_or_default();
        while let Some(line) = self.line() {
            let is_complete = numbers.is_some() && left.old_count == 0 && left.new_count == 0;
            if let Some(rest) = line.strip_prefix('\\') {
                // `\ No newline at end of file`, in any language.
                if let (Some(last), true) = (hunk.lines.last_mut(), rest.starts_with(' ')) {
                    last.has_no_end = true;
                }
                self.at += 1;
                continue;
            }
            if is_complete && self.ends_here(line) {
                break;
            }
            if !is_complete || numbers.is_none() {
                // A removed line may look like the header of a file; while lines are missing it
                // is one only when a whole header stands there.
                let is_header = line.starts_with("@@ ") || self.is_next_file(line);
                if is_header && (left.is_over() || numbers.is_none() || line.starts_with("@@ ")) {
                    break;
                }
            }
            hunk.lines.push(self.body_line(line, &mut left)?);
            self.at += 1;
        }
        drop_blank_end(&mut hunk, &mut left);
        hunk.is_counted = numbers.is_some() && left.is_exact();
        if hunk.lines.iter().all(|line| line.kind == LineKind::Context) {
            return Err(ParseError::EmptyHunk { line: header_at });
        }
        self.patch.hunks.push(hunk);
        Ok(())
    }

    /// Whether a hunk with all its lines is over at this one.
    fn ends_here(&self, line: &str) -> bool {
        let is_body = line.starts_with(['+', '-', ' ']) && !self.is_next_file(line);
        !is_body
    }

    fn is_next_file(&self, line: &str) -> bool {
        line.starts_with("diff --git ")
            || (is_old_name(line) && self.peek(1).is_some_and(is_new_name))
    }

    fn body_line(&self, line: &str, left: &mut Numbers) -> Result<Line, ParseError> {
        let (kind, text) = match line.chars().next() {
            Some(' ') => (LineKind::Context, line.get(1..)),
            Some('+') => (LineKind::Added, line.get(1..)),
            Some('-') => (LineKind::Removed, line.get(1..)),
            // White space at the end of lines is often lost on the way.
            None => (LineKind::Context, Some("")),
            Some('\r') if line.len() == 1 => (LineKind::Context, Some("\r")),
            Some(start) => {
                return Err(ParseError::HunkLine {
                    line: self.at + 1,
                    start: start.escape_debug().to_string(),
                });
            }
        };
        left.take(kind);
        Ok(Line {
            kind,
            text: text.unwrap_or_default().to_owned(),
            has_no_end: false,
        })
    }
}

/// Blank lines at the end that the header does not count are no lines of the file.
fn drop_blank_end(hunk: &mut Hunk, left: &mut Numbers) {
    while (left.old_count < 0 && left.new_count < 0)
        && hunk
            .lines
            .last()
            .is_some_and(|line| line.kind == LineKind::Context && line.text.trim().is_empty())
    {
        hunk.lines.pop();
        left.old_count += 1;
        left.new_count += 1;
    }
}

/// The numbers of a header; the counts go down with each line.
#[derive(Clone, Copy, Default)]
struct Numbers {
    old_start: usize,
    old_count: i64,
    new_count: i64,
}

impl Numbers {
    fn take(&mut self, kind: LineKind) {
        self.old_count -= i64::from(kind != LineKind::Added);
        self.new_count -= i64::from(kind != LineKind::Removed);
    }

    fn is_exact(&self) -> bool {
        self.old_count == 0 && self.new_count == 0
    }

    fn is_over(&self) -> bool {
        self.old_count <= 0 && self.new_count <= 0
    }
}

/// The first line of a hunk.
enum Header {
    /// `@@ -1,3 +1,4 @@`.
    Numbers(Numbers),
    /// A bare `@@`, which models write.
    Bare,
}

fn header(line: &str) -> Option<Header> {
    let inside = line.strip_prefix("@@")?.trim_end();
    let is_bare = inside.trim_matches(['@', '.', ' ']).is_empty();
    if is_bare {
        return Some(Header::Bare);
    }
    let (numbers, _) = inside.split_once("@@")?;
    let mut words = numbers.split_whitespace();
    let old = words.next()?.strip_prefix('-')?;
    let new = words.next()?.strip_prefix('+')?;
    let (old_start, old_count) = start_and_count(old)?;
    let (_, new_count) = start_and_count(new)?;
    Some(Header::Numbers(Numbers {
        old_start,
        old_count,
        new_count,
    }))
}

fn start_and_count(text: &str) -> Option<(usize, i64)> {
    let (start, count) = text.split_once(',').unwrap_or((text, "1"));
    let count: u32 = count.parse().ok()?;
    Some((start.parse().ok()?, i64::from(count)))
}
