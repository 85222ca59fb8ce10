//! The settings of the reference contract that nothing in this version reads.
//!
//! Old config files carry them; they are recognised so that the warning can say so.

/// Whether the contract has this setting and this version does not.
pub(crate) fn is_unused_contract_key(key: &str) -> bool {
    UNUSED.contains(&key)
}

/// Why nothing reads this setting, as the end of a message; empty when there is no more to say than
/// that.
pub(crate) fn why_unused(key: &str) -> &'static str {
    match key {
        "security_audit_log_capacity" => ": every entry of the audit is kept",
        _ => "",
    }
}

/// In the order of the contract, section 5.
const UNUSED: &[&str] = &[
    "gateway_host",
    "gateway_port",
    "gateway_auth_token",
    "ws_max_connections",
    "gateway_cors_origins",
    "memory_db_path",
    "identity_name",
    "identity_description",
    "identity_dir",
    "agent_reasoning_guidance",
    "security_audit_log_capacity",
    "memory_fts_weight",
    "memory_vector_weight",
    "memory_default_limit",
    "embedding_dim",
    "embedding_cache_size",
    "embedding_provider",
    "embedding_model",
    "embedding_download_dir",
    "skills_dir",
    "skill_max_content_size",
    "skill_proposal_expiry_days",
    "channel_tool_policy",
    "channels_enabled",
    "telegram_polling_timeout_secs",
    "telegram_dm_policy",
    "telegram_retry_min_ms",
    "telegram_retry_max_ms",
    "telegram_require_group_mention",
    "telegram_status_refresh_secs",
    "telegram_show_tool_status",
    "slack_allowed_channel_ids",
    "discord_allowed_guild_ids",
    "discord_allowed_channel_ids",
    "channel_router_buffer_size",
    "channel_reconnect_max_attempts",
    "inbox_page_size",
    "inbox_sessions_page_size",
    "inbox_desktop_notifications",
    "learning_enabled",
    "learning_denied_categories",
    "learning_max_observations",
    "learning_observation_ttl_days",
    "learning_min_confidence",
    "self_evolution_enabled",
    "learning_archive_threshold",
    "learning_archive_after_days",
    "context_injection_enabled",
    "context_summary_model_id",
    "context_summary_provider_id",
    "context_reinject_gap_minutes",
    "context_reinject_message_count",
    "context_strategy",
    "context_max_memory_results",
    "context_auto_extract",
    "context_extract_interval",
    "context_summary_model",
    "scheduler_tick_interval_secs",
    "scheduler_stuck_threshold_secs",
    "scheduler_error_backoff_secs",
    "scheduler_max_history_per_job",
    "scheduler_notification_via_ws",
    "scheduler_agent_turn_timeout_secs",
    "scheduler_heartbeat_file",
    "user_timezone",
    "user_location",
    "plugins_dir",
    "plugin_idle_timeout_secs",
    "plugin_max_restart_attempts",
    "plugin_execute_timeout_secs",
    "plugin_auto_update",
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::field::resolve_key;

    #[test]
    fn no_setting_is_called_unused() {
        for key in UNUSED {
            assert_eq!(resolve_key(key), None, "{key} exists: take it off the list");
        }
        assert!(UNUSED.contains(&"gateway_port"));
    }
}
