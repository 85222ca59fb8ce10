//! What looks like a secret: by the name of the variable, or by its value.

/// Parts of names that mean a secret.
const NAMES: [&str; 18] = [
    "KEY",
    "TOKEN",
    "SECRET",
    "PASSWORD",
    "PASSWD",
    "PASSPHRASE",
    "PASS",
    "CREDENTIAL",
    "AUTH",
    "COOKIE",
    "PRIVATE",
    "DSN",
    "CONNECTION_STRING",
    "SESSION_ID",
    "WEBHOOK",
    "SIGNATURE",
    "SALT",
    "PWD",
];

/// Names with such a part that are none.
const HARMLESS: [&str; 5] = ["PWD", "OLDPWD", "XDG_SESSION_ID", "KEYMAP", "XKB_KEYMAP"];

/// Starts of values that services give their keys.
const VALUES: [&str; 19] = [
    "sk-",
    "sk_",
    "pk_live",
    "rk_live",
    "ghp_",
    "gho_",
    "ghs_",
    "ghu_",
    "github_pat_",
    "glpat-",
    "xoxb-",
    "xoxp-",
    "xapp-",
    "AKIA",
    "ASIA",
    "AIza",
    "eyJ",
    "-----BEGIN",
    "tvly-",
];

/// A run of such characters this long is no word of a language.
const RANDOM_MIN: usize = 32;

/// Whether a variable may hold a secret. Rather too often than too rarely.
pub fn is_secret(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let by_name =
        !HARMLESS.contains(&upper.as_str()) && NAMES.iter().any(|part| upper.contains(part));
    by_name || is_secret_value(value)
}

fn is_secret_value(value: &str) -> bool {
    value
        .split([' ', ',', ';', '=', '"', '\'', '\n'])
        .any(|word| {
            VALUES.iter().any(|start| word.starts_with(start))
                || has_password(word)
                || is_random(word)
        })
}

/// An address with a name and a password in it.
fn has_password(word: &str) -> bool {
    word.split_once("://").is_some_and(|(_, rest)| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        host.rsplit_once('@')
            .is_some_and(|(user, _)| user.contains(':'))
    })
}

/// Long and made of letters and digits mixed, as hashes and random keys are.
fn is_random(word: &str) -> bool {
    let has = |test: fn(&u8) -> bool| word.bytes().any(|byte| test(&byte));
    word.len() >= RANDOM_MIN
        && word
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"+/=_-.".contains(&byte))
        && has(u8::is_ascii_digit)
        && has(u8::is_ascii_alphabetic)
        && !word.starts_with('/')
        && !word.contains("//")
}
