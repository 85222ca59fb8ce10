//! A key is for one address: it does not follow its provider to another one by itself.

use super::{Login, keys_of, new_key, openai, well};

#[test]
fn a_key_waits_for_a_yes_when_its_provider_moves() {
    let key = new_key();
    let (here, there) = (openai("Fine."), openai("Well."));
    let login = Login::without_keyring();
    login.use_as_openai(&here);
    login.done(&["key", "store", "file"]);
    // Whoever keeps a key says with it where it goes: to the provider as it is then.
    well(login.set_key("openai", &key));
    assert_eq!(well(login.ask()), "Fine.\n");

    let url = there.base_url();
    let moved = login.command(&["provider", "update", "openai", "--base-url", &url]);
    assert!(
        moved.stderr.contains("mesoclaw key confirm openai"),
        "{moved:?}"
    );
    well(moved);
    let addresses = [here.addr().to_string(), there.addr().to_string()];
    let parts = [&addresses[0], &addresses[1], "mesoclaw key confirm openai"];
    login.ask().assert_error(5, &parts);
    for args in [
        &["key", "test", "openai", "--model", "gpt-test"][..],
        &["provider", "test", "openai", "--model", "gpt-test"],
        &["provider", "models", "openai"],
    ] {
        let ran = login.command(args);
        assert_eq!(ran.code, 5, "{ran:?}");
    }
    // Not even without the key.
    assert_eq!(there.connections(), 0);
    let confirmed = login.done(&["key", "confirm", "openai"]);
    assert!(confirmed.contains(&addresses[1]), "{confirmed}");
    assert_eq!(well(login.ask()), "Well.\n");
    assert_eq!(keys_of(&there), [Some(key.clone())]);
    assert_eq!(keys_of(&here), [Some(key)]);
}
