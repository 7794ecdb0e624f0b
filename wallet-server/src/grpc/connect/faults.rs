//! The fields of a JSON request that do not fit the message of the method, with their paths.

use std::collections::HashSet;

use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::Value;
use wallet_core::FieldViolation;

use super::text::Tree;
use crate::grpc::from_proto::key_path;

/// The most characters of a caller's field name that a path repeats.
const NAME_IN_PATH: usize = 64;

/// Returns the fields that the message does not have, and those that occur twice.
pub(super) fn wrong_names(tree: &Tree, message: &MessageDescriptor) -> Vec<FieldViolation> {
    let mut faults = Faults { values: false, found: Vec::new() };
    faults.message(tree, message, "");
    faults.found
}

/// Returns the fields whose values are not of their type.
pub(super) fn wrong_values(tree: &Tree, message: &MessageDescriptor) -> Vec<FieldViolation> {
    let mut faults = Faults { values: true, found: Vec::new() };
    faults.message(tree, message, "");
    faults.found
}

struct Faults {
    /// True to check the values, false to check the names.
    values: bool,
    found: Vec<FieldViolation>,
}

impl Faults {
    fn add(&mut self, path: String, fault: impl Into<String>) {
        self.found.push(FieldViolation::new(path, fault.into()));
    }

    fn message(&mut self, tree: &Tree, message: &MessageDescriptor, path: &str) {
        let Tree::Object(fields) = tree else { return };
        let mut seen = HashSet::new();
        for (name, value) in fields {
            let found = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name));
            match found {
                Some(field) => {
                    let path = join(path, field.name());
                    if !seen.insert(field.number()) && !self.values {
                        self.add(path.clone(), "occurs twice");
                    }
                    self.field(value, message, &field, &path);
                }
                None if !self.values => {
                    let name: String = name.chars().take(NAME_IN_PATH).collect();
                    self.add(join(path, &name), format!("is not a field of {}", message.full_name()));
                }
                None => {}
            }
        }
    }

    fn field(&mut self, tree: &Tree, message: &MessageDescriptor, field: &FieldDescriptor, path: &str) {
        match (field.kind(), tree) {
            (Kind::Message(entry), Tree::Object(entries)) if field.is_map() => {
                let mut keys = HashSet::new();
                for (key, _) in entries.iter().filter(|(key, _)| !keys.insert(key) && !self.values) {
                    self.found.push(FieldViolation::new(key_path(path, key).to_string(), "occurs twice"));
                }
                if let Kind::Message(value) = entry.map_entry_value_field().kind() {
                    for (key, tree) in entries {
                        self.message(tree, &value, &key_path(path, key).to_string());
                    }
                    return;
                }
            }
            (Kind::Message(item), Tree::List(items)) if field.is_list() && !is_well_known(&item) => {
                for (n, tree) in items.iter().enumerate() {
                    self.message(tree, &item, &format!("{path}[{n}]"));
                }
                return;
            }
            (Kind::Message(inner), Tree::Object(_)) if !is_well_known(&inner) => {
                self.message(tree, &inner, path);
                return;
            }
            _ => {}
        }
        if self.values
            && let Err(fault) = DynamicMessage::deserialize(message.clone(), alone(field, tree))
        {
            self.add(path.to_owned(), format!("does not fit: {fault}"));
        }
    }
}

/// Returns the JSON of a message with only this field.
fn alone(field: &FieldDescriptor, tree: &Tree) -> Value {
    Value::Object([(field.json_name().to_owned(), tree.value())].into_iter().collect())
}

/// Returns whether the message has a JSON form of its own, for example a text.
fn is_well_known(message: &MessageDescriptor) -> bool {
    message.package_name() == "google.protobuf"
}

fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}
