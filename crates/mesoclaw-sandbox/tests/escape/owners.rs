//! Owners and permission bits of files, which the file rules of the kernel do not cover.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use mesoclaw_sandbox::{Enforcement, Status};

use super::place::{ENFORCED, Place, outcome};
use super::syscalls::check;

/// What a call without a file answers when no filter stopped it.
const REACHED: [i32; 2] = [libc::EFAULT, libc::EBADF];

pub async fn set_id_bits_are_refused() {
    let place = Place::new();
    let (user, group, cut) = (0o4755, 0o2755, 0o4755 | 1 << 32);
    let (makes, unnamed) = (
        i64::from(libc::O_CREAT),
        i64::from(libc::O_TMPFILE & !libc::O_DIRECTORY),
    );
    for mode in [user, group, cut] {
        for call in [
            vec![libc::SYS_fchmod, -1, mode],
            vec![libc::SYS_fchmodat, -1, 0, mode],
            vec![452, -1, 0, mode, 0],
            vec![libc::SYS_mknodat, -1, 0, mode, 0],
            vec![libc::SYS_openat, -1, 0, makes, mode],
            vec![libc::SYS_openat, -1, 0, unnamed, mode],
            #[cfg(target_arch = "x86_64")]
            vec![libc::SYS_chmod, 0, mode],
            #[cfg(target_arch = "x86_64")]
            vec![libc::SYS_mknod, 0, mode, 0],
            #[cfg(target_arch = "x86_64")]
            vec![libc::SYS_creat, 0, mode],
            #[cfg(target_arch = "x86_64")]
            vec![libc::SYS_open, 0, makes, mode],
        ] {
            check(&place, &call, libc::EPERM).await;
        }
    }
    // Without the bits, and where the mode does not count, the kernel itself answers.
    check(&place, &[libc::SYS_fchmodat, -1, 0, 0o1777], REACHED[0]).await;
    check(&place, &[libc::SYS_openat, -1, 0, 0, user], REACHED[0]).await;
    check(&place, &[libc::SYS_fchmod, -1, 0o755], REACHED[1]).await;
    for level in ENFORCED {
        let line = "chmod 6777 ../notes.txt; chmod u+s main.rs; install -m 4755 main.rs new";
        place.run(level, line).await;
        for file in ["notes.txt", "project/main.rs", "project/new"] {
            let mode = fs::metadata(place.home.join(file)).map(|found| found.mode());
            let is_clean = mode.is_ok_and(|mode| mode & 0o6000 == 0);
            assert!(is_clean || file.ends_with("new"), "{level} {file}");
        }
    }
}

pub async fn other_owners_are_refused() {
    let place = Place::new();
    let own = i64::from(rustix::process::geteuid().as_raw());
    let group = i64::from(rustix::process::getegid().as_raw());
    for (owner, group, expected) in [
        (own + 1, -1, libc::EPERM),
        (-1, group + 1, libc::EPERM),
        (own, group + 1, libc::EPERM),
        (own + 1, group, libc::EPERM),
        (own, group, REACHED[0]),
        (-1, -1, REACHED[0]),
    ] {
        let call = [libc::SYS_fchownat, -1, 0, owner, group, 0];
        check(&place, &call, expected).await;
    }
    check(&place, &[libc::SYS_fchown, -1, own + 1, -1], libc::EPERM).await;
    for level in ENFORCED {
        let finished = place.run(level, "chown 12345 ../notes.txt main.rs").await;
        assert_ne!(finished.status, Status::Exited(0), "{level}");
        let owner = fs::metadata(place.home.join("notes.txt")).map(|found| i64::from(found.uid()));
        assert_eq!(owner.ok(), Some(own), "{level}");
        assert!(
            matches!(&finished.enforced.filesystem, Enforcement::Partial(what) if what.contains("permission bits")),
            "{level}: what is not covered is said"
        );
    }
}

pub async fn a_directory_of_a_team_keeps_its_bit() {
    let place = Place::new();
    fs::set_permissions(&place.workspace, fs::Permissions::from_mode(0o2755)).expect("a mode");
    for level in ENFORCED {
        let line = "mkdir -p a/b && chmod 2750 a && cp -rp a c && stat -c %a a c && ! chmod u+s a 2> /dev/null; rm -r a c";
        assert_eq!(
            outcome(&place.run(level, line).await),
            (Status::Exited(0), "2750\n2750\n".to_owned(), String::new()),
            "{level}"
        );
    }
}

pub async fn honest_programs_still_work() {
    let place = Place::new();
    for (line, expected) in [
        ("chmod +x main.rs && chmod 1777 . && chmod 755 .", ""),
        (
            "cp -p main.rs p && cp -a . ../project/all 2> /dev/null; mv p q && test -f q",
            "",
        ),
        // Compilers make a file in a directory of its own and move it out.
        (
            "mkdir -p i && cp main.rs i/a && cp main.rs i/b && perl -e 'rename \"i/a\", \"a\" or die $!; link \"i/b\", \"b\" or die $!; unlink \"a\", \"b\", \"i/b\"; print 1'",
            "1",
        ),
        ("printf 'a\\n' > s && sed -i s/a/b/ s && cat s", "b\n"),
        // An archive of files of somebody else, as most of those that are downloaded.
        (
            "tar c --owner=someone:4321 --group=other:4321 main.rs > a.tar && mkdir -p t && tar xpf a.tar -C t && ls t",
            "main.rs\n",
        ),
        (
            "gzip -fk main.rs && rm main.rs && gzip -d main.rs.gz && ls main.rs",
            "main.rs\n",
        ),
        (
            "git init -q g && cd g && git config user.email a@b && git config user.name a && touch f && git add f && git commit -qm m && git clone -q . ../h && git log --format=%s",
            "m\n",
        ),
        (
            "/usr/bin/python3 -c 'import os, shutil; os.makedirs(\"x/y\", exist_ok=True); shutil.copytree(\"x\", \"z\", dirs_exist_ok=True); shutil.make_archive(\"k\", \"gztar\", \"x\"); shutil.unpack_archive(\"k.tar.gz\", \"u\"); print(os.path.isdir(\"u/y\"))'",
            "True\n",
        ),
    ] {
        for level in ENFORCED {
            let finished = place.run(level, &format!("rm -rf g h; {line}")).await;
            assert_eq!(
                outcome(&finished),
                (Status::Exited(0), expected.to_owned(), String::new()),
                "{level}: {line}"
            );
        }
    }
}
