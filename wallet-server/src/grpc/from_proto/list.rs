//! Parses pages and filters of lists.

use wallet_core::reservation::State;
use wallet_proto::v1;

use super::FieldReader;
use super::reservation::{MAX_LABEL_BYTES, MAX_LABEL_KEY_BYTES};
use crate::query::Page;

const DEFAULT_PAGE: i32 = 50;
const LARGEST_PAGE: i32 = 500;
const MAX_TOKEN_BYTES: usize = 1_024;
const MAX_STATES: usize = 16;

impl FieldReader {
    /// Parses a page of 1 to 500 items, by default 50. Without a token it is the first page.
    pub(crate) fn page(&mut self, size: i32, token: String) -> Page {
        if !(0..=LARGEST_PAGE).contains(&size) {
            self.add(
                "page_size",
                format!("is {size}, 0 to {LARGEST_PAGE} is allowed; 0 means {DEFAULT_PAGE}"),
            );
        }
        let token = self.name("page_token", token, MAX_TOKEN_BYTES);
        let size = if size == 0 { DEFAULT_PAGE } else { size };
        Page { size: size.unsigned_abs(), token: (!token.is_empty()).then_some(token) }
    }

    /// Checks that a number is not negative.
    pub(crate) fn not_negative(&mut self, path: &str, number: i64) -> i64 {
        if number < 0 {
            self.add(path, format!("is {number}, must not be negative"));
        }
        number
    }

    /// Parses the version of a catalog. 0 becomes `None`: the current one.
    pub(crate) fn catalog_version(&mut self, path: &str, version: i64) -> Option<i64> {
        let version = self.not_negative(path, version);
        (version > 0).then_some(version)
    }

    /// Parses an optional word of a filter, at most `max` bytes. An empty one becomes `None`.
    pub(crate) fn word(&mut self, path: &str, word: String, max: usize) -> Option<String> {
        let word = self.name(path, word, max);
        (!word.is_empty()).then_some(word)
    }

    /// Parses at most `most` words of a filter, each of 1 to `max` bytes.
    pub(crate) fn words(&mut self, path: &str, words: Vec<String>, most: usize, max: usize) -> Vec<String> {
        if self.too_many(path, words.len(), most) {
            return Vec::new();
        }
        let read = |(n, word)| self.required_name(&format!("{path}[{n}]"), word, max);
        words.into_iter().enumerate().map(read).collect()
    }

    /// Parses "key" or "key=value". An empty text becomes `None`.
    pub(crate) fn label(&mut self, path: &str, label: String) -> Option<(String, Option<String>)> {
        if label.is_empty() {
            return None;
        }
        let (key, value) = match label.split_once('=') {
            Some((key, value)) => (key.to_owned(), Some(value.to_owned())),
            None => (label, None),
        };
        let key = self.required_name(path, key, MAX_LABEL_KEY_BYTES);
        Some((key, value.map(|value| self.text(path, value, MAX_LABEL_BYTES))))
    }

    /// Parses the states of a filter. The result is sorted and has no duplicates.
    pub(crate) fn states(&mut self, path: &str, states: &[i32]) -> Vec<State> {
        let mut read = Vec::new();
        if self.too_many(path, states.len(), MAX_STATES) {
            return read;
        }
        for (i, number) in states.iter().enumerate() {
            match state(*number) {
                Some(state) => read.push(state),
                None => self.add(format!("{path}[{i}]"), format!("{number} is not a reservation state")),
            }
        }
        read.sort();
        read.dedup();
        read
    }
}

fn state(number: i32) -> Option<State> {
    match v1::ReservationState::try_from(number).ok()? {
        v1::ReservationState::Unspecified => None,
        v1::ReservationState::Held => Some(State::Held),
        v1::ReservationState::Processing => Some(State::Processing),
        v1::ReservationState::Settled => Some(State::Settled),
        v1::ReservationState::Failed => Some(State::Failed),
        v1::ReservationState::Cancelled => Some(State::Cancelled),
        v1::ReservationState::Expired => Some(State::Expired),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_has_50_items_by_default_and_at_most_500() {
        let mut fields = FieldReader::default();
        let page = |fields: &mut FieldReader, size| fields.page(size, String::new()).size;
        assert_eq!((page(&mut fields, 0), page(&mut fields, 1), page(&mut fields, 500)), (50, 1, 500));
        assert_eq!(fields.page(0, "next".to_owned()).token.as_deref(), Some("next"));
        assert!(fields.lines().is_empty());
        page(&mut fields, 501);
        page(&mut fields, i32::MIN);
        assert_eq!(
            fields.lines(),
            [
                "page_size: is 501, 0 to 500 is allowed; 0 means 50",
                "page_size: is -2147483648, 0 to 500 is allowed; 0 means 50",
            ]
        );
    }

    #[test]
    fn a_label_filter_is_a_key_or_a_key_and_a_value() {
        let mut fields = FieldReader::default();
        for (text, expected) in [
            ("", None),
            ("team", Some(("team", None))),
            ("team=", Some(("team", Some("")))),
            ("team=a=b", Some(("team", Some("a=b")))),
        ] {
            let read = fields.label("label", text.to_owned());
            let read = read.as_ref().map(|(key, value)| (key.as_str(), value.as_deref()));
            assert_eq!(read, expected, "{text:?}");
        }
        assert!(fields.lines().is_empty());
        fields.label("label", "=x".to_owned());
        assert_eq!(fields.lines(), ["label: must not be empty"]);
    }

    #[test]
    fn states_are_sorted_and_unknown_ones_reported() {
        let mut fields = FieldReader::default();
        assert_eq!(fields.states("states", &[3, 1, 3]), [State::Held, State::Settled]);
        fields.states("states", &[1, 0, 99]);
        assert_eq!(
            fields.lines(),
            ["states[1]: 0 is not a reservation state", "states[2]: 99 is not a reservation state"]
        );
    }
}
