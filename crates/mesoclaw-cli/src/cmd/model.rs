//! `mesoclaw model ...`: model files that run inside mesoclaw.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::model::{
    ImportParams, ModelFile, ModelImport, ModelInfo, ModelList, ModelParams, ModelRemove,
    PullParams,
};
use mesoclaw_ipc::Client;
use serde_json::json;

use crate::cli::{Global, ModelCommand};
use crate::connect::{Home, runtime};
use crate::exit::{CliError, CliResult, OK};
use crate::output::{Console, bytes, table};
use crate::run::pull::pull;

/// Runs a model command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: ModelCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        if let ModelCommand::Pull {
            model,
            source,
            sha256,
        } = command
        {
            let params = PullParams {
                model_id: model,
                source,
                sha256,
            };
            let file = pull(console, &home, params).await?;
            let text = format!("{} is installed: {}", file.id, size(&file));
            return console.done(&file, &text).map(|()| OK);
        }
        let client = home.client(console).await?;
        run(console, &client, command).await
    })
}

async fn run(console: Console, client: &Client, command: ModelCommand) -> CliResult {
    match command {
        ModelCommand::List => {
            let files = client.call::<ModelList>(NoParams {}).await?;
            console.result(&files, &table(&rows(&files)))?;
        }
        ModelCommand::Info { model } => {
            let params = ModelParams { model_id: model };
            let file = client.call::<ModelInfo>(params).await?;
            console.result(&file, &description(&file))?;
        }
        ModelCommand::Import { file, id } => {
            let path = std::path::absolute(&file)
                .map_err(|error| CliError::file("find", &file, &error))?;
            let path = path.into_os_string().into_string().map_err(|path| {
                CliError::usage(format!("{} is not a UTF-8 path", path.display()))
            })?;
            let params = ImportParams { path, model_id: id };
            let file = client.call::<ModelImport>(params).await?;
            let text = format!(
                "imported as {id}: {}\nuse it: mesoclaw provider default local {id}",
                size(&file),
                id = file.id
            );
            console.done(&file, &text)?;
        }
        ModelCommand::Remove { model } => {
            let params = ModelParams {
                model_id: model.clone(),
            };
            client.call::<ModelRemove>(params).await?;
            console.done(&json!({"removed": model}), &format!("removed {model}"))?;
        }
        // It needs events and has its own connection.
        ModelCommand::Pull { .. } => {}
    }
    Ok(OK)
}

fn rows(files: &[ModelFile]) -> Vec<Vec<String>> {
    let heading = ["ID", "INSTALLED", "SIZE", "RAM", "LICENCE", "NOTE"];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(files.iter().map(|file| {
        vec![
            file.id.clone(),
            if file.is_installed { "yes" } else { "-" }.to_owned(),
            size(file),
            ram(file),
            file.licence.clone().unwrap_or_else(|| "?".to_owned()),
            file.note.clone().unwrap_or_default(),
        ]
    }));
    rows
}

/// The size of a model file for people.
pub fn size(file: &ModelFile) -> String {
    file.size_bytes
        .map_or_else(|| "unverified".to_owned(), bytes)
}

fn ram(file: &ModelFile) -> String {
    file.ram_mib
        .map_or_else(|| "?".to_owned(), |mib| bytes(u64::from(mib) * 1024 * 1024))
}

fn description(file: &ModelFile) -> String {
    let or_unknown = |value: Option<String>| value.unwrap_or_else(|| "unverified".to_owned());
    let rows = [
        ("id", file.id.clone()),
        ("name", file.name.clone()),
        (
            "installed",
            file.path.clone().unwrap_or_else(|| "no".to_owned()),
        ),
        ("size", size(file)),
        ("sha256", or_unknown(file.sha256.clone())),
        ("licence", or_unknown(file.licence.clone())),
        (
            "parameters",
            or_unknown(
                file.parameters_millions
                    .map(|count| format!("{count} million")),
            ),
        ),
        ("memory needed", ram(file)),
        (
            "context",
            or_unknown(file.context_tokens.map(|count| format!("{count} tokens"))),
        ),
        ("architecture", or_unknown(file.architecture.clone())),
        ("sources", file.sources.join(", ")),
        ("note", file.note.clone().unwrap_or_default()),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![format!("{name}:"), value])
        .collect();
    table(&rows)
}
