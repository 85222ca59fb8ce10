//! `mesoclaw doctor`: the daemon crate's checks, and the two that only a client can make.

use std::time::Duration;

use mesoclaw_api::Surface;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::audit::{AuditVerify, Verified, VerifyParams};
use mesoclaw_api::ops::credential::{CredentialStatus, KeyStoreStatus};
use mesoclaw_api::ops::daemon::DaemonGetStatus;
use mesoclaw_api::ops::policy::{Policy, PolicyShow};
use mesoclaw_api::ops::provider::{Provider, ProviderDefaultGet, ProviderGet, ProviderParams};
use mesoclaw_daemon::doctor::{Check, DoctorOptions, Status, run};
use serde_json::json;
use tokio::time::timeout;

use crate::cli::Global;
use crate::cmd::key::fits_on_a_line;
use crate::connect::{Home, home_variable, is_newer, runtime};
use crate::exit::{CliResult, FAILED, OK};
use crate::output::{Console, push};
use crate::term::Terminal;

/// How long the check of the audit may take.
const AUDIT_PATIENCE: Duration = Duration::from_secs(5);

/// Name of the check that is made with and without a daemon.
const KEY_STORE: &str = "key store";

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
            let mut asked = keys_and_provider(&home).await;
            asked.extend(permissions(&home).await);
            // What the daemon says of itself counts more than what was seen from outside.
            checks.retain(|seen| asked.iter().all(|check| check.name != seen.name));
            checks.extend(asked);
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

/// The key store as the daemon uses it, and whether the provider of the default model is there and
/// has its key. Nothing without a daemon.
async fn keys_and_provider(home: &Home) -> Vec<Check> {
    let Ok(link) = home.connect(Surface::Cli, None).await else {
        return Vec::new();
    };
    let client = link.client;
    let default = client.call::<ProviderDefaultGet>(NoParams {}).await;
    let provider = match default {
        Ok(Some(default)) => {
            let params = ProviderParams {
                provider_id: default.provider_id,
            };
            Some(client.call::<ProviderGet>(params).await)
        }
        Ok(None) | Err(_) => None,
    };
    let mut checks = Vec::new();
    match client.call::<CredentialStatus>(NoParams {}).await {
        Ok(status) => {
            let known = provider.as_ref().and_then(|found| found.as_ref().ok());
            checks.push(key_store(&status, known));
        }
        Err(error) => checks.push(Check::new(KEY_STORE, Status::Problem, error.message)),
    }
    match provider {
        Some(Ok(provider)) => checks.extend(key_of(&provider)),
        Some(Err(error)) => checks.push(
            Check::new("provider", Status::Problem, error.message)
                .with_fix("`mesoclaw provider list`, then `mesoclaw provider default ID MODEL`"),
        ),
        None => {}
    }
    checks
}

/// What the agent may do, by the daemon's own words. Nothing without a daemon.
async fn permissions(home: &Home) -> Vec<Check> {
    let Ok(link) = home.connect(Surface::Cli, None).await else {
        return Vec::new();
    };
    let mut checks = Vec::new();
    match link.client.call::<PolicyShow>(NoParams {}).await {
        Ok(policy) => checks.extend(policy_checks(&policy)),
        Err(error) => checks.push(Check::new("policy", Status::Problem, error.message)),
    }
    let params = VerifyParams::default();
    let verifying = link.client.call::<AuditVerify>(params);
    checks.push(match timeout(AUDIT_PATIENCE, verifying).await {
        Ok(Ok(verified)) => audit(&verified),
        Ok(Err(error)) => Check::new("audit", Status::Problem, error.message),
        Err(_) => Check::new("audit", Status::Ok, "too long to be checked here")
            .with_fix("`mesoclaw audit verify`"),
    });
    checks
}

fn policy_checks(policy: &Policy) -> Vec<Check> {
    let level = format!("{}: {}", policy.autonomy, policy.autonomy_text);
    let autonomy = match &policy.notice {
        None => Check::new("autonomy", Status::Ok, level),
        Some(notice) => Check::new("autonomy", Status::Warning, format!("{level} {notice}"))
            .with_fix(format!(
                "`mesoclaw config set security_autonomy_level {}`",
                policy.autonomy
            )),
    };
    let programs = if policy.program_dirs.is_empty() {
        Check::new(
            "programs",
            Status::Warning,
            "no directory of PATH is one that only its owner can change: no program runs",
        )
    } else {
        let detail = format!("taken from {}", policy.program_dirs.join(", "));
        Check::new("programs", Status::Ok, detail)
    };
    vec![autonomy, programs]
}

fn audit(verified: &Verified) -> Check {
    if verified.is_intact {
        let detail = format!("{} entries, the chain holds", verified.entries);
        return Check::new("audit", Status::Ok, detail);
    }
    let fault = verified.fault.clone();
    Check::new(
        "audit",
        Status::Problem,
        fault.unwrap_or_else(|| "the chain does not hold".to_owned()),
    )
    .with_fix("somebody changed the database: `mesoclaw audit verify` tells more")
}

/// A key store that does not work is no problem before somebody chose it or a key is needed.
fn key_store(status: &KeyStoreStatus, provider: Option<&Provider>) -> Check {
    let name = KEY_STORE;
    let detail = fits_on_a_line(status);
    if status.is_locked {
        return Check::new(name, Status::Warning, detail).with_fix("`mesoclaw key unlock`");
    }
    if status.is_working {
        return Check::new(name, Status::Ok, detail);
    }
    let fix = status.hint.clone();
    let fix = fix.unwrap_or_else(|| "`mesoclaw key store file`".to_owned());
    let is_needed =
        provider.is_some_and(|provider| provider.requires_api_key && !provider.has_api_key);
    if status.is_chosen || is_needed {
        return Check::new(name, Status::Problem, detail).with_fix(fix);
    }
    Check::new(
        name,
        Status::Ok,
        format!("{detail} (no key is needed yet; `mesoclaw key store file` makes a place for one)"),
    )
}

fn key_of(provider: &Provider) -> Option<Check> {
    if !provider.requires_api_key || provider.has_api_key {
        return None;
    }
    let id = &provider.id;
    let variables = match provider.key_variables.as_slice() {
        [] => String::new(),
        names => format!(
            ", and {} is not set where it was started",
            names.join(" or ")
        ),
    };
    let detail = format!("the daemon has no key for `{id}`{variables}");
    Some(
        Check::new("provider", Status::Problem, detail)
            .with_fix(format!("`mesoclaw key set {id}`")),
    )
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

    #[test]
    fn what_the_agent_may_do_is_told() {
        let policy = |notice: Option<&str>, dirs: &[&str]| Policy {
            autonomy: "strict".to_owned(),
            autonomy_text: "Only looks.".to_owned(),
            notice: notice.map(str::to_owned),
            sandbox: "x".to_owned(),
            program_dirs: dirs.iter().map(|dir| (*dir).to_owned()).collect(),
            rules: Vec::new(),
            programs: Vec::new(),
        };
        for (policy, expected) in [
            (policy(None, &["/bin"]), [Status::Ok, Status::Ok]),
            (
                policy(Some("an old word"), &[]),
                [Status::Warning, Status::Warning],
            ),
        ] {
            let found: Vec<Status> = policy_checks(&policy).iter().map(|it| it.status).collect();
            assert_eq!(found, expected);
        }
        for (is_intact, expected) in [(true, Status::Ok), (false, Status::Problem)] {
            let verified = Verified {
                is_intact,
                entries: 1,
                head: String::new(),
                fault: None,
            };
            assert_eq!(audit(&verified).status, expected);
        }
    }

    #[test]
    fn a_key_store_is_a_problem_when_it_is_needed() {
        let status = |is_working, is_locked, is_chosen| KeyStoreStatus {
            backend: mesoclaw_api::ops::credential::KeyBackend::Keyring,
            is_chosen,
            is_working,
            is_locked,
            has_passphrase: None,
            problem: (!is_working).then(|| "nobody answers".to_owned()),
            hint: None,
            protection: "Well.".to_owned(),
            path: None,
        };
        let check = |status: KeyStoreStatus, expected| {
            assert_eq!(key_store(&status, None).status, expected, "{status:?}");
        };
        check(status(true, false, false), Status::Ok);
        check(status(false, false, false), Status::Ok);
        check(status(false, false, true), Status::Problem);
        check(status(false, true, true), Status::Warning);
    }
}
