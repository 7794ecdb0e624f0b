//! GetCatalog: the current catalog and earlier versions.

use wallet_client::Code;
use wallet_client::v1::{self, ErrorReason};
use wallet_server::BUNDLED_CATALOG;

use crate::shorthand::{POLICIES, publish, refused};

fn version(version: i64) -> v1::GetCatalogRequest {
    v1::GetCatalogRequest { version }
}

each_database! {
    async fn a_server_without_a_catalog_starts_with_the_bundled_one(server: Server) {
        let client = server.client().await;
        let catalog = client.get_catalog(version(0)).await.unwrap().catalog.unwrap();
        assert_eq!((catalog.version, catalog.toml.as_str()), (1, BUNDLED_CATALOG));
        assert!(catalog.publish_time.is_some());
        let unit = |unit: &str| v1::Unit { unit: unit.into(), scale: 0, increment: 1 };
        assert_eq!(catalog.units, [unit("credits"), unit("trainings")]);
    }

    async fn every_version_stays_readable_as_it_was(server: Server) {
        let client = server.client().await;
        let first = client.get_catalog(version(1)).await.unwrap().catalog;
        publish(&client, POLICIES).await;
        assert_eq!(client.get_catalog(version(1)).await.unwrap().catalog, first);
        let current = client.get_catalog(version(0)).await.unwrap().catalog;
        assert_eq!(client.get_catalog(version(2)).await.unwrap().catalog, current);
        let current = current.unwrap();
        assert_eq!(current.default_plan, "basic");
        let money = v1::Unit { unit: "money".into(), scale: 2, increment: 5 };
        assert!(current.units.contains(&money));
        let refusal =
            refused(client.get_catalog(version(3)).await, ErrorReason::CatalogNotFound, Code::NotFound);
        assert_eq!(refusal.metadata["catalog_version"], "3");
    }

    async fn a_published_catalog_survives_a_restart(server: Server) {
        let published = publish(&server.client().await, POLICIES).await.catalog;
        let database = server.database.clone();
        server.stop().await;
        let server = crate::harness::Server::start(database).await;
        assert_eq!(server.client().await.get_catalog(version(0)).await.unwrap().catalog, published);
    }
}
