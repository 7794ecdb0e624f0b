//! Prices of operations under single rules.

use super::super::{Overage, Phase, PricingError};
use super::*;

/// Returns the price of `operation` in minor units: (amount, maximum) of `unit`.
fn priced(catalog: &Catalog, unit: &str, operation: &Operation) -> (i64, i64) {
    let price = catalog.price(operation, None).unwrap();
    for unit in catalog.units() {
        let id = unit.id.as_str();
        assert_eq!(sum(&price.lines, id), unit.whole(price.amounts.get(id)), "{price:?}");
    }
    (price.amounts.get(unit), price.max_amounts.get(unit))
}

/// Asserts the price of each count under a rule whose only component has this body.
fn component_prices(component: &str, expected: &[(&str, i64)]) {
    let catalog =
        one_rule(&format!("[[rules.components]]\nunit = \"credits\"\nquantity = \"n\"\n{component}"));
    for (count, credits) in expected {
        let (amount, _) = priced(&catalog, "credits", &op("x", &[], &[("n", count)]));
        assert_eq!(amount, *credits, "{component}: {count}");
    }
}

#[test]
fn a_rate_is_exact_and_rounded_up_once() {
    component_prices("rate = 8", &[("0", 0), ("5", 40), ("5.0", 40), ("5.3", 43)]);
    component_prices("rate = \"0.1\"", &[("1", 1), ("10", 1), ("10.1", 2)]);
}

#[test]
fn blocks_count_as_a_whole_when_started_or_as_declared() {
    component_prices("block = 60\nrate = 2", &[("0", 0), ("1", 2), ("60", 2), ("60.001", 4)]);
    component_prices("block = 60\nblock_rounding = \"down\"\nrate = 2", &[("59", 0), ("119", 2)]);
    component_prices(
        "block = 60\nblock_rounding = \"nearest\"\nrate = 2",
        &[("29", 0), ("30", 2), ("89", 2)],
    );
}

#[test]
fn graduated_bands_price_each_part_and_volume_bands_the_whole() {
    let bands = "[{ up_to = 10, rate = 8 }, { up_to = 20, flat = 5, rate = 6 }, { rate = 4 }]";
    component_prices(
        &format!("graduated = {bands}"),
        &[("0", 0), ("10", 80), ("10.5", 88), ("20", 145), ("25", 165)],
    );
    component_prices(
        &format!("volume = {bands}"),
        &[("0", 0), ("10", 80), ("10.5", 68), ("20", 125), ("25", 100)],
    );
    component_prices("volume = [{ up_to = 5, flat = 8 }, { flat = 15 }]", &[("0", 8), ("5", 8), ("60", 15)]);
    component_prices("block = 60\ngraduated = [{ up_to = 2, rate = 3 }, { rate = 1 }]", &[("121", 7)]);
}

#[test]
fn factors_multiply_a_component_or_the_sum() {
    let catalog = one_rule(
        r#"
        factors = [{ quantity = "count", otherwise = 1 }, { constant = "1.1" }]
        [[rules.components]]
        unit = "credits"
        flat = 10
        [[rules.components]]
        unit = "credits"
        quantity = "s"
        rate = 2
        factors = [{ attribute = "resolution", values = { 720p = 1, 1080p = "1.5" }, otherwise = 2 }]
        "#,
    );
    for (resolution, quantities, credits) in [
        ("720p", vec![("s", "5")], 22),
        ("1080p", vec![("s", "5")], 28),
        ("4k", vec![("s", "5")], 33),
        ("1080p", vec![("s", "5"), ("count", "4")], 110),
        ("1080p", vec![("s", "5"), ("count", "0")], 0),
    ] {
        let operation = op("x", &[("resolution", resolution)], &quantities);
        assert_eq!(priced(&catalog, "credits", &operation).0, credits, "{operation:?}");
    }
    assert_eq!(
        priced(&catalog, "credits", &op("x", &[], &[("s", "5")])).0,
        33,
        "a missing value has the default factor"
    );
}

#[test]
fn the_maximum_charge_is_never_above_the_maximum_of_the_rule() {
    let catalog = one_rule(
        r#"
        output_priced = true
        max = { credits = 50 }
        components = [{ unit = "credits", quantity = "n", rate = 1 }]
        "#,
    );
    for (n, amount, most) in [("30", 30, 36), ("42", 42, 50), ("50", 50, 50), ("90", 50, 50)] {
        let price = catalog.price(&op("x", &[], &[("n", n)]), None).unwrap();
        assert_eq!((price.amounts.get("credits"), price.max_amounts.get("credits")), (amount, most), "{n}");
    }
}

#[test]
fn bounds_come_before_the_one_rounding_and_each_step_has_a_line() {
    let catalog = one_rule(
        r#"
        min = { money = "1.00" }
        max = { money = "2.00" }
        [[rules.components]]
        label = "Tokens"
        unit = "money"
        quantity = "n"
        rate = "0.33"
        "#,
    );
    for (count, amount, lines) in [
        ("1", 100, vec![("Tokens", "0.33"), ("minimum", "0.67")]),
        ("4", 135, vec![("Tokens", "1.32"), ("rounding", "0.03")]),
        ("5", 165, vec![("Tokens", "1.65")]),
        ("7", 200, vec![("Tokens", "2.31"), ("maximum", "-0.31")]),
    ] {
        let price = catalog.price(&op("x", &[], &[("n", count)]), None).unwrap();
        assert_eq!(price.amounts.get("money"), amount);
        let shown: Vec<_> =
            price.lines.iter().map(|line| (line.label.as_str(), line.amount.to_string())).collect();
        let expected: Vec<_> = lines.into_iter().map(|(label, amount)| (label, amount.to_owned())).collect();
        assert_eq!(shown, expected);
    }
}

#[test]
fn rounding_goes_to_the_increment_in_the_declared_direction() {
    for (rounding, amount) in [("up", 135), ("down", 130), ("nearest", 130)] {
        let catalog = one_rule(&format!(
            "rounding = \"{rounding}\"\n[[rules.components]]\nunit = \"money\"\nflat = \"1.32\""
        ));
        assert_eq!(priced(&catalog, "money", &op("x", &[], &[])).0, amount);
    }
}

#[test]
fn a_price_may_have_several_units_and_zero_is_named() {
    let catalog = one_rule(
        "[[rules.components]]\nunit = \"money\"\nflat = 3\n[[rules.components]]\nunit = \"credits\"\nflat = 0",
    );
    let price = catalog.price(&op("x", &[], &[]), None).unwrap();
    let amounts: Vec<_> = price.amounts.iter().map(|(unit, amount)| (unit.as_str(), amount)).collect();
    assert_eq!(amounts, [("credits", 0), ("money", 300)]);
}

#[test]
fn the_maximum_charge_is_the_price_unless_the_rule_is_output_priced() {
    for (declared, most) in
        [("", 25), ("output_priced = true", 30), ("output_priced = true\nmax_percent = 110", 28)]
    {
        let catalog = one_rule(&format!("{declared}\n[[rules.components]]\nunit = \"credits\"\nflat = 25"));
        assert_eq!(priced(&catalog, "credits", &op("x", &[], &[])), (25, most));
    }
}

#[test]
fn the_first_rule_that_matches_wins_by_attributes_and_tier() {
    let rule = |id: &str, head: &str, flat: u32| {
        format!(
            "[[rules]]\nid = \"{id}\"\nkind = \"x\"\n{head}\ncomponents = [{{ unit = \"credits\", flat = {flat} }}]\n"
        )
    };
    let plans = "[[plans]]\nid = \"free\"\nterm = \"ONCE\"\n[[plans]]\nid = \"pro\"\nterm = \"MONTH\"\n";
    let document = [
        plans.to_owned(),
        rule("dev-pro", "when = { model = \"flux-dev\" }\ntiers = [\"pro\"]", 1),
        rule("dev", "when = { model = \"flux-dev\" }", 2),
        rule("flux", "when = { model = { prefix = \"flux-\" }, fps = { min = 1, max = 30 } }", 3),
        rule("rest", "", 4),
    ];
    let catalog = with_rules(&document.concat()).unwrap();
    for (attributes, tier, rule_id) in [
        (vec![("model", "flux-dev")], Some("pro"), "dev-pro"),
        (vec![("model", "flux-dev")], Some("free"), "dev"),
        (vec![("model", "flux-dev")], None, "dev"),
        (vec![("model", "flux-pro"), ("fps", "30")], None, "flux"),
        (vec![("model", "flux-pro"), ("fps", "31")], None, "rest"),
        (vec![("model", "flux-pro")], None, "rest"),
        (vec![], Some("pro"), "rest"),
    ] {
        let price = catalog.price(&op("x", &attributes, &[]), tier).unwrap();
        assert_eq!(price.rule_id, rule_id, "{attributes:?} {tier:?}");
    }
}

#[test]
fn an_operation_without_a_price_has_an_error_with_the_cause() {
    let catalog = Catalog::parse(include_str!("no_price.toml")).unwrap();
    for (operation, tier, text) in [
        (op("audio", &[], &[]), None, "no price rule for kind \"audio\""),
        (
            op("video", &[("model", "a"), ("resoluton", "720p")], &[]),
            None,
            "no price rule for kind \"video\"; no rule uses attribute \"resoluton\", check its spelling",
        ),
        (
            op("video", &[("model", "c"), ("resolution", "720p")], &[]),
            None,
            "no price rule for kind \"video\" with model \"c\"",
        ),
        (
            op("video", &[("model", "a"), ("resolution", "1080p"), ("seed", "7")], &[]),
            None,
            "no price rule for kind \"video\" with model \"a\", resolution \"1080p\"",
        ),
        (
            op("video", &[("model", "a")], &[]),
            None,
            "no price rule for kind \"video\"; attribute \"resolution\" is missing",
        ),
        (
            op("video", &[("model", "b"), ("resolution", "1080p"), ("style", "y")], &[]),
            None,
            "no price rule for kind \"video\" with style \"y\"",
        ),
        (
            op("video", &[("model", "b"), ("resolution", "1080p")], &[]),
            None,
            "no price rule for kind \"video\"; attribute \"style\" is missing",
        ),
        (op("train", &[], &[]), Some("free"), "no price rule for kind \"train\" on tier \"free\""),
    ] {
        let error = catalog.price(&operation, tier).unwrap_err();
        assert_eq!(error.to_string(), text);
        assert_eq!(error.reason(), "NO_PRICE_RULE");
    }
}

#[test]
fn quantities_must_be_present_and_known() {
    let catalog = Catalog::parse(include_str!("no_price.toml")).unwrap();
    let video = [("model", "a"), ("resolution", "720p")];
    let missing = catalog.price(&op("video", &video, &[]), None).unwrap_err();
    assert_eq!(missing.to_string(), "quantity \"s\" is needed to price \"video\"");
    let unknown = catalog.price(&op("video", &video, &[("s", "5"), ("cout", "4")]), None).unwrap_err();
    assert_eq!(
        unknown.to_string(),
        "no price of \"video\" depends on quantity \"cout\"; correct the name, or leave it out"
    );
    assert_eq!((missing.reason(), unknown.reason()), ("INVALID_FIELD", "INVALID_FIELD"));
    let ignored = catalog.price(&op("video", &video, &[("s", "5"), ("gpu_s", "99")]), None).unwrap();
    assert_eq!(ignored.amounts.get("credits"), 5);
    let entitled = catalog.price(&op("video", &video, &[("s", "5"), ("outputs", "1")]), None);
    assert!(entitled.is_ok(), "a quantity that a plan caps is known");
}

#[test]
fn a_price_with_too_many_digits_is_an_error_and_never_a_wrong_number() {
    let catalog = one_rule(
        r#"
        factors = [{ quantity = "a" }, { quantity = "b" }, { quantity = "c" }]
        [[rules.components]]
        unit = "credits"
        flat = "0.000000001"
        "#,
    );
    let priced = |quantity: &str| {
        catalog.price(&op("x", &[], &[("a", quantity), ("b", quantity), ("c", quantity)]), None)
    };
    let too_large = Err(PricingError::TooLarge { rule_id: "r".into() });
    assert_eq!(priced("100000000").unwrap().amounts.get("credits"), 1_000_000_000_000_000);
    assert_eq!(priced("100000001"), too_large);
    assert_eq!(priced("999999999999999"), too_large);
    assert_eq!(priced("99999999999999.999999999"), too_large);
}

#[test]
fn a_settle_prices_by_the_pinned_rule_even_if_the_rule_no_longer_matches() {
    let catalog = Catalog::parse(include_str!("no_price.toml")).unwrap();
    let used = op("train", &[], &[]);
    assert!(catalog.price(&used, None).is_err());
    assert_eq!(catalog.price_with_rule("c", &used).unwrap().amounts.get("credits"), 1);
    let unknown = catalog.price_with_rule("gone", &used).unwrap_err();
    assert_eq!(unknown.to_string(), "the catalog has no rule \"gone\"");
    let misspelt = catalog.price_with_rule("a", &op("video", &[], &[("s", "1"), ("ss", "1")])).unwrap_err();
    assert_eq!(misspelt.reason(), "INVALID_FIELD");
}

#[test]
fn policies_of_a_rule_override_those_of_the_catalog_and_the_defaults() {
    let catalog = Catalog::parse(include_str!("no_price.toml")).unwrap();
    let video =
        catalog.price(&op("video", &[("model", "a"), ("resolution", "720p")], &[("s", "5")]), None).unwrap();
    let train = catalog.price(&op("train", &[], &[]), Some("pro")).unwrap();
    assert_eq!((video.policies.ttl.as_secs(), train.policies.ttl.as_secs()), (600, 7200));
    assert_eq!(video.policies.lease.map(|lease| lease.as_secs()), Some(60));
    assert_eq!(train.policies.lease, None);
    assert_eq!(
        (video.policies.grace_period.as_secs(), train.policies.grace_period.as_secs()),
        (7200, 259_200)
    );
    assert_eq!(train.policies.overage, Overage::RequireFull);
    assert_eq!(video.policies.overage, Overage::ChargeIfAvailable);
    for (policies, held, processing, failed) in [(&video.policies, 0, 50, 5), (&train.policies, 10, 100, 20)]
    {
        assert_eq!(policies.cancel_fee_percent(Phase::Held, "credits"), held);
        assert_eq!(policies.cancel_fee_percent(Phase::Processing, "credits"), processing);
        assert_eq!(policies.failure_fee_percent("BAD_INPUT", "credits"), failed);
        assert_eq!(policies.failure_fee_percent("OUR_FAULT", "credits"), 0);
    }
}

#[test]
fn a_price_round_trips_through_json_with_every_digit() {
    let catalog = one_rule(
        "factors = [{ constant = \"1.123456789\" }]\n[[rules.components]]\nunit = \"money\"\nflat = \"1.987654321\"",
    );
    let price = catalog.price(&op("x", &[], &[]), None).unwrap();
    let json = serde_json::to_string(&price).unwrap();
    assert_eq!(serde_json::from_str::<super::super::Price>(&json).unwrap(), price);
}
