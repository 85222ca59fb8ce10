//! `mesoclaw doctor`: the daemon crate's checks, and the two that only a client can make.

use mesoclaw_api::Surface;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::daemon::DaemonGetStatus;
use mesoclaw_api::ops::provider::{ProviderDefaultGet, ProviderGet, ProviderParams};
use mesoclaw_daemon::doctor::{Check, DoctorOptions, Status, run};
use serde_json::json;

use crate::cli::Global;
use crate::connect::{Home, home_variable, is_newer, runtime};
use crate::exit::{CliResult, FAILED, OK};
use crate::output::{Console, push};
use crate::term::Terminal;

/// Runs `mesoclaw doctor`.
///
/// # Errors
/// The output cannot be written.
pub fn main(console: Console, global: &Global) -> CliResult {
    let mut checks = run(&DoctorOptions {
        home: home_variable(),
        config: global.config.clone(),
    });
    // Without a readable configuration nobody knows where a daemon would be.
    if let Ok(home) = Home::find(global.config.clone()) {
        runtime()?.block_on(async {
            checks.push(daemon(&home).await);
            checks.extend(default_model(&home).await);
        });
    }
    checks.push(terminal(
        &Terminal::of_process(),
        console.stdout_is_terminal,
    ));
    let has_problem = checks.iter().any(|check| check.status == Status::Problem);
    console.result(
        &json!({"ok": !has_problem, "checks": checks}),
        &listing(&checks),
    )?;
    Ok(if has_problem { FAILED } else { OK })
}

async fn daemon(home: &Home) -> Check {
    let name = "daemon";
    let link = match home.connect(Surface::Cli, None).await {
        Ok(link) => link,
        Err(error) if error.is_absent() && home.holder().is_none() => {
            return Check::new(name, Status::Ok, "not running; the next command starts it");
        }
        Err(error) => {
            let detail = mesoclaw_api::error::chain(&error);
            return Check::new(name, Status::Problem, detail)
                .with_fix("`mesoclaw daemon restart`, then `mesoclaw daemon logs`");
        }
    };
    let version = &link.hello.version;
    if is_newer(&link.hello) {
        return Check::new(
            name,
            Status::Warning,
            format!("answers, but has the older version {version}"),
        )
        .with_fix("`mesoclaw daemon restart`");
    }
    match link.client.call::<DaemonGetStatus>(NoParams {}).await {
        Ok(status) => Check::new(
            name,
            Status::Ok,
            format!("answers: pid {}, version {version}", status.pid),
        ),
        Err(error) => Check::new(name, Status::Problem, error.message)
            .with_fix("`mesoclaw daemon restart`, then `mesoclaw daemon logs`"),
    }
}

/// Whether the provider of the default model is there and has its key: only a daemon knows. Nothing
/// without one, and nothing to say when all is well.
async fn default_model(home: &Home) -> Option<Check> {
    let name = "provider";
    let client = home.connect(Surface::Cli, None).await.ok()?.client;
    let default = client
        .call::<ProviderDefaultGet>(NoParams {})
        .await
        .ok()??;
    let id = default.provider_id;
    let params = ProviderParams {
        provider_id: id.clone(),
    };
    match client.call::<ProviderGet>(params).await {
        Ok(provider) if provider.requires_api_key && !provider.has_api_key => {
            let variable = provider.api_key_env.unwrap_or_default();
            let detail = format!("the daemon has no key for `{id}` ({variable} is not set)");
            Some(Check::new(name, Status::Problem, detail).with_fix(format!(
                "set {variable} in the shell and run `mesoclaw daemon restart` there"
            )))
        }
        Ok(_) => None,
        Err(error) => Some(
            Check::new(name, Status::Problem, error.message)
                .with_fix("`mesoclaw provider list`, then `mesoclaw provider default ID MODEL`"),
        ),
    }
}

fn terminal(terminal: &Terminal, is_terminal: bool) -> Check {
    let name = "terminal";
    if !is_terminal {
        return Check::new(name, Status::Ok, "stdout is not a terminal: plain output");
    }
    let kind = terminal
        .name
        .as_deref()
        .unwrap_or("without a name (TERM is unset)");
    let editing = if terminal.can_edit {
        "line editing"
    } else {
        "plain lines without editing"
    };
    let detail = format!("{kind}: {editing}");
    if terminal.is_utf8 {
        Check::new(name, Status::Ok, detail)
    } else {
        Check::new(
            name,
            Status::Warning,
            format!("{detail}; the locale is not UTF-8, so letters outside ASCII may look wrong"),
        )
        .with_fix("export LANG=C.UTF-8")
    }
}

fn listing(checks: &[Check]) -> String {
    let mut text = String::new();
    for check in checks {
        let word = match check.status {
            Status::Ok => "ok     ",
            Status::Warning => "warning",
            Status::Problem => "PROBLEM",
        };
        push(
            &mut text,
            format_args!("{word}  {}: {}\n", check.name, check.detail),
        );
        if let Some(fix) = &check.fix {
            push(&mut text, format_args!("         -> {fix}\n"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn checks_say_what_to_do() {
        let checks = [
            Check::new("a", Status::Ok, "fine"),
            Check::new("b", Status::Problem, "broken").with_fix("mend it"),
        ];
        assert_eq!(
            listing(&checks),
            "ok       a: fine\nPROBLEM  b: broken\n         -> mend it\n"
        );
    }

    #[test]
    fn terminals_are_judged() {
        let check = |name: Option<&str>, can_edit, is_utf8, is_terminal, expected| {
            let found = Terminal {
                name: name.map(str::to_owned),
                can_edit,
                is_utf8,
            };
            assert_eq!(terminal(&found, is_terminal).status, expected, "{found:?}");
        };
        check(Some("xterm"), true, true, true, Status::Ok);
        check(None, false, true, true, Status::Ok);
        check(Some("vt100"), true, false, true, Status::Warning);
        check(None, false, false, false, Status::Ok);
    }
}
