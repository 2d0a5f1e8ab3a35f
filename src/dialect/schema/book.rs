//! Where definitions are collected under their names, and the few shapes that all of them are put together from.
//!
//! Only what JSON Schema draft 7 knows too is used, so that the same definitions stand in the AsyncAPI document.

use crate::dialect::MAX_BATCH;
use schemars::generate::{SchemaGenerator, SchemaSettings};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

/// Keywords below which a schema describes a choice and no whole object.
const CONDITIONS: [&str; 4] = ["if", "then", "else", "not"];

/// All definitions.
#[derive(Debug)]
pub(super) struct Book {
    generator: SchemaGenerator,
    entries: Map<String, Value>,
}

impl Book {
    pub(super) fn new() -> Self {
        let generator = SchemaSettings::draft2020_12().for_serialize().into_generator();
        Self { generator, entries: Map::new() }
    }

    /// What a Rust type serialises to: a reference, or the schema itself where it is small.
    pub(super) fn of<T: JsonSchema>(&mut self) -> Value {
        self.generator.subschema_for::<T>().to_value()
    }

    /// What a Rust type serialises to, closed, in full.
    pub(super) fn definition_of<T: JsonSchema>(&mut self) -> Value {
        let small = self.of::<T>();
        let mut schema = self.generator.definitions().get(&*T::schema_name()).cloned().unwrap_or(small);
        close(&mut schema);
        schema
    }

    /// Enters a definition and gives a reference to it.
    pub(super) fn define(&mut self, name: &str, schema: Value) -> Value {
        self.entries.insert(name.to_owned(), schema);
        reference(name)
    }

    /// Everything by name: what was entered, then the Rust types, each closed.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let mut definitions = self.generator.take_definitions(true);
        definitions.values_mut().for_each(close);
        self.entries.append(&mut definitions);
        self.entries
    }
}

/// A reference to a definition.
pub(super) fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/$defs/{}", name.replace('~', "~0").replace('/', "~1")) })
}

/// Events in one message, for a client that asked for that.
pub(super) fn several(event: &str) -> Value {
    json!({
        "description": "Events in order, in one message, after `\"batch\": true`; replies stand alone",
        "type": "array", "items": reference(event), "minItems": 1, "maxItems": MAX_BATCH,
    })
}

/// What is to be written so that a Rust type can be read from it, without references: what may be left out may be
/// `null` as well.
pub(super) fn written<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().for_deserialize().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = Schema::to_value(settings.into_generator().into_root_schema_for::<T>());
    close(&mut schema);
    schema
}

/// An object with exactly these fields; those whose name ends in `?` may be missing.
pub(super) fn object(description: &str, fields: Value) -> Value {
    let Value::Object(fields) = fields else { return fields };
    let required: Vec<&String> = fields.keys().filter(|name| !name.ends_with('?')).collect();
    let required = json!(required);
    let plain = |(name, schema): (String, Value)| (name.trim_end_matches('?').to_owned(), schema);
    let properties: Map<_, _> = fields.into_iter().map(plain).collect();
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}

/// One definition or another, by what stands in `field`; `otherwise` where nothing fits, or nothing else may stand
/// there. A chain of conditions and no `oneOf`, because a validator then names what is wrong and not that nothing fits.
pub(super) fn choice(
    description: &str,
    field: &str,
    cases: &[(Value, Value)],
    otherwise: Option<Value>,
) -> Value {
    let holds = |test: &Value| json!({ "properties": { field: test }, "required": [field] });
    let mut chain: Vec<Value> =
        cases.iter().map(|(test, then)| json!({ "if": holds(test), "then": then })).collect();
    let any = json!({ "anyOf": cases.iter().map(|(test, _)| test).collect::<Vec<_>>() });
    let properties = match otherwise {
        Some(otherwise) => {
            chain.push(json!({ "if": holds(&any), "else": otherwise }));
            json!({ field: { "type": "string" } })
        }
        None => json!({ field: any }),
    };
    json!({
        "description": description,
        "type": "object",
        "properties": properties,
        "required": [field],
        "allOf": chain,
    })
}

/// Exactly this text.
pub(super) fn exactly(text: &str) -> Value {
    json!({ "const": text })
}

/// Objects with named fields have no others.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            if members.contains_key("properties") && !members.contains_key("additionalProperties") {
                members.insert("additionalProperties".into(), false.into());
            }
            members
                .iter_mut()
                .filter(|(name, _)| !CONDITIONS.contains(&name.as_str()))
                .for_each(|(_, member)| close(member));
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}
