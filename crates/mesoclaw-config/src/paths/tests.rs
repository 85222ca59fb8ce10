//! Tests of the places: portable, usual, and moved by the configuration.

use super::*;

fn usual() -> Locations {
    Locations {
        home: None,
        config_file: "/home/ada/.config/mesoclaw/config.toml".into(),
        default_data_dir: "/home/ada/.local/share/mesoclaw".into(),
        session_runtime_dir: Some("/run/user/7".into()),
        user_home: Some("/home/ada".into()),
        user_id: 7,
    }
}

#[test]
fn a_home_holds_everything() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let locations = Locations::of_process(Some(home.to_owned()), None).unwrap();
    let paths = Paths::resolve(&locations, &Config::default()).unwrap();
    let expected = Paths {
        config_file: home.join("config.toml"),
        config_dir: home.to_owned(),
        data_dir: home.join("data"),
        db_path: home.join("data/mesoclaw.db"),
        models_dir: home.join("data/models"),
        log_dir: home.join("data/logs"),
        runtime_dir: home.join("run"),
        lock_file: home.join("data/daemon.lock"),
        socket_endpoint: platform::socket_endpoint(&home.join("run"), &locations),
    };
    assert_eq!(paths, expected);
    paths.create_directories().unwrap();
    paths.create_directories().unwrap();
    for created in ["data/models", "data/logs", "run"] {
        assert!(home.join(created).is_dir(), "{created}");
    }
    assert!(!home.join("config.toml").exists());
}

#[test]
fn another_config_file_leaves_the_data_where_it_is() {
    let locations =
        Locations::of_process(Some("/srv/meso".into()), Some("/etc/m/x.toml".into())).unwrap();
    assert_eq!(locations.config_file, Path::new("/etc/m/x.toml"));
    assert_eq!(locations.default_data_dir, Path::new("/srv/meso/data"));
}

#[test]
fn readable_places_are_absolute_or_left_out() {
    let config = Config {
        tool_readable_paths: ["/usr/share/./doc/", "~/notes", "~", "~eve/x", "docs"]
            .map(PathBuf::from)
            .to_vec(),
        ..Config::default()
    };
    for (user_home, expected) in [
        (
            Some(Path::new("/home/ada")),
            &["/usr/share/doc", "/home/ada/notes", "/home/ada", "/c/docs"][..],
        ),
        (None, &["/usr/share/doc", "/c/docs"]),
    ] {
        let expected: Vec<_> = expected.iter().map(PathBuf::from).collect();
        assert_eq!(config.readable_paths(Path::new("/c"), user_home), expected);
    }
}

#[test]
fn relative_homes_are_made_absolute() {
    let current = std::env::current_dir().unwrap();
    for home in ["./some", "some/", "some/.", "some"] {
        let locations = Locations::of_process(Some(home.into()), None).unwrap();
        assert_eq!(locations.home, Some(current.join("some")), "{home}");
    }
}

#[test]
fn the_runtime_directory_follows_session_and_data() {
    let elsewhere = Config {
        data_dir: Some("/data".into()),
        ..Config::default()
    };
    let same = Config {
        data_dir: Some("~/.local/share/mesoclaw".into()),
        ..Config::default()
    };
    let without_session = Locations {
        session_runtime_dir: None,
        ..usual()
    };
    let hashed = format!("/run/user/7/mesoclaw-{:016x}", fnv1a(b"/data"));
    let cases = [
        (usual(), Config::default(), "/run/user/7/mesoclaw"),
        (usual(), same, "/run/user/7/mesoclaw"),
        (usual(), elsewhere.clone(), &hashed),
        (without_session.clone(), elsewhere, "/data/run"),
        (
            without_session,
            Config::default(),
            "/home/ada/.local/share/mesoclaw/run",
        ),
    ];
    for (locations, config, expected) in cases {
        let paths = Paths::resolve(&locations, &config).unwrap();
        assert_eq!(paths.runtime_dir, Path::new(expected));
    }
}

#[test]
fn paths_of_the_configuration_are_resolved() {
    let cases = [
        ("/abs/x", Some("/abs/x")),
        ("~/x", Some("/home/ada/x")),
        ("~", Some("/home/ada")),
        ("x/./y", Some("/home/ada/.config/mesoclaw/x/y")),
        ("../x", Some("/home/ada/.config/mesoclaw/../x")),
        ("~bob/x", None),
    ];
    for (value, expected) in cases {
        let config = Config {
            data_dir: Some(value.into()),
            db_path: Some("~/db".into()),
            models_dir: Some("m".into()),
            ..Config::default()
        };
        let resolved = Paths::resolve(&usual(), &config);
        let Some(expected) = expected else {
            let error = resolved.unwrap_err().to_string();
            let message = "data_dir is ~bob/x, and that home directory is not known";
            assert_eq!(error, message);
            continue;
        };
        let paths = resolved.unwrap();
        assert_eq!(paths.data_dir, Path::new(expected));
        assert_eq!(paths.log_dir, Path::new(expected).join("logs"));
        assert_eq!(paths.lock_file, Path::new(expected).join("daemon.lock"));
        assert_eq!(paths.db_path, Path::new("/home/ada/db"));
        assert_eq!(paths.models_dir, Path::new("/home/ada/.config/mesoclaw/m"));
    }
}

#[test]
fn hashes_are_those_of_fnv1a() {
    let cases = [
        ("", 0xcbf2_9ce4_8422_2325),
        ("a", 0xaf63_dc4c_8601_ec8c),
        ("foobar", 0x8594_4171_f739_67e8),
    ];
    for (text, expected) in cases {
        assert_eq!(fnv1a(text.as_bytes()), expected);
    }
}
