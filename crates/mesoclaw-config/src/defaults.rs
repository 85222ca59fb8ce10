//! The one place where the defaults of the settings stand.

use crate::config::{Config, LogLevel};

impl Default for Config {
    fn default() -> Self {
        Self {
            data_dir: None,
            db_path: None,
            models_dir: None,
            log_level: LogLevel::Info,
            log_keep_days: 7,
            provider_name: None,
            provider_model_id: None,
            provider_base_url: None,
            provider_type: None,
            provider_api_key_env: None,
            provider_connect_timeout_secs: 10,
            provider_first_token_timeout_secs: 120,
            provider_idle_timeout_secs: 60,
            provider_max_retries: 2,
            provider_retry_after_max_secs: 30,
            provider_fallbacks: Vec::new(),
            provider_circuit_failures: 5,
            provider_circuit_pause_secs: 30,
            model_fast: None,
            model_reasoning: None,
            model_vision: None,
            model_summarize: None,
            keyring_service_id: "com.sprklai.mesoclaw".to_owned(),
            budget_daily_usd: None,
            budget_daily_tokens: None,
            budget_session_usd: None,
            budget_session_tokens: None,
            agent_max_turns: 20,
            agent_max_continuations: 5,
            agent_max_tokens: 4096,
            agent_turn_timeout_secs: 1800,
            agent_system_prompt: None,
            agent_temperature: None,
            agent_top_p: None,
            agent_seed: None,
            agent_stop: Vec::new(),
            approval_timeout_secs: 120,
            context_max_history_messages: 20,
            local_idle_unload_secs: 300,
            local_threads: 0,
            local_context_tokens: 4096,
            local_repeat_penalty: 1.1,
        }
    }
}
