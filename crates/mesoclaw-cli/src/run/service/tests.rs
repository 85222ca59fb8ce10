//! Tests of the service files.

use super::*;

fn program(home: Option<&str>, config: Option<&str>) -> Program {
    Program {
        exe: "/opt/my tools/mesoclaw".to_owned(),
        home: home.map(str::to_owned),
        config: config.map(str::to_owned),
    }
}

#[test]
fn unit_has_an_absolute_quoted_command() {
    assert_eq!(
        unit(&program(None, None)),
        "# Written by `mesoclaw daemon install`; `mesoclaw daemon uninstall` removes it.\n\
         [Unit]\n\
         Description=mesoclaw, a local-first AI agent\n\
         \n\
         [Service]\n\
         Type=exec\n\
         ExecStart=\"/opt/my tools/mesoclaw\" \"daemon\" \"run\"\n\
         Restart=on-failure\n\
         RestartSec=2\n\
         TimeoutStopSec=10\n\
         \n\
         [Install]\n\
         WantedBy=default.target\n"
    );
}

#[test]
fn unit_quotes_what_systemd_would_replace() {
    let text = unit(&program(Some("/h/100%\"x"), Some("/c/$HOME\\f")));
    assert!(text.contains("\"--config\" \"/c/$$HOME\\\\f\"\n"), "{text}");
    assert!(
        text.contains("Environment=\"MESOCLAW_HOME=/h/100%%\\\"x\"\n"),
        "{text}"
    );
}

#[test]
fn plist_escapes_xml() {
    let text = plist(&program(Some("/h/<&>"), None));
    assert!(text.contains("<string>/opt/my tools/mesoclaw</string>"));
    assert!(text.contains("<string>/h/&lt;&amp;&gt;</string>"));
    assert!(text.contains(MARK));
}

#[test]
fn file_follows_the_system() {
    let check = |system: &str, xdg: Option<&str>, expected: Result<&str, u8>| {
        let service = Service::of(system, Some("/home/a".into()), xdg.map(PathBuf::from));
        let file = service.as_ref().map(Service::file);
        assert_eq!(
            file.map_err(CliError::exit_code),
            expected.map(Path::new),
            "{system}"
        );
    };
    check(
        "linux",
        None,
        Ok("/home/a/.config/systemd/user/mesoclaw.service"),
    );
    check("linux", Some("/x"), Ok("/x/systemd/user/mesoclaw.service"));
    check(
        "linux",
        Some("x"),
        Ok("/home/a/.config/systemd/user/mesoclaw.service"),
    );
    check(
        "macos",
        None,
        Ok("/home/a/Library/LaunchAgents/com.sprklai.mesoclaw.plist"),
    );
    check("windows", None, Err(2));
}

#[test]
fn only_our_own_file_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(UNIT);
    assert!(check_ours(&file).is_ok());
    std::fs::write(&file, unit(&program(None, None))).unwrap();
    assert!(check_ours(&file).is_ok());
    std::fs::write(&file, "[Unit]\n").unwrap();
    assert!(check_ours(&file).is_err());
    assert!(check_ours(dir.path()).is_err());
}
