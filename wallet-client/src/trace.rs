//! The caller's trace, which calls continue with the feature `opentelemetry`: the current context of OpenTelemetry becomes
//! metadata of the call, by the propagator of the program (`opentelemetry::global::set_text_map_propagator`).

use tonic::metadata::MetadataMap;

/// Returns whether the caller's trace is recorded. Its calls are requests of their own, because each has other metadata.
#[cfg(feature = "opentelemetry")]
pub(crate) fn is_recorded() -> bool {
    use opentelemetry::trace::TraceContextExt as _;
    let context = opentelemetry::Context::current();
    context.has_active_span() && context.span().span_context().is_sampled()
}

#[cfg(not(feature = "opentelemetry"))]
pub(crate) const fn is_recorded() -> bool {
    false
}

/// Adds the caller's trace, if there is one.
#[cfg(feature = "opentelemetry")]
pub(crate) fn inject(metadata: &mut MetadataMap) {
    use opentelemetry::propagation::Injector;
    use tonic::metadata::{Ascii, MetadataKey};

    struct Entries<'a>(&'a mut MetadataMap);

    impl Injector for Entries<'_> {
        fn set(&mut self, name: &str, value: String) {
            let name = MetadataKey::<Ascii>::from_bytes(name.as_bytes());
            if let (Ok(name), Ok(value)) = (name, value.parse()) {
                self.0.insert(name, value);
            }
        }
    }

    let context = opentelemetry::Context::current();
    opentelemetry::global::get_text_map_propagator(|propagator| {
        propagator.inject_context(&context, &mut Entries(metadata));
    });
}

#[cfg(not(feature = "opentelemetry"))]
pub(crate) const fn inject(_metadata: &mut MetadataMap) {}
