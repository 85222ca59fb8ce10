//! Files said with a message: `--image FILE`, `/image FILE`, and words like `@notes.txt` that name
//! an existing file. What a file is, is told by its content and not by its name.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use mesoclaw_api::ops::chat::NewImage;

use crate::exit::{CliError, CliResult};
use crate::output::{bytes, push};
use crate::run::input::{fenced, read_text};

/// Most images of one message.
pub const MOST_IMAGES: usize = 16;

/// Most bytes of all images of one message.
pub const MOST_IMAGE_BYTES: u64 = 5 * 1024 * 1024;

/// What is said with a message.
#[derive(Clone, Debug)]
pub struct Attachments {
    images: Vec<NewImage>,
    image_bytes: u64,
    texts: String,
    names: Vec<String>,
    text_limit: u64,
    home: Option<PathBuf>,
}

impl Attachments {
    /// Nothing yet. Text files may have `text_limit` bytes.
    pub fn new(text_limit: u64) -> Self {
        Self {
            images: Vec::new(),
            image_bytes: 0,
            texts: String::new(),
            names: Vec::new(),
            text_limit,
            home: std::env::var_os("HOME").map(PathBuf::from),
        }
    }

    /// Adds an image.
    ///
    /// # Errors
    /// It cannot be read, is no image, or there are too many or too large ones.
    pub fn add_image(&mut self, path: &Path) -> CliResult<()> {
        let mut file = open(path)?;
        let mut data = Vec::new();
        read_up_to(&mut file, MOST_IMAGE_BYTES + 1, path, &mut data)?;
        if media_type(&data).is_none() {
            return Err(CliError::usage(format!(
                "{} is no PNG, JPEG, GIF or WebP image",
                path.display()
            )));
        }
        self.push_image(path, &data)
    }

    /// The words of a prompt with their `@FILE` words resolved: those that name a file lose the `@`
    /// and the file is added, `\@` becomes `@`, all others stay as they are.
    ///
    /// # Errors
    /// A file that was named cannot be read, or is neither an image nor text.
    pub fn resolve(&mut self, text: &str) -> CliResult<String> {
        // A shell hands over a name with blanks as one argument.
        if let Some(name) = text.strip_prefix('@')
            && name.contains(char::is_whitespace)
            && let Some(path) = self.file_named(name)
        {
            self.add_file(name, &path)?;
            return Ok(name.to_owned());
        }
        let mut resolved = String::with_capacity(text.len());
        for word in text.split_inclusive(char::is_whitespace) {
            let bare = word.trim_end();
            let blank = word.get(bare.len()..).unwrap_or_default();
            resolved.push_str(&self.resolve_word(bare)?);
            resolved.push_str(blank);
        }
        Ok(resolved)
    }

    fn resolve_word(&mut self, word: &str) -> CliResult<String> {
        let begin = word.trim_start_matches(['(', '[', '{', '"', '\'']);
        let lead = word
            .get(..word.len() - begin.len())
            .unwrap_or_default()
            .to_owned();
        if let Some(rest) = begin.strip_prefix("\\@") {
            return Ok(format!("{lead}@{rest}"));
        }
        let Some(name) = begin.strip_prefix('@').filter(|name| !name.is_empty()) else {
            return Ok(word.to_owned());
        };
        // The end of a sentence is not part of a name, unless there is such a file.
        let mut end = name.len();
        while let Some(candidate) = name.get(..end).filter(|name| !name.is_empty()) {
            if let Some(path) = self.file_named(candidate) {
                self.add_file(candidate, &path)?;
                let rest = name.get(end..).unwrap_or_default();
                return Ok(format!("{lead}{candidate}{rest}"));
            }
            let Some(last) = candidate.chars().last() else {
                break;
            };
            if !".,;:!?)]}\"'".contains(last) {
                break;
            }
            end -= last.len_utf8();
        }
        Ok(word.to_owned())
    }

    /// The regular file of a name; `None` when there is none.
    fn file_named(&self, name: &str) -> Option<PathBuf> {
        let path = match (name.strip_prefix("~/"), &self.home) {
            (Some(below), Some(home)) => home.join(below),
            _ => PathBuf::from(name),
        };
        path.is_file().then_some(path)
    }

    /// Adds a file as what it is.
    fn add_file(&mut self, name: &str, path: &Path) -> CliResult<()> {
        let mut file = open(path)?;
        let mut data = Vec::new();
        read_up_to(&mut file, 16, path, &mut data)?;
        if media_type(&data).is_some() {
            read_up_to(&mut file, MOST_IMAGE_BYTES, path, &mut data)?;
            return self.push_image(path, &data);
        }
        let text = read_text(data.as_slice().chain(file), self.text_limit, name)?;
        let text = text.trim_end_matches(['\n', '\r']);
        push(
            &mut self.texts,
            format_args!("\n\n{name}:\n{}", fenced(text)),
        );
        self.names
            .push(format!("{name} ({})", bytes(text.len() as u64)));
        Ok(())
    }

    fn push_image(&mut self, path: &Path, data: &[u8]) -> CliResult<()> {
        let size = data.len() as u64;
        self.image_bytes = self.image_bytes.saturating_add(size);
        if self.images.len() == MOST_IMAGES {
            return Err(CliError::usage(format!(
                "a message holds at most {MOST_IMAGES} images"
            )));
        }
        if self.image_bytes > MOST_IMAGE_BYTES {
            return Err(CliError::usage_hint(
                format!(
                    "with {} the images have more than {} together, which is the most a message holds",
                    path.display(),
                    bytes(MOST_IMAGE_BYTES)
                ),
                "make them smaller, or send them with messages of their own",
            ));
        }
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned());
        self.names.push(format!(
            "{} ({})",
            name.as_deref().unwrap_or("image"),
            bytes(size)
        ));
        self.images.push(NewImage {
            data: STANDARD.encode(data),
            name,
        });
        Ok(())
    }

    /// What was attached, for people; `None` when nothing was.
    pub fn summary(&self) -> Option<String> {
        (!self.names.is_empty()).then(|| format!("attached {}", self.names.join(", ")))
    }

    /// The blocks of text files, to stand behind the prompt, and the images.
    pub fn into_parts(self) -> (String, Vec<NewImage>) {
        (self.texts, self.images)
    }
}

fn open(path: &Path) -> CliResult<File> {
    let opened = File::open(path).and_then(|file| {
        if file.metadata()?.is_file() {
            Ok(file)
        } else {
            Err(std::io::Error::other("it is no regular file"))
        }
    });
    opened.map_err(|error| not_read(path, &error))
}

fn read_up_to(file: &mut File, limit: u64, path: &Path, data: &mut Vec<u8>) -> CliResult<()> {
    file.take(limit)
        .read_to_end(data)
        .map(|_| ())
        .map_err(|error| not_read(path, &error))
}

fn not_read(path: &Path, error: &std::io::Error) -> CliError {
    CliError::usage(format!("could not read {}: {error}", path.display()))
}

/// The kind of an image by the bytes it begins with.
fn media_type(data: &[u8]) -> Option<&'static str> {
    if data.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if data.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if data.starts_with(b"GIF87a") || data.starts_with(b"GIF89a") {
        Some("image/gif")
    } else if data.starts_with(b"RIFF") && data.get(8..12) == Some(b"WEBP") {
        Some("image/webp")
    } else {
        None
    }
}

#[cfg(test)]
mod tests;
