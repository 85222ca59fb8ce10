//! Providers and models in words.

use mesoclaw_api::ops::provider::{Detected, FactSource, KeySource, Model, Price, Provider};

use crate::cmd::provider::origin_of;
use crate::money::price;
use crate::output::{push, table};
use crate::sanitise::one_line;

/// What stands where a fact was not read on a page of its maker.
const UNVERIFIED: &str = "unverified";

/// Providers as rows of a table, with a heading.
pub(super) fn rows(providers: &[Provider]) -> Vec<Vec<String>> {
    let heading = ["ID", "NAME", "KEY", "DIALECT", "ADDRESS", ""];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(providers.iter().map(|provider| {
        let mut marks = Vec::new();
        if provider.is_default {
            marks.push("default");
        }
        if !provider.is_verified && !provider.is_user_defined {
            marks.push(UNVERIFIED);
        }
        vec![
            one_line(&provider.id),
            one_line(&provider.name),
            key_word(provider).to_owned(),
            one_line(&provider.dialect),
            address(provider),
            marks.join(", "),
        ]
    }));
    rows
}

/// Where the key of a provider is, in a word or two.
pub(super) fn key_word(provider: &Provider) -> &'static str {
    match provider.key_source {
        Some(KeySource::Stored) => "stored",
        Some(KeySource::Environment) => "environment",
        Some(KeySource::Client) => "this shell",
        None if provider.has_api_key => "there",
        None if provider.requires_api_key => "missing",
        None => "not needed",
    }
}

/// What to say when the key of a provider would be readable for everybody on the way to it.
pub fn unencrypted(provider: &Provider) -> Option<String> {
    let rest = provider.base_url.get(..7)?;
    let is_plain = rest.eq_ignore_ascii_case("http://");
    if !is_plain || provider.auth == "none" || mesoclaw_daemon::is_loopback(&provider.base_url) {
        return None;
    }
    let origin = origin_of(&provider.base_url);
    let host = origin.strip_prefix("http://").unwrap_or(&origin);
    Some(format!(
        "the key of {} would travel unencrypted to {}",
        one_line(&provider.id),
        one_line(host)
    ))
}

fn address(provider: &Provider) -> String {
    match (provider.base_url.as_str(), provider.dialect.as_str()) {
        ("", "local") => "inside mesoclaw".to_owned(),
        ("", _) => "yours: mesoclaw provider add".to_owned(),
        (url, _) => one_line(url),
    }
}

/// Everything known of a provider.
pub(super) fn description(provider: &Provider) -> String {
    let key = match key_word(provider) {
        "missing" => format!("missing; mesoclaw key set {}", provider.id),
        word => word.to_owned(),
    };
    let yes = |is_so: bool| if is_so { "yes" } else { "no" }.to_owned();
    let rows = [
        ("id", provider.id.clone()),
        ("name", one_line(&provider.name)),
        ("address", address(provider)),
        ("dialect", one_line(&provider.dialect)),
        (
            "api-version",
            one_line(provider.api_version.as_deref().unwrap_or_default()),
        ),
        ("key", key),
        (
            "key name",
            one_line(provider.key_name.as_deref().unwrap_or_default()),
        ),
        ("key is sent as", one_line(&provider.auth)),
        (
            "key variables",
            one_line(&provider.key_variables.join(", ")),
        ),
        ("can be used", yes(provider.is_active)),
        (
            "default",
            if provider.is_default { "yes" } else { "" }.to_owned(),
        ),
        ("facts", facts_word(provider).to_owned()),
        (
            "added",
            provider
                .created_at
                .as_ref()
                .map(ToString::to_string)
                .unwrap_or_default(),
        ),
        (
            "note",
            one_line(provider.note.as_deref().unwrap_or_default()),
        ),
    ];
    let rows: Vec<Vec<String>> = rows
        .into_iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| vec![format!("{name}:"), value])
        .collect();
    let mut text = table(&rows);
    if !provider.models.is_empty() {
        text.push_str("\nmodels known of it; prices in dollars for a million tokens:\n");
        text.push_str(&models_text(&provider.models));
    }
    text
}

fn facts_word(provider: &Provider) -> &'static str {
    match (provider.is_verified, provider.is_user_defined) {
        (_, true) => "as somebody added them",
        (true, false) => "read on the pages of its maker",
        (false, false) => UNVERIFIED,
    }
}

/// Models as a table, and below it the pages the numbers were read on: each once, since most
/// models of a provider share them.
pub(super) fn models_text(models: &[Model]) -> String {
    let mut pages: Vec<String> = Vec::new();
    for source in models.iter().filter_map(|model| model.source.as_ref()) {
        let page = page_text(source);
        if !pages.contains(&page) {
            pages.push(page);
        }
    }
    let mut text = table(&model_rows(models, &pages));
    for (n, page) in pages.iter().enumerate() {
        push(&mut text, format_args!("[{}] {page}\n", n + 1));
    }
    text
}

fn model_rows(models: &[Model], pages: &[String]) -> Vec<Vec<String>> {
    let heading = [
        "MODEL", "CONTEXT", "OUTPUT", "TOOLS", "VISION", "IN", "CACHED", "WRITTEN", "OUT", "SOURCE",
    ];
    let mut rows = vec![heading.map(str::to_owned).to_vec()];
    rows.extend(models.iter().map(|model| {
        let [input, cached, written, output] = price_cells(model.price);
        let vision = match model.supports_vision {
            Some(true) => "yes",
            Some(false) => "no",
            None => UNVERIFIED,
        };
        let tools = if model.supports_tools {
            "yes"
        } else {
            "in the prompt"
        };
        vec![
            one_line(&model.model_id),
            tokens(model.context_limit),
            tokens(model.output_limit),
            tools.to_owned(),
            vision.to_owned(),
            input,
            cached,
            written,
            output,
            source(model.source.as_ref(), model.is_custom, pages),
        ]
    }));
    rows
}

fn price_cells(known: Option<Price>) -> [String; 4] {
    let Some(known) = known else {
        return [UNVERIFIED, "-", "-", UNVERIFIED].map(str::to_owned);
    };
    let or_none = |value: Option<u64>| value.map_or_else(|| "-".to_owned(), price);
    [
        price(known.input),
        or_none(known.cached_input),
        or_none(known.cache_write),
        price(known.output),
    ]
}

fn page_text(source: &FactSource) -> String {
    one_line(&format!("{} ({})", source.page, source.checked))
}

fn source(source: Option<&FactSource>, is_custom: bool, pages: &[String]) -> String {
    match source {
        Some(source) => {
            let page = page_text(source);
            let at = pages.iter().position(|known| *known == page);
            at.map_or_else(|| "-".to_owned(), |at| format!("[{}]", at + 1))
        }
        None if is_custom => "added".to_owned(),
        None => "-".to_owned(),
    }
}

fn tokens(count: Option<u32>) -> String {
    count.map_or_else(|| UNVERIFIED.to_owned(), |count| count.to_string())
}

/// The context of a model, for a line in a list.
pub fn context_text(model: &Model) -> String {
    match model.context_limit {
        Some(count) => format!("{count} tokens of context"),
        None => "context unverified".to_owned(),
    }
}

/// The price of a model, for a line in a list.
pub fn price_text(model: &Model) -> String {
    match model.price {
        Some(known) if known.input == 0 && known.output == 0 => "free".to_owned(),
        Some(known) => format!(
            "{} in, {} out for a million tokens",
            price(known.input),
            price(known.output)
        ),
        None => "price unverified".to_owned(),
    }
}

/// What was found on this machine, and which key variables this shell has.
pub(super) fn detected(found: &Detected, of_shell: &[String]) -> String {
    let mut text = String::new();
    for server in &found.servers {
        let version = match &server.version {
            Some(version) => format!(" {}", one_line(version)),
            None => String::new(),
        };
        push(
            &mut text,
            format_args!(
                "{}{version} at {}\n",
                one_line(&server.provider_id),
                one_line(&server.base_url)
            ),
        );
        for model in &server.models {
            push(
                &mut text,
                format_args!(
                    "  {}  ({})\n",
                    one_line(&model.model_id),
                    context_text(model)
                ),
            );
        }
        if let Some(model) = server.models.first() {
            push(
                &mut text,
                format_args!(
                    "  use it: mesoclaw provider default {} {}\n",
                    one_line(&server.provider_id),
                    one_line(&model.model_id)
                ),
            );
        }
    }
    for variable in &found.variables {
        push(
            &mut text,
            format_args!(
                "{} is set in the environment of the daemon: the key of {}\n",
                one_line(&variable.variable),
                one_line(&variable.provider_id)
            ),
        );
    }
    for variable in of_shell {
        push(
            &mut text,
            format_args!("{} is set in this shell\n", one_line(variable)),
        );
    }
    if text.is_empty() {
        "no model server was found on this machine, and no key variable is set\n"
            .clone_into(&mut text);
    }
    text
}
