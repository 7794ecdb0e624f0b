//! `docs/openapi.json`, generated from the protos: the calls with JSON for tools that read OpenAPI 3.1.

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs};

use prost_reflect::{
    EnumDescriptor, FieldDescriptor, FileDescriptor, Kind, MessageDescriptor, MethodDescriptor,
};
use serde_json::{Map, Value, json};

use crate::descriptors::{behaviors, comment, pool, scope};

/// The environment variable with which the test rewrites the document.
const WRITE: &str = "WALLET_WRITE_DOCS";

/// The names of the status codes in JSON.
const CODES: [&str; 16] = [
    "canceled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// The schemas of the messages and enums that the methods use, by name.
#[derive(Default)]
struct Schemas(BTreeMap<String, Value>);

impl Schemas {
    /// Returns the schema of a message, a reference unless protobuf gives it a JSON form of its own.
    fn message(&mut self, message: &MessageDescriptor) -> Value {
        match message.full_name() {
            "google.protobuf.Timestamp" => return json!({ "type": "string", "format": "date-time" }),
            "google.protobuf.Duration" => {
                return json!({ "type": "string", "pattern": r"^-?[0-9]+(\.[0-9]+)?s$", "examples": ["600s"] });
            }
            name => assert!(!name.starts_with("google.protobuf."), "{name} has no schema here"),
        }
        let name = message.full_name();
        if !self.0.contains_key(name) {
            // A message may contain itself.
            self.0.insert(name.to_owned(), Value::Null);
            let schema = self.object(message);
            self.0.insert(name.to_owned(), schema);
        }
        reference(name)
    }

    fn object(&mut self, message: &MessageDescriptor) -> Value {
        let mut schema = Map::new();
        let mut description = comment(&message.parent_file(), message.path());
        for oneof in message.oneofs().filter(|oneof| !oneof.is_synthetic()) {
            let names: Vec<_> = oneof.fields().map(|field| format!("`{}`", field.json_name())).collect();
            description += &format!(" At most one of {} is present.", names.join(", "));
        }
        describe(&mut schema, description.trim());
        schema.insert("type".into(), "object".into());
        let properties: Map<_, _> =
            message.fields().map(|field| (field.json_name().to_owned(), self.field(&field))).collect();
        let required: Vec<_> = message
            .fields()
            .filter(|field| behaviors(field).iter().any(|behavior| behavior == "REQUIRED"))
            .map(|field| field.json_name().to_owned())
            .collect();
        if !properties.is_empty() {
            schema.insert("properties".into(), properties.into());
        }
        if !required.is_empty() {
            schema.insert("required".into(), required.into());
        }
        schema.insert("additionalProperties".into(), false.into());
        schema.into()
    }

    fn field(&mut self, field: &FieldDescriptor) -> Value {
        let mut schema = match field.kind() {
            Kind::Message(entry) if field.is_map() => {
                let value = self.kind(&entry.map_entry_value_field().kind());
                json!({ "type": "object", "additionalProperties": value })
            }
            kind if field.is_list() => json!({ "type": "array", "items": self.kind(&kind) }),
            kind => self.kind(&kind),
        };
        let text = comment(&field.parent_message().parent_file(), field.path());
        describe(schema.as_object_mut().expect("a schema is an object"), &text);
        schema
    }

    fn kind(&mut self, kind: &Kind) -> Value {
        match kind {
            Kind::Bool => json!({ "type": "boolean" }),
            Kind::String => json!({ "type": "string" }),
            Kind::Bytes => json!({ "type": "string", "contentEncoding": "base64" }),
            Kind::Double | Kind::Float => json!({ "type": "number" }),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => json!({ "type": "integer", "format": "int32" }),
            Kind::Uint32 | Kind::Fixed32 => json!({ "type": "integer", "minimum": 0, "maximum": u32::MAX }),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => json!({ "type": "string", "format": "int64" }),
            Kind::Uint64 | Kind::Fixed64 => json!({ "type": "string", "format": "uint64" }),
            Kind::Enum(names) => self.names(names),
            Kind::Message(message) => self.message(message),
        }
    }

    fn names(&mut self, names: &EnumDescriptor) -> Value {
        let mut schema = Map::new();
        let file = names.parent_file();
        let mut description = comment(&file, names.path());
        for value in names.values() {
            let text = comment(&file, value.path());
            if !text.is_empty() {
                description += &format!("\n- `{}`: {text}", value.name());
            }
        }
        describe(&mut schema, &description);
        schema.insert("type".into(), "string".into());
        schema.insert("enum".into(), names.values().map(|value| value.name().to_owned()).collect());
        self.0.insert(names.full_name().to_owned(), schema.into());
        reference(names.full_name())
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn describe(schema: &mut Map<String, Value>, text: &str) {
    if !text.is_empty() {
        schema.insert("description".into(), text.into());
    }
}

fn content(schema: &Value) -> Value {
    json!({ "application/json": { "schema": schema } })
}

fn operation(schemas: &mut Schemas, file: &FileDescriptor, method: &MethodDescriptor) -> Value {
    let service = method.parent_service();
    let text = format!("{}\n\nScope of the key: `{}`.", comment(file, method.path()), scope(method));
    json!({
        "operationId": format!("{}_{}", service.name(), method.name()),
        "tags": [service.name()],
        "description": text,
        "requestBody": { "required": true, "content": content(&schemas.message(&method.input())) },
        "responses": {
            "200": { "description": "The reply.", "content": content(&schemas.message(&method.output())) },
            "default": { "$ref": "#/components/responses/Error" },
        },
    })
}

fn document() -> Value {
    let mut schemas = Schemas::default();
    let (mut paths, mut tags) = (Map::new(), Vec::new());
    let pool = pool();
    for service in pool.services().filter(|service| service.package_name() == "wallet.v1") {
        let file = service.parent_file();
        tags.push(json!({ "name": service.name(), "description": comment(&file, service.path()) }));
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            paths.insert(path, json!({ "post": operation(&mut schemas, &file, &method) }));
        }
    }
    tags.sort_by_key(|tag| tag["name"].to_string());
    // The details of errors, whose JSON forms are in `debug`.
    for name in
        ["google.rpc.ErrorInfo", "google.rpc.BadRequest", "google.rpc.RetryInfo", "wallet.v1.ErrorDetail"]
    {
        schemas.message(&pool.get_message_by_name(name).expect("a detail"));
    }
    schemas.0.insert(
        "Error".to_owned(),
        json!({
            "type": "object",
            "required": ["code", "message"],
            "properties": {
                "code": { "type": "string", "enum": CODES },
                "message": { "type": "string", "description": "A text for developers, which may change." },
                "details": { "type": "array", "items": { "$ref": "#/components/schemas/ErrorDetail" } },
            },
        }),
    );
    schemas.0.insert(
        "ErrorDetail".to_owned(),
        json!({
            "type": "object",
            "required": ["type", "value"],
            "properties": {
                "type": { "type": "string", "examples": ["google.rpc.ErrorInfo"] },
                "value": { "type": "string", "contentEncoding": "base64", "description": "The encoded message." },
                "debug": { "description": "The message as JSON: the schema whose name is `type`." },
            },
        }),
    );
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Credit wallet",
            "version": "v1",
            "description": "Generated from proto/wallet/v1. Every method is a POST of JSON; docs/json.md describes the \
                            form of messages and errors, and docs/errors.md the reasons of errors.",
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "servers": [{ "url": "http://localhost:50051" }],
        "security": [{ "key": [] }, {}],
        "tags": tags,
        "paths": paths,
        "components": {
            "securitySchemes": { "key": { "type": "http", "scheme": "bearer", "description": "An API key or a wallet token." } },
            "responses": {
                "Error": { "description": "The call failed.", "content": content(&reference("Error")) },
            },
            "schemas": schemas.0,
        },
    })
}

/// Returns the targets of all references in a document.
fn references(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Object(fields) => {
            if let Some(Value::String(target)) = fields.get("$ref") {
                found.push(target.trim_start_matches('#').to_owned());
            }
            fields.values().for_each(|field| references(field, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[test]
fn the_openapi_document_is_generated_from_the_protos() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/openapi.json");
    let document = document();
    let text = format!("{}\n", serde_json::to_string_pretty(&document).unwrap());
    if env::var_os(WRITE).is_some() {
        fs::write(&path, &text).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/openapi.json is out of date: run {WRITE}=1 cargo test -p wallet-proto");

    let mut targets = Vec::new();
    references(&document, &mut targets);
    for target in &targets {
        assert!(document.pointer(target).is_some_and(Value::is_object), "{target}");
    }
    assert!(targets.len() > 200, "{}", targets.len());
}

#[test]
fn the_openapi_document_has_every_method_with_its_messages() {
    let document = document();
    let methods: Vec<_> =
        pool().services().flat_map(|service| service.methods().collect::<Vec<_>>()).collect();
    let ours = methods.iter().filter(|method| method.full_name().starts_with("wallet.v1."));
    let mut count = 0;
    for method in ours {
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let operation = &document["paths"][&path]["post"];
        let request = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        assert_eq!(*request, format!("#/components/schemas/{}", method.input().full_name()), "{path}");
        count += 1;
    }
    assert_eq!(document["paths"].as_object().unwrap().len(), count);
    let amount = &document["components"]["schemas"]["wallet.v1.Amount"];
    assert_eq!(amount["properties"]["amount"]["format"], "int64");
    let top_up = &document["components"]["schemas"]["wallet.v1.TopUpRequest"];
    assert!(top_up["required"].as_array().unwrap().contains(&json!("walletId")), "{top_up}");
}
