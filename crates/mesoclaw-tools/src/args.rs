//! Typed arguments: the schema comes from the type, and a fault becomes a sentence that says which
//! field is wrong, what is expected and how a right call looks.

use mesoclaw_agent::model::ToolDefinition;
use mesoclaw_agent::policy::{check_given, escaped};
use mesoclaw_agent::tool::ToolSpec;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use crate::schema::{self, Kind};

/// A tool and what its arguments must look like.
pub struct ArgSpec {
    spec: ToolSpec,
    fields: Vec<schema::Field>,
    example: Value,
}

impl ArgSpec {
    /// `description` and the doc comments of `A` are what a model reads; `example` is one right
    /// call.
    pub fn new<A: JsonSchema>(
        name: &str,
        description: &str,
        aliases: &'static [&'static str],
        example: Value,
    ) -> Self {
        let parameters = schema::parameters_of::<A>();
        Self {
            fields: schema::fields(&parameters),
            spec: ToolSpec {
                definition: ToolDefinition {
                    name: name.to_owned(),
                    description: description.to_owned(),
                    parameters,
                },
                aliases,
            },
            example,
        }
    }

    /// The tool as a model sees it.
    pub fn spec(&self) -> &ToolSpec {
        &self.spec
    }

    /// Reads arguments. Harmless slips of small models are understood: an object written as a
    /// string, a number or truth value in quotes, `null` for an argument that may be left out.
    ///
    /// # Errors
    /// A sentence for the model.
    pub fn parse<A: DeserializeOwned>(&self, args: &Value) -> Result<A, String> {
        let object = self.object(args)?;
        let object = self.coerced(object)?;
        serde_json::from_value(Value::Object(object)).map_err(|error| {
            format!(
                "the arguments of `{}` are not right: {error}. {}",
                self.name(),
                self.example()
            )
        })
    }

    fn name(&self) -> &str {
        &self.spec.definition.name
    }

    fn example(&self) -> String {
        format!("Example: {}", self.example)
    }

    fn object(&self, args: &Value) -> Result<Map<String, Value>, String> {
        let not_object = || {
            format!(
                "the arguments of `{}` must be a JSON object. {}",
                self.name(),
                self.example()
            )
        };
        match args {
            Value::Object(object) => Ok(object.clone()),
            Value::Null => Ok(Map::new()),
            Value::String(text) => match serde_json::from_str(text) {
                Ok(Value::Object(object)) => Ok(object),
                Ok(_) | Err(_) => Err(not_object()),
            },
            Value::Array(_) | Value::Bool(_) | Value::Number(_) => Err(not_object()),
        }
    }

    fn coerced(&self, object: Map<String, Value>) -> Result<Map<String, Value>, String> {
        let mut coerced = Map::new();
        for (name, value) in object {
            let Some(field) = self.fields.iter().find(|field| field.name == name) else {
                return Err(self.unknown(&name));
            };
            if value.is_null() && !field.is_required {
                continue;
            }
            let value =
                coerce(value, &field.kind).map_err(|given| self.wrong_kind(field, &given))?;
            coerced.insert(name, value);
        }
        for field in self.fields.iter().filter(|field| field.is_required) {
            if !coerced.contains_key(&field.name) {
                return Err(format!(
                    "`{}` needs the argument `{}`: {} {}",
                    self.name(),
                    field.name,
                    field.description,
                    self.example()
                ));
            }
        }
        Ok(coerced)
    }

    fn unknown(&self, name: &str) -> String {
        let nearest = self
            .fields
            .iter()
            .map(|field| (strsim::damerau_levenshtein(name, &field.name), field))
            .min_by_key(|(distance, _)| *distance)
            .filter(|(distance, _)| *distance <= 3)
            .map_or_else(
                || ".".to_owned(),
                |(_, field)| format!("; did you mean `{}`?", field.name),
            );
        let known: Vec<String> = self
            .fields
            .iter()
            .map(|field| {
                let needed = if field.is_required { " (needed)" } else { "" };
                format!("`{}`{needed}", field.name)
            })
            .collect();
        let shown: String = name.chars().take(64).collect();
        format!(
            "`{}` has no argument `{shown}`{nearest} It takes {}. {}",
            self.name(),
            known.join(", "),
            self.example()
        )
    }

    fn wrong_kind(&self, field: &schema::Field, given: &Value) -> String {
        let given: String = given.to_string().chars().take(64).collect();
        format!(
            "`{}` of `{}` must be {}, not {given}. {}",
            field.name,
            self.name(),
            field.kind.describe(),
            self.example()
        )
    }
}

/// The value as the kind wants it; the value itself when that is not clear.
fn coerce(value: Value, kind: &Kind) -> Result<Value, Value> {
    match (kind, &value) {
        (Kind::Text, Value::String(_)) | (Kind::Truth, Value::Bool(_)) | (Kind::Other, _) => {
            Ok(value)
        }
        (Kind::Text, Value::Number(number)) => Ok(Value::String(number.to_string())),
        (Kind::Words(words), Value::String(text)) => {
            let wanted = text.trim().to_ascii_lowercase().replace('-', "_");
            words
                .iter()
                .find(|word| **word == wanted)
                .map(|word| Value::String(word.clone()))
                .ok_or(value)
        }
        (Kind::Truth, Value::String(text)) => match text.trim().to_ascii_lowercase().as_str() {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            _ => Err(value),
        },
        (Kind::Whole, Value::Number(number)) => match whole(number) {
            Some(number) => Ok(json!(number)),
            None => Err(value),
        },
        (Kind::Whole, Value::String(text)) => match text.trim().parse::<u64>() {
            Ok(number) => Ok(json!(number)),
            Err(_) => Err(value),
        },
        (Kind::Text | Kind::Words(_) | Kind::Truth | Kind::Whole, _) => Err(value),
    }
}

/// A number without a fraction, also when it is written with one (`10.0`).
fn whole(number: &serde_json::Number) -> Option<u64> {
    if let Some(number) = number.as_u64() {
        return Some(number);
    }
    let float = number.as_f64()?;
    let fits = float.fract() == 0.0 && (0.0..9_007_199_254_740_992.0).contains(&float);
    fits.then_some(float as u64)
}

/// Looks at a path argument before anything is done with it.
///
/// # Errors
/// A sentence for the model.
pub fn check_path(name: &str, path: &str) -> Result<(), String> {
    check_given(path).map_err(|error| {
        let shown: String = escaped(path).chars().take(120).collect();
        format!(
            "`{name}` cannot be `{shown}`: {error}. Give a path like `src/main.rs` or `~/notes.txt`, or `.` for the workspace."
        )
    })
}

#[cfg(test)]
mod tests;
