//! Places and roots.

use super::*;

fn roots() -> Roots {
    Roots {
        workspace: Some(concat!("/", "home/ada/work").into()),
        cwd: concat!("/", "home/ada/work").into(),
        temp: "/tmp/meso-1".into(),
        home: Some(concat!("/", "home/ada").into()),
        own: vec![concat!("/", "home/ada/.config/mesoclaw").into()],
        readable: vec!["/usr/share/doc".into()],
    }
}

fn assert_place(path: &str, area: Area, is_protected: bool, is_secret: bool) {
    let found = place(Path::new(path), &roots());
    assert_eq!(
        (
            found.area,
            found.protected.is_some(),
            found.secret.is_some()
        ),
        (area, is_protected, is_secret),
        "{path}"
    );
}

#[test]
fn places_file_is_read() {
    let file: PlacesFile =
        toml_edit::de::from_str(include_str!("../../../policy/places.toml")).unwrap();
    for pattern in file
        .protected
        .values()
        .chain(file.secret.values())
        .flatten()
    {
        assert_eq!(*pattern, pattern.to_lowercase(), "compared in lower case");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn places_are_told_apart() {
    for (path, area, is_protected, is_secret) in [
        (
            concat!("/", "home/ada/work/src/main.rs"),
            Area::Workspace,
            false,
            false,
        ),
        (concat!("/", "home/ada/work"), Area::Workspace, false, false),
        (
            concat!("/", "home/ada/workshop/x"),
            Area::Outside,
            false,
            false,
        ),
        (
            concat!("/", "home/ada/work/.git/hooks/pre-commit"),
            Area::Workspace,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/work/.GIT/Hooks/pre-commit"),
            Area::Workspace,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/work/sub/.git/config"),
            Area::Workspace,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/work/.envrc"),
            Area::Workspace,
            true,
            true,
        ),
        (
            concat!("/", "home/ada/work/.env"),
            Area::Workspace,
            false,
            true,
        ),
        (
            concat!("/", "home/ada/work/.env.production"),
            Area::Workspace,
            false,
            true,
        ),
        (
            concat!("/", "home/ada/work/.vscode/tasks.json"),
            Area::Workspace,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/work/.cargo/config.toml"),
            Area::Workspace,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/work/.github/workflows/ci.yml"),
            Area::Workspace,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/work/.github/dependabot.yml"),
            Area::Workspace,
            false,
            false,
        ),
    ] {
        assert_place(path, area, is_protected, is_secret);
    }
}

#[test]
fn places_outside_are_told_apart() {
    for (path, area, is_protected, is_secret) in [
        ("/tmp/meso-1/x", Area::Temp, false, false),
        ("/tmp/meso-2/x", Area::Outside, false, false),
        (concat!("/", "home/ada/.bashrc"), Area::Outside, true, false),
        (
            concat!("/", "home/ada/.ssh/id_ed25519"),
            Area::Outside,
            true,
            true,
        ),
        (
            concat!("/", "home/ada/.aws/credentials"),
            Area::Outside,
            true,
            true,
        ),
        (
            concat!("/", "home/ada/.config/autostart/x.desktop"),
            Area::Outside,
            true,
            false,
        ),
        (
            concat!("/", "home/ada/.config/mesoclaw/config.toml"),
            Area::Own,
            true,
            true,
        ),
        ("/etc/shadow", Area::Outside, true, true),
        ("/etc/cron.d/x", Area::Outside, true, false),
        ("/etc/hosts", Area::Outside, false, false),
        ("/usr/share/doc/x", Area::Readable, false, false),
        ("/proc/1/environ", Area::Kernel, false, false),
        ("/dev/sda", Area::Kernel, false, false),
    ] {
        assert_place(path, area, is_protected, is_secret);
    }
}

#[test]
fn roots_are_vital_and_what_lies_in_them_is_not() {
    for (path, expected) in [
        ("/", true),
        ("/etc", true),
        ("/usr/lib", true),
        ("/home", true),
        (concat!("/", "home/ada"), true),
        (concat!("/", "home/eve"), true),
        (concat!("/", "home/ada/work"), true),
        (concat!("/", "home/ada/.config"), true),
        (concat!("/", "home/ada/work/target"), false),
        (concat!("/", "home/ada/Downloads"), false),
        ("/tmp", true),
        ("/tmp/meso-1", true),
        ("/tmp/meso-1/x", false),
    ] {
        assert_eq!(is_vital(Path::new(path), &roots()), expected, "{path}");
    }
}
