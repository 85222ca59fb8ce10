//! Tests of the ranges: every row at and beyond both ends.

use serde_json::json;

use super::*;
use crate::field::{field, fields};

#[test]
fn ranges_are_what_the_issue_fixes() {
    let table: Vec<_> = fields()
        .iter()
        .filter_map(|field| match field.limit {
            Limit::Integer { min, max } => Some((field.key, min, max)),
            _ => None,
        })
        .collect();
    let expected = [
        ("log_keep_days", 1, 365),
        ("provider_connect_timeout_secs", 1, 300),
        ("provider_first_token_timeout_secs", 1, 3600),
        ("provider_idle_timeout_secs", 1, 3600),
        ("provider_max_retries", 0, 10),
        ("provider_retry_after_max_secs", 0, 3600),
        ("provider_circuit_failures", 0, 100),
        ("provider_circuit_pause_secs", 1, 3600),
        ("budget_daily_tokens", 1, 1_000_000_000_000),
        ("budget_session_tokens", 1, 1_000_000_000_000),
        ("agent_max_turns", 1, 1000),
        ("agent_max_continuations", 0, 100),
        ("agent_max_tokens", 1, 1_000_000),
        ("agent_turn_timeout_secs", 1, 86_400),
        ("agent_seed", 0, 4_294_967_295),
        ("approval_timeout_secs", 5, 86_400),
        ("security_rate_limit_max", 0, 10_000),
        ("security_rate_limit_window_secs", 1, 86_400),
        ("max_tool_retries", 0, 100),
        ("tool_output_max_bytes", 1024, 1_048_576),
        ("tool_shell_timeout_secs", 1, 86_400),
        ("tool_shell_max_timeout_secs", 1, 86_400),
        ("tool_file_read_max_lines", 1, 1_000_000),
        ("tool_file_read_max_bytes", 1024, 1_073_741_824),
        ("tool_file_search_max_results", 1, 10_000),
        ("tool_process_list_limit", 1, 10_000),
        ("web_search_timeout_secs", 1, 300),
        ("web_search_max_results", 1, 20),
        ("web_fetch_timeout_secs", 1, 300),
        ("web_fetch_max_bytes", 1024, 104_857_600),
        ("checkpoint_max_bytes", 0, 1_099_511_627_776),
        ("checkpoint_file_max_bytes", 0, 1_073_741_824),
        ("context_max_history_messages", 0, 10_000),
        ("local_idle_unload_secs", 0, 86_400),
        ("local_threads", 0, 256),
        ("local_context_tokens", 256, 131_072),
    ];
    assert_eq!(table, expected);
}

#[test]
fn integer_ranges_hold_at_both_ends() {
    for field in fields() {
        let Limit::Integer { min, max } = field.limit else {
            continue;
        };
        for allowed in [min, max] {
            assert_eq!(field.check(json!(allowed), None).unwrap(), json!(allowed));
        }
        for refused in [
            json!(max + 1),
            json!(-1),
            json!(1.5),
            json!("1"),
            json!(null),
        ] {
            assert!(
                field.check(refused.clone(), None).is_err(),
                "{} {refused}",
                field.key
            );
        }
        if min > 0 {
            assert!(field.check(json!(min - 1), None).is_err(), "{}", field.key);
        }
    }
}

/// Each case: a setting, a value, whether it allows the value.
fn check(cases: &[(&str, serde_json::Value, bool)]) {
    for (key, value, is_allowed) in cases {
        let result = field(key).unwrap().check(value.clone(), None);
        assert_eq!(result.is_ok(), *is_allowed, "{key} = {value}");
    }
}

#[test]
fn values_are_checked() {
    let cases = [
        ("agent_temperature", json!(0), true),
        ("agent_temperature", json!(2.0), true),
        ("agent_temperature", json!(2.01), false),
        ("agent_temperature", json!(-0.1), false),
        ("agent_top_p", json!(0), false),
        ("agent_top_p", json!(1e-60), false),
        ("agent_top_p", json!(0.01), true),
        ("agent_top_p", json!(1), true),
        ("local_repeat_penalty", json!(0.99), false),
        ("local_repeat_penalty", json!(1), true),
        ("log_level", json!("trace"), true),
        ("log_level", json!("loud"), false),
        ("agent_stop", json!(["a", "b"]), true),
        ("agent_stop", json!([""]), false),
        ("agent_stop", json!([1]), false),
        ("agent_stop", json!("a"), false),
        ("agent_stop", json!(vec!["x"; 8]), true),
        ("agent_stop", json!(vec!["x"; 9]), false),
        ("agent_system_prompt", json!(""), true),
        ("provider_name", json!(" "), false),
        ("provider_name", json!(""), false),
        ("provider_name", json!("my-server_2"), true),
        ("provider_name", json!("My Server"), false),
        ("provider_name", json!("one:two"), false),
        ("provider_name", json!("p".repeat(64)), true),
        ("provider_name", json!("p".repeat(65)), false),
        ("data_dir", json!(""), false),
        ("provider_api_key_env", json!("OPENAI_API_KEY"), true),
        ("provider_api_key_env", json!("sk-secret"), false),
        ("provider_api_key_env", json!("1KEY"), false),
        ("provider_api_key_env", json!(""), false),
        (
            "provider_base_url",
            json!("http://127.0.0.1:11434/v1"),
            true,
        ),
        ("provider_base_url", json!("https://[::1]:8080"), true),
        ("provider_base_url", json!("https://example.com?v=1"), true),
        ("provider_base_url", json!("ftp://example.com"), false),
        ("provider_base_url", json!("http://"), false),
        ("provider_base_url", json!("http://:80/v1"), false),
        (
            "provider_base_url",
            json!("http://user:pw@example.com"),
            false,
        ),
        ("provider_base_url", json!("http://exa mple.com"), false),
    ];
    check(&cases);
}

#[test]
fn models_and_amounts_are_checked() {
    let cases = [
        ("budget_daily_usd", json!(0), false),
        ("budget_daily_usd", json!(0.000_000_9), false),
        ("budget_daily_usd", json!(0.000_001), true),
        ("budget_daily_usd", json!(0.5), true),
        ("budget_daily_usd", json!(1_000_000), true),
        ("budget_session_usd", json!(1_000_000.01), false),
        ("budget_session_usd", json!(-1), false),
        ("budget_session_usd", json!("5"), false),
        ("provider_type", json!("openai"), true),
        ("provider_type", json!("azure"), true),
        ("provider_type", json!("local"), false),
        ("provider_fallbacks", json!([]), true),
        (
            "provider_fallbacks",
            json!(["a:b", "ollama:qwen3:8b"]),
            true,
        ),
        ("provider_fallbacks", json!(vec!["a:b"; 8]), true),
        ("provider_fallbacks", json!(vec!["a:b"; 9]), false),
        ("provider_fallbacks", json!(["a:b", "gpt"]), false),
        ("provider_fallbacks", json!(["hint:fast"]), false),
        ("model_fast", json!("openrouter:openai/gpt-x"), true),
        ("model_fast", json!("local:my model"), true),
        ("model_fast", json!("hints:a"), true),
        ("model_fast", json!("hint:fast"), false),
        ("model_reasoning", json!("gpt-x"), false),
        ("model_vision", json!(":gpt-x"), false),
        ("model_vision", json!("openai:"), false),
        ("model_vision", json!("open ai:gpt-x"), false),
        ("model_summarize", json!("openai: gpt-x"), false),
        ("model_summarize", json!("openai:gpt-x\n"), false),
        ("keyring_service_id", json!(""), false),
    ];
    check(&cases);
}

#[test]
fn what_tools_may_do_is_checked() {
    let host = "web_allow_private_hosts";
    let cases = [
        ("security_autonomy_level", json!("strict"), true),
        ("security_autonomy_level", json!("autonomous"), true),
        ("security_autonomy_level", json!("readonly"), true),
        ("security_autonomy_level", json!("full"), true),
        ("security_autonomy_level", json!("semi-autonomous"), true),
        ("security_autonomy_level", json!("Strict"), false),
        ("security_autonomy_level", json!("yolo"), false),
        ("security_autonomy_level", json!(""), false),
        ("security_sandbox", json!("off"), true),
        ("security_sandbox", json!("require"), true),
        ("security_sandbox", json!("on"), false),
        ("agent_tools", json!("never"), true),
        ("agent_tools", json!("yes"), false),
        ("disabled_tools", json!(["shell", "web_fetch"]), true),
        ("disabled_tools", json!([""]), false),
        (
            "tool_readable_paths",
            json!(["/usr/share/doc", "~/notes"]),
            true,
        ),
        ("tool_readable_paths", json!(vec!["/a"; 65]), false),
        ("tool_environment", json!(["JAVA_HOME", "_x1"]), true),
        ("tool_environment", json!(["A=b"]), false),
        ("tool_environment", json!(["1A"]), false),
        ("tool_environment", json!([""]), false),
        ("web_use_proxy", json!(true), true),
        ("web_use_proxy", json!("yes"), false),
        (
            host,
            json!(["nas.local", "nas.local:8080", "*.home.arpa"]),
            true,
        ),
        (
            host,
            json!(["192.168.1.5", "127.0.0.1:3000", "::1", "[::1]:80"]),
            true,
        ),
        (host, json!(["*"]), false),
        (host, json!(["*.*.a"]), false),
        (host, json!([".local"]), false),
        (host, json!(["http://nas.local"]), false),
        (host, json!(["nas.local/x"]), false),
        (host, json!(["a b"]), false),
        (host, json!([""]), false),
    ];
    check(&cases);
}

#[test]
fn messages_name_key_value_place_and_range() {
    let origin = Origin::Environment {
        name: "MESOCLAW_AGENT_MAX_TURNS".to_owned(),
    };
    let cases = [
        (
            field("agent_max_turns")
                .unwrap()
                .check(json!(0), Some(&origin)),
            "agent_max_turns cannot be 0 (environment variable MESOCLAW_AGENT_MAX_TURNS): \
             expected an integer, 1 to 1000 model calls",
        ),
        (
            field("log_level").unwrap().check(json!("loud"), None),
            "log_level cannot be \"loud\": expected one of error, warn, info, debug, trace",
        ),
        (
            field("security_autonomy_level")
                .unwrap()
                .check(json!("yolo"), None),
            "security_autonomy_level cannot be \"yolo\": expected one of strict, supervised, \
             autonomous",
        ),
        (
            field("web_allow_private_hosts")
                .unwrap()
                .check(json!(["*"]), None),
            "web_allow_private_hosts cannot be [\"*\"]: expected a list of texts, at most 64, each \
             HOST, HOST:PORT, *.HOST or an address",
        ),
        (
            field("agent_top_p").unwrap().check(json!(0), None),
            "agent_top_p cannot be 0: expected a number, above 0, up to 1",
        ),
        (
            field("model_fast").unwrap().check(json!("hint:fast"), None),
            "model_fast cannot be \"hint:fast\": expected a text, PROVIDER:MODEL and no hint",
        ),
        (
            field("provider_fallbacks")
                .unwrap()
                .check(json!(["gpt-x"]), None),
            "provider_fallbacks cannot be [\"gpt-x\"]: expected a list of texts, at most 8, each \
             PROVIDER:MODEL and no hint",
        ),
        (
            field("budget_daily_usd").unwrap().check(json!(0), None),
            "budget_daily_usd cannot be 0: expected a number, 0.000001 to 1000000",
        ),
        (
            field("agent_system_prompt").unwrap().check(json!(3), None),
            "agent_system_prompt cannot be 3: expected a text",
        ),
    ];
    for (result, expected) in cases {
        assert_eq!(result.unwrap_err().to_string(), expected);
    }
    let long = "é".repeat(500);
    let message = field("log_level").unwrap().check(json!(long), None);
    assert!(message.unwrap_err().to_string().chars().count() < 200);
}

#[test]
fn messages_keep_secrets() {
    let secrets = [
        ("provider_api_key_env", "sk-secret"),
        ("provider_base_url", "http://ada:sk-secret@example.com"),
        ("tool_environment", "KEY=sk-secret"),
        ("web_allow_private_hosts", "ada:sk-secret@nas.local"),
    ];
    for (key, value) in secrets {
        let error = crate::parse_value(key, value).unwrap_err();
        assert!(!format!("{error} {error:?}").contains("secret"), "{key}");
    }
}

#[test]
fn defaults_are_in_range() {
    for field in fields() {
        if !field.default.is_null() {
            assert_eq!(
                field.check(field.default.clone(), None).unwrap(),
                field.default
            );
        }
    }
}
