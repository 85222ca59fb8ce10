//! Tests of files in prompts.

use super::*;

const PNG: &[u8] = b"\x89PNG\r\n\x1a\nrest";

struct Folder {
    dir: tempfile::TempDir,
}

impl Folder {
    fn new() -> Self {
        Self {
            dir: tempfile::tempdir().unwrap(),
        }
    }

    fn put(&self, name: &str, content: &[u8]) -> String {
        let path = self.dir.path().join(name);
        std::fs::write(&path, content).unwrap();
        path.to_str().unwrap().to_owned()
    }

    fn attachments(&self) -> Attachments {
        Attachments {
            home: Some(self.dir.path().to_owned()),
            ..Attachments::new(1024)
        }
    }
}

#[test]
fn words_that_name_a_file_attach_it() {
    let folder = Folder::new();
    let notes = folder.put("notes.txt", b"one\ntwo\n");
    let image = folder.put("a.png", PNG);
    let check = |text: &str, expected: &str, texts: &str, n_images: usize| {
        let text = text.replace("NOTES", &notes).replace("IMAGE", &image);
        let expected = expected.replace("NOTES", &notes).replace("IMAGE", &image);
        let mut attachments = folder.attachments();
        assert_eq!(attachments.resolve(&text).unwrap(), expected, "{text}");
        let (blocks, images) = attachments.into_parts();
        assert_eq!(blocks, texts.replace("NOTES", &notes), "{text}");
        assert_eq!(images.len(), n_images, "{text}");
    };
    let block = "\n\nNOTES:\n```\none\ntwo\n```";
    check("sum up @NOTES", "sum up NOTES", block, 0);
    check("sum up @NOTES, please", "sum up NOTES, please", block, 0);
    check("sum (@NOTES).", "sum (NOTES).", block, 0);
    check("what is @IMAGE?", "what is IMAGE?", "", 1);
    check(
        "a\t@~/notes.txt\nb",
        "a\t~/notes.txt\nb",
        "\n\n~/notes.txt:\n```\none\ntwo\n```",
        0,
    );
    check(
        "write to ada@example.org",
        "write to ada@example.org",
        "",
        0,
    );
    check("@nobody said so", "@nobody said so", "", 0);
    check("\\@NOTES stays", "@NOTES stays", "", 0);
    check("@ alone, @. and @~/", "@ alone, @. and @~/", "", 0);
}

#[test]
fn a_name_with_blanks_is_one_argument() {
    let folder = Folder::new();
    let notes = folder.put("my notes.txt", b"x");
    let mut attachments = folder.attachments();
    assert_eq!(attachments.resolve(&format!("@{notes}")).unwrap(), notes);
    assert_eq!(
        attachments.summary().unwrap(),
        format!("attached {notes} (1 B)")
    );
}

#[test]
fn images_are_known_by_their_content() {
    for (data, expected) in [
        (PNG, Some("image/png")),
        (b"\xff\xd8\xff\xe0", Some("image/jpeg")),
        (b"GIF89a..", Some("image/gif")),
        (b"GIF87a..", Some("image/gif")),
        (b"RIFF\0\0\0\0WEBPVP8 ", Some("image/webp")),
        (b"RIFF\0\0\0\0WAVE", None),
        (b"<svg>", None),
        (b"", None),
    ] {
        assert_eq!(media_type(data), expected, "{data:?}");
    }
    let folder = Folder::new();
    let image = folder.put("picture", PNG);
    let mut attachments = folder.attachments();
    attachments.add_image(Path::new(&image)).unwrap();
    let (_, images) = attachments.into_parts();
    assert_eq!(
        images,
        [NewImage {
            data: STANDARD.encode(PNG),
            name: Some("picture".to_owned()),
        }]
    );
}

#[test]
fn what_cannot_be_attached_is_a_mistake_on_the_command_line() {
    let folder = Folder::new();
    let check = |result: CliResult<()>, part: &str| {
        let error = result.unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert_eq!(error.exit_code(), 2, "{error}");
    };
    let text = folder.put("a.txt", b"x");
    let binary = folder.put("b.bin", b"a\0b");
    let long = folder.put("long.txt", &[b'x'; 2000]);
    let mut attachments = folder.attachments();
    check(
        attachments.add_image(Path::new(&text)),
        "is no PNG, JPEG, GIF or WebP image",
    );
    check(
        attachments.add_image(&folder.dir.path().join("none.png")),
        "could not read",
    );
    check(attachments.add_image(folder.dir.path()), "could not read");
    check(
        attachments.resolve(&format!("@{binary}")).map(|_| ()),
        "is binary",
    );
    let error = attachments.resolve(&format!("@{long}")).unwrap_err();
    assert!(error.to_string().contains("more than"), "{error}");
}

#[test]
fn images_have_limits() {
    let folder = Folder::new();
    let image = folder.put("a.png", PNG);
    let mut attachments = folder.attachments();
    for _ in 0..MOST_IMAGES {
        attachments.add_image(Path::new(&image)).unwrap();
    }
    let error = attachments.add_image(Path::new(&image)).unwrap_err();
    assert!(error.to_string().contains("at most 16 images"), "{error}");
    assert_eq!(error.exit_code(), 2);

    let mut large = PNG.to_vec();
    large.resize(usize::try_from(MOST_IMAGE_BYTES).unwrap(), 0);
    let just = folder.put("just.png", &large);
    large.push(0);
    let over = folder.put("over.png", &large);
    folder
        .attachments()
        .add_image(Path::new(&just))
        .expect("the most there may be");
    for text in [format!("@{over}"), format!("@{image} @{just}")] {
        let error = folder.attachments().resolve(&text).unwrap_err();
        assert!(error.to_string().contains("together"), "{error}");
        assert_eq!(error.exit_code(), 2);
    }
}
