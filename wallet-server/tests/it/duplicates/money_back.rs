//! RefundTopUp, RecordChargeback.

use wallet_client::v1::{self, EntryKind};

use super::{FRESH, at_once, available, entries_after, mismatch, one_effect};
use crate::harness::credits;
use crate::words::{charge_back, explicit, refund, settle};

each_fleet! {
    async fn of_equal_refunds_one_pays_out(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers =
            at_once(&servers, |client, _| async move { client.refund_top_up(refund("w", "r", "first")).await })
                .await;
        let done = answers.into_iter().map(|a| ((a.amounts, a.grants), a.replayed)).collect();
        let (amounts, grants) = one_effect(done);
        assert_eq!((amounts[0].amount, grants[0].paid_out, available(&client).await), (100, 100, 0));

        let requested_time = grants[0].create_time;
        let other = v1::RefundTopUpRequest { requested_time, ..refund("w", "r", "second") };
        assert_eq!(mismatch(client.refund_top_up(other).await), ["requested_time", "top_up_id"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::TopUpRefunded]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_chargebacks_one_makes_debt(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        let answers = at_once(&servers, |client, _| async move {
            client.record_chargeback(charge_back("w", "c", "first")).await
        })
        .await;
        let done = answers.into_iter().map(|a| ((a.revoked, a.owed, a.grants), a.replayed)).collect();
        let (revoked, owed, _) = one_effect(done);
        assert_eq!((revoked[0].amount, owed[0].amount), (60, 40));

        assert_eq!(mismatch(client.record_chargeback(charge_back("w", "c", "other")).await), ["top_up_id"]);
        let entries = [EntryKind::Reserved, EntryKind::Settled, EntryKind::ChargedBack];
        assert_eq!(entries_after(&client, FRESH).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }
}
