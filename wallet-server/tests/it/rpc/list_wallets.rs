//! ListWallets: the wallets of the tenant, or the frozen ones, by id.

use wallet_client::v1;

use crate::frozen::tamper;
use crate::shorthand::{set_status, violations};

fn ask(page_size: i32, page_token: &str) -> v1::ListWalletsRequest {
    v1::ListWalletsRequest { page_size, page_token: page_token.into(), ..Default::default() }
}

fn ids(wallets: &[v1::Wallet]) -> Vec<&str> {
    wallets.iter().map(|wallet| wallet.wallet_id.as_str()).collect()
}

each_database! {
    async fn wallets_are_listed_by_id_page_by_page_and_without_balances(server: Server) {
        let client = server.client().await;
        assert!(client.list_wallets(ask(0, "")).await.unwrap().wallets.is_empty());
        for id in ["carol", "Bob", "ann", "dave"] {
            server.wallet(id, 10).await;
        }
        client.update_wallet(set_status("ann", "r", v1::WalletStatus::Suspended)).await.unwrap();
        let (mut token, mut seen) = (String::new(), Vec::new());
        for expected in [3, 1] {
            let page = client.list_wallets(ask(3, &token)).await.unwrap();
            assert_eq!(page.wallets.len(), expected);
            token = page.next_page_token;
            seen.extend(page.wallets);
        }
        assert_eq!(token, "");
        assert_eq!(ids(&seen), ["Bob", "ann", "carol", "dave"], "by bytes, on either database");
        assert_eq!((seen[1].status(), seen[1].revision), (v1::WalletStatus::Suspended, 3));
        assert!(seen.iter().all(|wallet| wallet.balances.is_empty() && wallet.create_time.is_some()));
    }

    async fn frozen_wallets_are_listed_alone_with_those_whose_row_or_profile_is_unreadable(server: Server) {
        let client = server.client().await;
        for id in ["ann", "bob", "carol", "dave", "eve", "fred"] {
            server.wallet(id, 10).await;
        }
        let frozen = |page_token: &str| v1::ListWalletsRequest { frozen_only: true, ..ask(2, page_token) };
        let none = client.list_wallets(frozen("")).await.unwrap();
        assert_eq!(none, v1::ListWalletsResponse::default());

        client.update_wallet(set_status("dave", "r", v1::WalletStatus::Suspended)).await.unwrap();
        for (id, table, change) in [
            ("bob", "wallets", "frozen = true"),
            ("carol", "wallet_profiles", "profile = 'x{'"),
            ("dave", "wallets", "frozen = true"),
            // Found only when the grants are read.
            ("eve", "grants", "details = 'x{'"),
        ] {
            let key = format!("SELECT wallet_key FROM wallet_profiles WHERE wallet_id = '{id}'");
            tamper(&server.database, &format!("UPDATE {table} SET {change} WHERE wallet_key = ({key})")).await;
        }
        let page = client.list_wallets(frozen("")).await.unwrap();
        assert_eq!(ids(&page.wallets), ["bob", "carol"]);
        let last = client.list_wallets(frozen(&page.next_page_token)).await.unwrap();
        assert_eq!((ids(&last.wallets), last.next_page_token.as_str()), (vec!["dave"], ""));
        let found = page.wallets.iter().chain(&last.wallets);
        assert!(found.clone().all(|wallet| wallet.status() == v1::WalletStatus::Frozen));

        let mut all = client.list_wallets(ask(0, "")).await.unwrap().wallets;
        all.retain(|wallet| wallet.status() == v1::WalletStatus::Frozen);
        assert_eq!(ids(&all), ["bob", "carol", "dave", "eve"]);
        assert!(found.eq(all.iter().take(3)), "the wallets are shown alike with and without the filter");
    }

    async fn an_invalid_page_token_is_refused(server: Server) {
        let client = server.client().await;
        let expected = ["page_token: is not from a page of this list"];
        assert_eq!(violations(client.list_wallets(ask(0, "made-up")).await), expected);
    }
}
