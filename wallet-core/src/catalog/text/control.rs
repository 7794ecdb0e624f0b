//! Control characters: no name or text of the document may contain one, since terminals and pages show them.

use toml::{Table, Value};

use super::reader::Reader;

/// Reports the place of every key and text with a control character.
pub(super) fn check(document: &Table, reader: &mut Reader) {
    check_table("", document, reader);
}

fn check_table(path: &str, table: &Table, reader: &mut Reader) {
    for (key, value) in table {
        let dot = if path.is_empty() { "" } else { "." };
        let place = format!("{path}{dot}{}", key.escape_debug());
        check_text(&place, key, reader);
        check_value(&place, value, reader);
    }
}

fn check_value(path: &str, value: &Value, reader: &mut Reader) {
    match value {
        Value::String(text) => check_text(path, text, reader),
        Value::Array(values) => {
            for (n, value) in values.iter().enumerate() {
                check_value(&format!("{path}[{n}]"), value, reader);
            }
        }
        Value::Table(table) => check_table(path, table, reader),
        Value::Integer(_) | Value::Float(_) | Value::Boolean(_) | Value::Datetime(_) => {}
    }
}

fn check_text(path: &str, text: &str, reader: &mut Reader) {
    if let Some(control) = text.chars().find(|c| c.is_control()) {
        let code = u32::from(control);
        reader.problem(path, format!("contains the control character U+{code:04X}; none is allowed"));
    }
}
