//! Runs the cases one after the other: they count processes and kill them.

#![expect(
    clippy::expect_used,
    clippy::panic,
    reason = "tests that have a harness of their own"
)]

#[path = "files.rs"]
mod files;
#[path = "life.rs"]
mod life;
#[path = "network.rs"]
mod network;
#[path = "output.rs"]
mod output;
#[path = "owners.rs"]
mod owners;
#[path = "place.rs"]
mod place;
#[path = "syscalls.rs"]
mod syscalls;

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::pin::Pin;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

type Case = (&'static str, fn() -> Pin<Box<dyn Future<Output = ()>>>);

/// A user and group that nothing on a machine belongs to.
const NOBODY: &str = "61234";

/// Longest a case may take.
const PATIENCE: Duration = Duration::from_secs(30);

macro_rules! cases {
    ($($module:ident :: $case:ident),* $(,)?) => {
        &[$((concat!(stringify!($module), "::", stringify!($case)), || Box::pin($module::$case()))),*]
    };
}

const CASES: &[Case] = cases![
    files::hidden_files_cannot_be_read,
    files::nothing_outside_can_be_written,
    files::granted_files_can_be_used,
    files::a_listed_directory_shows_names_only,
    files::links_in_granted_paths_are_refused,
    files::other_processes_keep_their_secrets,
    files::the_system_can_be_used_but_not_its_secrets,
    network::no_socket_without_the_right,
    network::with_the_right_the_network_is_reached,
    network::the_daemons_socket_is_never_reached,
    syscalls::dangerous_calls_are_refused,
    syscalls::queues_and_segments_of_others_are_refused,
    syscalls::calls_of_other_numberings_are_refused,
    syscalls::limits_are_set,
    syscalls::privileges_do_not_come_back,
    owners::set_id_bits_are_refused,
    owners::other_owners_are_refused,
    owners::a_directory_of_a_team_keeps_its_bit,
    owners::honest_programs_still_work,
    life::nothing_survives_the_end,
    life::nothing_survives_the_time_limit,
    life::nothing_survives_the_cancellation,
    life::nothing_survives_a_dropped_run,
    life::nothing_survives_the_daemon,
    life::a_program_cannot_end_its_keeper,
    life::processes_outside_cannot_be_signalled,
    life::a_fork_bomb_is_ended,
    life::a_fork_bomb_is_bounded,
    output::a_flood_is_capped_and_ended,
    output::long_output_is_capped_and_read_to_the_end,
    output::merged_outputs_keep_their_order,
    output::input_is_at_its_end,
    output::no_descriptor_is_inherited,
    output::the_environment_is_the_given_one,
    output::what_cannot_run_says_why,
    output::without_a_helper_nothing_is_claimed,
];

/// Runs the cases; `--daemon` is this program as a daemon that is about to be killed.
#[expect(clippy::print_stdout, reason = "the harness of these tests")]
pub fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    if let [word, workspace] = args.as_slice()
        && word == life::DAEMON
    {
        runtime.block_on(life::daemon(Path::new(workspace)));
        return ExitCode::SUCCESS;
    }
    if args.iter().any(|arg| arg == "--list") {
        for (name, _) in CASES {
            println!("{name}: test");
        }
        return ExitCode::SUCCESS;
    }
    let filters: Vec<&String> = args.iter().filter(|arg| !arg.starts_with('-')).collect();
    let is_wanted =
        |name: &str| filters.is_empty() || filters.iter().any(|part| name.contains(*part));
    let mut failed = Vec::new();
    for (name, case) in CASES.iter().filter(|(name, _)| is_wanted(name)) {
        let begun = Instant::now();
        let run = || runtime.block_on(async { tokio::time::timeout(PATIENCE, case()).await });
        let outcome = catch_unwind(AssertUnwindSafe(run));
        let is_good = matches!(outcome, Ok(Ok(())));
        let word = if is_good { "ok" } else { "FAILED" };
        println!(
            "test {name} ... {word} ({} ms)",
            begun.elapsed().as_millis()
        );
        if !is_good {
            failed.push(*name);
        }
    }
    if rustix::process::geteuid().is_root() && !as_nobody(&args) {
        failed.push("as a user without rights");
    }
    println!("failed: {failed:?}");
    if failed.is_empty() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Runs the same cases as a user without rights, out of a copy of this program that it can reach.
#[expect(clippy::print_stdout, reason = "the harness of these tests")]
fn as_nobody(args: &[String]) -> bool {
    let place = tempfile::Builder::new()
        .permissions(std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .tempdir()
        .expect("a directory");
    let program = place.path().join("escape");
    std::fs::copy(std::env::current_exe().expect("a path"), &program).expect("a copy");
    println!("as user {NOBODY}:");
    let status = Command::new("/usr/bin/setpriv")
        .args(["--reuid", NOBODY, "--regid", NOBODY, "--clear-groups", "--"])
        .arg(&program)
        .args(args)
        .current_dir("/")
        .status();
    status.expect("setpriv runs").success()
}
