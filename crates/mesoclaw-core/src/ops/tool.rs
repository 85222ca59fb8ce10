//! Handlers of `tool.*`.

use mesoclaw_agent::tool::Tool;
use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::tool::{ExecuteParams, GetParams, ToolApi, ToolInfo, ToolRun};
use mesoclaw_api::{ApiError, ApiResult, CallCtx, CallId, ErrorCode};

use crate::core::Core;
use crate::tools::judge::Asked;

impl ToolApi for Core {
    async fn list(&self, _cx: CallCtx, _params: NoParams) -> ApiResult<Vec<ToolInfo>> {
        let config = self.inner.config.current();
        let tools = self.inner.toolbox.enabled(&config.config);
        Ok(tools.map(|tool| info(&**tool)).collect())
    }

    async fn get(&self, _cx: CallCtx, params: GetParams) -> ApiResult<ToolInfo> {
        let tool = self.inner.toolbox.require(&params.name)?;
        Ok(info(&*tool))
    }

    async fn execute(&self, cx: CallCtx, params: ExecuteParams) -> ApiResult<ToolRun> {
        let tool = self.inner.toolbox.require(&params.name)?;
        if !params.args.is_object() {
            return Err(ApiError::new(
                ErrorCode::InvalidParams,
                "`args` is an object",
            ));
        }
        let place = self
            .place(params.session_id.as_ref(), params.workspace.as_deref())
            .await?;
        let asked = Asked {
            call_id: params.call_id.unwrap_or_else(CallId::random),
            tool: tool.spec().definition.name.clone(),
            args: params.args,
            session_id: params.session_id,
            turn_id: None,
            surface: cx.surface,
            place,
            taint: None,
        };
        self.run_directly(asked, cx.connection).await
    }
}

fn info(tool: &dyn Tool) -> ToolInfo {
    let spec = tool.spec();
    ToolInfo {
        name: spec.definition.name.clone(),
        description: spec.definition.description.clone(),
        parameters: spec.definition.parameters.clone(),
        aliases: spec.aliases.iter().map(|&alias| alias.to_owned()).collect(),
    }
}
