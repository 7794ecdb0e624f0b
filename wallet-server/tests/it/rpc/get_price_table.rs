//! GetPriceTable: the price rules as messages for a pricing page.

use wallet_client::v1::matcher::Accepts;
use wallet_client::v1::price_component::Charge;
use wallet_client::v1::price_factor::Factor;
use wallet_client::v1::{self, ErrorReason, OveragePolicy, RoundingMode};
use wallet_client::{Code, WalletClient};

use crate::shorthand::{POLICIES, figures, publish, refused, seconds, violations};

/// A catalog whose rules have every part that a rule can have.
const EVERYTHING: &str = r#"
[units.credits]

[units.trainings]

[units.money]
scale = 2
increment = "0.05"

[[plans]]
id = "free"
term = "ONCE"

[[plans]]
id = "pro"
term = "MONTH"

[[rules]]
id = "video-pro"
kind = "video"
tiers = ["pro"]
when = { model = ["a", "b"], size = { prefix = "4" }, steps = { min = 1, max = 9 } }
factors = [{ constant = "1.1" }, { quantity = "count", otherwise = 1 }]
min = { credits = 5 }
max = { credits = 500 }
rounding = "nearest"
output_priced = true
max_percent = 150

[[rules.components]]
label = "Start"
unit = "credits"
flat = "0.5"

[[rules.components]]
label = "Minutes"
unit = "money"
quantity = "duration_s"
otherwise = 60
block = 60
block_rounding = "down"
rate = "0.333"
factors = [{ attribute = "size", values = { 4k = 2 }, otherwise = "1.5" }, { attribute = "model", values = { a = 1, b = 3 } }]

[[rules.components]]
label = "Frames"
unit = "credits"
quantity = "frames"
graduated = [{ up_to = 10, flat = 1, rate = 2 }, { rate = "1.5" }]

[[rules.components]]
label = "Tokens"
unit = "credits"
quantity = "tokens"
volume = [{ up_to = 1000, rate = 1 }, { rate = 0 }]

[rules.policies]
ttl = "1h"
lease = "90s"
overage = "REQUIRE_FULL"
grace_period = "6h"
goodwill_period = "5d"
max_hold = "48h"
max = { factor = 3, at_least = { credits = 20 } }

[rules.policies.cancel_fees]
money = { held = 10, processing = 100 }

[rules.policies.failure_fees.ABORT]
money = 25

[[rules]]
id = "video"
kind = "video"
components = [{ unit = "credits", flat = 9 }]

[[rules]]
id = "image"
kind = "image"
tiers = ["free"]
components = [{ unit = "credits", flat = 1 }]

[[golden]]
kind = "video"
attributes = { model = "c" }
tier = "pro"
expect = { credits = 9 }
"#;

async fn table(client: &WalletClient, kinds: &[&str], tier: &str) -> v1::GetPriceTableResponse {
    let kinds = kinds.iter().map(|kind| (*kind).to_owned()).collect();
    let request = v1::GetPriceTableRequest { kinds, tier: tier.into(), catalog_version: 0 };
    client.get_price_table(request).await.unwrap()
}

fn ids(table: &v1::GetPriceTableResponse) -> String {
    let ids: Vec<_> = table.rules.iter().map(|rule| rule.rule_id.as_str()).collect();
    ids.join(" ")
}

/// Formats a factor.
fn factor(factor: &v1::PriceFactor) -> String {
    match factor.factor.as_ref().unwrap() {
        Factor::Attribute(by) => {
            let mut values: Vec<_> = by.values.iter().map(|(value, by)| format!("{value}={by}")).collect();
            values.sort();
            format!("{} {} else {:?}", by.attribute, values.join(","), by.otherwise)
        }
        Factor::Quantity(by) => format!("{} else {:?}", by.quantity, by.otherwise),
        Factor::Constant(by) => by.clone(),
    }
}

/// Formats the bands of a quantity.
fn bands(charge: &v1::TieredCharge) -> String {
    let band = |band: &v1::PriceBand| format!("{:?}: {} + {}", band.up_to, band.flat, band.rate);
    let quantity = &charge.measure.as_ref().unwrap().quantity;
    format!("{quantity} {}", charge.bands.iter().map(band).collect::<Vec<_>>().join("; "))
}

each_database! {
    async fn a_rule_is_shown_completely_and_exactly(server: Server) {
        let client = server.client().await;
        publish(&client, EVERYTHING).await;
        let shown = table(&client, &[], "").await;
        assert_eq!((ids(&shown).as_str(), shown.catalog_version), ("video-pro video image", 2));
        let units: Vec<_> = shown.units.iter().map(|u| (u.unit.as_str(), u.scale, u.increment)).collect();
        assert_eq!(units, [("credits", 0, 1), ("money", 2, 5), ("trainings", 0, 1)]);
        let rule = &shown.rules[0];
        assert_eq!((rule.kind.as_str(), rule.tiers.as_slice()), ("video", &["pro".to_owned()][..]));
        let accepts = |name: &str| rule.attributes[name].accepts.clone().unwrap();
        assert_eq!(accepts("model"), Accepts::AnyOf(v1::AnyOf { values: vec!["a".into(), "b".into()] }));
        assert_eq!(accepts("size"), Accepts::Prefix("4".into()));
        assert_eq!(accepts("steps"), Accepts::WholeNumbers(v1::WholeNumbers { min: 1, max: 9 }));
        assert_eq!(rule.factors.iter().map(factor).collect::<Vec<_>>(), ["1.1", "count else \"1\""]);
        assert_eq!(
            (figures(&rule.min_amounts), figures(&rule.max_amounts)),
            ("5 credits".to_owned(), "500 credits".to_owned())
        );
        assert_eq!((rule.rounding(), rule.max_percent), (RoundingMode::Nearest, 150));
    }

    async fn components_are_shown_with_their_blocks_bands_and_factors(server: Server) {
        let client = server.client().await;
        publish(&client, EVERYTHING).await;
        let shown = table(&client, &["video"], "pro").await;
        let [start, minutes, frames, tokens] = shown.rules[0].components.as_slice() else { panic!("{shown:?}") };
        assert_eq!((start.label.as_str(), start.unit.as_str()), ("Start", "credits"));
        assert_eq!(start.charge, Some(Charge::Flat("0.5".into())));
        let Some(Charge::PerUnit(by_minute)) = &minutes.charge else { panic!("{minutes:?}") };
        let measure = v1::Measure {
            quantity: "duration_s".into(),
            otherwise: "60".into(),
            block_size: "60".into(),
            block_rounding: RoundingMode::Down.into(),
        };
        assert_eq!((by_minute.measure.as_ref(), by_minute.rate.as_str()), (Some(&measure), "0.333"));
        let factors: Vec<_> = minutes.factors.iter().map(factor).collect();
        assert_eq!(factors, ["size 4k=2 else \"1.5\"", "model a=1,b=3 else \"\""]);
        let (Some(Charge::Graduated(by_frame)), Some(Charge::Volume(by_token))) = (&frames.charge, &tokens.charge)
        else { panic!("{frames:?} {tokens:?}") };
        assert_eq!(bands(by_frame), "frames \"10\": 1 + 2; \"\": 0 + 1.5");
        assert_eq!(bands(by_token), "tokens \"1000\": 0 + 1; \"\": 0 + 0");
        let plain = v1::Measure { quantity: "tokens".into(), ..Default::default() };
        assert_eq!(by_token.measure, Some(plain), "no blocks, and the quantity is required");
    }

    async fn policies_are_shown_per_unit_of_the_price(server: Server) {
        let client = server.client().await;
        publish(&client, EVERYTHING).await;
        let shown = table(&client, &["video"], "pro").await;
        let fee = |unit: &str, held_percent, processing_percent| v1::CancelFee {
            unit: unit.into(),
            held_percent,
            processing_percent,
        };
        let policies = shown.rules[0].policies.clone().unwrap();
        assert_eq!((policies.ttl, policies.lease), (Some(seconds(3_600)), Some(seconds(90))));
        assert_eq!(policies.grace_period, Some(seconds(21_600)));
        assert_eq!(policies.goodwill_period, Some(seconds(5 * 86_400)));
        assert_eq!(policies.overage(), OveragePolicy::RequireFull);
        assert_eq!(policies.cancel_fees, [fee("credits", 0, 50), fee("money", 10, 100)]);
        let failure = v1::FailureFee { code: "ABORT".into(), unit: "money".into(), percent: 25 };
        assert_eq!(policies.failure_fees, [failure]);
        let usual = shown.rules[1].policies.clone().unwrap();
        assert_eq!((usual.ttl, usual.lease), (Some(seconds(1_800)), None));
        assert_eq!(usual.grace_period, Some(seconds(86_400)));
        assert_eq!(usual.goodwill_period, Some(seconds(30 * 86_400)));
        assert_eq!((policies.max_hold, usual.max_hold), (Some(seconds(172_800)), Some(seconds(86_400))));
        let bounds = (shown.rules[0].max_percent, figures(&shown.rules[0].at_least_amounts));
        assert_eq!(bounds, (150, "20 credits".to_owned()));
        assert_eq!(usual.overage(), OveragePolicy::ChargeIfAvailable);
        assert_eq!((usual.cancel_fees, usual.failure_fees.len()), (vec![fee("credits", 0, 50)], 0));
        assert_eq!((shown.rules[1].max_percent, shown.rules[1].rounding()), (100, RoundingMode::Up));
    }

    async fn rules_are_chosen_by_kind_and_tier_and_keep_their_order(server: Server) {
        let client = server.client().await;
        publish(&client, EVERYTHING).await;
        for (kinds, tier, expected) in [
            (vec!["video"], "", "video-pro video"),
            (vec!["image", "video"], "", "video-pro video image"),
            (vec![], "pro", "video-pro video"),
            (vec![], "free", "video image"),
            (vec!["image"], "pro", ""),
            (vec!["music"], "", ""),
        ] {
            assert_eq!(ids(&table(&client, &kinds, tier).await), expected, "{kinds:?} {tier:?}");
        }
    }

    async fn the_table_is_the_current_catalogs_or_the_requested_versions(server: Server) {
        let client = server.client().await;
        let first = table(&client, &["video.generate"], "").await;
        publish(&client, POLICIES).await;
        let then = v1::GetPriceTableRequest {
            catalog_version: 1,
            kinds: vec!["video.generate".into()],
            tier: String::new(),
        };
        assert_eq!(client.get_price_table(then).await.unwrap(), first);
        assert_eq!(ids(&table(&client, &["video.generate"], "").await), "video-dearer");
        let missing = v1::GetPriceTableRequest { catalog_version: 3, ..Default::default() };
        refused(client.get_price_table(missing).await, ErrorReason::CatalogNotFound, Code::NotFound);
    }

    async fn every_bad_field_is_named(server: Server) {
        let client = server.client().await;
        let bad = v1::GetPriceTableRequest {
            catalog_version: -1,
            kinds: vec!["video".into(), String::new()],
            tier: "x".repeat(129),
        };
        let expected = [
            "catalog_version: is -1, must not be negative",
            "kinds[1]: must not be empty",
            "tier: has 129 bytes, at most 128 are allowed",
        ];
        assert_eq!(violations(client.get_price_table(bad).await), expected);
        let many = v1::GetPriceTableRequest { kinds: vec!["k".into(); 101], ..Default::default() };
        let expected = ["kinds: has 101 entries, at most 100 are allowed"];
        assert_eq!(violations(client.get_price_table(many).await), expected);
    }
}
