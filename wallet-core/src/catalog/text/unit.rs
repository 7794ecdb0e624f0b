//! Parses `[units.NAME]` tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::literal::Literal;
use super::reader::Reader;
use crate::catalog::unit::{MAX_SCALE, Unit};
use crate::value::ids::UnitId;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UnitText {
    name: Option<String>,
    #[serde(default)]
    scale: i64,
    increment: Option<Literal>,
}

/// Reads the units into `reader`, before the sections that refer to them.
pub(super) fn read(texts: BTreeMap<String, UnitText>, reader: &mut Reader) {
    if texts.is_empty() {
        reader.problem("units", "at least one unit is needed");
    }
    for (id, text) in texts {
        let path = format!("units.{id}");
        match UnitId::parse(&id) {
            Ok(unit_id) => {
                let unit = text.read(unit_id.clone(), &path, reader);
                reader.units.insert(unit_id, unit);
            }
            Err(error) => reader.problem(&path, error),
        }
    }
}

impl UnitText {
    fn read(self, id: UnitId, path: &str, reader: &mut Reader) -> Unit {
        let scale = u8::try_from(self.scale).ok().filter(|scale| *scale <= MAX_SCALE).unwrap_or_else(|| {
            reader.problem(
                &format!("{path}.scale"),
                format!("must be from 0 to {MAX_SCALE}, is {}", self.scale),
            );
            0
        });
        let name = self.name.unwrap_or_else(|| id.to_string());
        let mut unit = Unit { id, name, scale, increment: 1 };
        if let Some(increment) = &self.increment {
            unit.increment = reader.positive_amount(&format!("{path}.increment"), &unit, increment).max(1);
        }
        unit
    }
}
