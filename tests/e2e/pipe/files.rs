//! `-o FILE`: the answer in a file that is whole or not there.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use mesoclaw_testkit::model_server::{Reply, Script, Step};

use crate::fixture::Fixture;
use crate::process::{Ran, Stdin, run};

fn names_in(fixture: &Fixture) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(fixture.home.user_home())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("answer"))
        .collect();
    names.sort();
    names
}

fn file(fixture: &Fixture) -> PathBuf {
    fixture.home.user_home().join("answer.txt")
}

#[test]
fn the_answer_is_in_the_file_and_not_on_stdout() {
    let fixture = Fixture::start(Script::text("Fine, thanks."));
    for args in [["-o", "answer.txt", "q"], ["q", "--output", "answer.txt"]] {
        let ran = run(&fixture.home, &args, Stdin::Text(""));
        assert_eq!(ran, Ran::ok(""));
        assert_eq!(
            fs::read_to_string(file(&fixture)).unwrap(),
            "Fine, thanks.\n"
        );
        assert_eq!(names_in(&fixture), ["answer.txt"]);
    }
    let ran = run(
        &fixture.home,
        &["--json", "-o", "answer.json", "q"],
        Stdin::Text(""),
    );
    assert_eq!(ran, Ran::ok(""));
    let object: serde_json::Value =
        serde_json::from_slice(&fs::read(fixture.home.user_home().join("answer.json")).unwrap())
            .unwrap();
    assert_eq!(object["response"], "Fine, thanks.");
}

#[test]
fn a_link_stays_a_link_and_a_device_a_device() {
    let fixture = Fixture::start(Script::text("Fine."));
    let target = fixture.home.user_home().join("the answer.txt");
    fs::write(&target, "old").unwrap();
    symlink(&target, file(&fixture)).unwrap();
    let ran = run(&fixture.home, &["-o", "answer.txt", "q"], Stdin::Text(""));
    assert_eq!(ran, Ran::ok(""));
    assert!(fs::symlink_metadata(file(&fixture)).unwrap().is_symlink());
    assert_eq!(fs::read_to_string(&target).unwrap(), "Fine.\n");
    let ran = run(&fixture.home, &["-o", "/dev/stdout", "q"], Stdin::Text(""));
    assert_eq!(ran, Ran::ok("Fine.\n"));
}

#[test]
fn what_is_no_file_is_refused_before_anything_is_asked() {
    let fixture = Fixture::start(Script::text("Fine."));
    fs::create_dir(file(&fixture)).unwrap();
    run(&fixture.home, &["-o", "answer.txt", "q"], Stdin::Text(""))
        .assert_error(2, &["answer.txt is a directory", "name a file"]);
    run(&fixture.home, &["-o", "no/such/dir", "q"], Stdin::Text(""))
        .assert_error(1, &["could not create", "no/such/dir"]);
    assert_eq!(fixture.server.requests(), []);
}

#[test]
fn an_answer_that_breaks_off_leaves_the_old_file_alone() {
    let fixture = Fixture::start(Script::replies([
        Reply::new([Step::Text("Half an ans".to_owned()), Step::Cut]),
        Reply::status(400),
    ]));
    fs::write(file(&fixture), "old").unwrap();
    let ran = run(&fixture.home, &["-o", "answer.txt", "q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stdout.as_str()), (7, ""));
    assert_eq!(fs::read_to_string(file(&fixture)).unwrap(), "old");
    let names = names_in(&fixture);
    let part = names
        .iter()
        .find(|name| *name != "answer.txt")
        .expect("a part");
    let kept = fs::read_to_string(fixture.home.user_home().join(part)).unwrap();
    assert_eq!(kept, "Half an ans\n");
    assert!(ran.stderr.contains(part.as_str()), "{ran:?}");
    fs::remove_file(fixture.home.user_home().join(part)).unwrap();

    // Nothing came: nothing is kept.
    let ran = run(&fixture.home, &["-o", "answer.txt", "q"], Stdin::Text(""));
    assert_eq!((ran.code, ran.stdout.as_str()), (7, ""));
    assert_eq!(names_in(&fixture), ["answer.txt"]);
    assert_eq!(fs::read_to_string(file(&fixture)).unwrap(), "old");
}
