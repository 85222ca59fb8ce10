//! Handlers of `daemon.*`.

use mesoclaw_api::ops::daemon::{
    DaemonApi, DaemonStatus, Health, Hello, HelloParams, ShutdownParams,
};
use mesoclaw_api::ops::{Done, NoParams};
use mesoclaw_api::rpc::PROTOCOL;
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode, time};
use mesoclaw_store::repo::session;

use crate::core::Core;
use crate::error::from_store;

impl DaemonApi for Core {
    async fn hello(&self, _cx: CallCtx, params: HelloParams) -> ApiResult<Hello> {
        let version = self.inner.facts.version;
        if params.protocol != PROTOCOL {
            return Err(ApiError::new(
                ErrorCode::ProtocolMismatch,
                format!(
                    "the client {} {} speaks protocol {}, this daemon {version} speaks {PROTOCOL}",
                    params.client, params.version, params.protocol
                ),
            )
            .with_hint("`mesoclaw daemon restart` starts the daemon of the installed version"));
        }
        Ok(Hello {
            protocol: PROTOCOL,
            version: version.to_owned(),
            pid: self.inner.facts.pid,
            boot_id: self.inner.boot_id.clone(),
            subscribed: None,
        })
    }

    async fn health(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Health> {
        Ok(Health {
            status: "ok".to_owned(),
        })
    }

    async fn status(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<DaemonStatus> {
        let facts = &self.inner.facts;
        let sessions = self
            .inner
            .store
            .read(session::count)
            .await
            .map_err(from_store)?;
        let now_ms = time::unix_ms();
        let started_ms = facts.started_at.unix_ms().unwrap_or(now_ms);
        Ok(DaemonStatus {
            pid: facts.pid,
            version: facts.version.to_owned(),
            boot_id: self.inner.boot_id.clone(),
            started_at: facts.started_at.clone(),
            uptime_secs: u64::try_from((now_ms - started_ms) / 1000).unwrap_or(0),
            socket: facts.socket.clone(),
            data_dir: facts.data_dir.clone(),
            rss_bytes: rss_bytes(facts.pid),
            sessions,
            running_turns: self.inner.sessions.running(),
            clients: self.clients(),
            model_loaded: self.inner.models.loaded(),
            default_model: self
                .inner
                .models
                .default_model()
                .map(|model| format!("{}:{}", model.provider_id, model.model_id)),
            was_last_stop_clean: self.inner.was_last_stop_clean,
        })
    }

    async fn shutdown(&self, _cx: CallCtx, params: ShutdownParams) -> ApiResult<Done> {
        let reason = params.reason.unwrap_or_else(|| "asked to".to_owned());
        tracing::info!(%reason, "shutdown");
        self.inner.shutdown.cancel();
        Ok(Done {})
    }
}

/// Resident memory of a process.
fn rss_bytes(pid: u32) -> Option<u64> {
    use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};
    let pid = Pid::from_u32(pid);
    let mut system = System::new().ok()?;
    system.refresh_processes_specifics(
        ProcessesToUpdate::Some(&[pid]),
        false,
        ProcessRefreshKind::nothing().with_memory(),
    );
    system.process(pid).map(sysinfo::Process::memory)
}
