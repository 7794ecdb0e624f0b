//! The name of the call that a task answers: its path and request id, for the lines of the log.
//!
//! A span per call would cost more than all other work that `grpc` does for it, and most calls log nothing. So the name
//! is kept by the task, and its span is created when a line is written.

use std::fmt::{self, Write as _};
use std::sync::{Arc, OnceLock};

use http::HeaderValue;
use http::uri::Uri;
use opentelemetry::TraceId;
use tracing::Span;
use tracing::field::{DisplayValue, display};
use wallet_core::{CallId, Principal};

use crate::traces::CallSpan;

/// The longest text of a caller that enters the log, in bytes.
pub(crate) const LONGEST: usize = 128;

tokio::task_local! {
    static CURRENT: CallName;
}

/// The request id of a call.
#[derive(Debug, Clone)]
pub(crate) enum RequestId {
    /// Sent by the caller.
    OfCaller(HeaderValue),
    /// Made by this server.
    New(HeaderValue),
}

impl RequestId {
    pub(crate) const fn header(&self) -> &HeaderValue {
        match self {
            Self::OfCaller(id) | Self::New(id) => id,
        }
    }
}

/// The path and the request id of a call, and the principal of its key once that is known. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct CallName(Arc<Name>);

#[derive(Debug)]
struct Name {
    uri: Uri,
    request_id: RequestId,
    principal: OnceLock<Principal>,
    trace: Option<CallSpan>,
}

impl CallName {
    pub(crate) fn new(uri: Uri, request_id: RequestId, trace: Option<CallSpan>) -> Self {
        Self(Arc::new(Name { uri, request_id, principal: OnceLock::new(), trace }))
    }

    /// Returns the name of the call that this task answers.
    pub(crate) fn current() -> Option<Self> {
        CURRENT.try_with(Self::clone).ok()
    }

    /// Runs a future as the work of this call.
    pub(crate) fn scope<F: Future>(self, work: F) -> impl Future<Output = F::Output> {
        CURRENT.scope(self, work)
    }

    pub(crate) fn uri(&self) -> &Uri {
        &self.0.uri
    }

    /// Sets the principal of the call's key.
    pub(crate) fn set_principal(&self, principal: &Principal) {
        // A call has one key.
        self.0.principal.set(principal.clone()).ok();
    }

    /// Returns the principal of the call's key, for a field of the log.
    pub(crate) fn principal(&self) -> Option<DisplayValue<&Principal>> {
        self.0.principal.get().map(display)
    }

    /// Returns the span of the call in its trace, if the call is traced.
    pub(crate) fn trace(&self) -> Option<&CallSpan> {
        self.0.trace.as_ref()
    }

    /// Returns the id of the call's trace, for a field of the log.
    pub(crate) fn trace_id(&self) -> Option<DisplayValue<TraceId>> {
        self.trace().map(|trace| display(trace.trace_id()))
    }

    pub(crate) fn path(&self) -> Safe<'_> {
        Safe(self.0.uri.path().as_bytes())
    }

    pub(crate) fn request_id(&self) -> Safe<'_> {
        Safe(self.0.request_id.header().as_bytes())
    }

    /// Returns the request id, if the caller sent one.
    pub(crate) fn id_of_caller(&self) -> Option<CallId> {
        match &self.0.request_id {
            RequestId::OfCaller(id) => id.to_str().ok()?.parse().ok(),
            RequestId::New(_) => None,
        }
    }

    /// Returns the span of log lines about this call. It contains no headers and no message.
    pub(crate) fn span(&self) -> Span {
        let (principal, trace_id) = (self.principal(), self.trace_id());
        tracing::error_span!("rpc", path = %self.path(), request_id = %self.request_id(), principal, trace_id)
    }
}

/// Writes lines of the log with the name of the call that this task answers, if it answers one.
pub(crate) fn in_call<T>(log: impl FnOnce() -> T) -> T {
    match CallName::current() {
        Some(call) => call.span().in_scope(log),
        None => log(),
    }
}

/// The ASCII letters, digits and -_.:@/|+=~ of a text, at most 128 of them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Safe<'a>(pub(crate) &'a [u8]);

impl fmt::Display for Safe<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let safe = self.0.iter().copied().filter(|byte| is_safe(*byte));
        safe.take(LONGEST).try_for_each(|byte| f.write_char(char::from(byte)))
    }
}

/// Returns whether a byte of a caller may enter the log.
pub(crate) fn is_safe(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-_.:@/|+=~".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_task_knows_the_call_that_it_answers() {
        assert!(CallName::current().is_none());
        let name = CallName::new(
            Uri::from_static("/a/b"),
            RequestId::OfCaller(HeaderValue::from_static("job 1")),
            None,
        );
        let (path, id) = name
            .scope(async {
                let name = CallName::current().unwrap();
                (name.path().to_string(), name.request_id().to_string())
            })
            .await;
        assert_eq!((path.as_str(), id.as_str()), ("/a/b", "job1"));
        assert_eq!(Safe(&[b'x'; 5_000]).to_string(), "x".repeat(128));
    }
}
