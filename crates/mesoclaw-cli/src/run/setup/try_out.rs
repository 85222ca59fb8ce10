//! The end of every set-up: choose a model, ask it for a word, make it the default.

use mesoclaw_api::ops::provider::{
    DefaultModel, Model, ProviderDefaultSet, ProviderGet, ProviderModels, ProviderModelsParams,
    ProviderParams, ProviderTest, TestParams,
};
use mesoclaw_ipc::Client;

use crate::cmd::provider::{context_text, price_text};
use crate::exit::CliResult;
use crate::output::{Console, push};
use crate::run::question::{Picked, by_number, or_stop, question};
use crate::sanitise::one_line;

/// Most models listed to choose from.
const MODELS_LISTED: usize = 30;

/// Chooses a model of a provider whose key is there, tries it and makes it the default; `None` when
/// it does not answer. `first` is the model to offer.
///
/// # Errors
/// The operations' own.
pub(super) async fn set_up(
    console: Console,
    client: &Client,
    provider_id: &str,
    first: Option<String>,
) -> CliResult<Option<DefaultModel>> {
    let model_id = match first {
        Some(model_id) => Some(model_id),
        None => choose(console, client, provider_id).await?,
    };
    let Some(model_id) = model_id else {
        return Ok(None);
    };
    let default = DefaultModel {
        provider_id: provider_id.to_owned(),
        model_id,
    };
    if !try_model(console, client, &default).await? {
        return Ok(None);
    }
    make_default(client, default).await.map(Some)
}

/// Makes a model the default one.
///
/// # Errors
/// The operation's own.
pub(super) async fn make_default(
    client: &Client,
    default: DefaultModel,
) -> CliResult<DefaultModel> {
    client.call::<ProviderDefaultSet>(default.clone()).await?;
    Ok(default)
}

/// Asks a model for a word and tells what happened.
///
/// # Errors
/// The operation's own, or the person wants to leave.
pub(super) async fn try_model(
    console: Console,
    client: &Client,
    model: &DefaultModel,
) -> CliResult<bool> {
    console.say(&format!(
        "asking {}:{} for a word...\n",
        one_line(&model.provider_id),
        one_line(&model.model_id)
    ));
    let params = TestParams {
        provider_id: model.provider_id.clone(),
        model_id: Some(model.model_id.clone()),
    };
    let result = or_stop(client.call::<ProviderTest>(params)).await?;
    console.say(&format!("{}\n", result.message));
    if !result.success {
        console.say("That did not work: the default model stays as it was.\n");
    }
    Ok(result.success)
}

/// The models known of a provider; where none is known, those it lists.
async fn choose(console: Console, client: &Client, provider_id: &str) -> CliResult<Option<String>> {
    let params = ProviderParams {
        provider_id: provider_id.to_owned(),
    };
    let mut models = client.call::<ProviderGet>(params).await?.models;
    if models.is_empty() {
        let params = ProviderModelsParams {
            provider_id: provider_id.to_owned(),
        };
        // It need not have a list; then the name is typed.
        let listed = or_stop(async { Ok(client.call::<ProviderModels>(params).await) }).await?;
        match listed {
            Ok(listed) => models = listed,
            Err(error) => console.say(&format!("{}\n", error.message)),
        }
    }
    choose_of(console, &models).await
}

/// A model of a list, by number or by name; `None` when none was named.
///
/// # Errors
/// The person wants to leave.
pub(super) async fn choose_of(console: Console, models: &[Model]) -> CliResult<Option<String>> {
    console.say(&listed(models));
    let first = models.first().map_or("", |model| model.model_id.as_str());
    loop {
        let answer = question(
            console,
            "model, by number or name; `-` goes back",
            &one_line(first),
        )
        .await?;
        return Ok(match by_number(&answer, models) {
            Picked::Item(model) => Some(model.model_id.clone()),
            Picked::Text if answer.is_empty() || answer == "-" => None,
            Picked::Text => Some(answer),
            Picked::Nothing => {
                console.say(&format!(
                    "a number from 1 to {}, or a name, please\n",
                    models.len()
                ));
                continue;
            }
        });
    }
}

fn listed(models: &[Model]) -> String {
    let mut text = String::new();
    for (at, model) in models.iter().take(MODELS_LISTED).enumerate() {
        let price = match model.price {
            Some(_) => format!(", {}", price_text(model)),
            None => String::new(),
        };
        push(
            &mut text,
            format_args!(
                "  {} {} ({}{price})\n",
                at + 1,
                one_line(&model.model_id),
                context_text(model)
            ),
        );
    }
    if models.len() > MODELS_LISTED {
        push(
            &mut text,
            format_args!("  and {} more, by name\n", models.len() - MODELS_LISTED),
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn models_are_listed_with_what_is_known() {
        let model = |id: &str, context: Option<u32>| -> Model {
            serde_json::from_value(json!({
                "id": format!("p:{id}"), "provider_id": "p", "model_id": id, "display_name": id,
                "context_limit": context, "output_limit": null, "supports_tools": true,
                "supports_vision": null, "is_custom": false, "is_active": true,
                "price": context.map(|_| json!({"input": 2_500_000, "output": 10_000_000})),
            }))
            .unwrap()
        };
        let mut models = vec![model("big", Some(128_000)), model("sm\x1ball", None)];
        assert_eq!(
            listed(&models),
            "  1 big (128000 tokens of context, $2.50 in, $10.00 out for a million tokens)\n  \
             2 sm^[all (context unverified)\n"
        );
        models.resize(MODELS_LISTED + 2, model("m", None));
        assert!(listed(&models).ends_with("  and 2 more, by name\n"));
    }
}
