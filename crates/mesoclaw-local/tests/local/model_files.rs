//! Model files: pull over loopback, import, list, remove; good files and bad ones.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::server::{Reply, Server, serve};
use crate::support::{Flag, Recorder, answer, model_file, options, request, until, user};
use mesoclaw_agent::model_files::{ModelFiles, ModelFilesError, ModelFilesErrorKind as Kind};
use mesoclaw_api::ops::model::{ImportParams, ModelFile, PullParams};
use mesoclaw_local::{FLOOR_MODEL, LocalEngine};

const SHA256: &str = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53";

fn empty() -> (tempfile::TempDir, LocalEngine) {
    let home = tempfile::tempdir().unwrap();
    let engine = LocalEngine::new(options(&home.path().join("models")));
    (home, engine)
}

async fn pull(
    engine: &LocalEngine,
    id: &str,
    server: &Server,
    sha256: Option<&str>,
) -> Result<ModelFile, ModelFilesError> {
    let params = PullParams {
        model_id: id.to_owned(),
        source: Some(server.url.clone()),
        sha256: sha256.map(str::to_owned),
    };
    engine
        .pull(
            params,
            Arc::new(Recorder::default()),
            Arc::new(Flag::default()),
        )
        .await
}

async fn import(engine: &LocalEngine, path: &Path, id: &str) -> Result<ModelFile, ModelFilesError> {
    let params = ImportParams {
        path: path.display().to_string(),
        model_id: Some(id.to_owned()),
    };
    engine.import(params).await
}

/// Names in the models folder, without pins.
fn names(home: &tempfile::TempDir) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(home.path().join("models"))
        .into_iter()
        .flatten()
        .map(|file| file.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[tokio::test]
async fn installed_model_answers_is_not_pulled_again_and_goes_away() {
    let (home, engine) = empty();
    let body = std::fs::read(model_file()).unwrap();
    let server = serve(body, vec![Reply::File { etag: "\"one\"" }]);
    pull(&engine, FLOOR_MODEL, &server, None).await.unwrap();
    let question = user("What is the capital of France?");
    let said = answer(&engine, request(vec![question])).await;
    assert!(said.unwrap().text.contains("Paris"));
    let error = pull(&engine, FLOOR_MODEL, &server, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Conflict);
    engine.remove(FLOOR_MODEL).await.unwrap();
    assert_eq!((engine.loaded(), names(&home)), (None, Vec::new()));
}

#[tokio::test]
async fn cut_download_is_taken_up_and_checked() {
    let (home, engine) = empty();
    let body = std::fs::read(model_file()).unwrap();
    let length = body.len() as u64;
    let server = serve(
        body,
        vec![
            Reply::Cut {
                etag: "\"one\"",
                after: 60_000_000,
            },
            Reply::File { etag: "\"one\"" },
        ],
    );
    let error = pull(&engine, FLOOR_MODEL, &server, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Network, "{error:?}");
    assert!(error.hint.unwrap().contains("goes on"));
    assert_eq!(
        names(&home),
        [
            format!("{FLOOR_MODEL}.part"),
            format!("{FLOOR_MODEL}.part.json")
        ]
    );

    let recorder = Arc::new(Recorder::default());
    let params = PullParams {
        model_id: FLOOR_MODEL.to_owned(),
        source: Some(server.url.clone()),
        sha256: None,
    };
    let pulled = engine
        .pull(params, recorder.clone(), Arc::new(Flag::default()))
        .await
        .unwrap();
    assert_eq!(
        (
            pulled.is_installed,
            pulled.sha256.as_deref(),
            pulled.size_bytes
        ),
        (true, Some(SHA256), Some(length))
    );
    let asked = server.requests.lock().unwrap()[1].to_lowercase();
    assert!(
        asked.contains("range: bytes=") && asked.contains("if-range: \"one\""),
        "{asked}"
    );
    let told = recorder.0.lock().unwrap().clone();
    assert_eq!(told[0].stage, "downloading");
    assert!(
        told[0].received_bytes > 0 && told[0].total_bytes == Some(length),
        "{told:?}"
    );
    assert_eq!(
        names(&home),
        [format!("{FLOOR_MODEL}.gguf"), format!("{FLOOR_MODEL}.json")]
    );
}

#[tokio::test]
async fn changed_file_starts_again_from_the_beginning() {
    let (home, engine) = empty();
    let server = serve(
        b"GGUF but not really, and long enough to be cut".to_vec(),
        vec![
            Reply::Cut {
                etag: "\"one\"",
                after: 10,
            },
            Reply::File { etag: "\"two\"" },
        ],
    );
    let error = pull(&engine, "own", &server, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Network);
    let wrong = "0".repeat(64);
    let error = pull(&engine, "own", &server, Some(&wrong))
        .await
        .unwrap_err();
    // The hash told is the one of the whole second file: nothing of the first is in it.
    let whole = "30c2a448a93ff286cca3fd1ac0bd98f3d983944b33ae3a073902329f9163736b";
    assert_eq!(error.kind, Kind::HashMismatch);
    assert!(error.message.contains(whole), "{error:?}");
    assert_eq!(names(&home), Vec::<String>::new());
}

#[tokio::test]
async fn bad_answers_install_nothing() {
    let wrong = "0".repeat(64);
    let text = || b"this is a web page, not a model".to_vec();
    let file = || vec![Reply::File { etag: "\"e\"" }];
    let elsewhere = Reply::Redirect("http://192.0.2.1/x.gguf".to_owned());
    let cases: [(&str, Server, Option<&str>, Kind, &str); 6] = [
        (
            "own",
            serve(text(), vec![Reply::Status(404)]),
            None,
            Kind::NotFound,
            "status 404",
        ),
        (
            "own",
            serve(text(), vec![Reply::Status(503)]),
            None,
            Kind::Network,
            "status 503",
        ),
        (
            "own",
            serve(text(), file()),
            Some(&wrong),
            Kind::HashMismatch,
            "expected 0000",
        ),
        (
            "own",
            serve(text(), file()),
            None,
            Kind::BadFile,
            "GGUF mark",
        ),
        // The catalogue knows the size of this one.
        (
            FLOOR_MODEL,
            serve(text(), file()),
            None,
            Kind::BadFile,
            "expected 98362432",
        ),
        (
            "own",
            serve(text(), vec![elsewhere]),
            None,
            Kind::Network,
            "away from https",
        ),
    ];
    for (id, server, sha256, kind, message) in cases {
        let (home, engine) = empty();
        let error = pull(&engine, id, &server, sha256).await.unwrap_err();
        assert_eq!(error.kind, kind, "{error:?}");
        assert!(error.message.contains(message), "{error:?}");
        let left: Vec<String> = names(&home)
            .into_iter()
            .filter(|name| name != &format!("{id}.part"))
            .collect();
        assert_eq!(left, Vec::<String>::new());
    }
}

#[tokio::test]
async fn endless_redirects_end() {
    let (_home, engine) = empty();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    drop(listener);
    let gone = Server {
        url: format!("http://127.0.0.1:{port}/x.gguf"),
        requests: Arc::default(),
    };
    let error = pull(&engine, "own", &gone, None).await.unwrap_err();
    assert_eq!(error.kind, Kind::Network, "{error:?}");

    let server = serve(Vec::new(), vec![Reply::Redirect("/again".to_owned())]);
    let error = pull(&engine, "own", &server, None).await.unwrap_err();
    assert!(error.message.contains("too many redirects"), "{error:?}");
    assert_eq!(server.requests.lock().unwrap().len(), 6);
}

#[tokio::test]
async fn cancelled_pull_of_nothing_leaves_nothing_and_two_at_once_conflict() {
    let (home, engine) = empty();
    let engine = Arc::new(engine);
    // Silence: the connection stays open in the listener's backlog.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let server = Server {
        url: format!("http://{}/x.gguf", listener.local_addr().unwrap()),
        requests: Arc::default(),
    };
    let cancel = Arc::new(Flag::default());
    let params = PullParams {
        model_id: "own".to_owned(),
        source: Some(server.url.clone()),
        sha256: None,
    };
    let first = engine.pull(params, Arc::new(Recorder::default()), cancel.clone());
    let second = async {
        until("the part is locked", || {
            names(&home).contains(&"own.part".to_owned())
        })
        .await;
        let error = pull(&engine, "own", &server, None).await.unwrap_err();
        cancel.0.store(true, Ordering::SeqCst);
        error
    };
    let (first, second) = futures_util::future::join(first, second).await;
    assert_eq!(first.unwrap_err().kind, Kind::Cancelled);
    assert_eq!(second.kind, Kind::Conflict);
    assert_eq!(names(&home), Vec::<String>::new());
}

#[tokio::test]
async fn good_file_is_imported_listed_and_removed() {
    let (home, engine) = empty();
    let path = std::fs::canonicalize(model_file()).unwrap();
    let imported = import(&engine, &path, "mine").await.unwrap();
    assert_eq!(
        (
            imported.id.as_str(),
            imported.is_installed,
            imported.is_in_catalogue,
            imported.sha256.as_deref(),
            imported.architecture.as_deref(),
            imported.context_tokens
        ),
        ("mine", true, false, Some(SHA256), Some("llama"), Some(8192))
    );
    let listed = engine.list().await.unwrap();
    assert_eq!(listed.last(), Some(&imported));
    assert_eq!(
        import(&engine, &path, "mine").await.unwrap_err().kind,
        Kind::Conflict
    );
    let mut request = request(vec![user("Hi")]);
    request.model = "mine".to_owned();
    answer(&engine, request).await.unwrap();
    engine.remove("mine").await.unwrap();
    assert_eq!((engine.loaded(), names(&home)), (None, Vec::new()));
    assert_eq!(
        engine.remove("mine").await.unwrap_err().kind,
        Kind::NotFound
    );
    engine.shutdown();
    assert_eq!(
        engine.remove("mine").await.unwrap_err().kind,
        Kind::NotFound
    );
}

#[tokio::test]
async fn bad_files_are_refused_with_a_reason_and_leave_nothing() {
    let (home, engine) = empty();
    let whole = std::fs::read(model_file()).unwrap();
    let write = |name: &str, bytes: &[u8]| {
        let path = home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let mut foreign = whole.clone();
    let at = foreign
        .windows(5)
        .position(|window| window == b"llama")
        .unwrap();
    foreign[at..at + 5].copy_from_slice(b"llamb");
    let link = home.path().join("link.gguf");
    std::os::unix::fs::symlink(model_file(), &link).unwrap();
    let cases = [
        (write("text.gguf", b"hello"), "GGUF mark"),
        (write("empty.gguf", b""), "GGUF mark"),
        (
            write("short.gguf", &whole[..whole.len() - 1]),
            "cut off: 98362431 bytes",
        ),
        (write("header.gguf", &whole[..100]), "cut off: 100 bytes"),
        (write("foreign.gguf", &foreign), "architecture `llamb`"),
        (link, "is a symbolic link"),
        (home.path().to_owned(), "is a directory"),
        (Path::new("/dev/null").to_owned(), "is a device"),
        (
            Path::new("relative.gguf").to_owned(),
            "is not an absolute path",
        ),
        (home.path().join("missing.gguf"), "could not read"),
    ];
    for (path, message) in cases {
        let error = import(&engine, &path, "mine").await.unwrap_err();
        assert!(error.message.contains(message), "{error:?}");
        assert_eq!(names(&home), Vec::<String>::new(), "{message}");
    }
    let error = import(&engine, &model_file(), "../evil").await.unwrap_err();
    assert_eq!(error.kind, Kind::Invalid);
}

#[tokio::test]
async fn file_with_damaged_metadata_is_refused_by_the_engine() {
    let (home, engine) = empty();
    let mut bytes = std::fs::read(model_file()).unwrap();
    // The name of a tensor every model of this kind has.
    let name = b"output_norm.weight";
    let at = bytes
        .windows(name.len())
        .position(|window| window == name)
        .unwrap();
    bytes[at] = b'X';
    let path = home.path().join("damaged.gguf");
    std::fs::write(&path, &bytes).unwrap();
    let error = import(&engine, &path, "mine").await.unwrap_err();
    assert_eq!(error.kind, Kind::BadFile);
    assert!(error.message.contains("refused by the engine"), "{error:?}");
    assert_eq!(names(&home), Vec::<String>::new());
}

#[tokio::test]
async fn installed_file_that_was_cut_later_gets_an_error_not_a_crash() {
    let (home, engine) = empty();
    let dir = home.path().join("models");
    std::fs::create_dir(&dir).unwrap();
    let bytes = std::fs::read(model_file()).unwrap();
    std::fs::write(dir.join("mine.gguf"), &bytes[..1_000_000]).unwrap();
    let mut request = request(vec![user("Hi")]);
    request.model = "mine".to_owned();
    let error = answer(&engine, request).await.unwrap_err();
    assert!(error.message.contains("cut off"), "{error:?}");
}
