//! System calls about other processes and the machine, limits and privileges.

use mesoclaw_sandbox::{Limits, Status};

use super::place::{ENFORCED, EVERY, Place, outcome, run};

/// Makes one system call and prints the number of the error, or that it worked. Arguments are
/// numbers; `0` stands for no pointer.
const CALL: &str = "my ($n, @a) = map { $_ + 0 } @ARGV; my $r = syscall($n, @a); print $r == -1 ? $! + 0 : 'worked'";

pub async fn check(place: &Place, call: &[i64], errno: i32) {
    let numbers: Vec<String> = call.iter().map(ToString::to_string).collect();
    let mut args = vec!["-e", CALL];
    args.extend(numbers.iter().map(String::as_str));
    for level in ENFORCED {
        let finished = run(level, place.spec("/usr/bin/perl", &args)).await;
        assert_eq!(
            outcome(&finished),
            (Status::Exited(0), errno.to_string(), String::new()),
            "{call:?} {level}"
        );
    }
}

pub async fn dangerous_calls_are_refused() {
    let place = Place::new();
    let parent = i64::from(std::process::id());
    let attach = 16;
    for call in [
        vec![libc::SYS_ptrace, attach, parent, 0, 0],
        vec![libc::SYS_ptrace, 0, 0, 0, 0],
        vec![libc::SYS_process_vm_readv, parent, 0, 0, 0, 0, 0],
        vec![libc::SYS_process_vm_writev, parent, 0, 0, 0, 0, 0],
        vec![libc::SYS_pidfd_getfd, 0, 0, 0],
        vec![libc::SYS_kcmp, parent, parent, 0, 0, 0],
        vec![libc::SYS_mount, 0, 0, 0, 0, 0],
        vec![libc::SYS_umount2, 0, 0],
        vec![libc::SYS_pivot_root, 0, 0],
        vec![libc::SYS_chroot, 0],
        vec![libc::SYS_unshare, i64::from(libc::CLONE_NEWUSER)],
        vec![libc::SYS_unshare, i64::from(libc::CLONE_NEWNS)],
        vec![
            libc::SYS_clone,
            i64::from(libc::CLONE_NEWUSER | libc::SIGCHLD),
            0,
            0,
            0,
            0,
        ],
        vec![libc::SYS_setns, 0, 0],
        vec![libc::SYS_bpf, 0, 0, 0],
        vec![libc::SYS_perf_event_open, 0, 0, 0, 0, 0],
        vec![libc::SYS_keyctl, 0, -3, 0, 0, 0],
        vec![libc::SYS_add_key, 0, 0, 0, 0, 0],
        vec![libc::SYS_request_key, 0, 0, 0, 0],
        vec![libc::SYS_userfaultfd, 0],
        vec![libc::SYS_init_module, 0, 0, 0],
        vec![libc::SYS_finit_module, 0, 0, 0],
        vec![libc::SYS_kexec_load, 0, 0, 0, 0],
        vec![libc::SYS_reboot, 0, 0, 0, 0],
        vec![libc::SYS_swapon, 0, 0],
        vec![libc::SYS_open_by_handle_at, 0, 0, 0],
        vec![libc::SYS_ioctl, 0, 0x5412, 0],
        vec![libc::SYS_ioctl, 0, 0x5412 | 1 << 32, 0],
        vec![libc::SYS_prlimit64, parent, 7, 0, 0],
        vec![libc::SYS_syslog, 3, 0, 0],
    ] {
        check(&place, &call, libc::EPERM).await;
    }
    for call in [
        vec![libc::SYS_io_uring_setup, 1, 0],
        vec![libc::SYS_clone3, 0, 0],
        vec![libc::SYS_openat2, 0, 0, 0, 0],
    ] {
        check(&place, &call, libc::ENOSYS).await;
    }
    // Flags in the upper half do not hide the family.
    let inet = i64::from(libc::AF_INET) | 1 << 32;
    check(&place, &[libc::SYS_socket, inet, 1, 0], libc::EACCES).await;
}

pub async fn queues_and_segments_of_others_are_refused() {
    let place = Place::new();
    for call in [
        vec![libc::SYS_shmget, 0, 4096, 0],
        vec![libc::SYS_msgget, 0, 0o1600],
        vec![libc::SYS_msgsnd, 0, 0, 0, 0],
        vec![libc::SYS_msgrcv, 0, 0, 0, 0, 0],
        vec![libc::SYS_semget, 0, 1, 0o1600],
        vec![libc::SYS_semop, 0, 0, 0],
        vec![libc::SYS_semtimedop, 0, 0, 0, 0],
        vec![libc::SYS_mq_open, 0, 0, 0, 0],
        vec![libc::SYS_mq_unlink, 0],
    ] {
        check(&place, &call, libc::EPERM).await;
    }
}

pub async fn calls_of_other_numberings_are_refused() {
    let place = Place::new();
    let x32 = 0x4000_0000;
    check(&place, &[x32 + libc::SYS_socket, 2, 1, 0], libc::ENOSYS).await;
    check(&place, &[x32 + libc::SYS_ptrace, 0, 0, 0, 0], libc::ENOSYS).await;
    check(&place, &[100_000], libc::ENOSYS).await;
}

pub async fn limits_are_set() {
    let place = Place::new();
    let limits = Limits {
        cpu_secs: 7,
        memory_bytes: Some(1 << 30),
        file_bytes: 1 << 20,
        processes: 50,
        open_files: 99,
    };
    for level in EVERY {
        let mut spec = place.bash("ulimit -c -t -d -n | sed 's/.* //'");
        spec.limits = limits;
        let finished = run(level, spec).await;
        assert_eq!(
            outcome(&finished),
            (
                Status::Exited(0),
                "0\n7\n1048576\n99\n".to_owned(),
                String::new()
            ),
            "{level}"
        );
        let mut spec = place.bash("head -c 2000000 /dev/zero > big");
        spec.limits = limits;
        run(level, spec).await;
        let size = std::fs::metadata(place.workspace.join("big"))
            .expect("a file")
            .len();
        assert_eq!(size, 1 << 20, "{level}");
        let mut spec = place.bash("while :; do :; done");
        spec.limits = Limits {
            cpu_secs: 1,
            ..limits
        };
        let finished = run(level, spec).await;
        assert!(
            matches!(finished.status, Status::Signalled(_)),
            "{level}: {:?}",
            finished.status
        );
    }
}

pub async fn privileges_do_not_come_back() {
    let place = Place::new();
    for level in ENFORCED {
        let line = "grep -E '^(NoNewPrivs|Seccomp):' /proc/self/status | tr -d '\\t\\n'";
        let finished = place.run(level, line).await;
        assert_eq!(finished.stdout.text(), "NoNewPrivs:1Seccomp:2", "{level}");
        // No capability about the machine or the owners of files: administration, raw access,
        // modules, debugging, other users, devices.
        let line = "grep CapPrm /proc/self/status | cut -f2";
        let finished = place.run(level, line).await;
        let text = finished.stdout.text();
        let held = u64::from_str_radix(text.trim(), 16).expect("a number");
        let machine = [
            0_u32, 2, 3, 4, 5, 6, 7, 8, 12, 13, 16, 17, 19, 21, 22, 24, 25, 27, 31, 38, 39, 40,
        ];
        let left: Vec<u32> = machine
            .into_iter()
            .filter(|bit| held >> bit & 1 == 1)
            .collect();
        assert_eq!(left, Vec::<u32>::new(), "{level}");
    }
}
