//! Plays a fixture: the same text comes back, with the effects the machine really had.

use mesoclaw_agent::turn::TurnMachine;

use crate::promises::Promises;
use crate::script::{Script, Step};
use crate::show;

/// The fixture as it is played, or the line that makes no sense and why.
pub fn play(text: &str) -> Result<String, String> {
    let mut script = Script::default();
    let mut machine: Option<TurnMachine> = None;
    let mut promises = Promises::default();
    let mut played = String::new();
    for (number, line) in text.lines().enumerate() {
        if line.starts_with('>') {
            continue;
        }
        let at = |error: String| format!("line {}: {error}: {line}", number + 1);
        played.push_str(line);
        played.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if script.header(line, machine.is_some()).map_err(at)? {
            continue;
        }
        let machine = machine.get_or_insert_with(|| TurnMachine::new(script.setup()));
        let lines = match script.step(line).map_err(at)? {
            Step::Event(event) => {
                let effects = machine.handle(event);
                promises.take(&effects).map_err(at)?;
                show::effects(&effects, &script).map_err(at)?
            }
            Step::Draft => vec![show::draft(machine.draft())],
            Step::DraftStored => {
                let draft = machine
                    .draft()
                    .ok_or("there is no draft")
                    .map_err(|e| at(e.into()))?;
                machine.draft_stored(&draft);
                vec![show::draft(machine.draft())]
            }
        };
        for line in lines {
            played.push_str("> ");
            played.push_str(&line);
            played.push('\n');
        }
    }
    match machine {
        Some(machine) if machine.is_finished() => promises.at_the_end(machine.outcome())?,
        Some(_) | None => return Err("the turn does not end".to_owned()),
    }
    Ok(played)
}
