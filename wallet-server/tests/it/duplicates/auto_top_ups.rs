//! Duplicates of SetAutoTopUp and RecordAutoTopUpFailure.

use wallet_client::v1::{self, EntryKind};

use super::{FRESH, at_once, entries_after, mismatch, one_effect};
use crate::subscriptions::PLANS;

fn turn_on(request: &str, threshold: i64) -> v1::SetAutoTopUpRequest {
    v1::SetAutoTopUpRequest::on("w", request, v1::AutoTopUpSetting::new("credits", threshold, "single"))
}

each_fleet! {
    config = wallet_server::Config { catalog: Some(PLANS.to_owned()), ..wallet_server::Config::default() };

    async fn of_equal_settings_one_makes_a_purchase_due_and_of_equal_failures_one_fails(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers = at_once(&servers, |client, _| async move { client.set_auto_top_up(turn_on("a", 105)).await });
        let answers = answers.await.into_iter().map(|answer| (answer.wallet.unwrap(), answer.replayed)).collect();
        let due = one_effect::<v1::Wallet>(answers).auto_top_up.unwrap().under_way.unwrap();
        assert_eq!(mismatch(client.set_auto_top_up(turn_on("a", 106)).await), ["auto_top_up"]);

        let failure = v1::RecordAutoTopUpFailureRequest::new("w", "d", due.top_up_id);
        let answers = at_once(&servers, |client, _| {
            let failure = failure.clone();
            async move { client.record_auto_top_up_failure(failure).await }
        });
        let answers = answers.await.into_iter().map(|answer| (answer.wallet.unwrap(), answer.replayed)).collect();
        assert_eq!(one_effect::<v1::Wallet>(answers).auto_top_up.unwrap().declines, 1);
        let entries = [EntryKind::AutoTopUpSet, EntryKind::AutoTopUpFailed];
        assert_eq!(entries_after(&client, FRESH).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }
}
