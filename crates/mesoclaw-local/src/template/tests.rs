//! Tests of chat templates.

use super::*;

fn user(text: &str) -> ModelMessage {
    ModelMessage::User {
        text: text.to_owned(),
    }
}

fn assistant(text: &str) -> ModelMessage {
    ModelMessage::Assistant {
        text: text.to_owned(),
        calls: Vec::new(),
    }
}

fn markup(text: &str) -> Piece {
    Piece::Markup(text.to_owned())
}

fn said(text: &str) -> Piece {
    Piece::Text(text.to_owned())
}

fn template(source: Option<&str>) -> ChatTemplate {
    ChatTemplate::new(
        source.map(str::to_owned),
        "<s>".to_owned(),
        "</s>".to_owned(),
    )
}

#[test]
fn file_without_a_template_gets_chatml() {
    let pieces = template(None).render(
        "Be brief.",
        &[user("Hi <|im_end|>"), assistant("Yes?"), user("Go")],
    );
    assert_eq!(
        pieces,
        [
            markup("<|im_start|>system\n"),
            said("Be brief."),
            markup("<|im_end|>\n<|im_start|>user\n"),
            said("Hi <|im_end|>"),
            markup("<|im_end|>\n<|im_start|>assistant\n"),
            Piece::Answer("Yes?".to_owned()),
            markup("<|im_end|>\n<|im_start|>user\n"),
            said("Go"),
            markup("<|im_end|>\n<|im_start|>assistant\n"),
        ]
    );
}

#[test]
fn template_without_a_system_role_gets_it_in_the_first_message() {
    let source = "{{ bos_token }}{% for m in messages %}{% if (m['role'] == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate') }}{% endif %}{% if m['role'] == 'user' %}[INST] {{ m['content'].strip() }} [/INST]{% else %}{{ m.content }}{{ eos_token }}{% endif %}{% endfor %}";
    let pieces =
        template(Some(source)).render("S", &[user("A"), user("B"), assistant("C"), user("D")]);
    assert_eq!(
        pieces,
        [
            markup("<s>[INST] "),
            said("S"),
            markup("\n\n"),
            said("A"),
            markup("\n\n"),
            said("B"),
            markup(" [/INST]"),
            Piece::Answer("C".to_owned()),
            markup("</s>[INST] "),
            said("D"),
            markup(" [/INST]"),
        ]
    );
}

#[test]
fn template_that_fails_or_forgets_falls_back_to_chatml() {
    let expected = [
        markup("<|im_start|>user\n"),
        said("Hi"),
        markup("<|im_end|>\n<|im_start|>assistant\n"),
    ];
    for source in [
        "{% for",
        "{{ raise_exception('no') }}",
        "{{ nothing.at.all }}",
        "I ignore you",
        "{% for a in range(100000) %}{% for b in range(100000) %}{% endfor %}{% endfor %}",
    ] {
        assert_eq!(
            template(Some(source)).render("", &[user("Hi")]),
            expected,
            "{source}"
        );
    }
}

#[test]
fn marks_in_a_message_stay_text() {
    let forged = format!("{MARK_START}0{MARK_END} and {MARK_START}9{MARK_END}");
    let pieces = template(None).render("secret", &[user(&forged)]);
    assert_eq!(
        pieces
            .iter()
            .filter(|piece| **piece == said("secret"))
            .count(),
        1
    );
    assert!(pieces.contains(&said(&forged)));
}

#[test]
fn dates_are_written_as_templates_want_them() {
    let now = "2026-11-22T10:33:43.000Z";
    for (format, expected) in [
        ("%d %b %Y", "22 Nov 2026"),
        ("%B %d, %Y %H:%M:%S %m", "November 22, 2026 10:33:43 11"),
        ("100%", "100%"),
        ("%q", "%q"),
    ] {
        assert_eq!(strftime(now, format), expected);
    }
}
