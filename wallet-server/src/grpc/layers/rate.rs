//! The rate of calls per API key: a bucket that holds `calls_burst` calls and gains `calls_per_second` each second. The
//! wallet tokens that a key has made for one wallet share another bucket, so that no web page uses up the calls of the
//! back end or of other customers.
//!
//! Only keys that exist get here, and full buckets are dropped, so memory is bounded by the keys and tokens in use.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use wallet_core::{Principal, WalletId};

use crate::grpc::error::RpcError;
use crate::settings::Limits;

/// The number of buckets at which full ones are dropped for the first time.
const FEW: usize = 1_024;

/// The rates of all keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Rates<C: Clock = MonotonicClock>(Option<Arc<Buckets<C>>>);

struct Buckets<C: Clock> {
    by_holder: RateLimiter<Holder, HashMapStateStore<Holder>, C, NoOpMiddleware<C::Instant>>,
    /// The number of buckets at which full ones are dropped next.
    many: AtomicUsize,
}

/// A key, and the wallet of its tokens. Without a wallet it is the key itself.
type Holder = (Principal, Option<WalletId>);

impl Rates {
    /// Returns the rates that the limits allow; without such a limit any rate is allowed.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::by(limits, MonotonicClock)
    }
}

impl<C: Clock> Rates<C> {
    fn by(limits: &Limits, clock: C) -> Self {
        let rate = limits.calls_per_second.and_then(NonZeroU32::new);
        let buckets = rate.map(|rate| {
            let burst = limits.calls_burst.and_then(NonZeroU32::new).unwrap_or(rate);
            let quota = Quota::per_second(rate).allow_burst(burst);
            let by_holder = RateLimiter::new(quota, HashMapStateStore::default(), clock);
            Arc::new(Buckets { by_holder, many: AtomicUsize::new(FEW) })
        });
        Self(buckets)
    }

    /// Takes a call from the bucket of a key, or of its tokens for a wallet, or returns RATE_LIMITED.
    pub(crate) fn take(&self, key: &Principal, wallet: Option<&WalletId>) -> Result<(), RpcError> {
        let Some(buckets) = &self.0 else { return Ok(()) };
        let taken = buckets.by_holder.check_key(&(key.clone(), wallet.cloned()));
        buckets.drop_full();
        taken.map_err(|early| {
            let wait = early.wait_time_from(buckets.by_holder.clock().now());
            // A delay of less than a millisecond would be sent as none.
            RpcError::rate_limited(wait.max(Duration::from_millis(1)))
        })
    }
}

impl<C: Clock> Buckets<C> {
    /// Drops full buckets when there are twice as many as were left the last time. A dropped bucket loses nothing,
    /// because a new one is full, too.
    fn drop_full(&self) {
        if self.by_holder.len() < self.many.load(Ordering::Relaxed) {
            return;
        }
        self.by_holder.retain_recent();
        self.by_holder.shrink_to_fit();
        self.many.store((2 * self.by_holder.len()).max(FEW), Ordering::Relaxed);
    }
}

impl<C: Clock> fmt::Debug for Rates<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Rates").field(&self.0.as_ref().map(|buckets| buckets.by_holder.len())).finish()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use tonic::{Code, Status};
    use tonic_types::StatusExt;

    use super::*;

    fn key(n: usize) -> Principal {
        format!("key-{n}").parse().unwrap()
    }

    fn rates(rate: u32, burst: Option<u32>) -> (Rates<FakeRelativeClock>, FakeRelativeClock) {
        let limits = Limits { calls_per_second: Some(rate), calls_burst: burst, ..Limits::default() };
        let clock = FakeRelativeClock::default();
        (Rates::by(&limits, clock.clone()), clock)
    }

    /// Takes calls until one is refused. Returns their number and the delay of the refusal.
    fn drain(rates: &Rates<FakeRelativeClock>, key: &Principal) -> (usize, Duration) {
        for taken in 0.. {
            if let Err(refused) = rates.take(key, None) {
                let status = Status::from(refused);
                assert_eq!(status.code(), Code::ResourceExhausted);
                let details = status.get_error_details();
                assert_eq!(details.error_info().unwrap().reason, "RATE_LIMITED");
                return (taken, details.retry_info().unwrap().retry_delay.unwrap());
            }
        }
        unreachable!()
    }

    #[test]
    fn a_key_has_its_burst_then_its_rate_and_other_keys_have_their_own() {
        let (rates, clock) = rates(10, Some(25));
        assert_eq!(drain(&rates, &key(1)), (25, Duration::from_millis(100)));
        assert_eq!(drain(&rates, &key(2)).0, 25);
        clock.advance(Duration::from_millis(99));
        assert_eq!(drain(&rates, &key(1)), (0, Duration::from_millis(1)));
        clock.advance(Duration::from_millis(1));
        assert_eq!(drain(&rates, &key(1)).0, 1);
        clock.advance(Duration::from_secs(1));
        assert_eq!(drain(&rates, &key(1)).0, 10);
        clock.advance(Duration::from_secs(60));
        assert_eq!(drain(&rates, &key(1)).0, 25);
    }

    #[test]
    fn tokens_for_a_wallet_take_no_calls_of_their_key_or_of_other_wallets() {
        let (rates, _) = rates(5, None);
        let [ann, bob] = ["ann", "bob"].map(|id| WalletId::parse(id).unwrap());
        assert_eq!((0..9).filter(|_| rates.take(&key(1), Some(&ann)).is_ok()).count(), 5);
        assert_eq!((0..9).filter(|_| rates.take(&key(1), Some(&bob)).is_ok()).count(), 5);
        assert_eq!(drain(&rates, &key(1)).0, 5);
    }

    #[test]
    fn the_burst_of_a_key_is_a_second_of_calls_by_default() {
        let (rates, _) = rates(7, None);
        assert_eq!(drain(&rates, &key(1)).0, 7);
    }

    #[test]
    fn without_a_limit_any_rate_is_allowed() {
        let rates = Rates::new(&Limits::default());
        assert!((0..100_000).all(|_| rates.take(&key(1), None).is_ok()));
    }

    #[test]
    fn buckets_of_keys_that_rest_are_dropped() {
        let (rates, clock) = rates(10, None);
        let buckets = rates.0.clone().unwrap();
        for n in 0..100_000 {
            rates.take(&key(n), None).unwrap();
            // At most ten keys are in use at a time: a bucket is full again after 100 ms.
            clock.advance(Duration::from_millis(10));
            assert!(buckets.by_holder.len() <= FEW, "{n}");
        }
        // Keys in use are kept, so that dropping refills no bucket.
        for n in 0..3 * FEW {
            assert_eq!(drain(&rates, &key(n)).0, 10, "{n}");
        }
        assert!(buckets.by_holder.len() >= 3 * FEW);
        assert_eq!(drain(&rates, &key(0)).0, 0);
    }
}
