//! Tests of the slash commands.

use super::*;

#[test]
fn lines_are_commands_or_messages() {
    let text = |text: &str| text.to_owned();
    let cases = [
        ("/help", Some(Ok(Slash::Help))),
        (" ? ", Some(Ok(Slash::Help))),
        ("/new", Some(Ok(Slash::New(None)))),
        ("/new my plan ", Some(Ok(Slash::New(Some(text("my plan")))))),
        ("/switch demo", Some(Ok(Slash::Switch(text("demo"))))),
        ("/model a:b", Some(Ok(Slash::Model(Some(text("a:b")))))),
        ("/queue", Some(Ok(Slash::Queue))),
        ("/queue drop 2", Some(Ok(Slash::QueueDrop(text("2"))))),
        (
            "/queue edit 1 new  text",
            Some(Ok(Slash::QueueEdit(text("1"), text("new  text")))),
        ),
        (
            "/image a b.png",
            Some(Ok(Slash::Image(Some(text("a b.png"))))),
        ),
        ("/export a b.md", Some(Ok(Slash::Export(text("a b.md"))))),
        ("/approvals", Some(Ok(Slash::Approvals))),
        ("/undo", Some(Ok(Slash::Undo))),
        ("/policy", Some(Ok(Slash::Policy))),
        ("/workspace", Some(Ok(Slash::Workspace))),
        ("/quit", Some(Ok(Slash::Quit))),
        ("hello", None),
        ("why? ", None),
        ("//etc/passwd", None),
        ("", None),
    ];
    for (line, expected) in cases {
        assert_eq!(parse(line), expected, "{line:?}");
    }
    for line in [
        "/nope",
        "/switch",
        "/queue edit 1",
        "/queue drop",
        "/etc/passwd",
    ] {
        assert!(matches!(parse(line), Some(Err(_))), "{line:?}");
    }
}

#[test]
fn two_slashes_are_one_in_the_message() {
    assert_eq!(message("//etc is full"), "/etc is full");
    assert_eq!(message("a // b"), "a // b");
}

#[test]
fn help_names_every_command() {
    for name in [
        "/new",
        "/session ",
        "/sessions",
        "/switch",
        "/model",
        "/queue",
        "/continue",
        "/cancel",
        "/usage",
        "/export",
        "/detach",
        "/quit",
    ] {
        assert!(HELP.contains(name), "{name}");
    }
}
