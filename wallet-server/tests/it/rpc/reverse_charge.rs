//! ReverseCharge: a charge is given back in parts, never more than was charged.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason};

use crate::harness::credits;
use crate::shorthand::{
    credits_of, entries, explicit, facts, figures, gift, later, mismatch, refused, reverse, settle, until,
};

fn some(request: &str, n: i64) -> v1::ReverseChargeRequest {
    v1::ReverseChargeRequest { amounts: vec![credits(n)], ..reverse("w", request, "j") }
}

/// Creates a wallet of 100 credits with a settled job that was charged 40.
async fn charged(server: &crate::harness::Server) -> wallet_client::WalletClient {
    let client = server.wallet("w", 100).await;
    client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
    client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
    client
}

each_database! {
    async fn a_charge_is_reversed_in_parts_and_the_receipt_shows_it(server: Server) {
        let client = charged(&server).await;
        let done = client.reverse_charge(some("a", 15)).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 5, 5));
        assert_eq!(done.balances[0].available.as_ref().unwrap().amount, 75);
        let job = done.reservation.unwrap();
        assert_eq!((figures(&job.charged), figures(&job.reversed)), ("40 credits".into(), "15 credits".into()));
        assert_eq!((job.allocations[0].charged, job.allocations[0].reversed), (40, 15));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reservation_id.as_str()), (EntryKind::ChargeReversed, "j"));

        let all = client.reverse_charge(reverse("w", "b", "j")).await.unwrap().reservation.unwrap();
        assert_eq!(figures(&all.reversed), "40 credits");
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
        let again = client.reverse_charge(some("a", 15)).await.unwrap();
        assert_eq!((again.replayed, again.revision), (true, 6));
        assert!(server.verify().await.is_clean());
    }

    async fn no_more_than_the_charge_is_reversed(server: Server) {
        let client = charged(&server).await;
        client.reverse_charge(some("a", 15)).await.unwrap();
        let refusal = client.reverse_charge(some("b", 26)).await;
        let refusal = refused(refusal, ErrorReason::ReversalExceedsCharge, Code::FailedPrecondition);
        let expected = "charged=40 requested=26 reversed=15 revision=5 unit=credits version=5 wallet_id=w";
        assert_eq!(facts(&refusal), expected);
        client.reverse_charge(reverse("w", "c", "j")).await.unwrap();
        let refusal = client.reverse_charge(reverse("w", "d", "j")).await;
        refused(refusal, ErrorReason::ReversalExceedsCharge, Code::FailedPrecondition);
        let missing = client.reverse_charge(reverse("w", "d", "k")).await;
        refused(missing, ErrorReason::ReservationNotFound, Code::NotFound);
    }

    async fn each_reversal_into_an_expired_grant_becomes_a_grant_of_its_source(server: Server) {
        let client = server.wallet("w", 0).await;
        let soon = later(crate::shorthand::balance(&client, "w").await.read_time, 2);
        client.grant(v1::GrantRequest { expire_time: soon, ..gift("w", "g", credits(40)) }).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(40)])).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        until(&client, "w", soon).await;
        client.reverse_charge(some("a", 15)).await.unwrap();
        client.reverse_charge(reverse("w", "b", "j")).await.unwrap();
        let list = v1::ListGrantsRequest { wallet_id: "w".into(), ..Default::default() };
        let mut graces: Vec<_> =
            client.list_grants(list).await.unwrap().grants.into_iter().map(|g| (g.grant_id.clone(), g)).collect();
        graces.sort_by(|a, b| a.0.cmp(&b.0));
        let shown: Vec<_> = graces.iter().map(|(id, grant)| (id.as_str(), grant.available, grant.source())).collect();
        assert_eq!(shown, [("grace:j", 15, v1::Source::Adjustment), ("grace:j#1", 25, v1::Source::Adjustment)]);
        for (_, grant) in &graces {
            assert_eq!(grant.expire_time, later(grant.create_time, 30 * 86_400));
        }
        assert!(server.verify().await.is_clean());
    }

    async fn another_reversal_under_the_same_request_is_a_mismatch(server: Server) {
        let client = charged(&server).await;
        client.reverse_charge(some("a", 15)).await.unwrap();
        assert_eq!(mismatch(client.reverse_charge(some("a", 16)).await), ["amounts"]);
        assert_eq!(mismatch(client.reverse_charge(reverse("w", "a", "j")).await), ["amounts"]);
        assert_eq!(credits_of(&client, "w").await, (75, 0, 0));
    }
}
