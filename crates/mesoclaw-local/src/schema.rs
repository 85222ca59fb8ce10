//! From the JSON schema of a tool's arguments to a grammar of the JSON texts it allows.
//!
//! The grammar allows fewer texts than the schema, so that a text of it is always valid and always
//! ends: strings, lists and depth are bounded, properties a schema does not name are not made up.
//! Rarer keywords are not followed (`pattern`, `format`, `multipleOf`, `uniqueItems`, `prefixItems`,
//! `minProperties`, `patternProperties`, `not`, `if`), and `oneOf` is read as `anyOf`: what they
//! forbid has to be found by whoever runs the tool.

mod number;
mod text;

use std::collections::{BTreeSet, HashMap};

use serde_json::{Map, Value};

use crate::grammar::{Grammar, Member, NodeId};

/// Characters of a string where the schema does not set fewer.
const MAX_STRING_CHARS: u32 = 2000;
/// Items of a list where the schema does not set fewer.
const MAX_ITEMS: u32 = 32;
/// Entries of an object whose keys the schema does not name.
const MAX_ENTRIES: u32 = 16;
/// Characters of a key the schema does not name.
const MAX_KEY_CHARS: u32 = 64;
/// Levels of objects, lists and references, also those of a schema that contains itself.
const MAX_DEPTH: u32 = 16;
/// Levels of a value the schema says nothing about.
const MAX_ANY_DEPTH: u32 = 3;
/// Nodes of one grammar; a schema that would need more is cut short.
const MAX_NODES: usize = 50_000;

/// Adds the grammar of a tool's arguments: always an object.
///
/// A schema nothing can satisfy, or that does not describe an object, is taken for one that says
/// nothing about its object.
pub(crate) fn arguments(grammar: &mut Grammar, schema: &Value) -> NodeId {
    let mut converter = Converter {
        grammar,
        root: schema,
        character: None,
        known: HashMap::new(),
    };
    let object = match schema {
        Value::Null => Some(converter.grammar.literal("{}")),
        schema if describes_object(schema) => converter.value(schema, MAX_DEPTH),
        _ => None,
    };
    object.unwrap_or_else(|| {
        let value = converter.any(MAX_ANY_DEPTH - 1);
        converter.entries(value)
    })
}

fn describes_object(schema: &Value) -> bool {
    match schema.get("type") {
        Some(kind) => kind == "object",
        None => schema.as_object().is_some_and(|schema| !schema.is_empty()),
    }
}

struct Converter<'a> {
    grammar: &'a mut Grammar,
    root: &'a Value,
    /// The node of one character of a string, once it was made.
    character: Option<NodeId>,
    /// Nodes of references, by where they point and how many levels are left.
    known: HashMap<(String, u32), Option<NodeId>>,
}

impl Converter<'_> {
    /// The texts of a schema; `None` if there are none, or only deeper ones than `depth` allows.
    fn value(&mut self, schema: &Value, depth: u32) -> Option<NodeId> {
        if self.grammar.n_nodes() > MAX_NODES {
            return None;
        }
        let Value::Object(keywords) = schema else {
            let is_any = !matches!(schema, Value::Bool(false));
            return is_any.then(|| self.any(depth.min(MAX_ANY_DEPTH)));
        };
        if let Some(Value::String(pointer)) = keywords.get("$ref") {
            return self.reference(pointer, keywords, depth);
        }
        if let Some(Value::Array(parts)) = keywords.get("allOf") {
            let mut whole = keywords.clone();
            whole.remove("allOf");
            for part in parts {
                merge(&mut whole, &self.resolved(part, depth));
            }
            return self.value(&Value::Object(whole), depth.checked_sub(1)?);
        }
        for keyword in ["anyOf", "oneOf"] {
            if let Some(Value::Array(parts)) = keywords.get(keyword) {
                return self.any_of(keyword, keywords, parts, depth.checked_sub(1)?);
            }
        }
        if let Some(only) = keywords.get("const") {
            return Some(self.grammar.literal(&only.to_string()));
        }
        if let Some(Value::Array(values)) = keywords.get("enum") {
            let parts: Vec<NodeId> = values
                .iter()
                .map(|value| self.grammar.literal(&value.to_string()))
                .collect();
            return self.one_of(&parts);
        }
        match keywords.get("type") {
            Some(Value::Array(kinds)) => {
                let parts: Vec<NodeId> = kinds
                    .iter()
                    .filter_map(|kind| self.typed(kind.as_str()?, schema, depth))
                    .collect();
                self.one_of(&parts)
            }
            Some(kind) => self.typed(kind.as_str()?, schema, depth),
            None => self.typed(guessed_type(keywords), schema, depth),
        }
    }

    fn typed(&mut self, kind: &str, schema: &Value, depth: u32) -> Option<NodeId> {
        match kind {
            "object" => self.object(schema, depth.checked_sub(1)?),
            "array" => self.list(schema, depth.checked_sub(1)?),
            "string" => Some(self.string(schema)),
            "integer" => number::integer(self.grammar, schema),
            "number" => number::number(self.grammar, schema),
            "boolean" => {
                let parts = [self.grammar.literal("true"), self.grammar.literal("false")];
                Some(self.grammar.choice(&parts))
            }
            "null" => Some(self.grammar.literal("null")),
            _ => Some(self.any(depth.min(MAX_ANY_DEPTH))),
        }
    }

    fn reference(
        &mut self,
        pointer: &str,
        keywords: &Map<String, Value>,
        depth: u32,
    ) -> Option<NodeId> {
        let depth = depth.checked_sub(1)?;
        let target = self.root.pointer(pointer.strip_prefix('#')?)?.clone();
        let mut rest = keywords.clone();
        rest.retain(|key, _| !matches!(key.as_str(), "$ref" | "description" | "title" | "default"));
        if !rest.is_empty() {
            merge(&mut rest, &target);
            return self.value(&Value::Object(rest), depth);
        }
        let key = (pointer.to_owned(), depth);
        if let Some(known) = self.known.get(&key) {
            return *known;
        }
        let node = self.value(&target, depth);
        self.known.insert(key, node);
        node
    }

    /// The schema a reference points to; any other schema as it is.
    fn resolved(&self, schema: &Value, depth: u32) -> Value {
        let mut schema = schema;
        for _ in 0..depth {
            let pointer = schema.get("$ref").and_then(Value::as_str);
            let target = pointer
                .and_then(|pointer| pointer.strip_prefix('#'))
                .and_then(|pointer| self.root.pointer(pointer));
            match target {
                Some(target) => schema = target,
                None => break,
            }
        }
        schema.clone()
    }

    fn any_of(
        &mut self,
        keyword: &str,
        keywords: &Map<String, Value>,
        parts: &[Value],
        depth: u32,
    ) -> Option<NodeId> {
        let mut around = keywords.clone();
        around.remove(keyword);
        around.retain(|key, _| {
            !matches!(
                key.as_str(),
                "description" | "title" | "default" | "$defs" | "definitions"
            )
        });
        let mut found = Vec::new();
        for part in parts {
            let node = if around.is_empty() {
                self.value(part, depth)
            } else {
                let mut whole = around.clone();
                merge(&mut whole, &self.resolved(part, depth));
                self.value(&Value::Object(whole), depth)
            };
            found.extend(node);
        }
        self.one_of(&found)
    }

    fn one_of(&mut self, parts: &[NodeId]) -> Option<NodeId> {
        (!parts.is_empty()).then(|| self.grammar.choice(parts))
    }

    fn object(&mut self, schema: &Value, depth: u32) -> Option<NodeId> {
        let required = schema.get("required").and_then(Value::as_array);
        let required: BTreeSet<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let others = schema.get("additionalProperties");
        let properties = schema.get("properties").and_then(Value::as_object);
        let mut members = Vec::new();
        for (name, schema) in properties.into_iter().flatten() {
            let is_required = required.contains(name.as_str());
            match self.value(schema, depth) {
                Some(value) => members.push(self.member(name, value, is_required)),
                None if is_required => return None,
                None => {}
            }
        }
        for name in &required {
            let is_named = properties.is_some_and(|properties| properties.contains_key(*name));
            if !is_named {
                let value = match others {
                    Some(schema) => self.value(schema, depth)?,
                    None => self.any(depth.min(MAX_ANY_DEPTH)),
                };
                members.push(self.member(name, value, true));
            }
        }
        if members.is_empty() {
            let has_free_keys = match others {
                Some(others) => *others != Value::Bool(false),
                None => properties.is_none(),
            };
            let value = others.unwrap_or(&Value::Bool(true));
            return Some(match self.value(value, depth).filter(|_| has_free_keys) {
                Some(value) => self.entries(value),
                None => self.grammar.literal("{}"),
            });
        }
        let comma = self.separator();
        let inside = self.grammar.members(&members, comma);
        let (open, close) = (self.grammar.literal("{"), self.grammar.literal("}"));
        Some(self.grammar.sequence(&[open, inside, close]))
    }

    fn member(&mut self, name: &str, value: NodeId, is_required: bool) -> Member {
        let key = Value::from(name).to_string();
        let key = self.grammar.literal(&format!("{key}:"));
        let space = self.space();
        Member {
            entry: self.grammar.sequence(&[key, space, value]),
            is_required,
        }
    }

    /// An object with keys of any name.
    fn entries(&mut self, value: NodeId) -> NodeId {
        let key = self.text(0, MAX_KEY_CHARS);
        let colon = self.grammar.literal(":");
        let space = self.space();
        let entry = self.grammar.sequence(&[key, colon, space, value]);
        self.enclosed(("{", "}"), entry, 0, MAX_ENTRIES)
    }

    fn list(&mut self, schema: &Value, depth: u32) -> Option<NodeId> {
        let count = |key: &str| schema.get(key).and_then(Value::as_u64).map(clipped);
        let min = count("minItems").unwrap_or(0);
        let max = count("maxItems")
            .unwrap_or(MAX_ITEMS)
            .min(MAX_ITEMS.max(min));
        if max < min {
            return None;
        }
        let item = match schema.get("items") {
            Some(items) => self.value(items, depth),
            None => Some(self.any(depth.min(MAX_ANY_DEPTH))),
        };
        match item {
            Some(item) if max > 0 => Some(self.enclosed(("[", "]"), item, min, max)),
            _ if min == 0 => Some(self.grammar.literal("[]")),
            _ => None,
        }
    }

    /// `min` to `max` items between brackets, with commas.
    fn enclosed(
        &mut self,
        (open, close): (&str, &str),
        item: NodeId,
        min: u32,
        max: u32,
    ) -> NodeId {
        let comma = self.separator();
        let next = self.grammar.sequence(&[comma, item]);
        let others = self
            .grammar
            .repeat(next, min.saturating_sub(1), max.saturating_sub(1));
        let mut inside = self.grammar.sequence(&[item, others]);
        if min == 0 {
            inside = self.grammar.optional(inside);
        }
        let (open, close) = (self.grammar.literal(open), self.grammar.literal(close));
        self.grammar.sequence(&[open, inside, close])
    }

    fn string(&mut self, schema: &Value) -> NodeId {
        let count = |key: &str| schema.get(key).and_then(Value::as_u64).map(clipped);
        let min = count("minLength").unwrap_or(0);
        let max = count("maxLength").unwrap_or(MAX_STRING_CHARS);
        self.text(min, max.min(MAX_STRING_CHARS).max(min))
    }

    /// A JSON string of `min` to `max` characters.
    fn text(&mut self, min: u32, max: u32) -> NodeId {
        let character = match self.character {
            Some(character) => character,
            None => text::character(self.grammar),
        };
        self.character = Some(character);
        let characters = self.grammar.repeat(character, min, max);
        let (open, close) = (self.grammar.literal("\""), self.grammar.literal("\""));
        self.grammar.sequence(&[open, characters, close])
    }

    /// Any value with at most `depth` levels of objects and lists.
    fn any(&mut self, depth: u32) -> NodeId {
        let no_bounds = Value::Object(Map::new());
        let mut parts = vec![self.text(0, MAX_STRING_CHARS)];
        for kind in ["number", "boolean", "null"] {
            parts.extend(self.typed(kind, &no_bounds, 0));
        }
        if depth > 0 {
            let inner = self.any(depth - 1);
            parts.push(self.entries(inner));
            parts.push(self.enclosed(("[", "]"), inner, 0, MAX_ENTRIES));
        }
        self.grammar.choice(&parts)
    }

    fn separator(&mut self) -> NodeId {
        let comma = self.grammar.literal(",");
        let space = self.space();
        self.grammar.sequence(&[comma, space])
    }

    fn space(&mut self) -> NodeId {
        let space = self.grammar.literal(" ");
        self.grammar.optional(space)
    }
}

/// Adds what another schema demands to the keywords of one.
fn merge(keywords: &mut Map<String, Value>, other: &Value) {
    let Value::Object(other) = other else {
        return;
    };
    for (key, value) in other {
        match (keywords.get_mut(key), value) {
            (Some(Value::Object(known)), Value::Object(more)) if key == "properties" => {
                known.extend(more.clone());
            }
            (Some(Value::Array(known)), Value::Array(more)) if key == "required" => {
                known.extend(more.iter().cloned());
            }
            _ => {
                keywords.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The type a schema without one is about.
fn guessed_type(keywords: &Map<String, Value>) -> &'static str {
    let has = |names: &[&str]| names.iter().any(|name| keywords.contains_key(*name));
    if has(&["properties", "required", "additionalProperties"]) {
        "object"
    } else if has(&["items", "minItems", "maxItems"]) {
        "array"
    } else if has(&["minLength", "maxLength"]) {
        "string"
    } else if has(&["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"]) {
        "number"
    } else {
        "any"
    }
}

fn clipped(count: u64) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests;
