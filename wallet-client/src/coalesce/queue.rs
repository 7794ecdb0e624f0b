//! The calls that wait, and the requests in which they travel. Free of I/O: the sender takes the calls of a request
//! when it can send one.

use std::collections::VecDeque;
use std::time::Duration;

use tokio::time::Instant;

/// The most requests of one method that are on their way on a connection.
pub(super) const REQUESTS: usize = 2;
/// The most calls of a request, which is also the server's bound.
pub(super) const MAX_CALLS: usize = 256;
/// The most bytes of the calls of a request together, a quarter of the server's bound.
pub(super) const MAX_BYTES: usize = 1024 * 1024;
/// The deadlines of the calls of a request differ from the first one's by at most its limit divided by this. The server sees
/// the last of these deadlines.
const DEADLINE_SPREAD: u32 = 8;

/// A call that waits.
#[derive(Debug)]
pub(super) struct Waiting<C> {
    pub(super) call: C,
    pub(super) bytes: usize,
    /// The time that its caller allows, and its end.
    pub(super) limit: Duration,
    pub(super) deadline: Instant,
}

/// The calls that wait, the oldest first, and the number of requests on their way.
#[derive(Debug)]
pub(super) struct Queue<C> {
    waiting: VecDeque<Waiting<C>>,
    requests: usize,
}

impl<C> Default for Queue<C> {
    fn default() -> Self {
        Self { waiting: VecDeque::new(), requests: 0 }
    }
}

impl<C> Queue<C> {
    /// Adds a call. Returns true if another request may be sent. That request counts as on its way until
    /// [`Queue::next`] returns `None` to its sender, or until it is given up.
    pub(super) fn push(&mut self, call: Waiting<C>) -> bool {
        self.waiting.push_back(call);
        let may_go = self.requests < REQUESTS;
        self.requests += usize::from(may_go);
        may_go
    }

    /// Returns the calls of the next request, in their order and without those whose callers have gone away. If none
    /// waits, returns `None` and counts the request of this sender as no longer on its way.
    pub(super) fn next(&mut self, is_gone: impl Fn(&C) -> bool) -> Option<Vec<Waiting<C>>> {
        self.waiting.retain(|waiting| !is_gone(&waiting.call));
        let Some(first) = self.waiting.front() else {
            self.give_up();
            return None;
        };
        let spread = first.limit / DEADLINE_SPREAD;
        let (earliest, latest) = (first.deadline.checked_sub(spread), first.deadline + spread);
        let mut bytes = 0;
        let fits = |waiting: &&Waiting<C>| {
            bytes += waiting.bytes;
            let is_near =
                earliest.is_none_or(|earliest| earliest <= waiting.deadline) && waiting.deadline <= latest;
            is_near && bytes <= MAX_BYTES
        };
        let count = self.waiting.iter().take(MAX_CALLS).take_while(fits).count();
        // A call travels even if it alone is above the bound.
        Some(self.waiting.drain(..count.max(1)).collect())
    }

    /// Counts a request as no longer on its way.
    pub(super) fn give_up(&mut self) {
        self.requests -= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    struct Given {
        queue: Queue<usize>,
        start: Instant,
    }

    impl Given {
        fn new() -> Self {
            Self { queue: Queue::default(), start: Instant::now() }
        }

        fn push(&mut self, call: usize) -> bool {
            self.push_with(call, 100, SECOND, Duration::ZERO)
        }

        fn push_with(&mut self, call: usize, bytes: usize, limit: Duration, at: Duration) -> bool {
            self.queue.push(Waiting { call, bytes, limit, deadline: self.start + at + limit })
        }

        fn next(&mut self) -> Option<Vec<usize>> {
            let next = self.queue.next(|_| false)?;
            Some(next.into_iter().map(|waiting| waiting.call).collect())
        }
    }

    #[test]
    fn a_lone_call_goes_at_once_and_later_ones_gather_in_their_order() {
        let mut given = Given::new();
        for call in 0..REQUESTS {
            assert!(given.push(call));
            assert_eq!(given.next(), Some(vec![call]));
        }
        assert!((10..20).all(|call| !given.push(call)), "all requests are on their way");
        assert_eq!(given.next(), Some((10..20).collect()));
        assert_eq!(given.next(), None);
        assert!(given.push(20), "a request has ended");
    }

    #[test]
    fn a_request_has_at_most_256_calls_and_one_mebibyte() {
        let mut given = Given::new();
        for call in 0..=MAX_CALLS {
            given.push(call);
        }
        assert_eq!(given.next().unwrap().len(), MAX_CALLS);
        assert_eq!(given.next(), Some(vec![MAX_CALLS]));
        for (call, bytes) in [MAX_BYTES / 2, MAX_BYTES / 2, 1, MAX_BYTES + 1, 1].into_iter().enumerate() {
            given.push_with(call, bytes, SECOND, Duration::ZERO);
        }
        let requests: Vec<_> = std::iter::from_fn(|| given.next()).collect();
        assert_eq!(requests, [vec![0, 1], vec![2], vec![3], vec![4]]);
    }

    #[test]
    fn calls_with_very_different_deadlines_travel_apart_and_in_their_order() {
        let mut given = Given::new();
        given.push_with(0, 1, SECOND, Duration::ZERO);
        given.push_with(1, 1, SECOND, SECOND / 8);
        given.push_with(2, 1, SECOND / 10, SECOND / 8);
        given.push_with(3, 1, SECOND, SECOND / 8);
        given.push_with(4, 1, SECOND, SECOND);
        let requests: Vec<_> = std::iter::from_fn(|| given.next()).collect();
        assert_eq!(requests, [vec![0, 1], vec![2], vec![3], vec![4]]);
    }

    #[test]
    fn a_call_whose_caller_has_gone_away_is_not_sent() {
        let mut given = Given::new();
        for call in 0..4 {
            given.push(call);
        }
        let sent = given.queue.next(|call| call % 2 == 0).unwrap();
        assert_eq!(sent.iter().map(|waiting| waiting.call).collect::<Vec<_>>(), [1, 3]);
        assert!(given.queue.next(|_| true).is_none());
    }

    #[test]
    fn a_request_that_was_given_up_makes_room_for_another() {
        let mut given = Given::new();
        assert_eq!((0..=REQUESTS).filter(|call| given.push(*call)).count(), REQUESTS);
        given.queue.give_up();
        assert!(given.push(9));
        assert_eq!(given.next().map(|calls| calls.len()), Some(REQUESTS + 2));
    }
}
