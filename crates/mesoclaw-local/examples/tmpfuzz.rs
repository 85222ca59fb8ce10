//! temporary
use mesoclaw_agent::model_files::ModelFiles;
use mesoclaw_local::*;
fn main() {
    let a: Vec<String> = std::env::args().collect();
    let e = LocalEngine::new(LocalOptions { models_dir: a[1].clone().into(), threads: 1, context_tokens: 256, repeat_penalty: 1.0, idle_unload_secs: 0 });
    let rt = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let r = rt.block_on(e.import(mesoclaw_api::ops::model::ImportParams { path: a[2].clone(), model_id: Some("f".into()) }));
    match r { Ok(_) => println!("ok"), Err(e) => println!("{}", e.message) }
}
