//! Looks for a secret, in every form a program could give it away in: in bytes, in files, and in
//! what the system tells of processes.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::Command;

use mesoclaw_testkit::home::TestHome;

use crate::fixture::until;
use crate::process::{Running, Stdin};

/// The value as it is, or a good part of it.
const PLAIN: &str = "plain";

/// One secret in all its forms.
pub struct Search {
    forms: Vec<(&'static str, String)>,
}

impl Search {
    /// Looks for this value.
    pub fn new(value: &str) -> Self {
        let bytes = value.as_bytes();
        let mut forms = vec![
            ("hex", hex(bytes)),
            ("hex in capitals", hex(bytes).to_uppercase()),
            ("percent", percent(value, false)),
            ("percent in capitals", percent(value, true)),
        ];
        // Wherever it stands in a longer text, one of these is in the base64 of that.
        for n_skipped in 0..3 {
            let text = base64(&bytes[n_skipped..]);
            forms.push(("base64", text.replace('+', "-").replace('/', "_")));
            forms.push(("base64", text));
        }
        // The parts of it that nobody spells differently: each is still a secret.
        let parts = value.split(|c: char| !c.is_ascii_alphanumeric());
        let parts: Vec<&str> = parts.filter(|part| part.len() >= 16).collect();
        assert!(!parts.is_empty(), "no secret of this kind");
        forms.extend(parts.iter().map(|part| (PLAIN, (*part).to_owned())));
        Self { forms }
    }

    /// The form in which the secret is in these bytes.
    pub fn in_bytes(&self, bytes: &[u8]) -> Option<&'static str> {
        // All forms are ASCII, which is never replaced.
        let text: Cow<'_, str> = String::from_utf8_lossy(bytes);
        let found = self.forms.iter().find(|(_, form)| text.contains(form));
        found.map(|(name, _)| *name)
    }

    /// Every file below a folder that has the secret in its name or in itself. What other
    /// processes remove meanwhile is gone.
    pub fn in_folder(&self, folder: &Path) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            let mut report = |form: Option<&str>| {
                found.extend(form.map(|form| format!("{}: {form}", path.display())));
            };
            report(self.in_bytes(entry.file_name().as_encoded_bytes()));
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if kind.is_file() {
                report(fs::read(&path).ok().and_then(|bytes| self.in_bytes(&bytes)));
            } else if kind.is_dir() {
                found.extend(self.in_folder(&path));
            }
        }
        found
    }

    /// Every process of this machine that has the secret in its command line, or in its
    /// environment where that can be read.
    pub fn in_processes(&self) -> Vec<String> {
        let mut found = Vec::new();
        for entry in fs::read_dir("/proc").into_iter().flatten().flatten() {
            let path = entry.path();
            for file in ["cmdline", "environ", "comm"] {
                // Most entries are no process, and one may end meanwhile.
                let Ok(bytes) = fs::read(path.join(file)) else {
                    continue;
                };
                let form = self.in_bytes(&bytes);
                found.extend(form.map(|form| format!("{}/{file}: {form}", path.display())));
            }
        }
        found
    }
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        write!(text, "{byte:02x}").unwrap();
        text
    })
}

fn percent(value: &str, has_capitals: bool) -> String {
    let spell = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ if has_capitals => format!("%{byte:02X}"),
        _ => format!("%{byte:02x}"),
    };
    value.bytes().map(spell).collect()
}

/// Bytes in base64, up to the last whole group of three.
pub fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    bytes
        .chunks_exact(3)
        .flat_map(|group| {
            let number = group.iter().fold(0, |n, byte| n << 8 | usize::from(*byte));
            [18, 12, 6, 0].map(|shift| char::from(DIGITS[number >> shift & 63]))
        })
        .collect()
}

#[test]
fn what_is_planted_is_found() {
    let key = super::new_key();
    let bytes = key.as_bytes();
    let search = Search::new(&key);
    let home = TestHome::new();
    assert_eq!(search.in_folder(home.user_home()), [""; 0]);
    let check = |name: &str, planted: &[u8], form: &str| {
        let path = home.data_dir().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, planted).unwrap();
        let expected = format!("{}: {form}", path.display());
        assert_eq!(search.in_folder(home.user_home()), [expected]);
        fs::remove_file(path).unwrap();
    };
    check("a.log", format!("x {key} y").as_bytes(), PLAIN);
    check(
        "deep/a.db-wal",
        &[b"\xff\x00", bytes, b"\xc3"].concat(),
        PLAIN,
    );
    check("begin", &bytes[..bytes.len() / 2 + 2], PLAIN);
    check("end", &bytes[bytes.len() / 2..], PLAIN);
    check("hex", hex(bytes).as_bytes(), "hex");
    let capitals = hex(bytes).to_uppercase();
    check("capitals", capitals.as_bytes(), "hex in capitals");
    let address = key.replace('+', "%2B").replace('/', "%2F");
    let address = address.replace('=', "%3D");
    check("address", address.as_bytes(), "percent in capitals");
    let address = address.to_lowercase();
    check("small", address.as_bytes(), "percent");
    // As the tool of the system writes it, whatever stands before.
    for before in ["", "B", "Be", "Bearer "] {
        for alphabet in ["--base64", "--base64url"] {
            let mut tool = home.command("basenc");
            let text = format!("{before}{key}{before}");
            tool.args([alphabet, "-w", "0"]);
            let ran = Running::start(&mut tool, Stdin::Text(&text)).finish();
            check("base64", ran.assert_ok().as_bytes(), "base64");
        }
    }
    let named = home.user_home().join(&key[3..23]);
    fs::write(&named, "").unwrap();
    let expected = format!("{}: {PLAIN}", named.display());
    assert_eq!(search.in_folder(home.user_home()), [expected]);
}

#[test]
fn what_a_process_shows_is_found() {
    let key = super::new_key();
    let search = Search::new(&key);
    let home = TestHome::new();
    assert_eq!(search.in_processes(), [""; 0]);
    let check = |file: &str, command: &mut Command| {
        let running = Running::start(command, Stdin::Open);
        let expected = [format!("/proc/{}/{file}: {PLAIN}", running.pid())];
        until(file, || (search.in_processes() == expected).then_some(()));
    };
    let mut shell = home.command("sh");
    check("cmdline", shell.args(["-c", "read line", &key]));
    let mut shell = home.command("sh");
    check(
        "environ",
        shell.env("PLANTED", &key).args(["-c", "read line"]),
    );
}
