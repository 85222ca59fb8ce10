//! Variables that hold keys: which there are, who offers them, and how a person sets one.

use mesoclaw_api::ApiError;
use mesoclaw_providers::catalog;

use crate::models::setting::ProviderSetting;

/// No key in any environment, and a store that cannot say whether it has one.
pub(super) fn not_found(provider: &ProviderSetting, problem: ApiError) -> ApiError {
    let Some(how) = how_to_set(&provider.key_variables) else {
        return problem;
    };
    let hint = match &problem.hint {
        Some(hint) => format!("{hint}; or {how}"),
        None => how,
    };
    problem.with_hint(hint)
}

/// Whether clients offer a variable of their shells: they know those of the catalogue.
pub(crate) fn is_offered(variable: &str) -> bool {
    catalog::key_variables().any(|name| name == variable)
}

/// How a person gives a key by one of these variables; `None` when there are none.
pub(crate) fn how_to_set(variables: &[String]) -> Option<String> {
    let first = variables.first()?;
    let offered = variables.iter().find(|variable| is_offered(variable));
    Some(match offered {
        Some(variable) => format!("set {variable} in your shell and try again"),
        None => format!(
            "set {first} in the environment of the daemon: set it in a shell and run \
             `mesoclaw daemon restart` there"
        ),
    })
}

/// Names of the environment variables that hold keys of known providers, sorted.
pub fn key_variables() -> Vec<String> {
    let mut names: Vec<String> = catalog::key_variables().map(str::to_owned).collect();
    names.sort();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_variable_nobody_offers_belongs_to_the_daemon() {
        let how = |names: &[&str]| {
            let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
            how_to_set(&names)
        };
        let in_shell = "set OPENAI_API_KEY in your shell and try again";
        assert_eq!(how(&[]), None);
        assert_eq!(how(&["OPENAI_API_KEY"]).as_deref(), Some(in_shell));
        assert_eq!(
            how(&["ONE_KEY", "OPENAI_API_KEY"]).as_deref(),
            Some(in_shell)
        );
        assert_eq!(
            how(&["ONE_KEY"]).as_deref(),
            Some(
                "set ONE_KEY in the environment of the daemon: set it in a shell and run \
                 `mesoclaw daemon restart` there"
            )
        );
    }
}
