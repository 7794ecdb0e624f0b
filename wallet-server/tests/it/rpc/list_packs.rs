//! ListPacks: the packs for sale.

use wallet_client::v1;

use crate::shorthand::{POLICIES, figures, publish};

each_database! {
    async fn packs_are_listed_with_their_price_and_expiry(server: Server) {
        let client = server.client().await;
        let listed = client.list_packs(v1::ListPacksRequest {}).await.unwrap();
        assert_eq!(listed.catalog_version, 1);
        let shown: Vec<_> = listed
            .packs
            .iter()
            .map(|pack| {
                (pack.pack_id.as_str(), figures(&pack.amounts), pack.expiry.as_str(), pack.plan_ids.join(","))
            })
            .collect();
        let expected = [
            ("starter", "50 credits".to_owned(), "never", String::new()),
            ("creator", "200 credits".to_owned(), "after 12 months", String::new()),
            (
                "pro",
                "500 credits, 1 trainings".to_owned(),
                "12 months or end of subscription",
                "creator,pro".to_owned(),
            ),
        ];
        assert_eq!(shown, expected);
        assert_eq!(listed.packs[0].name, "Starter pack");
        assert_eq!(listed.packs[0].list_price, Some(v1::Money { currency: "USD".into(), minor_units: 200 }));
    }

    async fn the_list_is_that_of_the_current_catalog(server: Server) {
        let client = server.client().await;
        let pack = "[[packs]]\nid = \"gift\"\namounts = { money = \"12.50\" }\nexpiry = { days = 1 }\n";
        publish(&client, &format!("{POLICIES}\n{pack}")).await;
        let listed = client.list_packs(v1::ListPacksRequest {}).await.unwrap();
        let [gift] = listed.packs.as_slice() else { panic!("{:?}", listed.packs) };
        assert_eq!((listed.catalog_version, gift.expiry.as_str()), (2, "after 1 day"));
        assert_eq!((gift.amounts[0].display.as_str(), &gift.list_price), ("12.50", &None));
    }
}
