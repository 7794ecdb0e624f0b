//! Request ids. Every call has one, the caller's `x-request-id` or a new one, which the log and the reply contain.

use std::sync::atomic::{AtomicU64, Ordering};

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;
use uuid::{Builder, Uuid};

use crate::call_name::{LONGEST, RequestId, is_safe};

pub(crate) const HEADER: HeaderName = HeaderName::from_static("x-request-id");

/// The ids of one server. New ids are UUIDs that sort by time: a random number drawn at the start, the time, and the
/// number of the call. A random number for each call would cost a system call.
#[derive(Debug)]
pub(crate) struct RequestIds {
    /// The first id, whose random number the others share.
    first: Uuid,
    started: Instant,
    calls: AtomicU64,
}

impl RequestIds {
    pub(crate) fn new() -> Self {
        Self { first: Uuid::now_v7(), started: Instant::now(), calls: AtomicU64::new(0) }
    }

    /// Returns the id of a call: that of its caller without unsafe characters, or a new one if none is left.
    pub(crate) fn of_call(&self, headers: &HeaderMap, now: Instant) -> RequestId {
        let of_caller = headers.get(HEADER).and_then(safe).map(RequestId::OfCaller);
        of_caller.unwrap_or_else(|| RequestId::New(self.next(now)))
    }

    fn next(&self, now: Instant) -> HeaderValue {
        let (_, low) = self.first.as_u64_pair();
        let mut random = [0; 10];
        random[..2].copy_from_slice(&low.to_be_bytes()[6..]);
        random[2..].copy_from_slice(&(low ^ self.calls.fetch_add(1, Ordering::Relaxed)).to_be_bytes());
        let elapsed = now.saturating_duration_since(self.started).as_millis();
        let millis = self.millis() + u64::try_from(elapsed).unwrap_or(u64::MAX);
        let id = Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
        let mut text = Uuid::encode_buffer();
        let text = id.hyphenated().encode_lower(&mut text);
        HeaderValue::from_str(text).unwrap_or_else(|_| HeaderValue::from_static("none"))
    }

    /// Returns the time of the start in milliseconds.
    fn millis(&self) -> u64 {
        self.first.as_u64_pair().0 >> 16
    }
}

/// Removes unsafe characters from a caller's request id. `None` if no safe one is left.
fn safe(id: &HeaderValue) -> Option<HeaderValue> {
    let bytes = id.as_bytes();
    if !bytes.is_empty() && bytes.len() <= LONGEST && bytes.iter().copied().all(is_safe) {
        return Some(id.clone());
    }
    let safe: Vec<u8> = bytes.iter().copied().filter(|byte| is_safe(*byte)).take(LONGEST).collect();
    HeaderValue::from_bytes(&safe).ok().filter(|id| !id.is_empty())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_callers_id_is_cut_to_128_safe_bytes_and_replaced_if_none_is_left() {
        let ids = RequestIds::new();
        for (id, kept) in [
            (&b"job-1/a"[..], Some("job-1/a".to_owned())),
            (b"a b\"c\tdX", Some("abcdX".to_owned())),
            (&[b'x'; 5_000], Some("x".repeat(128))),
            ("\u{e9}\u{e9}".as_bytes(), None),
            (b"", None),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(HEADER, HeaderValue::from_bytes(id).unwrap());
            let id = ids.of_call(&headers, Instant::now());
            match kept {
                Some(kept) => assert!(matches!(&id, RequestId::OfCaller(id) if *id == kept), "{id:?}"),
                None => {
                    assert_eq!(Uuid::parse_str(id.header().to_str().unwrap()).unwrap().get_version_num(), 7)
                }
            }
        }
    }

    #[test]
    fn new_ids_are_distinct_sort_by_time_and_differ_between_servers() {
        let (ids, others) = (RequestIds::new(), RequestIds::new());
        let now = Instant::now();
        let id =
            |ids: &RequestIds, now| ids.of_call(&HeaderMap::new(), now).header().to_str().unwrap().to_owned();
        let same: BTreeSet<String> = (0..5_000).flat_map(|_| [id(&ids, now), id(&others, now)]).collect();
        assert_eq!(same.len(), 10_000);
        let later = id(&ids, now + Duration::from_secs(1));
        assert!(same.last().unwrap() < &later, "{later}");
    }
}
