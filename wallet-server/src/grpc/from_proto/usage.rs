//! Parses the dimensions by which usage is grouped.

use wallet_proto::v1::{self, UsageDimension};

use super::FieldReader;
use super::reservation::MAX_LABEL_KEY_BYTES;
use crate::query::GroupBy;

/// The most dimensions of a grouping.
const MAX_GROUP_BY: usize = 5;

impl FieldReader {
    /// Parses the dimensions of a grouping, which may be empty.
    pub(crate) fn group_by(&mut self, path: &str, group_by: Vec<v1::UsageGroupBy>) -> Vec<GroupBy> {
        if self.too_many(path, group_by.len(), MAX_GROUP_BY) {
            return Vec::new();
        }
        let read = |(n, by)| self.dimension(&format!("{path}[{n}]"), by);
        group_by.into_iter().enumerate().filter_map(read).collect()
    }

    fn dimension(&mut self, path: &str, by: v1::UsageGroupBy) -> Option<GroupBy> {
        let label = format!("{path}.label");
        let dimension = UsageDimension::try_from(by.dimension).unwrap_or_default();
        if dimension == UsageDimension::Label {
            return Some(GroupBy::Label(self.required_name(&label, by.label, MAX_LABEL_KEY_BYTES)));
        }
        if !by.label.is_empty() {
            self.add(label, "is only allowed with dimension LABEL");
        }
        match dimension {
            UsageDimension::Day => Some(GroupBy::Day),
            UsageDimension::Kind => Some(GroupBy::Kind),
            UsageDimension::Model => Some(GroupBy::Model),
            UsageDimension::Actor => Some(GroupBy::Actor),
            UsageDimension::Label | UsageDimension::Unspecified => {
                self.add(format!("{path}.dimension"), "must be DAY, KIND, MODEL, ACTOR or LABEL");
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn by(dimension: i32, label: &str) -> v1::UsageGroupBy {
        v1::UsageGroupBy { dimension, label: label.to_owned() }
    }

    #[test]
    fn dimensions_keep_the_order_of_the_request() {
        let mut fields = FieldReader::default();
        let read =
            fields.group_by("group_by", vec![by(5, "team"), by(1, ""), by(2, ""), by(3, ""), by(4, "")]);
        let label = GroupBy::Label("team".to_owned());
        assert_eq!(read, [label, GroupBy::Day, GroupBy::Kind, GroupBy::Model, GroupBy::Actor]);
        assert!(fields.group_by("group_by", Vec::new()).is_empty() && fields.lines().is_empty());
    }

    #[test]
    fn every_invalid_dimension_is_reported() {
        let mut fields = FieldReader::default();
        fields.group_by("group_by", vec![by(0, ""), by(9, ""), by(5, ""), by(1, "team")]);
        fields.group_by("group_by", vec![by(1, ""); 6]);
        let expected = [
            "group_by[0].dimension: must be DAY, KIND, MODEL, ACTOR or LABEL",
            "group_by[1].dimension: must be DAY, KIND, MODEL, ACTOR or LABEL",
            "group_by[2].label: must not be empty",
            "group_by[3].label: is only allowed with dimension LABEL",
            "group_by: has 6 entries, at most 5 are allowed",
        ];
        assert_eq!(fields.lines(), expected);
    }
}
