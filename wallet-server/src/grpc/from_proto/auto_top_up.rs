//! Parses the setting of the auto top-up.

use wallet_core::MAX_AMOUNT;
use wallet_core::auto_top_up::Setting;
use wallet_proto::v1;

use super::FieldReader;
use super::grant::MAX_PACK_BYTES;

/// The most purchases of a day that may be allowed.
const MAX_PER_DAY: u32 = 100;

impl FieldReader {
    /// Parses a setting. The outer `None` stands for one that is invalid, the inner one for a request without one.
    pub(crate) fn auto_top_up(
        &mut self,
        path: &str,
        setting: Option<v1::AutoTopUpSetting>,
    ) -> Option<Option<Setting>> {
        let Some(setting) = setting else { return Some(None) };
        let unit = self.id(&format!("{path}.unit"), &setting.unit);
        let threshold = setting.threshold;
        if !(1..=MAX_AMOUNT).contains(&threshold) {
            self.add(format!("{path}.threshold"), format!("is {threshold}, 1 to {MAX_AMOUNT} is allowed"));
        }
        let pack = self.required_name(&format!("{path}.pack_id"), setting.pack_id, MAX_PACK_BYTES);
        let max_per_day = self.max_per_day(&format!("{path}.max_per_day"), setting.max_per_day);
        let max_paid_per_month =
            self.money(&format!("{path}.max_paid_per_month"), setting.max_paid_per_month);
        Some(Some(Setting { unit: unit?, threshold, pack, max_per_day, max_paid_per_month }))
    }

    /// Parses the bound of a day. Default: 1.
    fn max_per_day(&mut self, path: &str, number: i32) -> u32 {
        let number = if number == 0 { 1 } else { number };
        let read = u32::try_from(number).ok().filter(|number| (1..=MAX_PER_DAY).contains(number));
        read.unwrap_or_else(|| {
            self.add(path, format!("is {number}, 1 to {MAX_PER_DAY} is allowed"));
            1
        })
    }
}
