//! A model server that was found on this machine.

use mesoclaw_api::ops::provider::{
    DefaultModel, DetectedServer, ProviderGet, ProviderParams, ProviderUpdate, UpdateParams,
};

use crate::exit::CliResult;
use crate::output::Console;
use crate::run::question::{is_yes, read_answer};
use crate::run::setup::try_out::{choose_of, make_default, try_model};
use crate::run::setup::undo::{Change, Undo};
use crate::sanitise::one_line;

/// Makes a model of the server the default one; `None` when it does not answer.
///
/// # Errors
/// The operations' own.
pub(super) async fn set_up(
    console: Console,
    undo: &mut Undo<'_>,
    server: &DetectedServer,
) -> CliResult<Option<DefaultModel>> {
    let id = &server.provider_id;
    if server.models.is_empty() {
        console.say(&format!(
            "{} has no models yet: fetch one there first\n",
            one_line(id)
        ));
        return Ok(None);
    }
    let Some(model_id) = choose_of(console, &server.models).await? else {
        return Ok(None);
    };
    if !at_its_address(console, undo, server).await? {
        return Ok(None);
    }
    let default = DefaultModel {
        provider_id: id.clone(),
        model_id,
    };
    if !try_model(console, undo.client, &default).await? {
        return Ok(None);
    }
    make_default(undo.client, default).await.map(Some)
}

/// The provider of that name may have been put somewhere else.
async fn at_its_address(
    console: Console,
    undo: &mut Undo<'_>,
    server: &DetectedServer,
) -> CliResult<bool> {
    let provider_id = server.provider_id.clone();
    let params = ProviderParams {
        provider_id: provider_id.clone(),
    };
    let before = undo.client.call::<ProviderGet>(params).await?.base_url;
    if is_same(&before, &server.base_url) {
        return Ok(true);
    }
    console.say(&format!(
        "{} is set to {} now. Put it to {}? [y/N] ",
        one_line(&provider_id),
        one_line(&before),
        one_line(&server.base_url)
    ));
    if !is_yes(&read_answer().await?) {
        return Ok(false);
    }
    let params = UpdateParams {
        provider_id: provider_id.clone(),
        base_url: server.base_url.clone(),
        name: None,
        api_version: None,
    };
    undo.client.call::<ProviderUpdate>(params).await?;
    undo.push(Change::Address {
        provider_id,
        before,
    });
    Ok(true)
}

/// `localhost` and its address are one place.
fn is_same(one: &str, other: &str) -> bool {
    let plain = |url: &str| {
        url.trim_end_matches('/')
            .replace("://localhost", "://127.0.0.1")
    };
    plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_of_this_machine_is_its_address() {
        for (one, other, expected) in [
            ("http://localhost:11434", "http://127.0.0.1:11434/", true),
            ("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080/v1", true),
            (
                "http://127.0.0.1:8080/v1",
                "http://127.0.0.1:8081/v1",
                false,
            ),
            ("http://box:8080", "http://127.0.0.1:8080", false),
        ] {
            assert_eq!(is_same(one, other), expected, "{one} {other}");
        }
    }
}
