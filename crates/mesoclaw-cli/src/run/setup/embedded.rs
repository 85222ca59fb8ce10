//! The model that runs inside mesoclaw: which one, and how it gets here.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::model::{ModelFile, ModelList, PullParams};
use mesoclaw_api::ops::provider::{DefaultModel, ProviderDefaultGet, ProviderDefaultSet};
use mesoclaw_api::{ApiError, ErrorCode};
use mesoclaw_ipc::Client;

use crate::cmd::model::size;
use crate::connect::Home;
use crate::exit::{CliError, CliResult};
use crate::output::{Console, bytes};
use crate::run::pull::pull;
use crate::run::setup::COMMANDS;
use crate::sanitise::one_line;

/// Up to so many parameters a model is called very limited.
const LIMITED_MILLIONS: u32 = 200;

/// The provider of the embedded engine.
const LOCAL: &str = "local";

/// Makes sure that a model runs inside mesoclaw and is the default. A default that somebody chose
/// stays; what is there already costs no network.
///
/// # Errors
/// This build has no engine, or no model could be fetched.
pub(super) async fn set_up(console: Console, home: &Home) -> CliResult<DefaultModel> {
    let client = home.client(console).await?;
    if let Some(default) = client.call::<ProviderDefaultGet>(NoParams {}).await? {
        if default.provider_id != LOCAL {
            console.note(&format!(
                "the default model is {}:{} already; it stays",
                default.provider_id, default.model_id
            ));
            return Ok(default);
        }
        let files = client.call::<ModelList>(NoParams {}).await?;
        let is_here = |file: &ModelFile| file.id == default.model_id && file.is_installed;
        if files.iter().any(is_here) {
            console.note(&format!("local:{} is set up already", default.model_id));
            return Ok(default);
        }
    }
    install(console, home, &client).await
}

/// The same by choice of a person, who may want to change the default.
///
/// # Errors
/// As [`set_up`].
pub(super) async fn set_up_again(
    console: Console,
    home: &Home,
    client: &Client,
) -> CliResult<Option<DefaultModel>> {
    install(console, home, client).await.map(Some)
}

/// The model to offer; `None` when this build has no engine.
///
/// # Errors
/// The configuration cannot be read.
pub(super) async fn offered(client: &Client, home: &Home) -> CliResult<Option<ModelFile>> {
    let files = client
        .call::<ModelList>(NoParams {})
        .await
        .unwrap_or_default();
    let recommended = recommended(home)?;
    let candidates = candidates(&files, recommended.as_deref());
    Ok(candidates.first().map(|file| (*file).clone()))
}

/// The model in a line of the question.
pub(super) fn text(file: &ModelFile) -> String {
    let what = match (file.is_installed, file.size_bytes) {
        (true, _) => "installed".to_owned(),
        (false, Some(count)) => format!("{} to download", bytes(count)),
        (false, None) => "size unverified".to_owned(),
    };
    let limits = if is_limited(file) {
        "; very limited: it chats, but knows little and often errs"
    } else {
        ""
    };
    format!(
        "a model that runs inside mesoclaw: {} ({what}{limits})",
        one_line(&file.name)
    )
}

async fn install(console: Console, home: &Home, client: &Client) -> CliResult<DefaultModel> {
    let files = client.call::<ModelList>(NoParams {}).await?;
    let recommended = recommended(home)?;
    let candidates = candidates(&files, recommended.as_deref());
    let mut last: Option<CliError> = None;
    for file in candidates {
        if !file.is_installed {
            console.note(&format!(
                "fetching {} ({})",
                one_line(&file.name),
                size(file)
            ));
            let params = PullParams {
                model_id: file.id.clone(),
                source: None,
                sha256: None,
            };
            match pull(console, home, params).await {
                Ok(_) => {}
                Err(CliError::Api(error)) => {
                    console.note(&format!(
                        "{} could not be fetched: {}",
                        file.id, error.message
                    ));
                    last = Some(error.into());
                    continue;
                }
                Err(other) => return Err(other),
            }
        }
        let default = DefaultModel {
            provider_id: LOCAL.to_owned(),
            model_id: file.id.clone(),
        };
        client.call::<ProviderDefaultSet>(default.clone()).await?;
        console.note(&format!("the default model is local:{}", file.id));
        if is_limited(file) {
            console.note(
                "it is very limited: it chats, but knows little and often errs; \
                 `mesoclaw model list` shows others",
            );
        }
        return Ok(default);
    }
    Err(last.unwrap_or_else(|| {
        ApiError::new(
            ErrorCode::AgentNotConfigured,
            "this build has no engine for models of its own",
        )
        .with_hint(COMMANDS)
        .into()
    }))
}

/// What to try, in order: the recommended model, else what is installed, else the smallest model
/// that comes as a package.
fn candidates<'a>(files: &'a [ModelFile], recommended: Option<&str>) -> Vec<&'a ModelFile> {
    let best = files
        .iter()
        .find(|file| Some(file.id.as_str()) == recommended);
    if let Some(best) = best.filter(|file| file.is_installed) {
        return vec![best];
    }
    let installed = files.iter().filter(|file| file.is_installed);
    if let Some(largest) = installed.max_by_key(|file| file.parameters_millions) {
        return vec![largest];
    }
    let is_package =
        |file: &&ModelFile| file.sources.iter().any(|source| source.starts_with("pip:"));
    let packages = files
        .iter()
        .filter(|file| file.is_in_catalogue)
        .filter(is_package);
    let smallest = packages.min_by_key(|file| file.ram_mib.unwrap_or(u32::MAX));
    let mut candidates: Vec<&ModelFile> = best.into_iter().collect();
    if let Some(smallest) = smallest.filter(|file| Some(file.id.as_str()) != recommended) {
        candidates.push(smallest);
    }
    candidates
}

fn recommended(home: &Home) -> CliResult<Option<String>> {
    let files = mesoclaw_daemon::model_files(home.base.clone(), home.config.clone())
        .map_err(|error| CliError::Api(error.api()))?;
    Ok(files.map(|files| files.recommended()))
}

fn is_limited(file: &ModelFile) -> bool {
    file.parameters_millions
        .is_some_and(|millions| millions <= LIMITED_MILLIONS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn file(id: &str, millions: u32, is_installed: bool, source: &str) -> ModelFile {
        serde_json::from_value(json!({
            "id": id, "name": id, "is_installed": is_installed, "is_in_catalogue": true,
            "path": null, "size_bytes": 5, "sha256": null, "is_verified": true, "licence": null,
            "parameters_millions": millions, "ram_mib": millions, "context_tokens": null,
            "architecture": null, "sources": [source], "note": null,
        }))
        .unwrap()
    }

    #[test]
    fn models_are_tried_in_order() {
        let check = |files: &[ModelFile], recommended: Option<&str>, expected: &[&str]| {
            let found: Vec<&str> = candidates(files, recommended)
                .iter()
                .map(|file| file.id.as_str())
                .collect();
            assert_eq!(found, expected);
        };
        let small = |is_installed| file("small", 135, is_installed, "pip:small==1");
        let big = |is_installed| file("big", 7000, is_installed, "https://host/big");
        check(&[small(false), big(false)], Some("big"), &["big", "small"]);
        check(&[small(false), big(false)], Some("small"), &["small"]);
        check(&[small(true), big(false)], Some("big"), &["small"]);
        check(&[small(true), big(true)], Some("small"), &["small"]);
        check(&[small(true), big(true)], None, &["big"]);
        check(&[small(false)], None, &["small"]);
        check(&[], None, &[]);
    }

    #[test]
    fn limits_are_told() {
        let line = text(&file("small", 135, false, "pip:x"));
        assert_eq!(
            line,
            "a model that runs inside mesoclaw: small (5 B to download; very limited: it chats, but \
             knows little and often errs)"
        );
        let line = text(&file("big", 7000, true, "x"));
        assert_eq!(line, "a model that runs inside mesoclaw: big (installed)");
    }
}
