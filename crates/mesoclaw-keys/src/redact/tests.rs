//! Tests of the redactor.

use super::*;

fn knowing(values: &[&str]) -> Redactor {
    let redactor = Redactor::new();
    for value in values {
        assert!(redactor.add(&Secret::new((*value).to_owned())), "{value}");
    }
    redactor
}

#[test]
fn known_values_are_masked_in_every_spelling() {
    let value = "p\"a s/s+wörd\n";
    let check = |text: &str, expected: &str| {
        let redactor = knowing(&[value, "hunter2"]);
        assert_eq!(redactor.redact(text), expected, "{text}");
        assert_eq!(
            redactor.redact_bytes(text.as_bytes()),
            expected.as_bytes(),
            "{text}"
        );
    };
    check("", "");
    check("hunter", "hunter");
    check("hunter2", "***");
    check("a hunter2, hunter2b", "a ***, ***b");
    check("hunter2hunter2", "***");
    check(&format!("x{value}y"), "x***y");
    check(
        &serde_json::json!({ "k": value }).to_string(),
        "{\"k\":\"***\"}",
    );
    check("q=p%22a%20s%2Fs%2Bw%C3%B6rd%0A&r", "q=***&r");
    check("q=p%22a%20s%2fs%2bw%c3%b6rd%0a&r", "q=***&r");
    check("Basic cCJhIHMvcyt3w7ZyZAo=", "Basic ***=");
    check("hex 68756e74657232, 68756E74657232.", "hex ***, ***.");
    check("äöü hunter2 äöü", "äöü *** äöü");
}

#[test]
fn a_value_inside_a_longer_text_in_base64_is_masked() {
    let value = "correct?horse>battery";
    let redactor = knowing(&[value]);
    let check = |text: &str, expected: &str| assert_eq!(redactor.redact(text), expected, "{text}");
    // Behind nothing, `:`, `a:` and `ab:`, then with `:` after it. What shares a digit with its
    // neighbours stays.
    check("Y29ycmVjdD9ob3JzZT5iYXR0ZXJ5", "***");
    check("OmNvcnJlY3Q/aG9yc2U+YmF0dGVyeQ==", "OmNv***eQ==");
    check("OmNvcnJlY3Q_aG9yc2U-YmF0dGVyeQ", "OmNv***eQ");
    check("YTpjb3JyZWN0P2hvcnNlPmJhdHRlcnk=", "YTpj***cnk=");
    check("YWI6Y29ycmVjdD9ob3JzZT5iYXR0ZXJ5", "YWI6***");
    check("Y29ycmVjdD9ob3JzZT5iYXR0ZXJ5Og==", "***Og==");
}

#[test]
fn overlapping_values_leave_nothing() {
    let check = |values: &[&str], text: &str, expected: &str| {
        assert_eq!(knowing(values).redact(text), expected, "{values:?} {text}");
    };
    check(
        &["secret", "secret-and-more"],
        "a secret-and-more b",
        "a *** b",
    );
    check(&["abcdefgh", "fghijklm"], "xabcdefghijklmy", "x***y");
    check(&["aaaaaa"], "aaaaaaaaa", "***");
    check(&["abcdef"], "sk-abcdefABCDEF0123456789aBcDeF1", "***");
}

#[test]
fn bytes_that_are_no_text_are_kept() {
    let redactor = knowing(&["hunter2"]);
    let found = redactor.redact_bytes(b"\xff\xfehunter2\xff");
    assert_eq!(found, b"\xff\xfe***\xff".as_slice());
}

#[test]
fn nothing_is_allocated_when_nothing_is_found() {
    let redactor = knowing(&["hunter2"]);
    assert!(matches!(
        redactor.redact("hunter1"),
        Cow::Borrowed("hunter1")
    ));
    assert!(matches!(
        redactor.redact_bytes(b"\xff"),
        Cow::Borrowed(b"\xff")
    ));
}

#[test]
fn short_values_are_not_looked_for() {
    let redactor = Redactor::new();
    for (value, expected) in [
        ("", false),
        ("12345", false),
        ("äöüäö", false),
        ("123456", true),
    ] {
        assert_eq!(
            redactor.add(&Secret::new(value.to_owned())),
            expected,
            "{value}"
        );
    }
    assert_eq!(redactor.redact("12345 123456"), "12345 ***");
}

#[test]
fn removed_values_are_shown_again_and_clones_share_what_is_known() {
    let redactor = Redactor::new();
    let clone = redactor.clone();
    let value = Secret::new("hunter2".to_owned());
    assert!(redactor.add(&value) && redactor.add(&value));
    assert_eq!(clone.redact("hunter2"), "***");
    assert_eq!(format!("{clone:?}"), "Redactor { n_values: 1 }");
    assert!(clone.remove(&value));
    assert!(!clone.remove(&value));
    assert_eq!(redactor.redact("hunter2"), "hunter2");
}

#[test]
fn what_looks_like_a_key_is_masked() {
    let redactor = Redactor::new();
    let openai = "sk-proj-Ab3dEf6hIj9kLmN0pQrS-tUvWx_yZ12";
    let deepseek = "sk-9f8b2c71e0d34a65bb12f07ce9a4d853";
    let anthropic = "sk-ant-api03-xY9zAb3dEf6hIj9kLmN0pQ-AA";
    let gemini = "AIzaSyA1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q";
    let groq = "gsk_Ab3dEf6hIj9kLmN0pQrStUvWxYz12345";
    let xai = "xai-Ab3dEf6hIj9kLmN0pQrStUvWxYz12345";
    let hf = "hf_AbCdEfGhIjKlMnOpQrStUvWxYzaBcDeFgH";
    for key in [openai, deepseek, anthropic, gemini, groq, xai, hf] {
        for (text, expected) in [
            (key.to_owned(), "***".to_owned()),
            (format!("key={key}&x"), "key=***&x".to_owned()),
            (format!("{{\"k\":\"{key}\"}}"), "{\"k\":\"***\"}".to_owned()),
            (format!("a\\n{key}.\n"), "a\\n***.\n".to_owned()),
            (format!("a%20{key}%20b"), "a%20***%20b".to_owned()),
        ] {
            assert_eq!(redactor.redact(&text), expected, "{text}");
        }
        let doubled = format!("{key}\n{key}");
        assert_eq!(redactor.redact(&doubled), "***\n***");
    }
    for (text, expected) in [
        (
            "Authorization: Bearer eyJhbGciOi.J9eyJz.Q3b4_x-y=",
            "Authorization: Bearer ***",
        ),
        (
            "authorization: bearer  a1B2c3D4e5F6g7H8",
            "authorization: bearer  ***",
        ),
        (
            "BEARER 550e8400-e29b-41d4-a716-446655440000,",
            "BEARER ***,",
        ),
    ] {
        assert_eq!(redactor.redact(text), expected, "{text}");
    }
}

#[test]
fn prose_and_names_stay_as_they_are() {
    let redactor = Redactor::new();
    for text in [
        "sk-etch",
        "sk-",
        "sk",
        "a sk-learn-based-estimators-version-2 thing",
        "sk-Learn-Based-Estimators-Version-2",
        "desk-9f8b2c71e0d34a65bb12f07ce9a4d853",
        "Bearer token",
        "Bearer",
        "Bearer ",
        "the bearer of the ring",
        "Bearer authentication-scheme-rfc6750",
        "bearer\n\n\n\n\n\n\n\n\n\na1B2c3D4e5F6g7H8",
        "hf_transfer_enable_fast_download_of_models",
        "AIzanami",
        "gsk_example",
        "xai-models-2025",
        "hf_hub",
        "xoxb-token",
        "pplx-70b-online",
        "sk-AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA1",
    ] {
        assert!(
            matches!(redactor.redact(text), Cow::Borrowed(same) if same == text),
            "{text}"
        );
    }
}

#[test]
fn a_text_full_of_beginnings_takes_little_time() {
    let redactor = knowing(&["aaaaaaaaaaaaaaab"]);
    for (beginning, size) in [("sk-", 300_000), ("a", 100_000), ("Bearer ", 300_000)] {
        let text = beginning.repeat(size);
        assert!(
            matches!(redactor.redact(&text), Cow::Borrowed(_)),
            "{beginning}"
        );
    }
    let text = format!("sk-Ab3dEf6hIj9kLmN0pQrS{}", "sk-".repeat(300_000));
    assert_eq!(redactor.redact(&text), "***");
}

#[test]
fn white_space_around_a_value_does_not_hide_it() {
    let redactor = knowing(&[" hunter2-hunter2\n"]);
    assert_eq!(redactor.redact("(hunter2-hunter2)"), "(***)");
    let value = Secret::new(" hunter2-hunter2\n".to_owned());
    assert!(redactor.remove(&value));
    assert_eq!(redactor.redact("(hunter2-hunter2)"), "(hunter2-hunter2)");
    assert!(!redactor.add(&Secret::new("  short    ".to_owned())));
}
