//! UpdateWallet: status, name and debt limits.

use wallet_client::Code;
use wallet_client::v1::{self, EntryKind, ErrorReason, WalletStatus};

use crate::harness::{credits, video};
use crate::shorthand::{
    POLICIES, entries, facts, figures, gift, publish, refused, set_status, settle, violations,
};

fn rename(request: &str, name: &str) -> v1::UpdateWalletRequest {
    v1::UpdateWalletRequest {
        display_name: Some(name.into()),
        ..set_status("w", request, WalletStatus::Unspecified)
    }
}

each_database! {
    async fn only_the_given_fields_change(server: Server) {
        let client = server.wallet("w", 100).await;
        let limit = vec![credits(30), v1::Amount::new("trainings", 1)];
        let all = v1::UpdateWalletRequest {
            debt_limits: limit,
            reason: "asked for".into(),
            ..rename("a", "Ann's")
        };
        let done = client.update_wallet(all).await.unwrap();
        assert_eq!((done.replayed, done.revision, done.version), (false, 3, 3));
        let entry = entries(&client, "w").await.pop().unwrap();
        assert_eq!((entry.kind(), entry.request_id.as_str()), (EntryKind::WalletUpdated, "a"));
        assert_eq!((entry.reason.as_str(), entry.postings.len()), ("asked for", 0));

        let suspended = client.update_wallet(set_status("w", "b", WalletStatus::Suspended)).await.unwrap();
        let wallet = suspended.wallet.unwrap();
        assert_eq!((wallet.status(), wallet.display_name.as_str()), (WalletStatus::Suspended, "Ann's"));
        assert_eq!(figures(&wallet.debt_limits), "30 credits, 1 trainings");
        let none = v1::UpdateWalletRequest { debt_limits: vec![credits(0)], ..rename("c", "") };
        let wallet = client.update_wallet(none).await.unwrap().wallet.unwrap();
        assert_eq!((wallet.status(), wallet.display_name.as_str()), (WalletStatus::Suspended, ""));
        assert_eq!(figures(&wallet.debt_limits), "1 trainings");
    }

    async fn running_jobs_continue_while_the_wallet_is_suspended(server: Server) {
        let client = server.wallet("w", 100).await;
        client.reserve(v1::ReserveRequest::new("w", "j", video("5"))).await.unwrap();
        client.update_wallet(set_status("w", "a", WalletStatus::Suspended)).await.unwrap();
        client.settle(settle("w", "j", v1::Succeeded::default())).await.unwrap();
        client.grant(gift("w", "g", credits(1))).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "k", video("1"))).await.unwrap_err();
        client.update_wallet(set_status("w", "b", WalletStatus::Active)).await.unwrap();
        client.reserve(v1::ReserveRequest::new("w", "k", video("1"))).await.unwrap();
    }

    async fn a_repeated_update_undoes_no_later_change(server: Server) {
        let client = server.wallet("w", 100).await;
        client.update_wallet(set_status("w", "a", WalletStatus::Suspended)).await.unwrap();
        client.update_wallet(set_status("w", "b", WalletStatus::Active)).await.unwrap();
        let again = v1::UpdateWalletRequest {
            reason: "other words".into(),
            ..set_status("w", "a", WalletStatus::Suspended)
        };
        let again = client.update_wallet(again).await.unwrap();
        assert!(again.replayed);
        assert_eq!((again.wallet.unwrap().status(), again.revision), (WalletStatus::Active, 4));
    }

    async fn another_update_under_the_same_id_is_a_mismatch_that_names_the_fields(server: Server) {
        let client = server.wallet("w", 100).await;
        client.update_wallet(rename("a", "Ann's")).await.unwrap();
        client.grant(gift("w", "g", credits(1))).await.unwrap();
        let revoke = v1::RevokeGrantRequest {
            wallet_id: "w".into(),
            request_id: "r".into(),
            grant_id: "grant:g".into(),
            ..Default::default()
        };
        client.revoke_grant(revoke).await.unwrap();
        for (request, fields) in [
            (rename("a", "Bob's"), "display_name"),
            (set_status("w", "a", WalletStatus::Suspended), "display_name,status"),
            (
                v1::UpdateWalletRequest { debt_limits: vec![credits(1)], ..rename("a", "Ann's") },
                "debt_limits",
            ),
            (rename("r", "Ann's"), "request_id"),
        ] {
            let refusal = client.update_wallet(request).await;
            let refusal = refused(refusal, ErrorReason::IdempotencyMismatch, Code::AlreadyExists);
            assert_eq!(facts(&refusal), format!("fields={fields} revision=5 version=5 wallet_id=w"));
        }
    }

    async fn a_debt_limit_is_in_a_known_unit_and_not_below_the_debt(server: Server) {
        let client = server.client().await;
        publish(&client, POLICIES).await;
        crate::rpc::settle::owe_twenty(&client, "w").await;
        let limit = |limit| v1::UpdateWalletRequest { debt_limits: vec![limit], ..rename("a", "") };
        let expected = ["debt_limits: 19 credits is below the current debt of 20"];
        assert_eq!(violations(client.update_wallet(limit(credits(19))).await), expected);
        let expected = ["debt_limits: the catalog has no unit gems"];
        assert_eq!(violations(client.update_wallet(limit(v1::Amount::new("gems", 1))).await), expected);
        client.update_wallet(limit(credits(20))).await.unwrap();
        let missing = set_status("nobody", "a", WalletStatus::Active);
        refused(client.update_wallet(missing).await, ErrorReason::WalletNotFound, Code::NotFound);
    }
}
