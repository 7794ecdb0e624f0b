//! The macro that makes a struct of settings and the list of its rows.

/// Defines a struct of settings. A row has the documentation, the name, the type, the default (with its meaning if it
/// is `None`), the form with the bounds, and the sources.
macro_rules! settings {
    (
        $(#[$meta:meta])*
        $vis:vis struct $name:ident in $section:literal;
        $(
            $(#[doc = $doc:literal])+
            $field:ident: $type:ty = $default:expr $(=> $absent:literal)?, $form:expr, $sources:ident;
        )+
    ) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $vis struct $name {
            $($(#[doc = $doc])+ $vis $field: $type,)+
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }

        impl $name {
            /// One row per field, in the order of the documents.
            pub(super) const ROWS: &'static [$crate::settings::Setting] = &[$(
                $crate::settings::Setting {
                    section: $section,
                    field: stringify!($field),
                    docs: &[$($doc),+],
                    form: $form,
                    sources: $crate::settings::Sources::$sources,
                    absent: concat!("", $($absent)?),
                    default: || $crate::settings::value::Value::raw(&$name::default().$field),
                    check: $crate::settings::value::fits::<$type>,
                },
            )+];

            /// Takes the values that a source gives, and the defaults for the others.
            pub(super) fn of(values: &$crate::settings::Values) -> Result<Self, $crate::settings::SettingsError> {
                let mut rows = Self::ROWS.iter();
                let default = Self::default();
                Ok(Self { $($field: values.get(rows.next(), default.$field)?,)+ })
            }
        }
    };
}
