//! Files said with a message: `--image`, words with `@`, `/image`.

use mesoclaw_testkit::home::TestHome;
use mesoclaw_testkit::model_server::Script;
use mesoclaw_testkit::pty::Pty;
use serde_json::Value;

use crate::fixture::Fixture;
use crate::process::{Stdin, mesoclaw, prompt_of, run};

/// A picture of one pixel.
const PNG: &[u8] =
    b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0\x1f\x15\xc4\x89\
    \0\0\0\nIDATx\x9cc\0\x01\0\0\x05\0\x01\r\n-\xb4\0\0\0\0IEND\xaeB`\x82";

fn put(home: &TestHome, name: &str, content: &[u8]) {
    std::fs::write(home.user_home().join(name), content).unwrap();
}

/// How many images the last message of a request has.
fn images_of(body: &Value) -> usize {
    let messages = body["messages"].as_array().unwrap();
    let parts = messages.last().unwrap()["content"].as_array();
    parts
        .into_iter()
        .flatten()
        .filter(|part| part["type"] == "image_url")
        .count()
}

#[test]
fn images_and_texts_are_said_with_a_prompt() {
    let fixture = Fixture::start(Script::text("Fine."));
    let home = &fixture.home;
    put(home, "a.png", PNG);
    put(home, "notes.txt", b"one\ntwo\n");
    let last = || fixture.server.requests().last().unwrap().clone();

    let ran = run(home, &["--image", "a.png", "what is that"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stdout.as_str()), (0, "Fine.\n"), "{ran:?}");
    assert_eq!(
        ran.stderr,
        "mesoclaw: attached a.png (67 B)\n".replace("67", &PNG.len().to_string())
    );
    assert_eq!(images_of(&last().body), 1);
    let whole = last().body.to_string();
    assert!(
        whole.contains("data:image/png;base64,iVBORw0KGgo"),
        "{whole}"
    );

    let ran = run(
        home,
        &[
            "-q",
            "sum up @notes.txt, and @a.png; mail ada@example.org or \\@notes.txt",
        ],
        Stdin::Text(""),
    );
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(
        prompt_of(&last()),
        "sum up notes.txt, and a.png; mail ada@example.org or @notes.txt\n\n\
         notes.txt:\n```\none\ntwo\n```"
    );
    assert_eq!(images_of(&last().body), 1);

    // What comes over a pipe names no files.
    let ran = run(home, &[], Stdin::Text("read @notes.txt"));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(prompt_of(&last()), "read @notes.txt");

    // A word that names no file is a word.
    let ran = run(home, &["ask @nobody"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""), "{ran:?}");
    assert_eq!(prompt_of(&last()), "ask @nobody");
}

#[test]
fn what_cannot_be_attached_is_code_2() {
    let fixture = Fixture::start(Script::text("Fine."));
    let home = &fixture.home;
    put(home, "a.txt", b"text");
    put(home, "b.bin", b"a\0b");
    put(home, "a.png", PNG);
    let mut large = PNG.to_vec();
    large.resize(5 * 1024 * 1024 + 1, 0);
    put(home, "large.png", &large);
    let many: Vec<&str> = ["--image", "a.png"]
        .repeat(17)
        .into_iter()
        .chain(["q"])
        .collect();
    let rows: [(&[&str], &str); 5] = [
        (
            &["--image", "a.txt", "q"],
            "is no PNG, JPEG, GIF or WebP image",
        ),
        (&["--image", "none.png", "q"], "none.png"),
        (&["--image", "large.png", "q"], "together"),
        (&["look at @b.bin"], "is binary"),
        (&many, "at most 16 images"),
    ];
    for (args, part) in rows {
        let ran = run(home, args, Stdin::Text(""));
        ran.assert_error(2, &[part]);
    }
    assert_eq!(fixture.server.requests(), []);
}

#[test]
fn an_image_waits_for_the_next_message_of_a_chat() {
    let fixture = Fixture::start(Script::text("Fine."));
    let home = &fixture.home;
    put(home, "a.png", PNG);
    let pty = Pty::spawn(&mesoclaw(home, &["chat"]), 40, 100);
    let say = |line: &str, expected: &str| {
        pty.wait_for("prompt", |screen| {
            screen.contents().trim_end().ends_with("\n>")
        });
        pty.write(line);
        pty.write("\r");
        pty.wait_for_text(expected);
    };
    say("/image missing.png", "could not read missing.png");
    say("/image a.png", "to the next message)");
    say("what is that", "meso: Fine.");
    say("and that @a.png", "> and that @a.png");
    pty.wait_for("a second answer", |screen| {
        screen.contents().matches("meso: Fine.").count() == 2
    });
    say("nothing more", "> nothing more");
    pty.wait_for("a third answer", |screen| {
        screen.contents().matches("meso: Fine.").count() == 3
    });
    let requests = fixture.server.requests();
    let counts: Vec<usize> = requests
        .iter()
        .map(|request| images_of(&request.body))
        .collect();
    assert_eq!(counts, [1, 1, 0]);
}
