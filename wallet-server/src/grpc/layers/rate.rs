//! The rates of calls. A bucket holds a burst of calls and is refilled at the rate. A call takes one from up to three
//! buckets, in this order:
//!
//! - that of the key, if it was created with a rate;
//! - another one of the key, for the rate that the server allows to every key;
//! - that of the tenant, for the rate that the server allows to all keys of a tenant together.
//!
//! A call with a wallet token takes from others instead: the tokens that a key has made for one wallet share two, and
//! all tokens of the tenant share one. So no web page uses up the calls of the back end. A call that a bucket refuses
//! has been taken from the buckets before it only, so a key above its own rate takes nothing from its tenant.
//!
//! Each bucket has a reserve of the same rate for calls of running jobs. They take from it when the bucket is empty, so
//! a caller that has used up its rate can still end its jobs and keep their leases. A flood of them is bounded by twice
//! the rate.
//!
//! Only keys that exist get here, and full buckets are dropped, so memory is bounded by the keys and tokens in use.

use std::collections::HashMap;
use std::fmt;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use governor::clock::{Clock, MonotonicClock};
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter};
use wallet_core::{Principal, TenantId, WalletId};

use crate::grpc::error::{AboveRate, RateLimit, RpcError};
use crate::grpc::layers::Purpose;
use crate::keys::CallRate;
use crate::settings::Limits;

/// The number of buckets at which full ones are dropped for the first time.
const FEW: usize = 1_024;

/// The rates of all tenants and keys. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Rates<C: Clock = MonotonicClock>(Arc<Shared<C>>);

struct Shared<C: Clock> {
    clock: C,
    /// Of every tenant. `None`: any rate is allowed.
    of_tenants: Option<Buckets<C>>,
    /// Of every key. `None`: any rate is allowed.
    of_server: Option<Buckets<C>>,
    /// Of the keys that were created with a rate, by that rate. There are not more rates than keys.
    of_keys: RwLock<HashMap<CallRate, Arc<Buckets<C>>>>,
}

/// The buckets of one rate.
struct Buckets<C: Clock> {
    limit: RateLimit,
    rate: CallRate,
    usual: Pool<C>,
    /// The reserve for calls of running jobs.
    reserve: Pool<C>,
}

/// Buckets of the same size, one for each of the callers.
struct Pool<C: Clock> {
    by_callers: RateLimiter<Callers, HashMapStateStore<Callers>, C, NoOpMiddleware<C::Instant>>,
    /// The number of buckets at which full ones are dropped next.
    many: AtomicUsize,
}

/// The callers that share a bucket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Callers {
    /// One key, without its tokens.
    Key(Principal),
    /// The tokens that a key has made for one wallet.
    TokensOfKey(Principal, WalletId),
    /// All keys of a tenant.
    Keys(TenantId),
    /// All wallet tokens of a tenant.
    Tokens(TenantId),
}

impl Rates {
    /// Returns the rates that the limits allow; without such a limit any rate is allowed.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self::by(limits, MonotonicClock)
    }
}

impl<C: Clock + Clone> Rates<C> {
    fn by(limits: &Limits, clock: C) -> Self {
        let buckets = |limit, per_second: Option<u32>, burst: Option<u32>| {
            let per_second = per_second.and_then(NonZeroU32::new)?;
            Some(Buckets::new(
                limit,
                CallRate::new(per_second, burst.and_then(NonZeroU32::new)),
                clock.clone(),
            ))
        };
        let of_tenants =
            buckets(RateLimit::Tenant, limits.tenant_calls_per_second, limits.tenant_calls_burst);
        let of_server = buckets(RateLimit::Server, limits.calls_per_second, limits.calls_burst);
        Self(Arc::new(Shared { clock, of_tenants, of_server, of_keys: RwLock::default() }))
    }

    /// Takes a call from the buckets of a tenant and of its key, or of the key's tokens for a wallet, or returns
    /// RATE_LIMITED. `rate` is the one that the key was created with.
    pub(crate) fn take(
        &self,
        tenant: TenantId,
        key: &Principal,
        wallet: Option<&WalletId>,
        rate: Option<CallRate>,
        purpose: Purpose,
    ) -> Result<(), RpcError> {
        let of_key = || match wallet {
            Some(wallet) => Callers::TokensOfKey(key.clone(), wallet.clone()),
            None => Callers::Key(key.clone()),
        };
        if let Some(rate) = rate {
            self.of_keys(rate).take(&of_key(), purpose)?;
        }
        if let Some(buckets) = &self.0.of_server {
            buckets.take(&of_key(), purpose)?;
        }
        if let Some(buckets) = &self.0.of_tenants {
            let of_tenant = if wallet.is_some() { Callers::Tokens } else { Callers::Keys };
            buckets.take(&of_tenant(tenant), purpose)?;
        }
        Ok(())
    }

    /// Returns the buckets of the keys that were created with this rate.
    fn of_keys(&self, rate: CallRate) -> Arc<Buckets<C>> {
        let known = self.0.of_keys.read().unwrap_or_else(PoisonError::into_inner).get(&rate).cloned();
        known.unwrap_or_else(|| {
            let mut all = self.0.of_keys.write().unwrap_or_else(PoisonError::into_inner);
            let new = || Arc::new(Buckets::new(RateLimit::Key, rate, self.0.clock.clone()));
            Arc::clone(all.entry(rate).or_insert_with(new))
        })
    }
}

impl<C: Clock + Clone> Buckets<C> {
    fn new(limit: RateLimit, rate: CallRate, clock: C) -> Self {
        Self { limit, rate, usual: Pool::new(rate, clock.clone()), reserve: Pool::new(rate, clock) }
    }
}

impl<C: Clock> Buckets<C> {
    fn take(&self, callers: &Callers, purpose: Purpose) -> Result<(), RpcError> {
        let taken = match self.usual.take(callers) {
            Err(_) if purpose == Purpose::RunningJob => self.reserve.take(callers),
            taken => taken,
        };
        taken.map_err(|wait| {
            // A delay of less than a millisecond would be sent as none.
            let retry_after = wait.max(Duration::from_millis(1));
            RpcError::rate_limited(AboveRate { limit: self.limit, rate: self.rate, retry_after })
        })
    }
}

impl<C: Clock> Pool<C> {
    fn new(rate: CallRate, clock: C) -> Self {
        let quota = Quota::per_second(rate.per_second).allow_burst(rate.burst);
        let by_callers = RateLimiter::new(quota, HashMapStateStore::default(), clock);
        Self { by_callers, many: AtomicUsize::new(FEW) }
    }

    /// Takes a call from a bucket, or returns the time after which it has one.
    fn take(&self, callers: &Callers) -> Result<(), Duration> {
        let taken = self.by_callers.check_key(callers);
        self.drop_full();
        taken.map_err(|early| early.wait_time_from(self.by_callers.clock().now()))
    }

    /// Drops full buckets when there are twice as many as were left the last time. A dropped bucket loses nothing,
    /// because a new one is full, too.
    fn drop_full(&self) {
        if self.by_callers.len() < self.many.load(Ordering::Relaxed) {
            return;
        }
        self.by_callers.retain_recent();
        self.by_callers.shrink_to_fit();
        self.many.store((2 * self.by_callers.len()).max(FEW), Ordering::Relaxed);
    }
}

impl<C: Clock> fmt::Debug for Rates<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many =
            |buckets: &Option<Buckets<C>>| buckets.as_ref().map(|buckets| buckets.usual.by_callers.len());
        let (of_server, of_tenants) = (many(&self.0.of_server), many(&self.0.of_tenants));
        f.debug_struct("Rates")
            .field("of_server", &of_server)
            .field("of_tenants", &of_tenants)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use governor::clock::FakeRelativeClock;
    use tonic::{Code, Status};
    use tonic_types::StatusExt;
    use wallet_proto::v1;
    use wallet_proto::v1::error_detail::Detail;

    use super::Purpose::{Other, RunningJob};
    use super::*;

    const TENANT: TenantId = TenantId::DEFAULT;

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
            if let Err(refused) = rates.take(TENANT, key, None, None, Other) {
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
        assert_eq!(
            (0..9).filter(|_| rates.take(TENANT, &key(1), Some(&ann), None, Other).is_ok()).count(),
            5
        );
        assert_eq!(
            (0..9).filter(|_| rates.take(TENANT, &key(1), Some(&bob), None, Other).is_ok()).count(),
            5
        );
        assert_eq!(drain(&rates, &key(1)).0, 5);
    }

    #[test]
    fn a_key_with_a_rate_of_its_own_has_the_lower_of_both() {
        let (rates, clock) = rates(10, None);
        let own = |per_second: u32, burst: u32| {
            Some(CallRate::new(NonZeroU32::new(per_second).unwrap(), NonZeroU32::new(burst)))
        };
        let taken = |n: usize, rate| {
            (0..99).filter(|_| rates.take(TENANT, &key(n), None, rate, Other).is_ok()).count()
        };
        assert_eq!(taken(1, own(2, 3)), 3);
        assert_eq!(taken(2, own(2, 3)), 3, "a key of the same rate has calls of its own");
        assert_eq!(taken(3, own(50, 60)), 10, "above that of the server");
        clock.advance(Duration::from_secs(1));
        assert_eq!(taken(1, own(2, 3)), 2);
        let wait = |rate| Status::from(rates.take(TENANT, &key(1), None, rate, Other).unwrap_err());
        let figures = |status: &Status| match v1::ErrorDetail::of(status).and_then(|detail| detail.detail) {
            Some(Detail::RateLimited(above)) => (above.limit, above.calls_per_second, above.calls_burst),
            other => panic!("{other:?}"),
        };
        let refused = wait(own(2, 3));
        assert_eq!(figures(&refused), ("key".to_owned(), 2, 3));
        let details = refused.get_error_details();
        assert_eq!(details.retry_info().unwrap().retry_delay, Some(Duration::from_millis(500)));
        assert_eq!(details.error_info().unwrap().metadata["calls_per_second"], "2");
        assert_eq!(drain(&rates, &key(4)).0, 10);
        assert_eq!(
            figures(&Status::from(rates.take(TENANT, &key(4), None, None, Other).unwrap_err())),
            ("server".to_owned(), 10, 10)
        );
    }

    #[test]
    fn the_keys_of_a_tenant_share_its_rate_and_so_do_its_tokens() {
        let limits = Limits { tenant_calls_per_second: Some(10), ..Limits::default() };
        let clock = FakeRelativeClock::default();
        let rates = Rates::by(&limits, clock.clone());
        let wallet = |n: usize| WalletId::parse(&format!("wallet-{n}")).unwrap();
        let by_token = |n: usize| rates.take(TENANT, &key(n), Some(&wallet(n)), None, Other);
        assert_eq!((0..50).filter(|n| by_token(*n).is_ok()).count(), 10);
        assert!(
            (0..4).all(|_| rates.take(TENANT, &key(1), None, None, Other).is_ok()),
            "tokens take nothing from keys"
        );
        assert_eq!(drain(&rates, &key(2)).0, 6);
        let refused = Status::from(rates.take(TENANT, &key(2), None, None, Other).unwrap_err());
        assert_eq!(refused.get_error_details().error_info().unwrap().metadata["limit"], "tenant");
        let other = TenantId(uuid::Uuid::from_u128(1));
        assert!(rates.take(other, &key(3), None, None, Other).is_ok(), "another tenant");
        clock.advance(Duration::from_secs(1));
        assert_eq!(drain(&rates, &key(2)).0, 10);
    }

    #[test]
    fn a_key_above_its_own_rate_takes_nothing_from_its_tenant() {
        let limits =
            Limits { calls_per_second: Some(5), tenant_calls_per_second: Some(20), ..Limits::default() };
        let rates = Rates::by(&limits, FakeRelativeClock::default());
        assert_eq!((0..99).filter(|_| rates.take(TENANT, &key(1), None, None, Other).is_ok()).count(), 5);
        let of_its_own = CallRate::new(NonZeroU32::new(3).unwrap(), None);
        assert_eq!(
            (0..99).filter(|_| rates.take(TENANT, &key(2), None, Some(of_its_own), Other).is_ok()).count(),
            3
        );
        assert_eq!([3, 4, 5].map(|n| drain(&rates, &key(n)).0), [5, 5, 2]);
    }

    #[test]
    fn calls_of_running_jobs_have_a_reserve_when_the_rate_is_used_up() {
        let own = CallRate::new(NonZeroU32::new(10).unwrap(), None);
        for (limits, own) in [
            (Limits { calls_per_second: Some(10), ..Limits::default() }, None),
            (Limits { tenant_calls_per_second: Some(10), ..Limits::default() }, None),
            (Limits::default(), Some(own)),
        ] {
            let clock = FakeRelativeClock::default();
            let rates = Rates::by(&limits, clock.clone());
            let taken =
                |purpose| (0..99).filter(|_| rates.take(TENANT, &key(1), None, own, purpose).is_ok()).count();
            assert_eq!(taken(Other), 10);
            assert_eq!(taken(RunningJob), 10, "the reserve");
            assert_eq!((taken(RunningJob), taken(Other)), (0, 0), "a flood has an end");
            clock.advance(Duration::from_secs(1));
            assert_eq!(taken(RunningJob), 20, "both are full again");
            assert_eq!(taken(Other), 0);
        }
    }

    #[test]
    fn the_burst_of_a_key_is_a_second_of_calls_by_default() {
        let (rates, _) = rates(7, None);
        assert_eq!(drain(&rates, &key(1)).0, 7);
    }

    #[test]
    fn without_a_limit_any_rate_is_allowed() {
        let rates = Rates::new(&Limits::default());
        assert!((0..100_000).all(|_| rates.take(TENANT, &key(1), None, None, Other).is_ok()));
    }

    #[test]
    fn buckets_of_keys_that_rest_are_dropped() {
        let (rates, clock) = rates(10, None);
        let buckets = &rates.0.of_server.as_ref().unwrap().usual;
        for n in 0..100_000 {
            rates.take(TENANT, &key(n), None, None, Other).unwrap();
            // At most ten keys are in use at a time: a bucket is full again after 100 ms.
            clock.advance(Duration::from_millis(10));
            assert!(buckets.by_callers.len() <= FEW, "{n}");
        }
        // Keys in use are kept, so that dropping refills no bucket.
        for n in 0..3 * FEW {
            assert_eq!(drain(&rates, &key(n)).0, 10, "{n}");
        }
        assert!(buckets.by_callers.len() >= 3 * FEW);
        assert_eq!(drain(&rates, &key(0)).0, 0);
    }
}
