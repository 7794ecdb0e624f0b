//! RevokeGrant: available credits are revoked at once, held ones when they return.

use wallet_client::Code;
use wallet_client::v1::{self, CancelReason, EntryKind, ErrorReason};

use crate::harness::credits;
use crate::shorthand::{
    balance, cancel, credits_of, entries, explicit, facts, figures, gift, later, mismatch, refused, settle,
};

fn revoke(request: &str, grant: &str) -> v1::RevokeGrantRequest {
    v1::RevokeGrantRequest {
        wallet_id: "w".into(),
        request_id: request.into(),
        grant_id: grant.into(),
        reason: "fraud".into(),
    }
}

each_database! {
    async fn available_credits_are_revoked_at_once(server: Server) {
        let client = server.wallet("w", 100).await;
        client.grant(gift("w", "g", credits(25))).await.unwrap();
        let done = client.revoke_grant(revoke("r", "grant:g")).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 4, 4));
        let grant = done.grant.unwrap();
        assert_eq!(
            (grant.grant_id.as_str(), grant.revoked, grant.available, grant.open),
            ("grant:g", 25, 0, false)
        );
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.request_id.as_str()), (EntryKind::GrantRevoked, "r"));
        assert_eq!(entry.reason, "fraud");
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
    }

    async fn held_credits_may_be_charged_and_are_revoked_when_they_return(server: Server) {
        let client = server.wallet("w", 0).await;
        client.grant(gift("w", "g", credits(50))).await.unwrap();
        for id in ["charged", "returned"] {
            client.reserve(explicit("w", id, vec![credits(20)])).await.unwrap();
        }
        let grant = client.revoke_grant(revoke("r", "grant:g")).await.unwrap().grant.unwrap();
        assert_eq!((grant.revoked, grant.held, grant.open), (10, 40, true));
        client.settle(settle("w", "charged", v1::Succeeded::default())).await.unwrap();
        let cancelled = client.cancel(cancel("w", "returned", CancelReason::Platform)).await.unwrap();
        let cancelled = cancelled.reservation.unwrap();
        assert_eq!(
            (figures(&cancelled.returned), figures(&cancelled.forfeited)),
            ("0 credits".into(), "20 credits".into())
        );
        let again = client.revoke_grant(revoke("r", "grant:g")).await.unwrap();
        let grant = again.grant.unwrap();
        assert!(again.replayed);
        assert_eq!((grant.revoked, grant.consumed, grant.held, grant.open), (30, 20, 0, false));
        assert!(server.verify().await.is_clean());
    }

    async fn a_purchase_and_pending_credits_can_be_revoked(server: Server) {
        let client = server.wallet("w", 100).await;
        let tomorrow = later(balance(&client, "w").await.read_time, 86_400);
        client
            .grant(v1::GrantRequest { effective_time: tomorrow, ..gift("w", "g", credits(25)) })
            .await
            .unwrap();
        for (request, grant, revoked) in [("a", "top_up:first", 100), ("b", "grant:g", 25)] {
            let grant = client.revoke_grant(revoke(request, grant)).await.unwrap().grant.unwrap();
            assert_eq!((grant.revoked, grant.pending, grant.open), (revoked, 0, false));
        }
        assert_eq!(credits_of(&client, "w").await, (0, 0, 0));
    }

    async fn another_grant_under_the_same_request_is_a_mismatch(server: Server) {
        let client = server.wallet("w", 100).await;
        client.grant(gift("w", "g", credits(25))).await.unwrap();
        client.revoke_grant(revoke("r", "grant:g")).await.unwrap();
        assert_eq!(mismatch(client.revoke_grant(revoke("r", "top_up:first")).await), ["grant_id"]);
        let update = crate::shorthand::set_status("w", "u", v1::WalletStatus::Active);
        client.update_wallet(update).await.unwrap();
        assert_eq!(mismatch(client.revoke_grant(revoke("u", "grant:g")).await), ["request_id"]);
        assert_eq!(credits_of(&client, "w").await, (100, 0, 0));
    }

    async fn every_grant_is_revoked_by_its_listed_id_and_by_no_other(server: Server) {
        let client = server.wallet("w", 100).await;
        for id in ["top_up:first", "grant:g", "grace:j", "period:1.0.0"] {
            let bad = crate::shorthand::violations(client.grant(gift("w", id, credits(1))).await);
            assert!(bad[0].starts_with(&format!("grant_id: {id:?} begins with")), "{bad:?}");
            let bad = client.top_up(v1::TopUpRequest::amount("w", id, credits(1))).await;
            assert!(crate::shorthand::violations(bad)[0].starts_with("top_up_id: "));
        }
        client.grant(gift("w", "promo:first", credits(5))).await.unwrap();
        let request = v1::ListGrantsRequest { wallet_id: "w".into(), ..Default::default() };
        let shown = client.list_grants(request).await.unwrap().grants;
        assert_eq!(shown.len(), 2);
        for (n, grant) in (0..).zip(shown) {
            let done = client.revoke_grant(revoke(&format!("r{n}"), &grant.grant_id)).await.unwrap();
            let taken = done.grant.unwrap();
            assert_eq!((taken.grant_id, taken.revoked), (grant.grant_id, grant.available));
        }
        assert!(server.verify().await.is_clean());
    }

    async fn a_missing_grant_cannot_be_revoked(server: Server) {
        let client = server.wallet("w", 100).await;
        for missing in ["grant:nothing", "top_up:nothing", "top_up:first#1", "grace:first"] {
            let refusal = client.revoke_grant(revoke("r", missing)).await;
            let refusal = refused(refusal, ErrorReason::GrantNotFound, Code::NotFound);
            assert_eq!(facts(&refusal), "revision=2 version=2 wallet_id=w", "{missing}");
        }
        for bare in ["first", "promo:first", "grant:first#0"] {
            let bad = crate::shorthand::violations(client.revoke_grant(revoke("r", bare)).await);
            assert!(bad[0].starts_with("grant_id: must be a grant_id as ListGrants shows it"), "{bad:?}");
        }
        let nobody = v1::RevokeGrantRequest { wallet_id: "nobody".into(), ..revoke("r", "grant:g") };
        refused(client.revoke_grant(nobody).await, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
