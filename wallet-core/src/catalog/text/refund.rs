//! Parses the `refund` of packs and plans.

use std::time::Duration;

use serde::Deserialize;

use super::reader::Reader;
use crate::catalog::refund::{PartialRefund, RefundRule};

const LONGEST_WINDOW: Duration = Duration::from_secs(90 * 24 * 60 * 60);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefundText {
    window: Option<String>,
    only_unused: Option<bool>,
    #[serde(default)]
    partial: PartialRefund,
}

impl RefundText {
    pub(super) fn read(&self, path: &str, reader: &mut Reader) -> RefundRule {
        let window_seconds = match self.window.as_deref() {
            None => RefundRule::PACK.window_seconds,
            Some("none") => None,
            Some(text) => Some(reader.duration(&format!("{path}.window"), text, LONGEST_WINDOW).as_secs()),
        };
        RefundRule { window_seconds, only_unused: self.only_unused.unwrap_or(true), partial: self.partial }
    }
}
