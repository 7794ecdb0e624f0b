//! Duplicates of TopUp: the same id again, and the same payment under other ids.

use wallet_client::v1::{self, EntryKind, top_up_request::What};

use super::{FRESH, at_once, available, entries_after, mismatch, one_effect};
use crate::harness::credits;

/// A purchase with the payment `pay-1`.
fn paid(top_up_id: &str, how_many: i64) -> v1::TopUpRequest {
    let payment = v1::ExternalRef { provider: "stripe".into(), id: "pay-1".into() };
    let external_ref = Some(payment);
    v1::TopUpRequest { external_ref, ..v1::TopUpRequest::amount("w", top_up_id, credits(how_many)) }
}

each_fleet! {
    async fn of_equal_top_ups_one_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers = at_once(&servers, |client, _| async move {
            client.top_up(v1::TopUpRequest::amount("w", "order", credits(50))).await
        })
        .await;
        let grants = one_effect(answers.into_iter().map(|a| (a.grants, a.replayed)).collect());
        assert_eq!((grants.len(), grants[0].grant_id.as_str()), (1, "top_up:order"));
        assert_eq!(available(&client).await, 150);

        assert_eq!(mismatch(client.top_up(v1::TopUpRequest::amount("w", "order", credits(51))).await), ["amount"]);
        let trainings = v1::TopUpRequest::amount("w", "order", v1::Amount::new("trainings", 50));
        assert_eq!(mismatch(client.top_up(trainings).await), ["amount"]);
        let pack = v1::TopUpRequest {
            what: Some(What::PackId("starter".into())),
            paid_amount: Some(v1::Money { currency: "EUR".into(), minor_units: 500 }),
            ..v1::TopUpRequest::amount("w", "order", credits(50))
        };
        assert_eq!(mismatch(client.top_up(pack).await), ["amount", "pack_id", "paid_amount"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::ToppedUp]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn one_payment_under_33_ids_credits_once(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers = at_once(&servers, |client, n| async move {
            client.top_up(paid(&format!("order-{n}"), 50)).await
        })
        .await;
        let grants = one_effect(answers.into_iter().map(|a| (a.grants, a.replayed)).collect());
        assert_eq!(grants.len(), 1);
        assert_eq!(available(&client).await, 150);

        assert_eq!(mismatch(client.top_up(paid("late", 60)).await), ["amount"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::ToppedUp]);
        assert!(servers[0].verify().await.is_clean());
    }
}
