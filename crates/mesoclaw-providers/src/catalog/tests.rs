//! The entries keep the rules of the file, and costs are exact.

use std::collections::BTreeSet;

use reqwest::Url;

use super::*;

/// Every id the program promises.
const REQUIRED: [&str; 23] = [
    "openai",
    "anthropic",
    "gemini",
    "ollama",
    "openrouter",
    "azure",
    "cohere",
    "deepseek",
    "galadriel",
    "groq",
    "huggingface",
    "hyperbolic",
    "mira",
    "mistral",
    "moonshot",
    "perplexity",
    "together",
    "xai",
    "vercel-ai-gateway",
    "local",
    "llamacpp",
    "lmstudio",
    "vllm",
];

fn is_date(text: &str) -> bool {
    let parts: Vec<&str> = text.split('-').collect();
    let lengths: Vec<usize> = parts.iter().map(|part| part.len()).collect();
    lengths == [4, 2, 2] && parts.concat().bytes().all(|byte| byte.is_ascii_digit())
}

#[test]
fn the_file_parses() {
    let parsed: Result<Catalog, _> = toml_edit::de::from_str(include_str!("../../catalog.toml"));
    assert_eq!(
        parsed.map_err(|error| error.to_string()).as_ref(),
        Ok(catalog())
    );
}

#[test]
fn every_promised_provider_is_there_once() {
    let ids: Vec<&str> = catalog()
        .providers()
        .iter()
        .map(|provider| provider.id.as_str())
        .collect();
    assert_eq!(ids, REQUIRED);
    for id in REQUIRED {
        assert_eq!(catalog().provider(id).map(|p| p.id.as_str()), Some(id));
    }
    assert_eq!(catalog().provider("nobody"), None);
}

#[test]
fn addresses_are_https_but_on_this_machine() {
    for provider in catalog().providers() {
        let id = &provider.id;
        let is_embedded = provider.dialect == Dialect::Local;
        assert_eq!(provider.needs_base_url(), id == "azure", "{id}");
        assert_eq!(
            provider.needs_base_url(),
            provider.base_url_template.is_some(),
            "{id}"
        );
        assert_eq!(
            provider.base_url.is_none(),
            is_embedded || id == "azure",
            "{id}"
        );
        let Some(base_url) = &provider.base_url else {
            continue;
        };
        let url = Url::parse(base_url).unwrap();
        let is_loopback = url.host_str() == Some("127.0.0.1");
        assert_eq!(is_loopback, provider.is_local, "{id}");
        assert_eq!(
            url.scheme(),
            if is_loopback { "http" } else { "https" },
            "{id}"
        );
        assert!(!base_url.ends_with('/') && url.query().is_none(), "{id}");
    }
    let template = catalog()
        .provider("azure")
        .unwrap()
        .base_url_template
        .as_deref();
    assert!(
        template.is_some_and(|it| it.starts_with("https://{")),
        "{template:?}"
    );
}

#[test]
fn keys_have_a_name_and_go_the_way_of_the_dialect() {
    for provider in catalog().providers() {
        let id = &provider.id;
        let takes_key = provider.auth != Auth::None;
        let expected = takes_key.then(|| format!("api_key:{id}"));
        assert_eq!(provider.key_name, expected, "{id}");
        assert_eq!(provider.auth, provider.dialect.auth(), "{id}");
        assert_eq!(provider.requires_api_key, !provider.is_local, "{id}");
        assert!(takes_key || provider.key_variables.is_empty(), "{id}");
        assert!(
            !provider.requires_api_key || !provider.key_variables.is_empty(),
            "{id}"
        );
        for name in &provider.key_variables {
            let is_plain = |byte: u8| byte.is_ascii_uppercase() || byte == b'_';
            assert!(name.bytes().all(is_plain), "{id}: {name}");
        }
    }
}

#[test]
fn every_fact_has_a_source_and_a_day() {
    for provider in catalog().providers() {
        let id = &provider.id;
        assert!(
            !provider.docs.is_empty() && !provider.name.is_empty(),
            "{id}"
        );
        assert!(is_date(&provider.checked), "{id}");
        assert!(provider.verified || provider.note.is_some(), "{id}");
        for model in &provider.models {
            let name = format!("{id}:{}", model.id);
            assert!(!model.source.is_empty() && !model.name.is_empty(), "{name}");
            assert!(is_date(&model.checked), "{name}");
        }
    }
    assert!(!catalog().provider("galadriel").unwrap().verified);
}

#[test]
fn models_are_listed_once_with_numbers_that_make_sense() {
    for provider in catalog().providers() {
        let ids: BTreeSet<&str> = provider.models.iter().map(|it| it.id.as_str()).collect();
        assert_eq!(ids.len(), provider.models.len(), "{}", provider.id);
        for model in &provider.models {
            let name = format!("{}:{}", provider.id, model.id);
            assert_eq!(provider.model(&model.id), Some(model), "{name}");
            if let (Some(context), Some(output)) = (model.context_limit, model.output_limit) {
                assert!(output < context, "{name}");
            }
            for price in [model.price, model.long_prompt.map(|long| long.price)]
                .into_iter()
                .flatten()
            {
                assert!(price.input > 0 && price.output >= price.input, "{name}");
                assert!(
                    price.cached_input.is_none_or(|it| it < price.input),
                    "{name}"
                );
                assert!(
                    price.cache_write.is_none_or(|it| it >= price.input),
                    "{name}"
                );
            }
            let above = model.long_prompt.map(|long| long.above_tokens);
            assert!(above.is_none() || model.price.is_some(), "{name}");
            let context = model.context_limit.map_or(u64::MAX, u64::from);
            assert!(above.is_none_or(|it| it < context), "{name}");
        }
    }
}

#[test]
fn key_variables_are_found_without_parsing() {
    let parsed = catalog().providers().iter();
    let parsed: Vec<&str> = parsed
        .flat_map(|provider| provider.key_variables.iter().map(String::as_str))
        .collect();
    assert_eq!(key_variables().collect::<Vec<_>>(), parsed);
}

#[test]
fn dollars_are_read_exactly() {
    for (text, expected) in [
        ("0", Some(0)),
        ("2", Some(2_000_000)),
        ("2.00", Some(2_000_000)),
        ("0.125", Some(125_000)),
        ("0.0375", Some(37_500)),
        ("0.000001", Some(1)),
        ("18446744073709.551615", Some(u64::MAX)),
        ("18446744073709.551616", None),
        ("0.0000001", None),
        ("1.", None),
        (".5", None),
        ("", None),
        ("-1", None),
        ("+1", None),
        ("1e3", None),
        ("1 ", None),
        ("1,5", None),
    ] {
        assert_eq!(parse_usd(text), expected, "{text}");
    }
}

#[test]
fn a_price_with_an_unknown_field_or_too_many_decimals_is_refused() {
    for (text, is_price) in [
        (r#"{ input = "1", output = "2" }"#, true),
        (
            r#"{ input = "1", output = "2", cached_input = "0.1", cache_write = "1.25" }"#,
            true,
        ),
        (r#"{ input = "1" }"#, false),
        (r#"{ input = 1.5, output = "2" }"#, false),
        (r#"{ input = "1", output = "2.0000001" }"#, false),
        (r#"{ input = "1", output = "2", images = "3" }"#, false),
    ] {
        #[derive(Deserialize)]
        struct Holder {
            price: Price,
        }
        let holder: Result<Holder, _> = toml_edit::de::from_str(&format!("price = {text}"));
        assert_eq!(holder.map(|it| it.price.input).is_ok(), is_price, "{text}");
    }
}

fn usage(input: u64, cached: u64, cache_write: u64, output: u64) -> Usage {
    Usage {
        input_tokens: input,
        cached_tokens: cached,
        cache_write_tokens: cache_write,
        output_tokens: output,
        ..Usage::default()
    }
}

#[test]
fn costs_are_exact_and_rounded_half_up() {
    let whole = Price {
        input: 3_000_000,
        cached_input: Some(300_000),
        cache_write: Some(3_750_000),
        output: 15_000_000,
    };
    let bare = Price {
        cached_input: None,
        cache_write: None,
        ..whole
    };
    let tiny = Price {
        input: 1,
        cached_input: None,
        cache_write: None,
        output: 1,
    };
    for (price, usage, expected) in [
        (whole, usage(0, 0, 0, 0), 0),
        (whole, usage(1_000_000, 0, 0, 0), 3_000_000),
        (whole, usage(1_000_000, 0, 0, 1_000_000), 18_000_000),
        (whole, usage(1_000, 400, 100, 10), 1_500 + 120 + 375 + 150),
        (bare, usage(1_000, 400, 100, 10), 3_000 + 150),
        // One token: 0.3 of a millionth goes down, 3.75 go up.
        (whole, usage(1, 1, 0, 0), 0),
        (whole, usage(1, 0, 1, 0), 4),
        // Exactly a half goes up, just below goes down.
        (tiny, usage(500_000, 0, 0, 0), 1),
        (tiny, usage(499_999, 0, 0, 0), 0),
        (tiny, usage(250_000, 0, 0, 1_250_000), 2),
        // More parts than there is whole: the parts are charged.
        (whole, usage(10, 1_000, 0, 0), 300),
        (whole, usage(u64::MAX, 0, 0, u64::MAX), u64::MAX),
    ] {
        assert_eq!(price.cost_microusd(&usage), expected, "{usage:?}");
    }
}

#[test]
fn a_long_prompt_has_its_own_price_for_the_whole_call() {
    let model = catalog()
        .provider("anthropic")
        .and_then(|provider| provider.model("claude-haiku-5-5"))
        .unwrap();
    for (usage, expected) in [
        (usage(100_000, 0, 0, 1_000), Some(10_000 + 500)),
        (usage(100_001, 0, 0, 1_000), Some(50_001 + 2_500)),
        // Cached tokens count for the length: 100 000 * 0.05 + 1 * 0.50.
        (usage(100_001, 100_000, 0, 0), Some(5_001)),
    ] {
        assert_eq!(model.cost_microusd(&usage), expected, "{usage:?}");
    }
}

#[test]
fn a_model_without_a_price_has_no_cost() {
    let model = catalog()
        .provider("deepseek")
        .and_then(|provider| provider.model("deepseek-flash"))
        .unwrap();
    assert_eq!(model.cost_microusd(&usage(1, 0, 0, 1)), None);
}
