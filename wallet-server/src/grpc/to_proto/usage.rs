//! Renders totals over finished jobs.

use wallet_core::catalog::Catalog;
use wallet_proto::v1;

use super::amount::amounts;
use crate::query::Usage;

pub(crate) fn usage(catalog: &Catalog, usage: &Usage) -> v1::UsageSums {
    v1::UsageSums {
        settled_jobs: usage.settled,
        failed_jobs: usage.failed,
        cancelled_jobs: usage.cancelled,
        expired_jobs: usage.expired,
        charged: amounts(catalog, &usage.charged),
        fees: amounts(catalog, &usage.fees),
        returned: amounts(catalog, &usage.returned),
        forfeited: amounts(catalog, &usage.forfeited),
        uncollected: amounts(catalog, &usage.uncollected),
        reversed: amounts(catalog, &usage.reversed),
    }
}
