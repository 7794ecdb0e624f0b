//! Bounds of the texts and lists in a `Status`.

use wallet_core::FieldViolation;

/// The longest message and the longest metadata value, in bytes.
const TEXT_BYTES: usize = 512;
/// The longest list of violations, in bytes of fields and descriptions.
const VIOLATION_BYTES: usize = 4_096;
/// The most bytes of the figures in `ErrorInfo.metadata`: four values of full length with their names.
const METADATA_BYTES: usize = 2_304;
/// The longest list in an `ErrorDetail`, in encoded bytes.
const LIST_BYTES: usize = 512;
/// The most bytes of the tag and the length of a list's item in its encoding.
const ITEM_PREFIX_BYTES: usize = 3;

/// Returns the text, cut to [`TEXT_BYTES`] with an ellipsis at the end if it is longer.
pub(super) fn bounded_text(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES - '…'.len_utf8()));
        text.push('…');
    }
    text
}

/// Returns the metadata that fits into [`METADATA_BYTES`]. The figures of single units come last.
pub(super) fn bounded_metadata(mut metadata: Vec<(String, String)>) -> Vec<(String, String)> {
    metadata.sort_by_key(|(name, _)| name.contains('.'));
    let mut bytes = 0;
    let mut bounded = Vec::new();
    for (name, value) in metadata {
        let value = bounded_text(value);
        bytes += name.len() + value.len();
        if bytes > METADATA_BYTES {
            break;
        }
        bounded.push((name, value));
    }
    bounded
}

/// Returns the first items that fit into [`LIST_BYTES`]; `size` returns the most bytes of an encoded item.
pub(super) fn bounded_list<T>(items: impl IntoIterator<Item = T>, size: impl Fn(&T) -> usize) -> Vec<T> {
    let mut bytes = 0;
    let fits = |item: &T| {
        bytes += size(item) + ITEM_PREFIX_BYTES;
        bytes <= LIST_BYTES
    };
    items.into_iter().take_while(fits).collect()
}

/// Returns the violations that fit into [`VIOLATION_BYTES`], and one more that counts the others if there are any.
pub(super) fn bounded_violations(mut violations: Vec<FieldViolation>) -> Vec<FieldViolation> {
    let all = violations.len();
    let mut bytes = 0;
    for violation in &mut violations {
        violation.field = bounded_text(std::mem::take(&mut violation.field));
        violation.description = bounded_text(std::mem::take(&mut violation.description));
    }
    let fits = |violation: &FieldViolation| {
        bytes += violation.field.len() + violation.description.len();
        bytes <= VIOLATION_BYTES
    };
    let kept = violations
        .iter()
        .position({
            let mut fits = fits;
            move |v| !fits(v)
        })
        .unwrap_or(all);
    violations.truncate(kept);
    if kept < all {
        violations.push(FieldViolation::new("", format!("and {} more", all - kept)));
    }
    violations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_texts_are_cut_between_characters() {
        assert_eq!(bounded_text("short".to_owned()), "short");
        let cut = bounded_text("é".repeat(400));
        assert!(cut.len() <= TEXT_BYTES && cut.ends_with("é…"));
    }

    #[test]
    fn the_first_items_of_a_list_are_kept() {
        let ids: Vec<String> = (0..1_000).map(|n| format!("plan-{n:0>5}")).collect();
        let kept = bounded_list(ids.clone(), String::len);
        assert_eq!(kept, ids[..LIST_BYTES / (10 + ITEM_PREFIX_BYTES)]);
        assert_eq!(bounded_list(ids[..3].to_vec(), String::len), ids[..3]);
    }

    #[test]
    fn figures_of_single_units_are_left_out_first() {
        let pair = |name: &str, bytes| (name.to_owned(), "x".repeat(bytes));
        let mut metadata = vec![pair("unit", 7)];
        metadata.extend((0..200).map(|n| pair(&format!("required.u{n:0>3}"), 15)));
        metadata.push(pair("packs", 600));
        let bounded = bounded_metadata(metadata);
        assert_eq!((bounded[0].0.as_str(), bounded[1].0.as_str()), ("unit", "packs"));
        let bytes: usize = bounded.iter().map(|(name, value)| name.len() + value.len()).sum();
        assert!(bounded.len() > 40 && bytes <= METADATA_BYTES, "{}", bounded.len());
    }

    #[test]
    fn the_first_violations_are_listed_and_the_others_counted() {
        let violations: Vec<_> = (0..1_000)
            .map(|n| FieldViolation::new(format!("limits[{n}].unit"), "must not be empty"))
            .collect();
        let bounded = bounded_violations(violations);
        let bytes: usize = bounded.iter().map(|v| v.field.len() + v.description.len()).sum();
        assert!(bytes < VIOLATION_BYTES + 100);
        let last = bounded.last().unwrap();
        assert_eq!(last.description, format!("and {} more", 1_000 - (bounded.len() - 1)));
        assert_eq!(bounded[0].field, "limits[0].unit");
    }
}
