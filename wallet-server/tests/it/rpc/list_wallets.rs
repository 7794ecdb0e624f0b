//! ListWallets: all wallets of the tenant, by id.

use wallet_client::v1;

use crate::words::{set_status, violations};

fn ask(page_size: i32, page_token: &str) -> v1::ListWalletsRequest {
    v1::ListWalletsRequest { page_size, page_token: page_token.into() }
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
        let ids: Vec<_> = seen.iter().map(|wallet| wallet.wallet_id.as_str()).collect();
        assert_eq!(ids, ["Bob", "ann", "carol", "dave"], "by bytes, on either database");
        assert_eq!((seen[1].status(), seen[1].revision), (v1::WalletStatus::Suspended, 3));
        assert!(seen.iter().all(|wallet| wallet.balances.is_empty() && wallet.create_time.is_some()));
    }

    async fn an_invalid_page_token_is_refused(server: Server) {
        let client = server.client().await;
        let expected = ["page_token: is not from a page of this list"];
        assert_eq!(violations(client.list_wallets(ask(0, "made-up")).await), expected);
    }
}
