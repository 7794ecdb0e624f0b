//! Bounds of the texts in a `Status`.

use wallet_core::FieldViolation;

/// The longest message and the longest metadata value, in bytes.
const TEXT_BYTES: usize = 512;
/// The longest list of violations, in bytes of fields and descriptions.
const VIOLATION_BYTES: usize = 4_096;

/// Returns the text, cut to [`TEXT_BYTES`] with an ellipsis at the end if it is longer.
pub(super) fn bounded_text(mut text: String) -> String {
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES - '…'.len_utf8()));
        text.push('…');
    }
    text
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
