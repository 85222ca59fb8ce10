//! Globs as the shell would expand them, bounded. Where shells differ, more is matched rather
//! than less: what is judged must cover what would run.

use std::path::{Path, PathBuf};

use mesoclaw_agent::policy::{GLOB_MATCHES_MAX, GlobMatch, PathFact, Roots};

use super::{absolute, paths};

/// Entries of directories that are looked at for one glob.
const ENTRIES_MAX: usize = 200_000;

/// The fact of the directory before the first wildcard, with what the glob matches now. `None`
/// when the start cannot be told.
pub(super) fn expand(given: &str, roots: &Roots) -> Option<PathFact> {
    let parts: Vec<&str> = given.split('/').collect();
    let n_fixed = parts.iter().take_while(|part| !is_wild(part)).count();
    let fixed = parts.get(..n_fixed)?.join("/");
    let start = match (fixed.is_empty(), given.starts_with('/')) {
        (true, true) => PathBuf::from("/"),
        (true, false) => roots.cwd.clone(),
        (false, _) => absolute(&unescaped(&fixed), roots)?,
    };
    let prefix = match (n_fixed, fixed.as_str()) {
        (0, _) => String::new(),
        (_, fixed) => format!("{}/", unescaped(fixed)),
    };
    let mut search = Search {
        n_entries: 0,
        found: Vec::new(),
        is_over: false,
    };
    search.descend(&start, &prefix, parts.get(n_fixed..).unwrap_or_default());
    let matches = (!search.is_over).then(|| {
        search.found.sort_by(|a, b| a.0.cmp(&b.0));
        search
            .found
            .into_iter()
            .map(|(text, path)| GlobMatch {
                text,
                fact: paths::fact(&path, roots),
            })
            .collect()
    });
    Some(PathFact {
        matches,
        ..paths::fact(&start, roots)
    })
}

struct Search {
    n_entries: usize,
    found: Vec<(String, PathBuf)>,
    is_over: bool,
}

impl Search {
    fn descend(&mut self, directory: &Path, prefix: &str, parts: &[&str]) {
        let Some((part, rest)) = parts.split_first() else {
            return;
        };
        if !is_wild(part) {
            let name = unescaped(part);
            self.step(&directory.join(&name), format!("{prefix}{name}"), rest);
            return;
        }
        let Ok(entries) = std::fs::read_dir(directory) else {
            return;
        };
        for entry in entries.flatten() {
            self.n_entries += 1;
            if self.n_entries > ENTRIES_MAX || self.found.len() > GLOB_MATCHES_MAX {
                self.is_over = true;
            }
            if self.is_over {
                return;
            }
            let name = entry.file_name();
            let text = name.to_string_lossy();
            let is_hidden = text.starts_with('.');
            if (!is_hidden || part.starts_with('.')) && matches_part(part, &text) {
                self.step(&directory.join(&name), format!("{prefix}{text}"), rest);
            }
        }
    }

    fn step(&mut self, path: &Path, text: String, rest: &[&str]) {
        if rest.is_empty() {
            if std::fs::symlink_metadata(path).is_ok() {
                self.found.push((text, path.to_path_buf()));
                self.is_over |= self.found.len() > GLOB_MATCHES_MAX;
            }
        } else if path.is_dir() {
            if rest.iter().all(|part| part.is_empty()) {
                self.found.push((format!("{text}/"), path.to_path_buf()));
            } else {
                self.descend(path, &format!("{text}/"), rest);
            }
        }
    }
}

/// Whether the shell would expand this part.
fn is_wild(part: &str) -> bool {
    let mut escaped = false;
    part.chars().any(|c| {
        let is_wild = !escaped && matches!(c, '*' | '?' | '[');
        escaped = !escaped && c == '\\';
        is_wild
    })
}

fn unescaped(part: &str) -> String {
    let mut text = String::new();
    let mut escaped = false;
    for c in part.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(c);
            escaped = false;
        }
    }
    text
}

/// One element of a pattern.
#[derive(Clone, PartialEq, Debug)]
enum Element {
    Any,
    One,
    Literal(char),
    Set {
        negated: bool,
        ranges: Vec<(char, char)>,
    },
}

impl Element {
    fn covers(&self, c: char) -> bool {
        match self {
            Self::Any => false,
            Self::One => true,
            Self::Literal(literal) => *literal == c,
            Self::Set { negated, ranges } => {
                ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated
            }
        }
    }
}

/// Whether a name matches one part of a pattern. In a byte locale `?` is one byte of a character,
/// so names that are not ASCII match when they match with any number of characters for it.
pub(super) fn matches_part(pattern: &str, name: &str) -> bool {
    let mut elements = elements(pattern);
    if !name.is_ascii() {
        for element in &mut elements {
            if matches!(element, Element::One | Element::Set { .. }) {
                *element = Element::Any;
            }
        }
    }
    let name: Vec<char> = name.chars().collect();
    let (mut p, mut n) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    while n < name.len() {
        match (elements.get(p), name.get(n)) {
            (Some(Element::Any), _) => {
                back = Some((p + 1, n));
                p += 1;
            }
            (Some(element), Some(c)) if element.covers(*c) => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((after, from)) = back else {
                    return false;
                };
                back = Some((after, from + 1));
                (p, n) = (after, from + 1);
            }
        }
    }
    elements
        .get(p..)
        .is_some_and(|rest| rest.iter().all(|element| *element == Element::Any))
}

fn elements(pattern: &str) -> Vec<Element> {
    let chars: Vec<char> = pattern.chars().collect();
    let mut elements = Vec::new();
    let mut at = 0;
    while let Some(c) = chars.get(at) {
        at += 1;
        elements.push(match c {
            '*' => Element::Any,
            '?' => Element::One,
            '\\' => {
                let literal = chars.get(at).copied().unwrap_or('\\');
                at += 1;
                Element::Literal(literal)
            }
            '[' => match set(chars.get(at..).unwrap_or_default()) {
                Some((element, used)) => {
                    at += used;
                    element
                }
                None => Element::Literal('['),
            },
            c => Element::Literal(*c),
        });
    }
    elements
}

/// A set in brackets, after the opening one, and how many characters it takes. What needs a
/// locale to be understood (`[[:alpha:]]`, `[[=a=]]`) counts as any character.
fn set(chars: &[char]) -> Option<(Element, usize)> {
    let negated = matches!(chars.first(), Some('!' | '^'));
    let mut at = usize::from(negated);
    let start = at;
    let mut ranges = Vec::new();
    let mut is_special = false;
    loop {
        let mut low = *chars.get(at)?;
        if low == ']' && at > start {
            break;
        }
        if low == '[' && matches!(chars.get(at + 1), Some(':' | '=' | '.')) {
            let kind = *chars.get(at + 1)?;
            let rest = chars.get(at + 2..)?;
            let end = rest.windows(2).position(|pair| *pair == [kind, ']'])?;
            is_special = true;
            at += end + 4;
            continue;
        }
        if low == '\\' {
            at += 1;
            low = *chars.get(at)?;
        }
        at += 1;
        let high = chars.get(at + 1).filter(|c| **c != ']');
        if let (Some('-'), Some(high)) = (chars.get(at), high) {
            ranges.push((low, *high));
            at += 2;
        } else {
            ranges.push((low, low));
        }
    }
    let element = if is_special {
        Element::One
    } else {
        Element::Set { negated, ranges }
    };
    Some((element, at + 1))
}
