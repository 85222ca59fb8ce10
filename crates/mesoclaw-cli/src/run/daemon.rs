//! `mesoclaw daemon ...`: start, stop, look at and run the daemon.

use std::collections::BTreeMap;
use std::time::Duration;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::daemon::{DaemonGetStatus, DaemonShutdown, DaemonStatus, ShutdownParams};
use mesoclaw_api::{ApiError, ErrorCode, Surface};
use mesoclaw_daemon::RunOptions;
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::cli::{DaemonCommand, Global};
use crate::connect::{Home, home_variable, note_skew, runtime};
use crate::exit::{CliError, CliResult, OK, UNREACHABLE};
use crate::output::{Console, bytes, duration, table};
use crate::run::{logs, service};
use crate::term::terminate;

/// How long a daemon may take to end when asked.
const STOP_PATIENCE: Duration = Duration::from_secs(10);

/// How long it may take after the signal.
const SIGNAL_PATIENCE: Duration = Duration::from_secs(8);

/// Between two looks at the lock.
const BETWEEN_LOOKS: Duration = Duration::from_millis(20);

/// Runs a daemon command.
///
/// # Errors
/// The daemon cannot be reached, started or stopped.
pub fn main(console: Console, global: &Global, command: DaemonCommand) -> CliResult {
    if let DaemonCommand::Run {
        overrides,
        detached,
    } = command
    {
        return run(global, &overrides, detached);
    }
    let home = match &command {
        // A daemon that runs can be seen and stopped although its configuration broke meanwhile.
        DaemonCommand::Stop | DaemonCommand::Status | DaemonCommand::Logs { .. } => {
            Home::find_running(console, global.config.clone())?
        }
        DaemonCommand::Start
        | DaemonCommand::Restart
        | DaemonCommand::Install
        | DaemonCommand::Uninstall
        | DaemonCommand::Run { .. } => Home::find(global.config.clone())?,
    };
    match command {
        DaemonCommand::Logs { follow, lines } => return logs::main(console, &home, follow, lines),
        DaemonCommand::Install => return service::install(console, &home),
        DaemonCommand::Uninstall => return service::uninstall(console),
        DaemonCommand::Start
        | DaemonCommand::Stop
        | DaemonCommand::Restart
        | DaemonCommand::Status
        | DaemonCommand::Run { .. } => {}
    }
    runtime()?.block_on(async {
        match command {
            DaemonCommand::Start => start(console, &home).await,
            DaemonCommand::Stop => match stop(console, &home, "mesoclaw daemon stop").await? {
                Some(pid) => console
                    .done(&json!({"stopped": pid}), &format!("stopped (pid {pid})"))
                    .map(|()| OK),
                None => console
                    .done(&json!({"stopped": null}), "the daemon is not running")
                    .map(|()| OK),
            },
            DaemonCommand::Restart => {
                stop(console, &home, "mesoclaw daemon restart").await?;
                start(console, &home).await
            }
            DaemonCommand::Status => status(console, &home).await,
            DaemonCommand::Logs { .. }
            | DaemonCommand::Install
            | DaemonCommand::Uninstall
            | DaemonCommand::Run { .. } => Ok(OK),
        }
    })
}

fn run(global: &Global, overrides: &[String], detached: bool) -> CliResult {
    let mut values = BTreeMap::new();
    for text in overrides {
        let Some((key, value)) = text.split_once('=') else {
            return Err(CliError::usage_hint(
                format!("`{text}` is not KEY=VALUE"),
                "for example --set log_level=debug",
            ));
        };
        values.insert(key.to_owned(), value.to_owned());
    }
    let options = RunOptions {
        home: home_variable(),
        config: global.config.clone(),
        overrides: values,
        detached,
    };
    match mesoclaw_daemon::run(options) {
        Ok(()) => Ok(OK),
        Err(error) => Err(error.api().into()),
    }
}

async fn start(console: Console, home: &Home) -> CliResult {
    let (link, was_started) = home.connect_or_start(Surface::Cli, None).await?;
    note_skew(console, &link.hello);
    let pid = link.hello.pid;
    let text = if was_started {
        format!("started (pid {pid})")
    } else {
        format!("runs already (pid {pid})")
    };
    let value = json!({"pid": pid, "version": link.hello.version, "started": was_started});
    console.done(&value, &text).map(|()| OK)
}

/// Stops the daemon and waits until it is gone; gives its pid, `None` when none ran.
///
/// # Errors
/// It does not end.
pub async fn stop(console: Console, home: &Home, reason: &str) -> CliResult<Option<u32>> {
    let Some(info) = home.holder() else {
        return Ok(None);
    };
    let pid = info.pid;
    let asked = match home.connect(Surface::Cli, None).await {
        Ok(link) => {
            let params = ShutdownParams {
                reason: Some(reason.to_owned()),
            };
            link.client.call::<DaemonShutdown>(params).await
        }
        Err(error) => Err(error.into()),
    };
    let patience = match &asked {
        Ok(_) => STOP_PATIENCE,
        // A daemon that is ending answers no more.
        Err(error) if error.code == ErrorCode::ShuttingDown => STOP_PATIENCE,
        Err(_) => Duration::ZERO,
    };
    if is_gone(home, pid, patience).await {
        return Ok(Some(pid));
    }
    match asked {
        Ok(_) => console.note(&format!(
            "it did not end within {} s; sending SIGTERM to {pid}",
            STOP_PATIENCE.as_secs()
        )),
        Err(error) => console.note(&format!(
            "it does not answer ({error}); sending SIGTERM to {pid}"
        )),
    }
    terminate(pid).map_err(|error| {
        ApiError::new(
            ErrorCode::Io,
            format!("could not signal process {pid}: {error}"),
        )
    })?;
    if is_gone(home, pid, SIGNAL_PATIENCE).await {
        return Ok(Some(pid));
    }
    Err(ApiError::new(
        ErrorCode::Timeout,
        format!("process {pid} holds the lock and does not end"),
    )
    .with_hint(format!(
        "kill -9 {pid}\nthe next start repairs what that leaves"
    ))
    .into())
}

/// Whether the daemon with this pid let go of the lock in time.
async fn is_gone(home: &Home, pid: u32, patience: Duration) -> bool {
    let deadline = Instant::now() + patience;
    loop {
        if home.holder().is_none_or(|info| info.pid != pid) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        sleep(BETWEEN_LOOKS).await;
    }
}

async fn status(console: Console, home: &Home) -> CliResult {
    let link = match home.connect(Surface::Cli, None).await {
        Ok(link) => link,
        Err(error) => return not_running(console, home, error.into()),
    };
    note_skew(console, &link.hello);
    let status = link.client.call::<DaemonGetStatus>(NoParams {}).await?;
    let mut value = serde_json::to_value(&status).map_err(ApiError::unserialisable)?;
    if let Some(fields) = value.as_object_mut() {
        fields.insert("running".to_owned(), json!(true));
    }
    console.result(&value, &described(&status)).map(|()| OK)
}

fn not_running(console: Console, home: &Home, error: ApiError) -> CliResult {
    match home.holder() {
        Some(info) => {
            let value = json!({"running": true, "answers": false, "pid": info.pid, "error": error});
            let text = format!(
                "does not answer (pid {}): {}\n  mesoclaw daemon restart",
                info.pid, error.message
            );
            console.result(&value, &text)?;
        }
        None => console.result(&json!({"running": false}), "not running")?,
    }
    Ok(UNREACHABLE)
}

fn described(status: &DaemonStatus) -> String {
    let none = || "none".to_owned();
    let last_stop = match status.was_last_stop_clean {
        Some(true) => "in order",
        Some(false) => "not in order; see `mesoclaw daemon logs`",
        None => "none yet",
    };
    let rows = [
        ("pid", status.pid.to_string()),
        ("version", status.version.clone()),
        ("uptime", duration(status.uptime_secs)),
        ("socket", status.socket.clone()),
        ("data", status.data_dir.clone()),
        (
            "memory",
            status.rss_bytes.map_or_else(|| "unknown".to_owned(), bytes),
        ),
        ("sessions", status.sessions.to_string()),
        ("running turns", status.running_turns.to_string()),
        ("clients", status.clients.to_string()),
        (
            "model loaded",
            status.model_loaded.clone().unwrap_or_else(none),
        ),
        (
            "default model",
            status.default_model.clone().unwrap_or_else(none),
        ),
        ("last stop", last_stop.to_owned()),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .map(|(name, value)| vec![format!("{name}:"), value])
        .collect();
    table(&rows)
}

#[cfg(test)]
mod tests {
    use mesoclaw_api::Timestamp;

    use super::*;

    #[test]
    fn status_names_everything() {
        let status = DaemonStatus {
            pid: 7,
            version: "0.1.0".to_owned(),
            boot_id: "b".into(),
            started_at: Timestamp::from_unix_ms(0),
            uptime_secs: 61,
            socket: "/run/s".to_owned(),
            data_dir: "/data".to_owned(),
            rss_bytes: Some(9_000_000),
            sessions: 3,
            running_turns: 1,
            clients: 2,
            model_loaded: None,
            default_model: Some("local:m".to_owned()),
            was_last_stop_clean: Some(true),
        };
        assert_eq!(
            described(&status),
            "pid:            7\n\
             version:        0.1.0\n\
             uptime:         1 min 1 s\n\
             socket:         /run/s\n\
             data:           /data\n\
             memory:         9.0 MB\n\
             sessions:       3\n\
             running turns:  1\n\
             clients:        2\n\
             model loaded:   none\n\
             default model:  local:m\n\
             last stop:      in order\n"
        );
    }

    #[test]
    fn overrides_need_an_equals_sign() {
        let error = run(&Global::default(), &["log_level".to_owned()], false).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
