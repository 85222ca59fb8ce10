//! `web_search`: asks Tavily or Brave where there is a key, DuckDuckGo where there is none, and
//! gives titles, addresses and snippets. It opens none of the pages found.

mod brave;
mod duckduckgo;
mod engine;
mod result;
mod tavily;
mod tool;

pub use engine::SearchOptions;
pub use tool::{SearchNow, WebSearch};

#[cfg(test)]
pub(crate) mod tests;
