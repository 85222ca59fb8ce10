//! Tests of what lists of secrets look like.

use mesoclaw_api::ops::credential::KeyBackend;

use super::*;

fn status() -> KeyStoreStatus {
    KeyStoreStatus {
        backend: KeyBackend::Keyring,
        is_chosen: false,
        is_working: true,
        is_locked: false,
        has_passphrase: None,
        problem: None,
        hint: None,
        protection: String::new(),
        path: None,
    }
}

#[test]
fn names_are_listed_with_their_place() {
    let keys = ["api_key:openai".to_owned()];
    let variables = ["OPENAI_API_KEY".to_owned()];
    assert_eq!(
        listing(&status(), &keys, &variables),
        "NAME            PLACE\n\
         api_key:openai  the keyring of the system\n\
         OPENAI_API_KEY of your shell is used without asking\n"
    );
    assert_eq!(
        listing(&status(), &[], &[]),
        "nothing is kept in the keyring of the system\n"
    );
}

#[test]
fn a_key_of_a_provider_has_one_line() {
    for (text, is_fine) in [
        ("sk-1", true),
        ("sk-1\n", true),
        ("a\nb", false),
        ("a\x1bb", false),
    ] {
        let result = one_line_only(&SecretText::new(text.to_owned()));
        assert_eq!(result.is_ok(), is_fine, "{text:?}");
    }
}
