//! Tests of tools on the command line.

use serde_json::json;

use super::*;
use crate::exit::CliError;

fn schema() -> Value {
    json!({
        "type": "object",
        "required": ["path"],
        "properties": {
            "path": {"type": "string", "description": "The file."},
            "max_lines": {"type": ["integer", "null"], "default": null},
            "ratio": {"type": "number"},
            "recursive": {"type": "boolean", "default": false},
            "lines": {"type": "array", "items": {"type": "string"}},
            "mode": {"anyOf": [{"$ref": "#/$defs/Mode"}, {"type": "null"}]},
        },
        "$defs": {"Mode": {"type": "string", "enum": ["fast", "slow"]}},
    })
}

fn read(words: &[&str]) -> CliResult<Value> {
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    arguments::from_words(&schema(), &words)
}

#[test]
fn words_become_arguments_by_the_schema() {
    for (words, expected) in [
        (&["path=a=b c"][..], json!({"path": "a=b c"})),
        (&["src/main.rs"], json!({"path": "src/main.rs"})),
        (
            &["path=12", "max_lines=12"],
            json!({"path": "12", "max_lines": 12}),
        ),
        (
            &["path=a", "ratio=0.5", "recursive=true"],
            json!({"path": "a", "ratio": 0.5, "recursive": true}),
        ),
        (
            &["path=a", r#"lines=["x","y"]"#],
            json!({"path": "a", "lines": ["x", "y"]}),
        ),
        (
            &["path=a", "mode=fast"],
            json!({"path": "a", "mode": "fast"}),
        ),
        (&["path="], json!({"path": ""})),
        (&[], json!({})),
    ] {
        assert_eq!(read(words).unwrap(), expected, "{words:?}");
    }
}

#[test]
fn mistakes_say_what_to_write() {
    for (words, part) in [
        (&["pth=a"][..], "did you mean `path`?"),
        (&["zzzzzz=a"], "the tool takes: path, lines"),
        (
            &["path=a", "max_lines=many"],
            "`max_lines` takes a whole number, not `many`",
        ),
        (&["path=a", "recursive=1"], "takes a true or false"),
        (&["path=a", "ratio=nan"], "takes a number"),
        (&["path=a", "path=b"], "`path` is given twice"),
        (&["a", "b"], "`path` is given twice"),
    ] {
        let error = read(words).unwrap_err();
        assert_eq!(error.exit_code(), 2, "{words:?}");
        let CliError::Api(api) = &error else {
            panic!("{words:?}");
        };
        let text = format!(
            "{} {}",
            api.message,
            api.hint.as_deref().unwrap_or_default()
        );
        assert!(text.contains(part), "{part} in {text}");
    }
}

#[test]
fn a_tool_tells_what_it_takes() {
    let tool = ToolInfo {
        name: "file_read".to_owned(),
        description: "Reads a file.\x1b[2J".to_owned(),
        parameters: schema(),
        aliases: vec!["cat".to_owned()],
    };
    assert_eq!(
        described(&tool, 80),
        "file_read (cat)\n  Reads a file.^[[2J\n\
         path (text, needed)\n  The file.\n\
         lines (JSON)\n\
         max_lines (whole number)\n\
         mode (text)\n  one of: fast, slow\n\
         ratio (number)\n\
         recursive (true or false)\n  default: false\n\
         run it: mesoclaw tool run file_read path=...\n"
    );
    assert_eq!(listing(&[], 80), "there are no tools\n");
}
