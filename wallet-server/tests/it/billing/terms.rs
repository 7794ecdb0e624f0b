//! Terms and cadences of any length, over the wire.

use wallet_client::v1::{Term, TermUnit};

use crate::products::platform::at;

product! {
    "../tests/it/billing/plans";

    async fn daily_credits_come_and_go_with_the_day(platform: Platform) {
        let sold = platform.subscribe("drip").await.subscription.unwrap();
        assert_eq!(sold.term, Some(Term::new(TermUnit::Day, 14)));
        assert_eq!(sold.allowances[0].cadence, Some(Term::new(TermUnit::Day, 1)));
        assert_eq!(sold.period_end_time, Some(at("2026-02-14T09:00:00Z")));
        assert_eq!(sold.next_renewal_time, Some(at("2026-02-01T09:00:00Z")));
        for _ in 0..16 {
            assert_eq!(platform.credits().await, (3, 0));
            platform.days(1).await;
        }
        let renewed = platform.wallet().await.subscription.unwrap();
        assert_eq!(renewed.period_start_time, Some(at("2026-02-14T09:00:00Z")));
    }

    async fn a_quarter_gives_each_month_and_the_share_of_its_last_week(platform: Platform) {
        let sold = platform.subscribe("quarter").await.subscription.unwrap();
        assert_eq!(sold.term, Some(Term::new(TermUnit::Month, 3)));
        assert_eq!(sold.period_end_time, Some(at("2026-04-30T09:00:00Z")));
        platform.until("2026-03-31T09:00:00Z").await;
        assert_eq!((platform.credits().await, platform.has("coins").await), ((100, 0), (70, 0)));
        // The thirteenth week has five of its seven days.
        platform.until("2026-04-25T09:00:00Z").await;
        assert_eq!(platform.has("coins").await, (50, 0));
    }
}
