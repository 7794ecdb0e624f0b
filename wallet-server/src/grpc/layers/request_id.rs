//! Request ids. Every call has one, the caller's `x-request-id` or a new one, which the log and the reply contain.

use http::{HeaderValue, Request};
use tower_http::request_id::{MakeRequestId, RequestId};
use uuid::Uuid;

const HEADER: &str = "x-request-id";
/// The longest text of a caller that enters the log, in bytes.
const LONGEST: usize = 128;

/// A generator of ids that sort by time.
#[derive(Debug, Clone, Copy)]
pub(crate) struct MakeUuidV7;

impl MakeRequestId for MakeUuidV7 {
    fn make_request_id<B>(&mut self, _request: &Request<B>) -> Option<RequestId> {
        HeaderValue::try_from(Uuid::now_v7().to_string()).ok().map(RequestId::new)
    }
}

/// Removes unsafe characters from the caller's request id. An id without safe characters is removed.
pub(crate) fn with_safe_id<B>(mut request: Request<B>) -> Request<B> {
    if let Some(id) = request.headers_mut().remove(HEADER) {
        let safe = safe(id.as_bytes());
        if let Some(id) = HeaderValue::try_from(safe).ok().filter(|id| !id.is_empty()) {
            request.headers_mut().insert(HEADER, id);
        }
    }
    request
}

/// Returns the ASCII letters, digits and -_.:@/|+=~ of a text, at most 128 of them.
pub(super) fn safe(text: &[u8]) -> String {
    let safe = |byte: &&u8| byte.is_ascii_alphanumeric() || b"-_.:@/|+=~".contains(byte);
    text.iter().filter(safe).take(LONGEST).map(|byte| char::from(*byte)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_id_is_cut_to_128_safe_bytes_and_replaced_if_none_is_left() {
        for (id, kept) in [
            (&b"job-1/a"[..], Some("job-1/a".to_owned())),
            (b"a b\"c\tdX", Some("abcdX".to_owned())),
            (&[b'x'; 5_000], Some("x".repeat(128))),
            ("\u{e9}\u{e9}".as_bytes(), None),
            (b"", None),
        ] {
            let request = Request::builder().header(HEADER, HeaderValue::from_bytes(id).unwrap());
            let request = with_safe_id(request.body(()).unwrap());
            let found = request.headers().get(HEADER).map(|id| id.to_str().unwrap().to_owned());
            assert_eq!(found, kept);
        }
    }
}
