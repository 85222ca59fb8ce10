//! `mesoclaw tool ...`: list the tools, tell about one, run one.

mod arguments;
mod run;

use mesoclaw_api::ops::NoParams;
use mesoclaw_api::ops::tool::{GetParams, ToolGet, ToolInfo, ToolList};
use mesoclaw_ipc::Client;
use serde_json::Value;

use crate::cli::{Global, ToolCommand};
use crate::connect::{Home, runtime};
use crate::exit::{CliResult, OK};
use crate::output::{Console, push};
use crate::request::push_wrapped;
use crate::sanitise::one_line;
use crate::term::columns;

/// Runs a tool command.
///
/// # Errors
/// The operation's own.
pub fn main(console: Console, global: &Global, command: ToolCommand) -> CliResult {
    let home = Home::find(global.config.clone())?;
    runtime()?.block_on(async {
        match command {
            ToolCommand::List => {
                let client = home.client(console).await?;
                let tools = client.call::<ToolList>(NoParams {}).await?;
                console.result(&tools, &listing(&tools, columns()))?;
                Ok(OK)
            }
            ToolCommand::Info { name } => {
                let client = home.client(console).await?;
                let tool = find(&client, &name).await?;
                console.result(&tool, &described(&tool, columns()))?;
                Ok(OK)
            }
            ToolCommand::Run(args) => run::run(console, home, args).await,
        }
    })
}

async fn find(client: &Client, name: &str) -> CliResult<ToolInfo> {
    let params = GetParams {
        name: name.to_owned(),
    };
    match client.call::<ToolGet>(params).await {
        Err(error) if error.hint.is_none() => {
            Err(error.with_hint("`mesoclaw tool list` lists them").into())
        }
        result => Ok(result?),
    }
}

fn listing(tools: &[ToolInfo], width: usize) -> String {
    let mut text = String::new();
    for tool in tools {
        push(&mut text, format_args!("{}", one_line(&tool.name)));
        if !tool.aliases.is_empty() {
            let names = one_line(&tool.aliases.join(", "));
            push(&mut text, format_args!(" ({names})"));
        }
        text.push('\n');
        let summary = one_line(&tool.description);
        push_wrapped(&mut text, "  ", "  ", &summary, width);
    }
    if tools.is_empty() {
        text.push_str("there are no tools\n");
    }
    text
}

fn described(tool: &ToolInfo, width: usize) -> String {
    let mut text = listing(std::slice::from_ref(tool), width);
    let fields = arguments::fields(&tool.parameters);
    for field in &fields {
        let need = if field.is_required { ", needed" } else { "" };
        push(
            &mut text,
            format_args!("{} ({}{need})\n", one_line(&field.name), field.form.word()),
        );
        for line in [
            field.description.as_deref(),
            field.default_text().as_deref(),
        ]
        .into_iter()
        .flatten()
        {
            push_wrapped(&mut text, "  ", "  ", &one_line(line), width);
        }
    }
    let needed = fields.iter().filter(|field| field.is_required);
    let needed: Vec<String> = needed
        .map(|field| format!(" {}=...", one_line(&field.name)))
        .collect();
    push(
        &mut text,
        format_args!(
            "run it: mesoclaw tool run {}{}\n",
            one_line(&tool.name),
            needed.concat()
        ),
    );
    text
}

/// Arguments as JSON that has to be an object.
fn parsed(text: &str) -> CliResult<Value> {
    crate::cmd::policy::object(text)
}

#[cfg(test)]
mod tests;
