//! Duplicates of CreateWallet, UpdateWallet, Grant and RevokeGrant.

use wallet_client::v1::{self, EntryKind};

use super::{FRESH, at_once, available, entries_after, mismatch, one_effect};
use crate::harness::credits;

fn create(display_name: &str) -> v1::CreateWalletRequest {
    let (wallet_id, display_name) = ("w".to_owned(), display_name.to_owned());
    v1::CreateWalletRequest { wallet_id, display_name, debt_limits: vec![credits(10)] }
}

fn update(display_name: &str) -> v1::UpdateWalletRequest {
    v1::UpdateWalletRequest {
        wallet_id: "w".into(),
        request_id: "rename".into(),
        display_name: Some(display_name.to_owned()),
        ..Default::default()
    }
}

fn grant(grant_id: &str, how_many: i64) -> v1::GrantRequest {
    let (wallet_id, grant_id) = ("w".to_owned(), grant_id.to_owned());
    v1::GrantRequest { wallet_id, grant_id, amount: Some(credits(how_many)), ..Default::default() }
}

fn revoke(grant_id: &str) -> v1::RevokeGrantRequest {
    v1::RevokeGrantRequest {
        wallet_id: "w".into(),
        request_id: "sorry".into(),
        grant_id: grant_id.to_owned(),
        ..Default::default()
    }
}

each_fleet! {
    async fn of_equal_creations_one_creates_the_wallet(servers: Vec<Server>) {
        let answers =
            at_once(&servers, |client, _| async move { client.create_wallet(create("Ann")).await }).await;
        let wallet = one_effect(answers.into_iter().map(|a| (a.wallet.unwrap(), a.replayed)).collect());
        assert_eq!((wallet.display_name.as_str(), wallet.debt_limits[0].amount), ("Ann", 10));

        let client = servers[0].client().await;
        let bare = v1::CreateWalletRequest { wallet_id: "w".into(), ..Default::default() };
        assert_eq!(mismatch(client.create_wallet(bare).await), ["debt_limits", "display_name"]);
        assert_eq!(entries_after(&client, 0).await, [EntryKind::WalletCreated]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_updates_one_changes_the_wallet(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers =
            at_once(&servers, |client, _| async move { client.update_wallet(update("Bob")).await }).await;
        let wallet = one_effect(answers.into_iter().map(|a| (a.wallet.unwrap(), a.replayed)).collect());
        assert_eq!((wallet.display_name.as_str(), wallet.revision), ("Bob", FRESH + 1));

        let status = v1::WalletStatus::Suspended.into();
        let other = v1::UpdateWalletRequest { status, ..update("Eve") };
        assert_eq!(mismatch(client.update_wallet(other).await), ["display_name", "status"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::WalletUpdated]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_grants_one_issues_credits(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        let answers = at_once(&servers, |client, _| async move { client.grant(grant("gift", 50)).await }).await;
        let given = one_effect(answers.into_iter().map(|a| (a.grant.unwrap(), a.replayed)).collect());
        assert_eq!((given.grant_id.as_str(), given.available), ("grant:gift", 50));
        assert_eq!(available(&client).await, 150);

        let source = v1::Source::Promotional.into();
        let other = v1::GrantRequest { source, priority: 1, ..grant("gift", 51) };
        assert_eq!(mismatch(client.grant(other).await), ["amount", "priority", "source"]);
        assert_eq!(entries_after(&client, FRESH).await, [EntryKind::Granted]);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn of_equal_revocations_one_revokes(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.grant(grant("gift", 50)).await.unwrap();
        client.grant(grant("prize", 7)).await.unwrap();
        let answers =
            at_once(&servers, |client, _| async move { client.revoke_grant(revoke("grant:gift")).await }).await;
        let taken = one_effect(answers.into_iter().map(|a| (a.grant.unwrap(), a.replayed)).collect());
        assert_eq!((taken.available, taken.revoked), (0, 50));
        assert_eq!(available(&client).await, 107);

        assert_eq!(mismatch(client.revoke_grant(revoke("grant:prize")).await), ["grant_id"]);
        let entries = [EntryKind::Granted, EntryKind::Granted, EntryKind::GrantRevoked];
        assert_eq!(entries_after(&client, FRESH).await, entries);
        assert!(servers[0].verify().await.is_clean());
    }

    async fn a_request_id_names_one_command_of_any_kind(servers: Vec<Server>) {
        let client = servers[0].wallet("w", 100).await;
        client.grant(grant("gift", 50)).await.unwrap();
        client.update_wallet(update("Bob")).await.unwrap();
        let request = v1::RevokeGrantRequest { request_id: "rename".into(), ..revoke("grant:gift") };
        assert_eq!(mismatch(client.revoke_grant(request).await), ["request_id"]);
        assert_eq!(available(&client).await, 150);
    }
}
