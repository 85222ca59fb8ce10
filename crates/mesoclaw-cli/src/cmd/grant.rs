//! `mesoclaw grant ...`: answers that count for more than one call.

use mesoclaw_api::Timestamp;
use mesoclaw_api::ops::grant::{
    Grant, GrantList, GrantRevoke, GrantScope, GrantTest, ListParams, RevokeParams, TestParams,
    Tested,
};
use mesoclaw_ipc::Client;

use crate::cli::{Global, GrantCommand};
use crate::cmd::policy::object;
use crate::connect::{Home, runtime};
use crate::exit::{CliResult, FAILED, OK};
use crate::output::{Console, minute, push, short_id};
use crate::run::approve::preview_text;
use crate::sanitise::visible;
use crate::term::columns;
use crate::workspace;

/// Runs a grant command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: GrantCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        let client = home.client(console).await?;
        run(console, &client, command).await
    })
}

async fn run(console: Console, client: &Client, command: GrantCommand) -> CliResult {
    match command {
        GrantCommand::List { all } => {
            let params = ListParams { include_ended: all };
            let grants = client.call::<GrantList>(params).await?;
            console.result(&grants, &listing(&grants, &Timestamp::now()))?;
            Ok(OK)
        }
        GrantCommand::Test {
            pattern,
            command,
            tool,
            args,
        } => {
            let params = TestParams {
                tool,
                pattern: pattern.clone(),
                command,
                args: args.as_deref().map(object).transpose()?,
                workspace: workspace::here(),
                session_id: None,
            };
            let tested = client.call::<GrantTest>(params).await?;
            console.result(&tested, &tested_text(&pattern, &tested, columns()))?;
            Ok(if tested.covers == Some(false) {
                FAILED
            } else {
                OK
            })
        }
        GrantCommand::Revoke { id } => {
            let params = RevokeParams {
                grant_id: id.as_str().into(),
            };
            let grant = client.call::<GrantRevoke>(params).await?;
            let text = format!("revoked: {}", subject(&grant));
            console.done(&grant, &text)?;
            Ok(OK)
        }
    }
}

fn listing(grants: &[Grant], now: &Timestamp) -> String {
    if grants.is_empty() {
        return "there are no grants: every question is asked\n".to_owned();
    }
    let mut text = String::new();
    for grant in grants {
        push(
            &mut text,
            format_args!(
                "{}  {}  {}  used {}{}\n  {}\n",
                short_id(grant.id.as_str()),
                minute(&grant.created_at),
                place(grant),
                grant.uses,
                ending(grant, now),
                subject(grant)
            ),
        );
        for program in &grant.programs {
            push(&mut text, format_args!("  runs {}\n", visible(program)));
        }
    }
    text
}

fn subject(grant: &Grant) -> String {
    format!("{}: {}", visible(&grant.tool), visible(&grant.pattern)).replace('\n', "^J")
}

fn place(grant: &Grant) -> String {
    match grant.scope {
        GrantScope::Session => {
            let id = grant.session_id.as_ref().map(|id| short_id(id.as_str()));
            format!("session {}", id.unwrap_or_default())
        }
        GrantScope::Project => {
            format!(
                "project {}",
                visible(grant.project.as_deref().unwrap_or_default())
            )
        }
        GrantScope::Always => "everywhere".to_owned(),
    }
}

fn ending(grant: &Grant, now: &Timestamp) -> String {
    match (&grant.revoked_at, &grant.expires_at) {
        (Some(at), _) => format!(", revoked {}", minute(at)),
        (None, Some(at)) if at <= now => format!(", ended {}", minute(at)),
        (None, Some(at)) => format!(", ends {}", minute(at)),
        (None, None) => String::new(),
    }
}

fn tested_text(pattern: &str, tested: &Tested, width: usize) -> String {
    let mut text = preview_text(pattern, tested, width);
    if let Some(covers) = tested.covers {
        text.push_str(if covers {
            "  covers the call\n"
        } else {
            "  does not cover the call\n"
        });
    }
    if let Some(reason) = &tested.reason {
        push(&mut text, format_args!("  {}\n", visible(reason)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grant(scope: GrantScope) -> Grant {
        Grant {
            id: "0123456789ab".into(),
            scope,
            tool: "shell".to_owned(),
            pattern: "cargo test *".to_owned(),
            session_id: Some("fedcba9876".into()),
            project: Some("/w".to_owned()),
            programs: vec!["/usr/bin/cargo".to_owned()],
            approval_id: "a".into(),
            created_at: Timestamp::from_unix_ms(0),
            expires_at: None,
            revoked_at: None,
            uses: 2,
        }
    }

    #[test]
    fn grants_say_where_and_until_when_they_count() {
        let now = Timestamp::from_unix_ms(3_600_000);
        let check = |grant: &Grant, expected: &str| {
            let text = listing(std::slice::from_ref(grant), &now);
            assert_eq!(
                text,
                format!(
                    "01234567  1970-01-01 00:00  {expected}\n  shell: cargo test *\n  runs /usr/bin/cargo\n"
                )
            );
        };
        check(&grant(GrantScope::Session), "session fedcba98  used 2");
        check(&grant(GrantScope::Project), "project /w  used 2");
        check(&grant(GrantScope::Always), "everywhere  used 2");
        let mut ending = grant(GrantScope::Always);
        ending.expires_at = Some(Timestamp::from_unix_ms(7_200_000));
        check(&ending, "everywhere  used 2, ends 1970-01-01 02:00");
        ending.expires_at = Some(Timestamp::from_unix_ms(60_000));
        check(&ending, "everywhere  used 2, ended 1970-01-01 00:01");
        ending.revoked_at = Some(Timestamp::from_unix_ms(120_000));
        check(&ending, "everywhere  used 2, revoked 1970-01-01 00:02");
        assert_eq!(
            listing(&[], &now),
            "there are no grants: every question is asked\n"
        );
    }

    #[test]
    fn a_pattern_tells_what_it_would_allow() {
        let tested = Tested {
            allows: vec!["cargo test with any further arguments".to_owned()],
            past: (1..=7).map(|n| format!("cargo test {n}")).collect(),
            covers: Some(false),
            reason: Some("`rm` is another program".to_owned()),
        };
        assert_eq!(
            tested_text("cargo test *", &tested, 80),
            "  rule: cargo test *\n\
             \x20   allows: cargo test with any further arguments\n\
             \x20   before: cargo test 1\n    before: cargo test 2\n    before: cargo test 3\n\
             \x20   before: cargo test 4\n    before: cargo test 5\n\
             \x20   (2 more calls of the past)\n\
             \x20 does not cover the call\n  `rm` is another program\n"
        );
    }
}
