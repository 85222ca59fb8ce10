//! Handler of `system.info`.

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::system::{SystemApi, SystemInfo};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, ErrorCode};
use sysinfo::{MemoryRefreshKind, RefreshKind, System};

use crate::core::Core;

impl SystemApi for Core {
    async fn info(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<SystemInfo> {
        tokio::task::spawn_blocking(read)
            .await
            .map_err(|error| ApiError::new(ErrorCode::Internal, error.to_string()))
    }
}

fn read() -> SystemInfo {
    let memory = MemoryRefreshKind::nothing().with_ram();
    let system = System::new_with_specifics(RefreshKind::nothing().with_memory(memory)).ok();
    let bytes = |read: fn(&System) -> u64| system.as_ref().map_or(0, read);
    let cpus = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    SystemInfo {
        os: std::env::consts::OS.to_owned(),
        os_version: System::long_os_version().unwrap_or_default(),
        hostname: System::host_name().unwrap_or_default(),
        cpu_count: u32::try_from(cpus).unwrap_or(u32::MAX),
        total_memory_bytes: bytes(System::total_memory),
        used_memory_bytes: bytes(System::used_memory),
    }
}
