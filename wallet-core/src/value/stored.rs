//! The form in which values are stored.

/// Returns whether a field has its default. Such a field is not stored, and reading adds the default again.
pub(crate) fn is_default<T: Default + PartialEq>(field: &T) -> bool {
    *field == T::default()
}
