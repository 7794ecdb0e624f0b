//! `[[rules.components]]`, their bands, and factors.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::literal::Literal;
use super::reader::Reader;
use crate::catalog::component::{Band, Block, Charge, Component, Factor, Measure};
use crate::value::decimal::{Decimal, Rounding};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ComponentText {
    label: Option<String>,
    unit: String,
    flat: Option<Literal>,
    rate: Option<Literal>,
    graduated: Option<Vec<BandText>>,
    volume: Option<Vec<BandText>>,
    quantity: Option<String>,
    otherwise: Option<Literal>,
    block: Option<Literal>,
    block_rounding: Option<Rounding>,
    #[serde(default)]
    factors: Vec<FactorText>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct BandText {
    up_to: Option<Literal>,
    flat: Option<Literal>,
    rate: Option<Literal>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FactorText {
    attribute: Option<String>,
    #[serde(default)]
    values: BTreeMap<String, Literal>,
    quantity: Option<String>,
    otherwise: Option<Literal>,
    constant: Option<Literal>,
}

impl ComponentText {
    pub(super) fn read(self, path: &str, reader: &mut Reader) -> Option<Component> {
        let unit = reader.unit(&format!("{path}.unit"), &self.unit);
        let charge = self.charge(path, reader);
        let factors = factors(&self.factors, path, reader);
        let charge = charge?;
        let label = self.label.or_else(|| charge.measure().map(|measure| measure.quantity.clone()));
        Some(Component { label: label.unwrap_or_else(|| "flat".to_owned()), unit: unit?.id, charge, factors })
    }

    fn charge(&self, path: &str, reader: &mut Reader) -> Option<Charge> {
        match (&self.flat, &self.rate, &self.graduated, &self.volume) {
            (Some(flat), None, None, None) => {
                if self.measures() {
                    reader.problem(path, "a flat price has no quantity, otherwise, block or block_rounding");
                }
                Some(Charge::Flat(reader.decimal(&format!("{path}.flat"), flat)))
            }
            (None, Some(rate), None, None) => {
                let rate = reader.decimal(&format!("{path}.rate"), rate);
                Some(Charge::PerUnit { measure: self.measure(path, reader)?, rate })
            }
            (None, None, Some(bands), None) => {
                let bands = read_bands(bands, &format!("{path}.graduated"), reader);
                Some(Charge::Graduated { measure: self.measure(path, reader)?, bands })
            }
            (None, None, None, Some(bands)) => {
                let bands = read_bands(bands, &format!("{path}.volume"), reader);
                Some(Charge::Volume { measure: self.measure(path, reader)?, bands })
            }
            _ => {
                reader.problem(path, "needs exactly one of flat, rate, graduated and volume");
                None
            }
        }
    }

    const fn measures(&self) -> bool {
        self.quantity.is_some()
            || self.otherwise.is_some()
            || self.block.is_some()
            || self.block_rounding.is_some()
    }

    fn measure(&self, path: &str, reader: &mut Reader) -> Option<Measure> {
        let otherwise = reader.optional(&format!("{path}.otherwise"), self.otherwise.as_ref());
        let size = reader.optional(&format!("{path}.block"), self.block.as_ref());
        if size.is_some_and(Decimal::is_zero) {
            reader.problem(&format!("{path}.block"), "must be above zero");
        }
        if size.is_none() && self.block_rounding.is_some() {
            reader.problem(&format!("{path}.block_rounding"), "needs a block");
        }
        let block = size.map(|size| Block { size, rounding: self.block_rounding.unwrap_or_default() });
        let Some(quantity) = self.quantity.clone() else {
            reader.problem(path, "needs a quantity");
            return None;
        };
        Some(Measure { quantity, otherwise, block })
    }
}

/// Reads bands, which must be in ascending order. Only the last band has no end.
fn read_bands(texts: &[BandText], path: &str, reader: &mut Reader) -> Vec<Band> {
    let mut bands: Vec<Band> = Vec::with_capacity(texts.len());
    for (n, text) in texts.iter().enumerate() {
        let path = format!("{path}[{n}]");
        let band = text.read(&path, reader);
        let last = n + 1 == texts.len();
        match (band.up_to, bands.last().and_then(|before| before.up_to)) {
            (Some(_), _) if last => reader.problem(&path, "the last band has no up_to"),
            (None, _) if !last => reader.problem(&path, "needs up_to: only the last band has none"),
            (Some(end), Some(before)) if end <= before => {
                reader.problem(&format!("{path}.up_to"), "must be above that of the previous band");
            }
            (Some(end), None) if end.is_zero() => {
                reader.problem(&format!("{path}.up_to"), "must be above zero");
            }
            _ => {}
        }
        bands.push(band);
    }
    if bands.is_empty() {
        reader.problem(path, "needs at least one band");
    }
    bands
}

impl BandText {
    fn read(&self, path: &str, reader: &mut Reader) -> Band {
        if self.flat.is_none() && self.rate.is_none() {
            reader.problem(path, "needs flat or rate");
        }
        Band {
            up_to: reader.optional(&format!("{path}.up_to"), self.up_to.as_ref()),
            flat: reader.optional(&format!("{path}.flat"), self.flat.as_ref()).unwrap_or_default(),
            rate: reader.optional(&format!("{path}.rate"), self.rate.as_ref()).unwrap_or_default(),
        }
    }
}

/// Reads the factors of the section at `path`.
pub(super) fn factors(texts: &[FactorText], path: &str, reader: &mut Reader) -> Vec<Factor> {
    let read = |(n, text): (usize, &FactorText)| text.read(&format!("{path}.factors[{n}]"), reader);
    texts.iter().enumerate().filter_map(read).collect()
}

impl FactorText {
    fn read(&self, path: &str, reader: &mut Reader) -> Option<Factor> {
        let otherwise = reader.optional(&format!("{path}.otherwise"), self.otherwise.as_ref());
        if self.attribute.is_none() && !self.values.is_empty() {
            reader.problem(&format!("{path}.values"), "needs an attribute");
        }
        match (&self.attribute, &self.quantity, &self.constant) {
            (Some(attribute), None, None) => {
                if self.values.is_empty() {
                    reader.problem(path, "needs values");
                }
                let one = |(value, factor): (&String, &Literal)| {
                    (value.clone(), reader.decimal(&format!("{path}.values.{value}"), factor))
                };
                let values = self.values.iter().map(one).collect();
                Some(Factor::Attribute { attribute: attribute.clone(), values, otherwise })
            }
            (None, Some(quantity), None) => Some(Factor::Quantity { quantity: quantity.clone(), otherwise }),
            (None, None, Some(constant)) => {
                if otherwise.is_some() {
                    reader.problem(&format!("{path}.otherwise"), "a constant has no otherwise");
                }
                Some(Factor::Constant(reader.decimal(&format!("{path}.constant"), constant)))
            }
            _ => {
                reader.problem(path, "needs exactly one of attribute, quantity and constant");
                None
            }
        }
    }
}
