//! The directories a command of a line could run in, as far as `cd` moves it.

use super::Unclear;

/// Most directories a command could be in before that is too many to judge.
const MAX: usize = 4;

/// The possible directories, relative to the one the line starts in (the empty text), absolute, or
/// starting with `~`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Bases(Vec<String>);

impl Bases {
    /// Where a line starts.
    pub fn start() -> Self {
        Self(vec![String::new()])
    }

    /// All of them.
    pub fn all(&self) -> &[String] {
        &self.0
    }

    /// After `cd directory` worked.
    pub fn enter(&self, directory: &str) -> Result<Self, Unclear> {
        let has_parent = directory.split('/').any(|part| part == "..");
        let entered = self
            .0
            .iter()
            .map(|base| {
                // A shell resolves `..` by text, the system by links: they agree only where no
                // part before it can be a link.
                let agrees = !has_parent
                    || (base.is_empty()
                        && directory
                            .trim_start_matches("../")
                            .split('/')
                            .skip_while(|part| *part == "..")
                            .all(|part| part != ".."));
                agrees.then(|| join(base, directory))
            })
            .collect::<Option<Vec<_>>>();
        entered
            .map(Self)
            .ok_or_else(|| Unclear::new("`cd` with `..`, which goes by names instead of links"))
    }

    /// Either these or those.
    pub fn or(mut self, other: &Self) -> Result<Self, Unclear> {
        for base in &other.0 {
            if !self.0.contains(base) {
                self.0.push(base.clone());
            }
        }
        if self.0.len() > MAX {
            return Err(Unclear::new("too many directories the command could be in"));
        }
        Ok(self)
    }
}

/// `path` as seen from `base`.
pub(in crate::policy) fn join(base: &str, path: &str) -> String {
    if base.is_empty() || path.starts_with('/') || is_home(path) {
        return path.to_owned();
    }
    format!("{}/{path}", base.trim_end_matches('/'))
}

fn is_home(path: &str) -> bool {
    path == "~" || path.starts_with("~/")
}
