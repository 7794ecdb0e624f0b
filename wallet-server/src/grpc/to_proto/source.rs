//! Renders sources of credits.

use wallet_core::Source;
use wallet_proto::v1;

pub(super) fn source(source: Source) -> v1::Source {
    match source {
        Source::Grace => v1::Source::Grace,
        Source::Subscription => v1::Source::Subscription,
        Source::Free => v1::Source::Free,
        Source::Adjustment => v1::Source::Adjustment,
        Source::Purchased => v1::Source::Purchased,
        Source::Promotional => v1::Source::Promotional,
        Source::Referral => v1::Source::Referral,
    }
}
