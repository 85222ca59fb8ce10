//! One result of a search, cleaned: whatever an engine sends, only plain text and addresses of
//! the web come out.

use mesoclaw_net::WebUrl;
use serde::Serialize;

use crate::web_fetch::{one_line, plain};

const MAX_TITLE_CHARS: usize = 200;
const MAX_SNIPPET_CHARS: usize = 1_000;
const MAX_URL_BYTES: usize = 2_000;

/// One result of a search.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SearchResult {
    /// What the page calls itself.
    pub title: String,
    /// Where it is.
    pub url: String,
    /// A few words of it.
    pub snippet: String,
}

impl SearchResult {
    /// Title and snippet are HTML. `None` = not an address of the web.
    pub(crate) fn clean(title: &str, url: &str, snippet: &str) -> Option<Self> {
        let title = plain(title, MAX_TITLE_CHARS);
        Self::clean_text(&title, url, &plain(snippet, MAX_SNIPPET_CHARS))
    }

    /// Title and snippet are text. `None` = not an address of the web.
    pub(crate) fn clean_text(title: &str, url: &str, snippet: &str) -> Option<Self> {
        let url = WebUrl::parse(url)?;
        if url.as_str().len() > MAX_URL_BYTES {
            return None;
        }
        Some(Self {
            title: one_line(title, MAX_TITLE_CHARS),
            url: url.as_str().to_owned(),
            snippet: one_line(snippet, MAX_SNIPPET_CHARS),
        })
    }
}
