//! `mesoclaw config ...`: through the daemon when one runs, so that it takes effect at once; else on
//! the file.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::config::{ConfigField, ConfigOrigins, ConfigUpdate, UpdateParams};
use mesoclaw_api::{ApiError, ErrorCode, Surface};
use mesoclaw_config::{Locations, Sources};
use mesoclaw_ipc::Client;
use serde_json::{Map, Value, json};

use crate::cli::{ConfigCommand, Global};
use crate::connect::{Home, home_variable, runtime};
use crate::exit::{CliResult, OK};
use crate::output::{Console, push};

/// Runs a config command.
///
/// # Errors
/// A key or value is wrong, or the file cannot be read or written.
pub fn main(console: Console, global: &Global, command: ConfigCommand) -> CliResult {
    let locations = Locations::of_process(home_variable(), global.config.clone())?;
    match command {
        ConfigCommand::Path => {
            let path = &locations.config_file;
            console.result(&json!({"path": path}), &path.display().to_string())?;
        }
        ConfigCommand::Validate => validate(console, &sources(&locations)?)?,
        ConfigCommand::Show { origin } => {
            let fields = fields(global, &locations)?;
            show(console, &fields, origin)?;
        }
        ConfigCommand::Get { key } => {
            let field = field(fields(global, &locations)?, &key)?;
            let text = plain(&field.value);
            console.result(&field, &(text + "\n"))?;
        }
        ConfigCommand::Set { key, value } => {
            let value = mesoclaw_config::parse_value(&key, &value)?;
            change(console, global, &locations, &key, value)?;
        }
        ConfigCommand::Unset { key } => change(console, global, &locations, &key, Value::Null)?,
    }
    Ok(OK)
}

fn sources(locations: &Locations) -> CliResult<Sources> {
    Ok(Sources::new(
        locations.config_file.clone(),
        mesoclaw_config::process_environment()?,
        [],
    ))
}

fn validate(console: Console, sources: &Sources) -> CliResult<()> {
    let snapshot = mesoclaw_config::load(sources)?;
    let warnings: Vec<String> = snapshot.warnings.iter().map(ToString::to_string).collect();
    let path = sources.config_file();
    let mut text = String::new();
    for warning in &warnings {
        push(&mut text, format_args!("warning: {warning}\n"));
    }
    let verdict = if path.exists() {
        "is valid"
    } else {
        "does not exist; defaults are valid"
    };
    push(&mut text, format_args!("{} {verdict}\n", path.display()));
    let value = json!({"valid": true, "path": path, "warnings": warnings});
    console.result(&value, &text)
}

fn fields(global: &Global, locations: &Locations) -> CliResult<Vec<ConfigField>> {
    if let Some(fields) = with_daemon(global, async |client| {
        Ok(client.call::<ConfigOrigins>(NoParams {}).await?)
    })? {
        return Ok(fields);
    }
    let snapshot = mesoclaw_config::load(&sources(locations)?)?;
    let described = snapshot.describe_all().into_iter();
    Ok(described
        .map(|described| ConfigField {
            key: described.key.to_owned(),
            value: described.value,
            origin: described.origin.to_string(),
        })
        .collect())
}

fn field(fields: Vec<ConfigField>, key: &str) -> CliResult<ConfigField> {
    // The proper name of a name that is another one's alias.
    let proper = mesoclaw_config::field(key).map_or(key, |field| field.key);
    let found = fields.into_iter().find(|field| field.key == proper);
    match found {
        Some(field) => Ok(field),
        // Reading a value for it explains what is wrong with the name.
        None => match mesoclaw_config::parse_value(key, "") {
            Err(error) => Err(error.into()),
            Ok(_) => Err(ApiError::new(
                ErrorCode::Config,
                format!("the daemon does not know the setting {key}"),
            )
            .into()),
        },
    }
}

fn show(console: Console, fields: &[ConfigField], origin: bool) -> CliResult<()> {
    if console.json && origin {
        return console.value(&fields);
    }
    if console.json {
        let values: Map<String, Value> = fields
            .iter()
            .map(|field| (field.key.clone(), field.value.clone()))
            .collect();
        return console.value(&values);
    }
    console.print(&listing(fields, origin))
}

/// The settings the way they stand in the file.
fn listing(fields: &[ConfigField], origin: bool) -> String {
    let mut text = String::new();
    for field in fields {
        let (key, value) = (&field.key, &field.value);
        if value.is_null() {
            push(&mut text, format_args!("# {key} is unset"));
        } else {
            push(&mut text, format_args!("{key} = {value}"));
        }
        if origin {
            push(&mut text, format_args!("  # {}", field.origin));
        }
        text.push('\n');
    }
    text
}

fn change(
    console: Console,
    global: &Global,
    locations: &Locations,
    key: &str,
    value: Value,
) -> CliResult<()> {
    let patch = Map::from_iter([(key.to_owned(), value)]);
    let sent = patch.clone();
    let updated = with_daemon(global, async |client| {
        let params = UpdateParams { patch: sent };
        Ok(client.call::<ConfigUpdate>(params).await?)
    })?;
    let notes = match updated {
        Some(updated) => updated.notes,
        None => change_file(&sources(locations)?, &patch)?,
    };
    for note in &notes {
        console.note(note);
    }
    let text = match patch.values().next() {
        Some(Value::Null) | None => format!("{key} is unset"),
        Some(value) => format!("{key} = {value}"),
    };
    let value = json!({"status": "persisted", "fields": patch, "notes": notes});
    console.done(&value, &text)
}

fn change_file(sources: &Sources, patch: &Map<String, Value>) -> CliResult<Vec<String>> {
    let patched = mesoclaw_config::patch(sources, &Value::Object(patch.clone()))?;
    let shadowed = patched.shadowed.iter();
    Ok(shadowed
        .map(|shadowed| {
            format!(
                "{} is overridden by the {} and has no effect now",
                shadowed.key, shadowed.by
            )
        })
        .collect())
}

/// Runs something with the daemon; `None` when none runs. A configuration that cannot be read is
/// no reason to fail: it may be what the command is there to mend.
fn with_daemon<T>(
    global: &Global,
    run: impl AsyncFnOnce(&Client) -> CliResult<T>,
) -> CliResult<Option<T>> {
    let Ok(home) = Home::find(global.config.clone()) else {
        return Ok(None);
    };
    if home.holder().is_none() {
        return Ok(None);
    }
    runtime()?.block_on(async {
        match home.connect(Surface::Cli, None).await {
            Ok(link) => Ok(Some(run(&link.client).await?)),
            Err(error) if error.is_absent() => Ok(None),
            Err(error) => Err(error.into()),
        }
    })
}

fn plain(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_listed_like_the_file() {
        let field = |key: &str, value: Value, origin: &str| ConfigField {
            key: key.to_owned(),
            value,
            origin: origin.to_owned(),
        };
        let fields = [
            field("log_level", json!("info"), "default"),
            field("agent_max_turns", json!(5), "config.toml:1"),
            field("db_path", Value::Null, "default"),
        ];
        assert_eq!(
            listing(&fields, false),
            "log_level = \"info\"\nagent_max_turns = 5\n# db_path is unset\n"
        );
        assert_eq!(
            listing(&fields[1..2], true),
            "agent_max_turns = 5  # config.toml:1\n"
        );
    }

    #[test]
    fn unknown_settings_are_explained() {
        let error = field(Vec::new(), "agent_max_turn").unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("agent_max_turns"), "{error}");
    }

    #[test]
    fn file_is_changed_without_a_daemon() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("config.toml");
        let sources = Sources::new(
            path.clone(),
            [("MESOCLAW_LOG_LEVEL".to_owned(), "warn".to_owned())],
            [],
        );
        let patch = Map::from_iter([("log_level".to_owned(), json!("debug"))]);
        let notes = change_file(&sources, &patch).unwrap();
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            "log_level = \"debug\"\n"
        );
        assert_eq!(notes.len(), 1);
    }
}
