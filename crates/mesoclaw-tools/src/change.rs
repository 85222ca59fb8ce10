//! Changing one file: read it by handle, make up the new content, let the checkpoint keep the old
//! one, write, and say what changed.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use mesoclaw_agent::policy::Facts;
use mesoclaw_agent::tool::{FileImage, ToolCx};
use sha2::{Digest, Sha256};

use crate::background::{Stop, blocking};
use crate::diff;
use crate::error::FileError;
use crate::judged;
use crate::options::ToolOptions;
use crate::workspace::{Place, Seen};

/// What a file is before a change.
pub struct Before {
    /// What was seen.
    pub seen: Seen,
    /// Its content, or the start of it.
    pub content: Vec<u8>,
    /// Whether that is all of it.
    pub is_whole: bool,
}

/// What a file should become.
pub enum After {
    /// This content.
    Content(Vec<u8>),
    /// Gone.
    Removed,
}

impl After {
    fn into_content(self) -> Option<Vec<u8>> {
        match self {
            Self::Content(content) => Some(content),
            Self::Removed => None,
        }
    }
}

/// What was done.
pub struct Changed {
    /// The unified diff; empty when nothing changed.
    pub diff: String,
    /// Whether the file is new.
    pub is_new: bool,
    /// The new content; `None` when the file is gone.
    pub content: Option<Vec<u8>>,
}

/// Makes up the new content from the old one.
pub trait Edit: Send + Sync {
    /// # Errors
    /// A sentence for the model: why it cannot be made up.
    fn apply(&self, before: Option<&Before>) -> Result<After, String>;
}

/// What the change would be, as a unified diff; `None` when it cannot be made.
pub fn preview(
    facts: &Facts,
    path: &Path,
    edit: &dyn Edit,
    options: &ToolOptions,
) -> Option<String> {
    try_out(facts, path, edit, options).ok()
}

/// What the change would be, as a unified diff.
///
/// # Errors
/// A sentence for the model: why it cannot be made.
pub fn try_out(
    facts: &Facts,
    path: &Path,
    edit: &dyn Edit,
    options: &ToolOptions,
) -> Result<String, String> {
    let (_, before) =
        look(path, options.tool_file_read_max_bytes).map_err(|error| error.sentence())?;
    let after = edit.apply(before.as_ref())?;
    Ok(describe(
        &judged::shown(facts, path),
        before.as_ref(),
        &after,
    ))
}

/// Makes the change.
///
/// # Errors
/// A sentence for the model; the file is as it was.
pub async fn apply(
    cx: &ToolCx,
    path: PathBuf,
    edit: Arc<dyn Edit>,
    options: ToolOptions,
) -> Result<Changed, String> {
    let stop = Stop::new(Arc::clone(&cx.cancel), options.time_limit());
    let kept_max = cx.checkpoints.max_file_bytes();
    let max_bytes = options.tool_file_read_max_bytes.max(kept_max);
    let at = path.clone();
    let facts = Arc::clone(&cx.facts);
    let (place, before, after, diff) = blocking(stop.clone(), move |_| {
        let (place, before) = look(&at, max_bytes).map_err(|error| error.sentence())?;
        let after = edit.apply(before.as_ref())?;
        let diff = describe(&judged::shown(&facts, &at), before.as_ref(), &after);
        Ok::<_, String>((place, before, after, diff))
    })
    .await??;
    let is_new = before.is_none();
    if is_unchanged(before.as_ref(), &after) {
        return Ok(Changed {
            diff: String::new(),
            is_new,
            content: after.into_content(),
        });
    }
    let image = before.as_ref().map(|before| image_of(before, kept_max));
    if stop.reason().is_some() {
        return Err("The call was stopped; nothing was changed.".to_owned());
    }
    cx.checkpoints
        .before_write(path.clone(), image)
        .await
        .map_err(|reason| {
            format!("Nothing was changed, because the old content could not be kept: {reason}")
        })?;
    let at = path.clone();
    let seen = before.map(|before| before.seen);
    let written = blocking(stop, move |_| {
        write(place, &at, seen.as_ref(), &after)?;
        let content = after.into_content();
        let hash = content
            .as_ref()
            .map(|content| Sha256::digest(content).into());
        Ok::<_, FileError>((content, hash))
    })
    .await?;
    let (content, hash) = written.map_err(|error| error.sentence())?;
    if let Err(reason) = cx.checkpoints.after_write(path, hash).await {
        // The file is changed already; only undoing it will be less sure.
        tracing::warn!(reason, "checkpoint not completed");
    }
    Ok(Changed {
        diff,
        is_new,
        content,
    })
}

fn write(
    place: Option<Place>,
    path: &Path,
    before: Option<&Seen>,
    after: &After,
) -> Result<(), FileError> {
    let place = match place {
        Some(place) => place,
        None => Place::create(path)?,
    };
    match (after, before) {
        (After::Content(content), before) => place.replace(content, before),
        (After::Removed, Some(before)) => place.remove(before),
        (After::Removed, None) => Ok(()),
    }
}

fn image_of(before: &Before, kept_max: u64) -> FileImage {
    let bytes = before.seen.identity.size_bytes;
    let is_kept = before.is_whole && before.content.len() as u64 <= kept_max;
    FileImage {
        content: is_kept.then(|| before.content.clone()),
        bytes,
        mode: before.seen.mode,
    }
}

/// The place and what is there. No place when its directory does not exist.
fn look(path: &Path, max_bytes: u64) -> Result<(Option<Place>, Option<Before>), FileError> {
    let place = match Place::open(path) {
        Err(FileError::Find { .. }) => return Ok((None, None)),
        place => place?,
    };
    let Some(mut file) = place.existing()? else {
        return Ok((Some(place), None));
    };
    let content = file.read_up_to(max_bytes)?;
    let seen = *file.seen();
    let before = Before {
        is_whole: content.len() as u64 >= seen.identity.size_bytes,
        seen,
        content,
    };
    Ok((Some(place), Some(before)))
}

fn is_unchanged(before: Option<&Before>, after: &After) -> bool {
    match (before, after) {
        (Some(before), After::Content(content)) => before.is_whole && before.content == *content,
        (None, After::Removed) => true,
        (Some(_), After::Removed) | (None, After::Content(_)) => false,
    }
}

fn describe(name: &str, before: Option<&Before>, after: &After) -> String {
    if let Some(before) = before.filter(|before| !before.is_whole) {
        let size = crate::output::bytes(before.seen.identity.size_bytes);
        return format!(
            "--- a/{name}\n+++ b/{name}\n[the old content ({size}) is too large to be compared]\n"
        );
    }
    let after = match after {
        After::Content(content) => Some(content.as_slice()),
        After::Removed => None,
    };
    diff::unified(name, before.map(|before| before.content.as_slice()), after)
}

impl Before {
    /// The content as text.
    ///
    /// # Errors
    /// A sentence: it is too large, or no UTF-8 text.
    pub fn text(&self, name: &str) -> Result<&str, String> {
        if !self.is_whole {
            return Err(format!(
                "`{name}` is {}, which is too large to be changed in place; use the shell or write a new file.",
                crate::output::bytes(self.seen.identity.size_bytes)
            ));
        }
        if let Some(kind) = crate::text::binary_kind(&self.content) {
            return Err(format!(
                "`{name}` is {kind}, not text, so it cannot be changed by lines."
            ));
        }
        std::str::from_utf8(&self.content).map_err(|_| {
            format!("`{name}` is not UTF-8 text, so it cannot be changed by lines; use the shell.")
        })
    }
}

/// Says in a few words what changed: `3 lines added, 1 removed`.
pub fn summary(diff: &str) -> String {
    match diff::counts(diff) {
        (0, 0) => "nothing changed".to_owned(),
        (added, 0) => format!("{added} lines added"),
        (0, removed) => format!("{removed} lines removed"),
        (added, removed) => format!("{added} lines added, {removed} removed"),
    }
}
