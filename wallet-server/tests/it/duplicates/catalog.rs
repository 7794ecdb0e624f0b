//! Duplicates of PublishCatalog, whose id is its document. Late ones do not undo a newer publication.

use wallet_client::v1;
use wallet_server::BUNDLED_CATALOG;

use super::{all_at_once, one_effect};

fn publish(toml: String) -> v1::PublishCatalogRequest {
    v1::PublishCatalogRequest { toml, ..Default::default() }
}

fn next_catalog() -> String {
    let other = BUNDLED_CATALOG.replace("name = \"Starter pack\"", "name = \"First pack\"");
    assert_ne!(other, BUNDLED_CATALOG);
    other
}

each_fleet! {
    async fn of_equal_publications_one_makes_a_version(servers: Vec<Server>) {
        let answers = all_at_once(&servers, |client, _| async move {
            client.publish_catalog(publish(next_catalog())).await
        })
        .await;
        let catalog = one_effect(answers.into_iter().map(|a| (a.catalog.unwrap(), a.unchanged)).collect());
        assert_eq!((catalog.version, catalog.toml), (2, next_catalog()));

        for server in &servers {
            let client = server.client().await;
            let shown = client.get_catalog(v1::GetCatalogRequest { version: 2 }).await.unwrap();
            assert_eq!(shown.catalog.unwrap().version, 2);
            let third = client.get_catalog(v1::GetCatalogRequest { version: 3 }).await.unwrap_err();
            assert_eq!(third.reason(), Some(v1::ErrorReason::CatalogNotFound));
        }

        let newer = format!("# newer\n{}", next_catalog());
        servers[0].client().await.publish_catalog(publish(newer.clone())).await.unwrap();
        for server in &servers {
            let client = server.client().await;
            for expected_version in [0, 1] {
                let late = v1::PublishCatalogRequest { expected_version, ..publish(next_catalog()) };
                let refusal = client.publish_catalog(late).await.unwrap_err();
                assert_eq!(refusal.reason(), Some(v1::ErrorReason::CatalogSuperseded), "{refusal}");
            }
            let current = client.publish_catalog(publish(newer.clone())).await.unwrap();
            assert_eq!((current.unchanged, current.catalog.unwrap().version), (true, 3));
        }
    }
}
