//! Key variables of this shell: their names are offered to the daemon, their values lent for the
//! turns of this connection only after somebody said so.

use mesoclaw_api::ops::credential::{
    BindParams, CredentialBind, CredentialLend, CredentialOffer, LendParams, OfferParams,
    WantedVariable,
};
use mesoclaw_api::{ApiError, ErrorCode, SecretText};
use mesoclaw_ipc::Client;

use crate::exit::CliResult;
use crate::output::Console;
use crate::run::question::read_answer;
use crate::sanitise::one_line;

/// Most names offered at once.
const MOST_OFFERED: usize = 64;

/// What a person says about a variable.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consent {
    /// For this connection.
    Once,
    /// From now on without asking.
    Always,
    /// It was said earlier, for good.
    Earlier,
    /// Not.
    No,
}

/// What became of the variables of this shell.
#[derive(Clone, Default, Debug)]
pub struct Offered {
    /// Lent: to be lent again over a new connection.
    pub lent: Vec<String>,
    /// They would help, and nobody agreed.
    pub refused: Vec<WantedVariable>,
}

/// Key variables that are set in this shell.
pub fn variables() -> Vec<String> {
    set_of(mesoclaw_daemon::key_variables(), |name| {
        std::env::var_os(name).is_some_and(|value| !value.is_empty())
    })
}

fn set_of(names: Vec<String>, is_set: impl Fn(&str) -> bool) -> Vec<String> {
    let mut names: Vec<String> = names.into_iter().filter(|name| is_set(name)).collect();
    names.sort();
    names.dedup();
    names.truncate(MOST_OFFERED);
    names
}

/// Offers what is set here for a model and lends what was agreed to; asks about the rest where
/// somebody can be asked. Without a variable nothing is said to the daemon.
///
/// # Errors
/// The operations' own, or the person wants to leave.
pub async fn offer(
    console: Console,
    client: &Client,
    model: Option<&str>,
    may_ask: bool,
) -> CliResult<Offered> {
    let mut offered = Offered::default();
    for wanted in wanted(client, model).await? {
        let consent = if wanted.is_agreed {
            Consent::Earlier
        } else if may_ask {
            console.say(&question(&wanted));
            consent(&read_answer().await?)
        } else {
            Consent::No
        };
        settle(client, &mut offered, wanted, consent).await?;
    }
    Ok(offered)
}

/// Lends what was agreed to for a provider, without asking.
///
/// # Errors
/// The operations' own.
pub async fn agreed_only(client: &Client, provider_id: &str) -> CliResult<()> {
    let model = format!("{provider_id}:-");
    for wanted in wanted(client, Some(&model)).await.unwrap_or_default() {
        if wanted.is_agreed {
            lend(client, &wanted.variable, false).await?;
        }
    }
    Ok(())
}

/// Lends again over a new connection what was lent over the one before; what is gone meanwhile
/// shows at the next turn.
pub async fn lend_again(client: &Client, lent: &[String]) {
    for variable in lent {
        // The turn that needs the key tells better what is wrong.
        lend(client, variable, false).await.ok();
    }
}

/// Which variables of this shell would help.
///
/// # Errors
/// The operation's own.
pub async fn wanted(client: &Client, model: Option<&str>) -> CliResult<Vec<WantedVariable>> {
    let variables = variables();
    if variables.is_empty() {
        return Ok(Vec::new());
    }
    let params = OfferParams {
        variables,
        model: model.map(str::to_owned),
    };
    match client.call::<CredentialOffer>(params).await {
        Ok(wanted) => Ok(wanted),
        // Without a model there is nothing to lend a key for; the turn says what to do.
        Err(error) if is_about_the_model(error.code) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

fn is_about_the_model(code: ErrorCode) -> bool {
    matches!(
        code,
        ErrorCode::AgentNotConfigured
            | ErrorCode::NotFound
            | ErrorCode::Validation
            | ErrorCode::MethodNotFound
    )
}

/// Does what was said about a variable.
///
/// # Errors
/// The operation's own.
pub async fn settle(
    client: &Client,
    offered: &mut Offered,
    wanted: WantedVariable,
    consent: Consent,
) -> CliResult<()> {
    match consent {
        Consent::No => {
            offered.refused.push(wanted);
            return Ok(());
        }
        // An address that changed since is asked about anew.
        Consent::Earlier => lend(client, &wanted.variable, false).await?,
        Consent::Once | Consent::Always => {
            lend_there(client, &wanted, consent == Consent::Always).await?;
        }
    }
    offered.lent.push(wanted.variable);
    Ok(())
}

/// Lends a variable after a person was shown where it goes and agreed: so it may go there.
///
/// # Errors
/// The address changed meanwhile, the variable is gone, or the operations' own.
pub async fn lend_there(client: &Client, wanted: &WantedVariable, remember: bool) -> CliResult<()> {
    // First, so that nothing is lent when the address is another one than was shown.
    let params = BindParams {
        provider_id: wanted.provider_id.clone(),
        origin: Some(wanted.origin.clone()),
    };
    client.call::<CredentialBind>(params).await?;
    lend(client, &wanted.variable, remember).await
}

/// Lends the value of a variable for the turns of this connection.
///
/// # Errors
/// The variable is gone, or the operation's own.
async fn lend(client: &Client, variable: &str, remember: bool) -> CliResult<()> {
    mesoclaw_daemon::keep_out_of_dumps();
    let value = std::env::var(variable).map_err(|_| {
        ApiError::new(
            ErrorCode::Validation,
            format!("the variable {variable} holds no text"),
        )
    })?;
    let params = LendParams {
        variable: variable.to_owned(),
        value: SecretText::new(value),
        remember,
    };
    client.call::<CredentialLend>(params).await?;
    Ok(())
}

/// The question about a variable, for a prompt.
pub fn question(wanted: &WantedVariable) -> String {
    format!(
        "{} is set in this shell. Use it for {} (goes to {})? [o]nce, [a]lways, [n]o: ",
        one_line(&wanted.variable),
        one_line(&wanted.provider_id),
        one_line(&wanted.origin)
    )
}

/// Reads an answer; whatever is not a clear yes is a no.
pub fn consent(answer: &str) -> Consent {
    match answer.trim().to_ascii_lowercase().as_str() {
        "o" | "once" => Consent::Once,
        "a" | "always" => Consent::Always,
        _ => Consent::No,
    }
}

/// The same error; where no key was there, with the variable of this shell that would help.
pub fn with_variable(error: ApiError, refused: &[WantedVariable]) -> ApiError {
    let Some(line) = advice(error.code, refused) else {
        return error;
    };
    let hint = match &error.hint {
        Some(hint) => format!("{hint}\n{line}"),
        None => line,
    };
    error.with_hint(hint)
}

/// What to do with a variable of this shell after a turn failed with this code.
pub fn advice(code: ErrorCode, refused: &[WantedVariable]) -> Option<String> {
    let wanted = refused.first()?;
    // Without a keyring the key store fails first; a variable needs none.
    let is_about_the_key = matches!(code, ErrorCode::AgentNotConfigured | ErrorCode::Credential);
    is_about_the_key.then(|| {
        format!(
            "or allow the variable of your shell once: `mesoclaw key allow {}`",
            wanted.variable
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted() -> WantedVariable {
        WantedVariable {
            variable: "OPENAI_API_KEY".to_owned(),
            provider_id: "openai".to_owned(),
            origin: "https://api.openai.com".to_owned(),
            is_agreed: false,
        }
    }

    #[test]
    fn only_variables_that_are_set_are_offered_once() {
        let names = ["B", "A", "B", "C"].map(str::to_owned).to_vec();
        assert_eq!(set_of(names, |name| name != "C"), ["A", "B"]);
        let many = (0..100).map(|n| format!("V{n}")).collect();
        assert_eq!(set_of(many, |_| true).len(), MOST_OFFERED);
    }

    #[test]
    fn only_a_clear_yes_is_one() {
        for (answer, expected) in [
            ("o", Consent::Once),
            (" Once ", Consent::Once),
            ("a", Consent::Always),
            ("ALWAYS", Consent::Always),
            ("n", Consent::No),
            ("", Consent::No),
            ("y", Consent::No),
        ] {
            assert_eq!(consent(answer), expected, "{answer:?}");
        }
        assert_eq!(
            question(&wanted()),
            "OPENAI_API_KEY is set in this shell. Use it for openai (goes to \
             https://api.openai.com)? [o]nce, [a]lways, [n]o: "
        );
    }

    #[test]
    fn a_missing_key_names_the_variable_that_would_help() {
        let line = "or allow the variable of your shell once: `mesoclaw key allow OPENAI_API_KEY`";
        let check =
            |code, hint: Option<&str>, refused: &[WantedVariable], expected: Option<&str>| {
                let error = ApiError {
                    code,
                    message: "x".to_owned(),
                    hint: hint.map(str::to_owned),
                };
                let error = with_variable(error, refused);
                assert_eq!(error.hint.as_deref(), expected);
            };
        let code = ErrorCode::AgentNotConfigured;
        let both = format!("first\n{line}");
        check(code, Some("first"), &[wanted()], Some(&both));
        check(code, None, &[wanted()], Some(line));
        check(ErrorCode::Credential, None, &[wanted()], Some(line));
        check(code, Some("first"), &[], Some("first"));
        check(ErrorCode::AgentAuth, None, &[wanted()], None);
    }
}
