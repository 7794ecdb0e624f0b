//! New terms for subscribers, over the wire: the next period has them.

use wallet_client::v1;

use crate::harness::credits;
use crate::products::platform::ALICE;

product! {
    "../tests/it/billing/plans";

    async fn the_next_period_has_the_allowances_of_the_current_catalog(platform: Platform) {
        platform.subscribe("quarter").await;
        let request = v1::GetCatalogRequest::default();
        let toml = platform.client.get_catalog(request).await.unwrap().catalog.unwrap().toml;
        let toml = toml.replace("id = \"quarter\"", "id = \"quarter\"\nexisting = \"FOLLOW\"");
        let toml = toml.replace("amount = 100", "amount = 130");
        let request = v1::PublishCatalogRequest { toml, ..Default::default() };
        let changed = platform.client.publish_catalog(request).await.unwrap().changed_plans;
        assert_eq!((changed.len(), changed[0].plan_id.as_str(), changed[0].subscribers), (1, "quarter", 1));
        platform.client.top_up(v1::TopUpRequest::amount(ALICE, "t", credits(1))).await.unwrap();
        assert_eq!(platform.credits().await, (101, 0));
        platform.days(93).await;
        assert_eq!(platform.credits().await, (131, 0));
    }
}
