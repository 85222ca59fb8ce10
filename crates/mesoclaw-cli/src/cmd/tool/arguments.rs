//! Arguments of a tool from words of the command line, read by the tool's own schema.

use serde_json::{Map, Value};

use crate::exit::{CliError, CliResult};

/// What a value looks like.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Form {
    Text,
    Integer,
    Number,
    Switch,
    /// A list, an object, or what the schema does not say.
    Json,
}

impl Form {
    /// The form in a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Integer => "whole number",
            Self::Number => "number",
            Self::Switch => "true or false",
            Self::Json => "JSON",
        }
    }
}

/// An argument of a tool.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Field {
    pub name: String,
    pub form: Form,
    pub is_required: bool,
    pub description: Option<String>,
    pub default: Option<Value>,
    /// The words it may be, where there are only some.
    pub choices: Vec<String>,
}

impl Field {
    /// What holds without it, and what it may be.
    pub fn default_text(&self) -> Option<String> {
        let default = self.default.as_ref().filter(|value| !value.is_null());
        match (default, self.choices.is_empty()) {
            (Some(value), true) => Some(format!("default: {value}")),
            (None, false) => Some(format!("one of: {}", self.choices.join(", "))),
            (Some(value), false) => Some(format!(
                "one of: {}; default: {value}",
                self.choices.join(", ")
            )),
            (None, true) => None,
        }
    }
}

/// The arguments a schema names, the needed ones first, else by name.
pub(super) fn fields(schema: &Value) -> Vec<Field> {
    let required: Vec<&str> = schema
        .get("required")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let properties = schema.get("properties").and_then(Value::as_object);
    let mut fields: Vec<Field> = properties
        .into_iter()
        .flatten()
        .map(|(name, property)| field(schema, name, property, required.contains(&name.as_str())))
        .collect();
    fields.sort_by(|a, b| {
        b.is_required
            .cmp(&a.is_required)
            .then_with(|| a.name.cmp(&b.name))
    });
    fields
}

fn field(schema: &Value, name: &str, property: &Value, is_required: bool) -> Field {
    let inner = resolved(schema, property);
    let choices = inner.get("enum").and_then(Value::as_array);
    let mut choices: Vec<String> = choices
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    // Choices with a description each.
    let described = inner.get("oneOf").and_then(Value::as_array);
    choices.extend(
        described
            .into_iter()
            .flatten()
            .filter_map(|choice| choice.get("const").and_then(Value::as_str))
            .map(str::to_owned),
    );
    let text = |value: &Value| {
        let text = value.get("description").and_then(Value::as_str);
        text.map(str::to_owned)
    };
    Field {
        name: name.to_owned(),
        form: if choices.is_empty() {
            form(inner)
        } else {
            Form::Text
        },
        is_required,
        description: text(property).or_else(|| text(inner)),
        default: property.get("default").cloned(),
        choices,
    }
}

/// The part of a schema that says the form: behind a reference, beside `null`.
fn resolved<'a>(schema: &'a Value, property: &'a Value) -> &'a Value {
    let of_list = ["anyOf", "oneOf", "allOf"].into_iter().find_map(|name| {
        let list = property.get(name)?.as_array()?;
        let is_null = |part: &&Value| part.get("type").and_then(Value::as_str) != Some("null");
        let mut others = list.iter().filter(is_null);
        let only = others.next()?;
        others.next().is_none().then_some(only)
    });
    let inner = of_list.unwrap_or(property);
    let target = inner
        .get("$ref")
        .and_then(Value::as_str)
        .and_then(|path| path.strip_prefix('#'))
        .and_then(|path| schema.pointer(path));
    target.unwrap_or(inner)
}

fn form(property: &Value) -> Form {
    let word = match property.get("type") {
        Some(Value::String(word)) => Some(word.as_str()),
        Some(Value::Array(words)) => {
            let mut words = words
                .iter()
                .filter_map(Value::as_str)
                .filter(|w| *w != "null");
            words.next().filter(|_| words.next().is_none())
        }
        _ => None,
    };
    match word {
        Some("string") => Form::Text,
        Some("integer") => Form::Integer,
        Some("number") => Form::Number,
        Some("boolean") => Form::Switch,
        _ => Form::Json,
    }
}

/// Words as an object of arguments.
///
/// # Errors
/// A word names no argument, names one twice, or its value has another form.
pub(super) fn from_words(schema: &Value, words: &[String]) -> CliResult<Value> {
    let fields = fields(schema);
    let mut object = Map::new();
    for word in words {
        let (name, text) = match named(word) {
            Some(pair) => pair,
            None => (only_needed(&fields, word)?, word.as_str()),
        };
        let Some(field) = fields.iter().find(|field| field.name == name) else {
            return Err(unknown(&fields, name));
        };
        if object
            .insert(name.to_owned(), value(field, text)?)
            .is_some()
        {
            return Err(CliError::usage(format!("`{name}` is given twice")));
        }
    }
    Ok(Value::Object(object))
}

/// `name=value`, where the part before the sign can be a name.
fn named(word: &str) -> Option<(&str, &str)> {
    let (name, text) = word.split_once('=')?;
    let is_name = !name.is_empty()
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || c == '_' || c == '-');
    is_name.then_some((name, text))
}

/// A word without a name is the value of the one argument that is needed.
fn only_needed<'a>(fields: &'a [Field], word: &str) -> CliResult<&'a str> {
    let mut needed = fields.iter().filter(|field| field.is_required);
    match (needed.next(), needed.next()) {
        (Some(field), None) => Ok(&field.name),
        _ => Err(CliError::usage_hint(
            format!("`{word}` names no argument"),
            format!("write KEY=VALUE; {}", list(fields)),
        )),
    }
}

fn unknown(fields: &[Field], name: &str) -> CliError {
    let near = fields
        .iter()
        .map(|field| (strsim::damerau_levenshtein(name, &field.name), field))
        .filter(|(distance, _)| *distance <= 2)
        .min_by_key(|(distance, _)| *distance);
    let hint = match near {
        Some((_, field)) => format!("did you mean `{}`?", field.name),
        None => list(fields),
    };
    CliError::usage_hint(format!("the tool has no argument `{name}`"), hint)
}

fn list(fields: &[Field]) -> String {
    let names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
    if names.is_empty() {
        "the tool takes no arguments".to_owned()
    } else {
        format!("the tool takes: {}", names.join(", "))
    }
}

fn value(field: &Field, text: &str) -> CliResult<Value> {
    let read = match field.form {
        Form::Text => Some(Value::from(text)),
        Form::Integer => text
            .parse::<i64>()
            .map(Value::from)
            .or_else(|_| text.parse::<u64>().map(Value::from))
            .ok(),
        Form::Number => text
            .parse::<f64>()
            .ok()
            .filter(|number| number.is_finite())
            .map(Value::from),
        Form::Switch => text.parse::<bool>().map(Value::from).ok(),
        // What is no JSON is a text, when the schema leaves it open.
        Form::Json => serde_json::from_str(text)
            .ok()
            .or_else(|| Some(Value::from(text))),
    };
    read.ok_or_else(|| {
        CliError::usage(format!(
            "`{}` takes a {}, not `{text}`",
            field.name,
            field.form.word()
        ))
    })
}
