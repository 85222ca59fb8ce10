//! A key on the command line: it works, it is warned of, and no process started for it shows it.

use mesoclaw_testkit::model_server::{ModelServer, Script};

use super::search::Search;
use super::{Login, keys_of, new_key, well};
use crate::process::{Running, Stdin};

#[test]
fn a_key_on_the_command_line_works_with_a_warning() {
    let key = new_key();
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let login = Login::without_keyring();
    login.use_as_openai(&server);
    login.done(&["key", "confirm", "openai"]);
    login.done(&["key", "store", "file"]);
    // The daemon is started by the command with the key in its line.
    login.done(&["daemon", "stop"]);
    let ran = login.command(&["key", "set", "openai", &key]);
    let warning = "the key stands on the command line: other programs of this machine can see it";
    assert!(ran.stderr.contains(warning), "{ran:?}");
    well(ran);
    assert_eq!(Search::new(&key).in_processes(), [""; 0]);
    assert_eq!(well(login.ask()), "Fine.\n");
    assert_eq!(keys_of(&server), [Some(key.clone())]);
    assert_nothing_shown(&login, &key);
}

#[test]
fn a_key_from_elsewhere_is_in_no_command_line() {
    let key = new_key();
    let search = Search::new(&key);
    let server = ModelServer::start_blocking(Script::text("Fine."));
    let login = Login::without_keyring();
    login.use_as_openai(&server);
    login.done(&["key", "confirm", "openai"]);
    login.done(&["key", "store", "file"]);
    let file = login.file("a key", &format!("{key}\n"));
    let set = ["key", "set", "openai"];
    let from_file = [&set[..], &["--file", file.to_str().unwrap()]].concat();
    let ran = login.command(&from_file);
    assert_eq!(ran.stderr, "", "{ran:?}");
    well(ran);
    assert_eq!(well(login.ask()), "Fine.\n");
    std::fs::remove_file(file).unwrap();

    // While it is read, too.
    login.done(&["daemon", "stop"]);
    let mut running = Running::start(&mut login.mesoclaw(&set), Stdin::Open);
    running.write(&key);
    assert_eq!(search.in_processes(), [""; 0]);
    running.close_stdin();
    well(login.finish(running));
    assert_eq!(search.in_processes(), [""; 0]);

    let mut command = login.mesoclaw(&[&set[..], &["--env", "SOME_KEY"]].concat());
    command.env("SOME_KEY", &key);
    well(login.finish(Running::start(&mut command, Stdin::Null)));
    assert_eq!(search.in_processes(), [""; 0]);
    assert_eq!(well(login.ask()), "Fine.\n");
    assert_eq!(keys_of(&server), [Some(key.clone()), Some(key.clone())]);

    // Neither is the name of a variable that is not there a way to lose it.
    let several = login.run(&set, Stdin::Text(&format!("{key}\n{key}")));
    several.assert_error(2, &["several lines"]);
    assert_nothing_shown(&login, &key);
    assert_eq!(search.in_folder(login.home.user_home()), [""; 0]);
}

fn assert_nothing_shown(login: &Login, key: &str) {
    let search = Search::new(key);
    for ran in login.printed.borrow().iter() {
        let found = search.in_bytes(format!("{}{}", ran.stdout, ran.stderr).as_bytes());
        assert_eq!(found, None, "{ran:?}");
    }
}
