//! `web_fetch`: one page of the web as text. The guard of `mesoclaw-net` fetches it; here it is
//! decoded, made readable and cut. Nothing a page loads by itself (images, scripts, frames) is
//! fetched.

mod blocks;
mod charset;
mod clean;
mod hidden;
mod html;
mod page;
mod tool;
mod walk;
mod window;

pub(crate) use clean::one_line;
pub(crate) use html::{plain, tokens};
pub(crate) use page::sentence;
pub(crate) use tool::unless_cancelled;
pub use tool::{GuardNow, WebFetch};
pub(crate) use walk::{attribute, text_of};

#[cfg(test)]
mod tests;
