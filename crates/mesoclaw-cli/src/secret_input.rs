//! Takes in secrets: from a prompt that shows nothing, from stdin, a file, a variable, or the
//! command line. What was read is wiped from memory when it is dropped; nothing here prints it, and
//! a process that took in a secret leaves no core dump.

use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::path::Path;

use mesoclaw_api::SecretText;
use mesoclaw_daemon::keep_out_of_dumps;
use tokio::sync::oneshot;
use zeroize::{Zeroize, Zeroizing};

use crate::cli::{PassphraseArgs, SecretArgs};
use crate::exit::{CliError, CliResult, INTERRUPTED};
use crate::output::Console;
use crate::run::stops::Stops;
use crate::term::{HiddenInput, discard_typed, raw_stdin, read_hidden_line};

/// The longest secret.
pub const MAX_SECRET_BYTES: usize = 64 * 1024;

/// The secret a command was told where to find. `what` is a word for it: `key`.
///
/// # Errors
/// It cannot be read, is empty, or is no text.
pub async fn read(console: Console, source: SecretArgs, what: &str) -> CliResult<SecretText> {
    keep_out_of_dumps();
    if let Some(value) = source.value {
        console.note(&format!(
            "the {what} stands on the command line: other programs of this machine can see it \
             there, and the shell keeps it in its history; without it on the line you are asked"
        ));
        return checked(value, what);
    }
    if let Some(path) = &source.file {
        return of_file(path, what);
    }
    if let Some(variable) = &source.env {
        return of_variable(variable, what);
    }
    if io::stdin().is_terminal() {
        return ask(console, &format!("{what} (not shown): "), what).await;
    }
    let stdin = raw_stdin().map_err(|error| not_read("stdin", &error))?;
    of_reader(stdin, "stdin", what)
}

/// The passphrase of an encrypted file that is made now; `None` when none is wanted.
///
/// # Errors
/// As [`read`], or the two that were typed differ.
pub async fn new_passphrase(
    console: Console,
    args: &PassphraseArgs,
) -> CliResult<Option<SecretText>> {
    const WHAT: &str = "passphrase";
    if !args.passphrase {
        return named_passphrase(
            args.passphrase_file.as_deref(),
            args.passphrase_env.as_deref(),
        );
    }
    if !io::stdin().is_terminal() {
        return Err(nobody_to_ask());
    }
    let first = ask(console, "new passphrase (not shown): ", WHAT).await?;
    let second = ask(console, "the same again: ", WHAT).await?;
    if first != second {
        return Err(CliError::usage("the two passphrases differ"));
    }
    Ok(Some(first))
}

/// The passphrase of an encrypted file that is there.
///
/// # Errors
/// As [`read`].
pub async fn passphrase(
    console: Console,
    file: Option<&Path>,
    variable: Option<&str>,
) -> CliResult<SecretText> {
    if let Some(passphrase) = named_passphrase(file, variable)? {
        return Ok(passphrase);
    }
    if !io::stdin().is_terminal() {
        return Err(nobody_to_ask());
    }
    ask(console, "passphrase (not shown): ", "passphrase").await
}

/// Asks for a secret without showing what is typed; the terminal gets its mode back whatever
/// happens, Ctrl-C and SIGTERM included.
///
/// # Errors
/// Nothing was typed, the person wants to leave, or the terminal cannot hide what is typed.
pub async fn ask(console: Console, prompt: &str, what: &str) -> CliResult<SecretText> {
    match ask_optional(console, prompt).await? {
        Some(secret) => Ok(secret),
        None => Err(empty(what)),
    }
}

/// The same; `None` when nothing was typed.
///
/// # Errors
/// As [`ask`].
pub async fn ask_optional(console: Console, prompt: &str) -> CliResult<Option<SecretText>> {
    keep_out_of_dumps();
    // From here on a signal does not end the process by itself, so that nothing can end it while
    // the terminal hides.
    let mut stops = Stops::listen(None)?;
    let hidden = HiddenInput::begin().map_err(|error| {
        CliError::usage_hint(
            format!("this terminal cannot hide what is typed: {error}"),
            "use --stdin, --file or --env",
        )
    })?;
    console.say(prompt);
    // On a thread of its own, because a blocked read hears no signal.
    let (answer, typed) = oneshot::channel();
    std::thread::Builder::new()
        .name("secret".to_owned())
        .spawn(move || {
            // Nobody waits any more after Ctrl-C.
            answer.send(read_hidden_line()).ok();
        })?;
    let line = tokio::select! {
        stop = stops.next() => Err(CliError::Said(stop.exit_code())),
        line = typed => match line {
            Ok(Ok(Some(line))) => Ok(line),
            Ok(Err(error)) => Err(not_read("the terminal", &error)),
            Ok(Ok(None)) | Err(_) => Err(CliError::Said(INTERRUPTED)),
        },
    };
    // The rest of a text of several lines that was pasted must not run in the shell.
    discard_typed();
    drop(hidden);
    console.say("\n");
    let secret = of_bytes(line?, "the terminal")?;
    Ok((!secret.secret().expose().trim().is_empty()).then_some(secret))
}

fn named_passphrase(file: Option<&Path>, variable: Option<&str>) -> CliResult<Option<SecretText>> {
    keep_out_of_dumps();
    match (file, variable) {
        (Some(path), _) => of_file(path, "passphrase").map(Some),
        (None, Some(variable)) => of_variable(variable, "passphrase").map(Some),
        (None, None) => Ok(None),
    }
}

fn of_file(path: &Path, what: &str) -> CliResult<SecretText> {
    let file = File::open(path).map_err(|error| CliError::file("read", path, &error))?;
    of_reader(file, &path.display().to_string(), what)
}

fn of_variable(variable: &str, what: &str) -> CliResult<SecretText> {
    let value = std::env::var_os(variable)
        .ok_or_else(|| CliError::usage(format!("the variable {variable} is not set")))?;
    match value.into_string() {
        Ok(value) => checked(SecretText::new(value), what),
        Err(value) => {
            value.into_encoded_bytes().zeroize();
            Err(no_text(variable))
        }
    }
}

fn of_reader(reader: impl Read, place: &str, what: &str) -> CliResult<SecretText> {
    // The room is there from the beginning: growing would leave copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_SECRET_BYTES + 64));
    reader
        .take(MAX_SECRET_BYTES as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| not_read(place, &error))?;
    if bytes.len() > MAX_SECRET_BYTES {
        return Err(CliError::usage(format!(
            "{place} holds more than {MAX_SECRET_BYTES} bytes: that is no {what}"
        )));
    }
    checked(of_bytes(bytes, place)?, what)
}

/// Cuts off the last line end.
fn of_bytes(mut bytes: Zeroizing<Vec<u8>>, place: &str) -> CliResult<SecretText> {
    if bytes.last() == Some(&b'\n') {
        bytes.pop();
        if bytes.last() == Some(&b'\r') {
            bytes.pop();
        }
    }
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(SecretText::new(text)),
        Err(error) => {
            error.into_bytes().zeroize();
            Err(no_text(place))
        }
    }
}

fn checked(secret: SecretText, what: &str) -> CliResult<SecretText> {
    if secret.secret().expose().trim().is_empty() {
        return Err(empty(what));
    }
    Ok(secret)
}

fn empty(what: &str) -> CliError {
    CliError::usage_hint(
        format!("the {what} is empty; nothing was changed"),
        "give it by --stdin, --file PATH, --env VAR, or on a terminal when asked",
    )
}

fn nobody_to_ask() -> CliError {
    CliError::usage_hint(
        "there is no terminal to ask for a passphrase on",
        "use --passphrase-file or --passphrase-env",
    )
}

fn no_text(place: &str) -> CliError {
    CliError::usage(format!("what {place} holds is no UTF-8 text"))
}

fn not_read(place: &str, error: &io::Error) -> CliError {
    mesoclaw_api::ApiError::new(
        mesoclaw_api::ErrorCode::Io,
        format!("could not read {place}: {error}"),
    )
    .into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_line_end_is_cut_and_nothing_else() {
        for (input, expected) in [
            ("sk-1", "sk-1"),
            ("sk-1\n", "sk-1"),
            ("sk-1\r\n", "sk-1"),
            ("a\nb\n\n", "a\nb\n"),
            (" a ", " a "),
        ] {
            let secret = of_reader(input.as_bytes(), "x", "key").unwrap();
            assert_eq!(secret.secret().expose(), expected, "{input:?}");
        }
    }

    #[test]
    fn what_is_no_secret_is_refused_without_being_shown() {
        let long = vec![b'k'; MAX_SECRET_BYTES + 1];
        for (input, part) in [
            (&b""[..], "empty"),
            (b" \n", "empty"),
            (b"sk-\xff\xfe", "no UTF-8"),
            (&long, "more than 65536 bytes"),
        ] {
            let error = of_reader(input, "x", "key").unwrap_err();
            let text = format!("{error} {error:?}");
            assert!(text.contains(part), "{text}");
            assert!(!text.contains("sk-") && !text.contains("kkk"), "{text}");
            assert_eq!(error.exit_code(), 2);
        }
    }

    #[test]
    fn files_are_read_and_missing_ones_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("key");
        std::fs::write(&path, "sk-1\n").unwrap();
        assert_eq!(
            of_file(&path, "key").unwrap(),
            SecretText::new("sk-1".to_owned())
        );
        let error = of_file(&folder.path().join("none"), "key").unwrap_err();
        assert!(error.to_string().contains("none"), "{error}");
        let error = of_variable("MESOCLAW_NO_SUCH_VARIABLE", "key").unwrap_err();
        assert!(error.to_string().contains("is not set"), "{error}");
    }
}
