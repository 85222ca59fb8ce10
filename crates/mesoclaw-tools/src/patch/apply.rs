//! Applies a patch to a text. Lines must be exact; only their place may be off.

use super::parse::{FilePatch, Hunk, Line, LineKind};
use crate::text::LineEnds;

/// Comparisons of lines after which the search for a place gives up.
const COMPARISONS_MAX: usize = 50_000_000;

/// The result of applying a patch.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Applied {
    /// The new text.
    pub text: String,
    /// Of each hunk, the line of the old text it was found at, from 1.
    pub found_at: Vec<usize>,
}

/// A hunk does not fit.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ApplyError {
    /// Its lines are nowhere.
    #[error("hunk {hunk} does not fit: {why}")]
    NotFound {
        /// Which hunk, from 1.
        hunk: usize,
        /// What was looked for and what is there.
        why: String,
    },
    /// Its lines are in several places.
    #[error(
        "hunk {hunk} fits at lines {first} and {second}: add more lines of context, or the right line number"
    )]
    Ambiguous {
        /// Which hunk, from 1.
        hunk: usize,
        /// One place.
        first: usize,
        /// Another.
        second: usize,
    },
    /// The search took too long.
    #[error(
        "the place of hunk {hunk} cannot be found in reasonable time: give the right line number"
    )]
    TooMuchWork {
        /// Which hunk, from 1.
        hunk: usize,
    },
}

impl ApplyError {
    /// As a sentence for a model.
    pub fn sentence(&self) -> String {
        format!("The patch was not applied, nothing was changed: {self}. Read the file again.")
    }
}

/// How carriage returns at the ends of lines are taken.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Returns {
    /// As characters of the line: patch and text must agree.
    Exact,
    /// The text has them, the patch has not: they are passed over, and new lines get them.
    OnlyInText,
    /// The patch has them, the text has not: they were added on the way.
    OnlyInPatch,
}

impl Returns {
    fn of(patch: &FilePatch, text: &str) -> Self {
        let mut lines = patch.hunks.iter().flat_map(|hunk| &hunk.lines);
        let n_old = lines
            .clone()
            .filter(|line| line.kind != LineKind::Added)
            .count();
        match LineEnds::of(text.as_bytes()) {
            LineEnds::CrLf if !lines.any(|line| line.text.ends_with('\r')) => Self::OnlyInText,
            LineEnds::Lf if n_old > 0 && lines.all(|line| line.text.ends_with('\r')) => {
                Self::OnlyInPatch
            }
            LineEnds::CrLf | LineEnds::Lf | LineEnds::None | LineEnds::Mixed => Self::Exact,
        }
    }

    fn of_text(self, line: &str) -> &str {
        let line = line.strip_suffix('\n').unwrap_or(line);
        match self {
            Self::OnlyInText => line.strip_suffix('\r').unwrap_or(line),
            Self::Exact | Self::OnlyInPatch => line,
        }
    }

    fn of_patch(self, line: &str) -> &str {
        match self {
            Self::OnlyInPatch => line.strip_suffix('\r').unwrap_or(line),
            Self::Exact | Self::OnlyInText => line,
        }
    }

    fn end(self) -> &'static str {
        match self {
            Self::OnlyInText => "\r\n",
            Self::Exact | Self::OnlyInPatch => "\n",
        }
    }
}

/// Applies all hunks or none. A text whose lines all end with carriage return and line feed takes
/// patches with plain line feeds, and keeps its ends.
///
/// # Errors
/// A hunk does not fit, or fits in several places.
pub fn apply(patch: &FilePatch, text: &str) -> Result<Applied, ApplyError> {
    let returns = Returns::of(patch, text);
    let lines: Vec<&str> = text.split_inclusive('\n').collect();
    let bare: Vec<&str> = lines.iter().map(|line| returns.of_text(line)).collect();
    let mut search = Search {
        bare: &bare,
        returns,
        n_comparisons: 0,
    };
    let mut new: Vec<String> = Vec::new();
    let mut found_at = Vec::new();
    let mut done = 0;
    let mut shift = 0;
    let keep = |new: &mut Vec<String>, from: usize, to: usize| {
        let kept = lines.get(from..to).unwrap_or_default();
        new.extend(kept.iter().map(|line| (*line).to_owned()));
    };
    for (index, hunk) in patch.hunks.iter().enumerate() {
        let at = search.place(hunk, index + 1, done, shift)?;
        if hunk.is_counted {
            shift = at as i64 - expected(hunk);
        }
        keep(&mut new, done, at);
        done = at;
        for line in &hunk.lines {
            match line.kind {
                LineKind::Context => {
                    keep(&mut new, done, done + 1);
                    done += 1;
                }
                LineKind::Removed => done += 1,
                LineKind::Added => new.push(added(line, returns)),
            }
        }
        found_at.push(at + 1);
    }
    keep(&mut new, done, lines.len());
    Ok(Applied {
        text: joined(new, returns.end()),
        found_at,
    })
}

fn added(line: &Line, returns: Returns) -> String {
    let text = returns.of_patch(&line.text);
    let end = if line.has_no_end { "" } else { returns.end() };
    format!("{text}{end}")
}

/// Only the last line may lack its end.
fn joined(mut lines: Vec<String>, end: &str) -> String {
    let last = lines.len().saturating_sub(1);
    for line in lines.iter_mut().take(last) {
        if !line.ends_with('\n') {
            line.push_str(end);
        }
    }
    lines.concat()
}

/// The index of the first old line, as the header says.
fn expected(hunk: &Hunk) -> i64 {
    let has_old = hunk.lines.iter().any(|line| line.kind != LineKind::Added);
    let start = i64::try_from(hunk.old_start).unwrap_or(i64::MAX);
    // Without old lines the number is that of the line before.
    if has_old { start - 1 } else { start }
}

struct Search<'a> {
    bare: &'a [&'a str],
    returns: Returns,
    n_comparisons: usize,
}

impl Search<'_> {
    /// Where a hunk goes: where its header says when its lines are there, else the one place
    /// where they are.
    fn place(
        &mut self,
        hunk: &Hunk,
        number: usize,
        from: usize,
        shift: i64,
    ) -> Result<usize, ApplyError> {
        let old: Vec<&str> = hunk
            .lines
            .iter()
            .filter(|line| line.kind != LineKind::Added)
            .map(|line| self.returns.of_patch(&line.text))
            .collect();
        let expected = usize::try_from(expected(hunk).saturating_add(shift)).ok();
        if let Some(at) = expected.filter(|at| hunk.is_counted && *at >= from) {
            if old.is_empty() && at <= self.bare.len() {
                return Ok(at);
            }
            if !old.is_empty() && self.fits(&old, at) {
                return Ok(at);
            }
        }
        if old.is_empty() {
            return match (self.bare.is_empty(), hunk.old_start) {
                (true, _) | (false, 0) => Ok(from),
                _ => Err(ApplyError::NotFound {
                    hunk: number,
                    why: "it has only `+` lines and no right line number: add lines of context"
                        .to_owned(),
                }),
            };
        }
        self.only_place(&old, number, from)
    }

    fn only_place(
        &mut self,
        old: &[&str],
        number: usize,
        from: usize,
    ) -> Result<usize, ApplyError> {
        let last = self.bare.len().saturating_sub(old.len());
        let mut found = None;
        for at in from..=last {
            if self.n_comparisons > COMPARISONS_MAX {
                return Err(ApplyError::TooMuchWork { hunk: number });
            }
            if !self.fits(old, at) {
                continue;
            }
            if let Some(first) = found {
                return Err(ApplyError::Ambiguous {
                    hunk: number,
                    first: first + 1,
                    second: at + 1,
                });
            }
            found = Some(at);
        }
        found.ok_or_else(|| ApplyError::NotFound {
            hunk: number,
            why: self.explain(old, from),
        })
    }

    fn fits(&mut self, old: &[&str], at: usize) -> bool {
        let Some(there) = self.bare.get(at..at.saturating_add(old.len())) else {
            return false;
        };
        let same = old
            .iter()
            .zip(there)
            .take_while(|(old, there)| old == there)
            .count();
        self.n_comparisons += same + 1;
        same == old.len()
    }

    /// The best start and the first line that differs.
    fn explain(&self, old: &[&str], from: usize) -> String {
        let shown = |line: &str| -> String {
            let line: String = line.chars().take(120).collect();
            mesoclaw_agent::policy::escaped(&line)
        };
        let first = old.first().copied().unwrap_or_default();
        let starts = (from..self.bare.len()).filter(|at| self.bare.get(*at) == Some(&first));
        let best = starts
            .take(100)
            .map(|at| {
                let there = self.bare.get(at..).unwrap_or_default();
                let same = old
                    .iter()
                    .zip(there)
                    .take_while(|(old, there)| old == there)
                    .count();
                (same, at)
            })
            .max_by_key(|(same, at)| (*same, std::cmp::Reverse(*at)));
        let Some((same, at)) = best else {
            return format!(
                "its first line `{}` is not in the file after what is patched before it",
                shown(first)
            );
        };
        let wanted = old.get(same).copied().unwrap_or_default();
        match self.bare.get(at + same) {
            Some(there) => format!(
                "line {} of the file is `{}`, the patch expects `{}`",
                at + same + 1,
                shown(there),
                shown(wanted)
            ),
            None => format!("the file ends where the patch expects `{}`", shown(wanted)),
        }
    }
}
