//! Grant: credits without a purchase.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, Source};

use crate::harness::credits;
use crate::shorthand::{
    balance, credits_of, entries, explicit, facts, gift, later, refused, set_status, until, violations,
};

each_database! {
    async fn a_grant_has_every_field_of_its_request(server: Server) {
        let client = server.wallet("w", 0).await;
        let tomorrow = later(balance(&client, "w").await.read_time, 86_400);
        let request = v1::GrantRequest {
            source: Source::Promotional.into(),
            priority: -3,
            expire_time: tomorrow,
            reason: "launch".into(),
            labels: [("campaign".to_owned(), "spring".to_owned())].into(),
            ..gift("w", "g", credits(25))
        };
        let done = client.grant(request).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 2, 2));
        let grant = done.grant.unwrap();
        assert_eq!((grant.grant_id.as_str(), grant.source()), ("grant:g", Source::Promotional));
        assert_eq!((grant.available, grant.pending, grant.priority), (25, 0, -3));
        assert_eq!((grant.expire_time, grant.effective_time), (tomorrow, done.decide_time));
        assert_eq!(grant.labels["campaign"], "spring");
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.reason.as_str()), (EntryKind::Granted, "launch"));
        assert_eq!(credits_of(&client, "w").await, (25, 0, 0));
    }

    async fn a_grant_is_pending_until_its_effective_time(server: Server) {
        let client = server.wallet("w", 0).await;
        let soon = later(balance(&client, "w").await.read_time, 2);
        let request = v1::GrantRequest { effective_time: soon, ..gift("w", "g", credits(25)) };
        let grant = client.grant(request).await.unwrap().grant.unwrap();
        assert_eq!((grant.pending, grant.available, grant.effective_time), (25, 0, soon));
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
        until(&client, "w", soon).await;
        assert_eq!(credits_of(&client, "w").await, (25, 0, 0));
        client.reserve(explicit("w", "j", vec![credits(25)])).await.unwrap();
        let effective = entries(&client, "w").await.swap_remove(2);
        assert_eq!((effective.kind(), effective.effective_time), (EntryKind::GrantEffective, soon));
    }

    async fn a_repeated_grant_issues_nothing_more_even_after_it_was_spent(server: Server) {
        let client = server.wallet("w", 0).await;
        let first = client.grant(gift("w", "g", credits(25))).await.unwrap();
        client.reserve(explicit("w", "j", vec![credits(25)])).await.unwrap();
        let again = v1::GrantRequest { reason: "other words".into(), ..gift("w", "g", credits(25)) };
        let again = client.grant(again).await.unwrap();
        assert!(again.replayed && !first.replayed);
        let expected = v1::Grant { available: 0, held: 25, ..first.grant.unwrap() };
        assert_eq!((again.grant, again.revision), (Some(expected), 3));
        assert_eq!(credits_of(&client, "w").await, (0, 25, 0));
    }

    async fn another_grant_under_the_same_id_is_a_mismatch_that_names_the_fields(server: Server) {
        let client = server.wallet("w", 0).await;
        client.grant(gift("w", "g", credits(25))).await.unwrap();
        let tomorrow = later(balance(&client, "w").await.read_time, 86_400);
        for (request, fields) in [
            (gift("w", "g", credits(26)), "amount"),
            (gift("w", "g", v1::Amount::new("trainings", 25)), "amount"),
            (v1::GrantRequest { priority: 1, ..gift("w", "g", credits(25)) }, "priority"),
            (
                v1::GrantRequest {
                    source: Source::Free.into(),
                    effective_time: tomorrow,
                    expire_time: later(tomorrow, 1),
                    ..gift("w", "g", credits(25))
                },
                "effective_time,expire_time,source",
            ),
        ] {
            let refusal =
                refused(client.grant(request).await, ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
            assert_eq!(facts(&refusal), format!("fields={fields} revision=2 version=2 wallet_id=w"));
        }
    }

    async fn a_grant_and_a_purchase_may_have_the_same_id(server: Server) {
        let client = server.wallet("w", 10).await;
        let done = client.grant(gift("w", "first", credits(5))).await.unwrap();
        assert!(!done.replayed);
        assert_eq!(credits_of(&client, "w").await, (15, 0, 0));
    }

    async fn credits_that_can_never_be_spent_are_not_granted(server: Server) {
        let client = server.wallet("w", 0).await;
        let now = balance(&client, "w").await.read_time;
        let lasting = |effective_time, expire_time| v1::GrantRequest {
            effective_time,
            expire_time,
            ..gift("w", "g", credits(1))
        };
        let past = violations(client.grant(lasting(None, later(now, -60))).await);
        assert!(past.len() == 1 && past[0].starts_with("expire_time: must be after now"), "{past:?}");
        let backwards = client.grant(lasting(later(now, 120), later(now, 60))).await;
        assert_eq!(violations(backwards), ["expire_time: must be after effective_time"]);
        let unknown = client.grant(gift("w", "g", v1::Amount::new("gems", 1))).await;
        assert_eq!(violations(unknown), ["amount.unit: the catalog has no unit gems"]);
        let nobody = client.grant(gift("nobody", "g", credits(1))).await;
        refused(nobody, ErrorReason::WalletNotFound, Code::NotFound);
        client.update_wallet(set_status("w", "r", v1::WalletStatus::Suspended)).await.unwrap();
        client.grant(gift("w", "g", credits(1))).await.unwrap();
    }
}
