//! `docs/providers.md`: the results, what each dialect does its own way, and the catalogue.

use std::fmt::Write as _;

use mesoclaw_providers::Dialect;
use mesoclaw_providers::catalog::{CatalogModel, CatalogProvider, Price, catalog};

use crate::case::Outcome;
use crate::spoken::Spoken;

const HEAD: &str = "\
# Providers

<!-- Generated: UPDATE_DOCS=1 cargo test -p mesoclaw-providers --test dialects -->

A provider is an address, a dialect and a key. The catalogue of this program knows the ones below;
any other that speaks one of the dialects can be added with `mesoclaw provider add`.

## Dialects and cases

Every dialect goes through every case against a scripted server that speaks the wire format of its
maker and refuses what the maker would refuse. `yes`: the case passes. A note: the dialect has no
such thing, and what happens instead. A case that fails fails the test that writes this table.

";

/// A dialect: its word, its name, the type that makes its requests, and the text of its module,
/// where what it does its own way is written, once.
const DIALECTS: [(&str, &str, &str, &str); 7] = [
    (
        "openai_chat",
        "OpenAI chat completions and compatible",
        "rig: `openai::wire::Chat`",
        include_str!("../../src/openai_chat/mod.rs"),
    ),
    (
        "openai_responses",
        "OpenAI Responses",
        "history: rig, `responses_api::wire::Responses`; body: own",
        include_str!("../../src/openai_responses/mod.rs"),
    ),
    (
        "anthropic",
        "Anthropic Messages",
        "rig: `anthropic::Messages`",
        include_str!("../../src/anthropic/mod.rs"),
    ),
    (
        "gemini",
        "Gemini",
        "body: rig, `gemini::completion::GenerateContent`; address: own",
        include_str!("../../src/gemini/mod.rs"),
    ),
    (
        "cohere",
        "Cohere",
        "rig: `cohere::NativeChat`",
        include_str!("../../src/cohere/mod.rs"),
    ),
    (
        "ollama",
        "Ollama",
        "rig: `ollama::Chat`",
        include_str!("../../src/ollama/mod.rs"),
    ),
    (
        "azure",
        "Azure OpenAI",
        "body: rig, `openai::wire::Chat`; address: own",
        include_str!("../../src/azure.rs"),
    ),
];

pub fn markdown(results: &[(&str, Vec<Outcome>)]) -> String {
    let mut out = HEAD.to_owned();
    table(&mut out, results);
    out.push_str(
        "\n## Who makes a request\n\nAnswers are read by our own readers, for the reasons under \
         `openai_chat`.\n\n| dialect | request | key |\n|---|---|---|\n",
    );
    for (word, _, made_by, _) in DIALECTS {
        let dialect = Dialect::from_word(word).unwrap();
        writeln!(
            out,
            "| `{word}` | {made_by} | `{}` |",
            dialect.auth().word()
        )
        .unwrap();
    }
    write!(
        out,
        "\n## Connections\n\n{}\n## Errors\n\n{}",
        module_text(include_str!("../../src/http.rs")),
        module_text(include_str!("../../src/error/reported.rs")),
    )
    .unwrap();
    out.push_str("\n## What each dialect does its own way\n\nThe texts of the modules.\n");
    for (word, name, _, source) in DIALECTS {
        write!(out, "\n### {name} (`{word}`)\n\n{}", module_text(source)).unwrap();
    }
    out.push_str(
        "\n## Catalogue\n\nA price is in US dollars for a million tokens, with where and when it \
         was read. What is not known is \"unverified\".\n",
    );
    for provider in catalog().providers() {
        describe(&mut out, provider);
    }
    out
}

/// Cases and dialects, with the notes below.
fn table(out: &mut String, results: &[(&str, Vec<Outcome>)]) {
    let mut notes: Vec<&str> = Vec::new();
    out.push_str("| case |");
    for spoken in Spoken::ALL {
        write!(out, " {} |", spoken.dialect.as_str()).unwrap();
    }
    out.push_str("\n|---|");
    out.push_str(&"---|".repeat(Spoken::ALL.len()));
    out.push('\n');
    for (name, row) in results {
        write!(out, "| {name} |").unwrap();
        for outcome in row {
            match outcome {
                Outcome::Passes => out.push_str(" yes |"),
                Outcome::NotSpoken(why) => {
                    let n = notes
                        .iter()
                        .position(|note| note == why)
                        .unwrap_or_else(|| {
                            notes.push(why);
                            notes.len() - 1
                        });
                    write!(out, " note {} |", n + 1).unwrap();
                }
            }
        }
        out.push('\n');
    }
    out.push('\n');
    for (n, note) in notes.iter().enumerate() {
        writeln!(out, "- Note {}: {note}.", n + 1).unwrap();
    }
}

/// The `//!` lines of a file, with links between modules as plain words.
fn module_text(source: &str) -> String {
    let mut text = String::new();
    for line in source.lines().map_while(|line| line.strip_prefix("//!")) {
        text.push_str(line.strip_prefix(' ').unwrap_or(line));
        text.push('\n');
    }
    text.replace("[`openai_chat`](crate::openai_chat)", "`openai_chat`")
        .replace("[`crate::", "`")
        .replace("[`", "`")
        .replace("`]", "`")
}

fn describe(out: &mut String, provider: &CatalogProvider) {
    let address = match (&provider.base_url, &provider.base_url_template) {
        (Some(url), _) => format!("`{url}`"),
        (None, Some(template)) => format!("`{template}` (the user's own)"),
        (None, None) => "none".to_owned(),
    };
    let verified = if provider.verified {
        ""
    } else {
        " (unverified)"
    };
    write!(
        out,
        "\n### {} (`{}`)\n\n- Address: {address}{verified}\n- Dialect: `{}`\n- Key: {}\n",
        provider.name,
        provider.id,
        provider.dialect.as_str(),
        key(provider),
    )
    .unwrap();
    writeln!(out, "- Source: {} ({})", provider.docs, provider.checked).unwrap();
    if let Some(note) = &provider.note {
        writeln!(out, "- {note}").unwrap();
    }
    if provider.models.is_empty() {
        return;
    }
    out.push_str(
        "\n| model | context | output | vision | input | cached | cache write | output | source |\n\
         |---|---|---|---|---|---|---|---|---|\n",
    );
    for model in &provider.models {
        row(out, model);
    }
}

fn key(provider: &CatalogProvider) -> String {
    if provider.key_name.is_none() {
        return "none".to_owned();
    }
    let sent = provider.auth.word();
    let wanted = if provider.requires_api_key {
        ""
    } else {
        ", only where one is set"
    };
    let variables = match provider.key_variables.as_slice() {
        [] => String::new(),
        names => format!(", from `{}`", names.join("` or `")),
    };
    format!("sent as `{sent}`{wanted}{variables}")
}

fn row(out: &mut String, model: &CatalogModel) {
    let known = |value: Option<String>| value.unwrap_or_else(|| "unverified".to_owned());
    let yes_or_no = |value: bool| if value { "yes" } else { "no" }.to_owned();
    let price =
        |pick: fn(&Price) -> Option<u64>| known(model.price.as_ref().and_then(pick).map(usd));
    // A rate that a maker does not name is that of the input, which is no unknown.
    let or_input = |pick: fn(&Price) -> Option<u64>| match &model.price {
        Some(price) => pick(price).map_or_else(|| "as input".to_owned(), usd),
        None => known(None),
    };
    let note = model.note.as_ref().map(|note| format!(" {note}"));
    writeln!(
        out,
        "| `{}` | {} | {} | {} | {} | {} | {} | {} | {} ({}).{} |",
        model.id,
        known(model.context_limit.map(|tokens| tokens.to_string())),
        known(model.output_limit.map(|tokens| tokens.to_string())),
        known(model.supports_vision.map(yes_or_no)),
        price(|price| Some(price.input)),
        or_input(|price| price.cached_input),
        or_input(|price| price.cache_write),
        price(|price| Some(price.output)),
        model.source,
        model.checked,
        note.unwrap_or_default(),
    )
    .unwrap();
    if let Some(long) = &model.long_prompt {
        writeln!(
            out,
            "| prompts above {} tokens | | | | {} | {} | {} | {} | |",
            long.above_tokens,
            usd(long.price.input),
            long.price
                .cached_input
                .map_or_else(|| "as input".to_owned(), usd),
            long.price
                .cache_write
                .map_or_else(|| "as input".to_owned(), usd),
            usd(long.price.output),
        )
        .unwrap();
    }
}

/// Millionths of a dollar as dollars, without zeros at the end.
fn usd(micros: u64) -> String {
    let text = format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000);
    let (whole, decimals) = text.split_once('.').unwrap();
    let decimals = decimals.trim_end_matches('0');
    format!("{whole}.{decimals:0<2}")
}
