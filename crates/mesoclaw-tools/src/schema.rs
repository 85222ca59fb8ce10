//! The schema of an argument type as models get it, and the little that is read back from it to
//! explain faults.

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::Value;

/// One argument.
pub struct Field {
    /// Its name.
    pub name: String,
    /// What it is, a sentence.
    pub description: String,
    /// Whether it must be given.
    pub is_required: bool,
    /// What it must be.
    pub kind: Kind,
}

/// What an argument must be.
pub enum Kind {
    /// Any text.
    Text,
    /// One of these words.
    Words(Vec<String>),
    /// `true` or `false`.
    Truth,
    /// A whole number, not negative.
    Whole,
    /// Something that is left to the type.
    Other,
}

impl Kind {
    /// In words.
    pub fn describe(&self) -> String {
        match self {
            Self::Text => "a string".to_owned(),
            Self::Words(words) => {
                let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
                format!("one of {}", words.join(", "))
            }
            Self::Truth => "`true` or `false`".to_owned(),
            Self::Whole => "a whole number, not negative".to_owned(),
            Self::Other => "as the schema says".to_owned(),
        }
    }
}

/// The schema of `A`, without references and without what says nothing to a model.
pub fn parameters_of<A: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings
        .into_generator()
        .into_root_schema_for::<A>()
        .to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("description");
        if let Some(properties) = object.get_mut("properties").and_then(Value::as_object_mut) {
            properties.values_mut().for_each(simplify);
        }
    }
    schema
}

/// `["integer", "null"]` is an integer that may be left out; formats and lower bounds of Rust's
/// numbers only cost tokens. Words with a description each become a plain list.
fn simplify(property: &mut Value) {
    let Some(object) = property.as_object_mut() else {
        return;
    };
    for noise in ["format", "default", "minimum", "maximum"] {
        object.remove(noise);
    }
    if let Some(Value::Array(kinds)) = object.get_mut("type") {
        kinds.retain(|kind| kind != "null");
        if let [one] = kinds.as_slice() {
            let one = one.clone();
            object.insert("type".to_owned(), one);
        }
    }
    if let Some(Value::Array(any)) = object.remove("anyOf") {
        let mut rest = any.into_iter().filter(|one| one["type"] != "null");
        if let (Some(Value::Object(one)), None) = (rest.next(), rest.next()) {
            for (key, value) in one {
                object.entry(key).or_insert(value);
            }
        }
    }
    if let Some(words) = object.remove("oneOf").as_ref().and_then(const_words) {
        object.insert("type".to_owned(), Value::from("string"));
        object.insert("enum".to_owned(), Value::from(words));
    }
    if let Some(Value::Array(words)) = object.get_mut("enum") {
        words.retain(|word| !word.is_null());
    }
}

/// Each alternative is one word, or a list of words without a description of their own.
fn const_words(any: &Value) -> Option<Vec<String>> {
    let mut words = Vec::new();
    for one in any.as_array()? {
        let listed = one["enum"].as_array().into_iter().flatten();
        let before = words.len();
        words.extend(
            listed
                .chain(one.get("const"))
                .filter_map(Value::as_str)
                .map(str::to_owned),
        );
        if words.len() == before {
            return None;
        }
    }
    Some(words)
}

/// The arguments of a schema, the needed ones first.
pub fn fields(parameters: &Value) -> Vec<Field> {
    let required: Vec<&str> = parameters["required"]
        .as_array()
        .map(|names| names.iter().filter_map(Value::as_str).collect())
        .unwrap_or_default();
    let Some(properties) = parameters["properties"].as_object() else {
        return Vec::new();
    };
    let mut fields: Vec<Field> = properties
        .iter()
        .map(|(name, property)| Field {
            name: name.clone(),
            description: property["description"]
                .as_str()
                .unwrap_or_default()
                .to_owned(),
            is_required: required.contains(&name.as_str()),
            kind: kind(property),
        })
        .collect();
    fields.sort_by(|a, b| (!a.is_required, &a.name).cmp(&(!b.is_required, &b.name)));
    fields
}

fn kind(property: &Value) -> Kind {
    if let Some(words) = property["enum"].as_array() {
        let words = words.iter().filter_map(Value::as_str);
        return Kind::Words(words.map(str::to_owned).collect());
    }
    match property["type"].as_str() {
        Some("string") => Kind::Text,
        Some("boolean") => Kind::Truth,
        Some("integer") => Kind::Whole,
        _ => Kind::Other,
    }
}
