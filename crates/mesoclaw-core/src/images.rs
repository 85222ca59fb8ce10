//! Images that come with a message: decoded, checked by their content, named by their hash.

use std::fmt::Write;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mesoclaw_api::item::ImageRef;
use mesoclaw_api::ops::chat::NewImage;
use mesoclaw_api::{ApiError, ApiResult, ErrorCode, Timestamp};
use mesoclaw_store::repo::image::ImageRow;
use sha2::{Digest, Sha256};

/// Images of one message.
const MAX_IMAGES: usize = 16;
/// Bytes of all images of one message: with base64 they fit on a line of the socket.
const MAX_BYTES: usize = 5 * 1024 * 1024;
/// Longest name that is kept.
const MAX_NAME_CHARS: usize = 200;

/// An image of a message and its content.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct SaidImage {
    pub reference: ImageRef,
    pub row: ImageRow,
}

/// Checks the images of a message.
///
/// # Errors
/// There are too many, they are too large, or one is no image that models take.
pub(crate) fn checked(images: Vec<NewImage>) -> ApiResult<Vec<SaidImage>> {
    if images.len() > MAX_IMAGES {
        return Err(invalid(format!(
            "{} images come with the message, at most {MAX_IMAGES} are taken",
            images.len()
        )));
    }
    let mut n_bytes = 0;
    let mut said = Vec::with_capacity(images.len());
    for image in images {
        let name = image.name.map(shown);
        let what = name.as_deref().unwrap_or("an image").to_owned();
        let data = STANDARD
            .decode(image.data.as_bytes())
            .map_err(|_| invalid(format!("{what}: the content is not base64")))?;
        n_bytes += data.len();
        if n_bytes > MAX_BYTES {
            return Err(invalid(format!(
                "the images have more than {} MiB together",
                MAX_BYTES / (1024 * 1024)
            ))
            .with_hint("send fewer, or make them smaller"));
        }
        let Some(media_type) = media_type(&data) else {
            return Err(invalid(format!(
                "{what} is no PNG, JPEG, GIF or WebP image"
            )));
        };
        let sha256 = hex(&Sha256::digest(&data));
        said.push(SaidImage {
            reference: ImageRef {
                sha256: sha256.clone(),
                media_type: media_type.to_owned(),
                name,
                size_bytes: data.len() as u64,
            },
            row: ImageRow {
                sha256,
                media_type: media_type.to_owned(),
                data,
                created_at: Timestamp::now(),
            },
        });
    }
    Ok(said)
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing into a string cannot fail.
        write!(text, "{byte:02x}").ok();
    }
    text
}

/// What an image is, by its first bytes.
fn media_type(data: &[u8]) -> Option<&'static str> {
    if data.starts_with(b"\x89PNG\r\n\x1a\n") {
        Some("image/png")
    } else if data.starts_with(b"\xff\xd8\xff") {
        Some("image/jpeg")
    } else if data.starts_with(b"GIF87a") || data.starts_with(b"GIF89a") {
        Some("image/gif")
    } else if data.starts_with(b"RIFF") && data.get(8..12) == Some(b"WEBP".as_slice()) {
        Some("image/webp")
    } else {
        None
    }
}

fn shown(name: String) -> String {
    name.chars()
        .filter(|c| !c.is_control())
        .take(MAX_NAME_CHARS)
        .collect()
}

fn invalid(message: String) -> ApiError {
    ApiError::new(ErrorCode::Validation, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image(data: &[u8]) -> NewImage {
        NewImage {
            data: STANDARD.encode(data),
            name: Some("a\u{1b}.png".to_owned()),
        }
    }

    #[test]
    fn images_are_known_by_their_content() {
        for (data, expected) in [
            (b"\x89PNG\r\n\x1a\n rest".as_slice(), Some("image/png")),
            (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
            (b"GIF89a", Some("image/gif")),
            (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
            (b"RIFF\0\0\0\0WAVE", None),
            (b"", None),
            (b"<svg/>", None),
        ] {
            assert_eq!(media_type(data), expected);
        }
    }

    #[test]
    fn a_message_takes_a_few_small_images() {
        let gif = b"GIF89a";
        let said = checked(vec![image(gif)]).unwrap();
        assert_eq!(said.len(), 1);
        let SaidImage { reference, row } = &said[0];
        assert_eq!(reference.name.as_deref(), Some("a.png"));
        assert_eq!(
            (reference.size_bytes, row.data.as_slice()),
            (6, gif.as_slice())
        );
        assert_eq!(reference.sha256.len(), 64);
        let large = [gif.as_slice(), &vec![0; 3 * 1024 * 1024]].concat();
        for (images, expected) in [
            (
                vec![image(gif); 17],
                "17 images come with the message, at most 16 are taken",
            ),
            (
                vec![image(&large); 2],
                "the images have more than 5 MiB together",
            ),
            (
                vec![image(b"text")],
                "a.png is no PNG, JPEG, GIF or WebP image",
            ),
            (
                vec![NewImage {
                    data: "%".to_owned(),
                    name: None,
                }],
                "an image: the content is not base64",
            ),
        ] {
            assert_eq!(checked(images).unwrap_err().message, expected);
        }
    }
}
