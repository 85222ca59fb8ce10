//! Files said with a message of the chat. Only what a person types can name files: lines that come
//! from a pipe are text and nothing else.

use std::path::PathBuf;

use mesoclaw_api::ops::chat::NewImage;

use crate::exit::CliResult;
use crate::run::attach::Attachments;
use crate::run::chat::Chat;
use crate::run::input::{DEFAULT_MAX_INPUT, check_size};

impl Chat {
    /// `/image FILE`
    pub(super) fn attach_image(&mut self, file: &str) -> CliResult<()> {
        let path = match (file.strip_prefix("~/"), std::env::var_os("HOME")) {
            (Some(below), Some(home)) => PathBuf::from(home).join(below),
            _ => PathBuf::from(file),
        };
        // A list that became too long is as it was.
        let mut attachments = self.attachments.clone();
        attachments.add_image(&path)?;
        self.attachments = attachments;
        let summary = self.attachments.summary().unwrap_or_default();
        self.editor
            .print(&format!("({summary} to the next message)\n"))
    }

    /// `/image` alone.
    pub(super) fn drop_images(&mut self) -> CliResult<()> {
        self.attachments = Attachments::new(DEFAULT_MAX_INPUT);
        self.editor.print("(no image waits)\n")
    }

    /// A message with the files its words name, and the images that wait for it.
    pub(super) fn with_files(&mut self, text: &str) -> CliResult<(String, Vec<NewImage>)> {
        // What waits stays when the message cannot be said.
        let mut attachments = self.attachments.clone();
        let mut text = if self.editor.is_terminal() {
            attachments.resolve(text)?
        } else {
            text.to_owned()
        };
        if let Some(summary) = attachments.summary() {
            self.editor.print(&format!("({summary})\n"))?;
        }
        let (blocks, images) = attachments.into_parts();
        text.push_str(&blocks);
        check_size(&text)?;
        Ok((text, images))
    }
}
