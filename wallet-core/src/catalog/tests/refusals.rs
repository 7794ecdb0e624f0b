//! Documents that publishing refuses, with the place and the text of each problem.

use super::*;

/// Returns the problems of `document`, each as "path: message".
fn problems(document: &str) -> Vec<String> {
    let problems = Catalog::parse(document).unwrap_err();
    assert!(!problems.0.is_empty());
    problems.0.iter().map(ToString::to_string).collect()
}

/// Asserts that units and plans plus `rest` have exactly this one problem.
fn refused(rest: &str, problem: &str) {
    let units = "[units.credits]\n[units.money]\nscale = 2\nincrement = \"0.05\"\n";
    let plan = "[[plans]]\nid = \"pro\"\nterm = \"MONTH\"\n";
    assert_eq!(problems(&format!("{units}{plan}{rest}")), [problem], "{rest}");
}

/// Returns a rule of kind "x" with this id and head, and a flat price.
fn rule(id: &str, head: &str) -> String {
    format!(
        "[[rules]]\nid = \"{id}\"\nkind = \"x\"\n{head}\ncomponents = [{{ unit = \"credits\", flat = 1 }}]\n"
    )
}

#[test]
fn broken_toml_is_one_problem_at_its_line() {
    assert_eq!(problems("[units.credits]\nscale = = 2")[0].split(':').next(), Some("line 2, column 9"));
    let unknown = problems("[units.credits]\nscales = 2");
    assert_eq!(unknown.len(), 1);
    assert!(unknown[0].starts_with("line 2, column 1: unknown field `scales`"), "{unknown:?}");
    let missing = problems("default_plan = \"free\"");
    assert!(missing[0].contains("missing field `units`"), "{missing:?}");
}

#[test]
fn a_text_with_a_control_character_is_refused() {
    refused(
        "[[packs]]\nid = \"p\"\nname = \"\\u001b[31mred\"\namounts = { credits = 1 }\n",
        "packs[0].name: contains the control character U+001B; none is allowed",
    );
    refused(
        "[[plans]]\nid = \"b\"\nterm = \"MONTH\"\nfeatures = [\"a\", \"b\\rc\"]\n",
        "plans[1].features[1]: contains the control character U+000D; none is allowed",
    );
}

#[test]
fn every_problem_of_a_text_is_reported_at_once() {
    let found = problems(
        r#"
        default_plan = "gone"
        spend_order = ["FREE", ["PURCHASED", "FREE"]]
        [units.credits]
        scale = 7
        [[plans]]
        id = "free plan"
        term = "ONCE"
        allowances = [{ unit = "gems", amount = 5 }]
        [[rules]]
        id = "r"
        kind = "x"
        components = [{ unit = "credits", quantity = "s", rate = 0.5 }, { unit = "credits", flat = -1 }]
        "#,
    );
    assert_eq!(
        found,
        [
            "units.credits.scale: must be from 0 to 6, is 7",
            "plans[0].id: contains ' '; letters, digits and - _ . : @ / | + = ~ are allowed",
            "plans[0].allowances[0].unit: there is no unit \"gems\"",
            "rules[0].components[0].rate: must be in quotes to be exact: \"0.5\"",
            "rules[0].components[1].flat: must not be negative, is -1",
            "spend_order[1]: FREE is named twice",
            "default_plan: there is no plan \"gone\"",
        ]
    );
}

#[test]
fn a_component_has_exactly_one_charge() {
    for (component, problem) in [
        ("unit = \"gems\", flat = 1", "rules[0].components[0].unit: there is no unit \"gems\""),
        (
            "unit = \"credits\"",
            "rules[0].components[0]: needs exactly one of flat, rate, graduated and volume",
        ),
        (
            "unit = \"credits\", flat = 1, rate = 1",
            "rules[0].components[0]: needs exactly one of flat, rate, graduated and volume",
        ),
        (
            "unit = \"credits\", flat = 1, quantity = \"s\"",
            "rules[0].components[0]: a flat price has no quantity, otherwise, block or block_rounding",
        ),
        ("unit = \"credits\", rate = 1", "rules[0].components[0]: needs a quantity"),
        (
            "unit = \"credits\", rate = \"-1\", quantity = \"s\"",
            "rules[0].components[0].rate: must not be negative, is -1",
        ),
        (
            "unit = \"credits\", rate = 1, quantity = \"s\", block = 0",
            "rules[0].components[0].block: must be above zero",
        ),
        (
            "unit = \"credits\", rate = 1, quantity = \"s\", block_rounding = \"up\"",
            "rules[0].components[0].block_rounding: needs a block",
        ),
        (
            "unit = \"credits\", quantity = \"s\", graduated = []",
            "rules[0].components[0].graduated: needs at least one band",
        ),
        (
            "unit = \"credits\", quantity = \"s\", graduated = [{ up_to = 5, rate = 1 }]",
            "rules[0].components[0].graduated[0]: the last band has no up_to",
        ),
        (
            "unit = \"credits\", quantity = \"s\", volume = [{ rate = 1 }, { rate = 1 }]",
            "rules[0].components[0].volume[0]: needs up_to: only the last band has none",
        ),
        (
            "unit = \"credits\", quantity = \"s\", volume = [{ up_to = 5, rate = 1 }, { up_to = 5, rate = 1 }, { rate = 1 }]",
            "rules[0].components[0].volume[1].up_to: must be above that of the previous band",
        ),
        (
            "unit = \"credits\", quantity = \"s\", volume = [{}]",
            "rules[0].components[0].volume[0]: needs flat or rate",
        ),
    ] {
        refused(&format!("[[rules]]\nid = \"r\"\nkind = \"x\"\ncomponents = [{{ {component} }}]"), problem);
    }
    refused(
        "[[rules]]\nid = \"r\"\nkind = \"x\"\ncomponents = []",
        "rules[0].components: needs at least one; for a free operation, use flat = 0",
    );
}

#[test]
fn a_factor_has_exactly_one_kind() {
    for (component, problem) in [
        (
            "unit = \"credits\", flat = 1, factors = [{}]",
            "rules[0].components[0].factors[0]: needs exactly one of attribute, quantity and constant",
        ),
        (
            "unit = \"credits\", flat = 1, factors = [{ attribute = \"a\" }]",
            "rules[0].components[0].factors[0]: needs values",
        ),
        (
            "unit = \"credits\", flat = 1, factors = [{ attribute = \"a\", values = { x = \"-2\" } }]",
            "rules[0].components[0].factors[0].values.x: must not be negative, is -2",
        ),
        (
            "unit = \"credits\", flat = 1, factors = [{ constant = 1, otherwise = 1 }]",
            "rules[0].components[0].factors[0].otherwise: a constant has no otherwise",
        ),
    ] {
        refused(&format!("[[rules]]\nid = \"r\"\nkind = \"x\"\ncomponents = [{{ {component} }}]"), problem);
    }
}

#[test]
fn contradictory_bounds_ceilings_tiers_and_policies_of_a_rule_are_refused() {
    for (head, problem) in [
        ("min = { money = 1 }", "rules[0].min.money: no component is charged in this unit"),
        (
            "min = { credits = \"0.5\" }",
            "rules[0].min.credits: must have at most 0 decimals (credits), is 0.5",
        ),
        ("min = { credits = 2 }\nmax = { credits = 1 }", "rules[0].min.credits: is above max"),
        (
            "policies = { max = { factor = \"0.5\" } }",
            "rules[0].policies.max.factor: must be from 1 to 10 with two decimals, or \"none\", is 0.5",
        ),
        ("policies = { ttl = \"25h\" }", "rules[0].policies.ttl: must be at most max_hold, 24h"),
        (
            "policies = { lease = \"3h\", max_hold = \"2h\" }",
            "rules[0].policies.lease: must be at most max_hold, 2h",
        ),
        (
            "policies = { max_hold = \"90m\", ttl = \"2h\" }",
            "rules[0].policies.ttl: must be at most max_hold, 90m",
        ),
        ("policies = { max_hold = \"90s\" }", "rules[0].policies.ttl: must be at most max_hold, 90s"),
        (
            "policies = { max_hold = \"8d\" }",
            "rules[0].policies.max_hold: must be from 1s to 168h, is \"8d\"",
        ),
        ("max_percent = 120", "rules[0].max_percent: needs output_priced = true"),
        ("output_priced = true\nmax_percent = 99", "rules[0].max_percent: must be from 100 to 1000, is 99"),
        ("tiers = []", "rules[0].tiers: must not be empty: the rule would apply to no plan"),
        ("tiers = [\"gold\"]", "rules[0].tiers: no plan has tier \"gold\""),
        ("when = { a = [] }", "rules[0].when.a: accepts nothing: the list is empty"),
        ("when = { a = { min = 2, max = 1 } }", "rules[0].when.a: accepts nothing: min is above max"),
        ("when = { a = {} }", "rules[0].when.a: needs prefix, min or max"),
        ("policies = { ttl = \"0s\" }", "rules[0].policies.ttl: must be from 1s to 168h, is \"0s\""),
        (
            "policies = { lease = \"soon\" }",
            "rules[0].policies.lease: must be a duration such as \"90s\", \"30m\" or \"7d\", is \"soon\"",
        ),
        (
            "policies = { cancel_fees = { credits = { processing = 101 } } }",
            "rules[0].policies.cancel_fees.credits.processing: must be a percentage from 0 to 100, is 101",
        ),
        (
            "policies = { failure_fees = { NSFW = { gems = 10 } } }",
            "rules[0].policies.failure_fees.NSFW.gems: there is no unit \"gems\"",
        ),
        (
            "policies = { grace_period = \"73h\" }",
            "rules[0].policies.grace_period: must be from 1s to 72h, is \"73h\"",
        ),
        (
            "policies = { grace_period = \"0s\" }",
            "rules[0].policies.grace_period: must be from 1s to 72h, is \"0s\"",
        ),
        (
            "policies = { grace_period = \"none\" }",
            "rules[0].policies.grace_period: must be a duration such as \"90s\", \"30m\" or \"7d\", is \"none\"",
        ),
    ] {
        refused(&rule("r", head), problem);
    }
    let money = "[[rules]]\nid = \"r\"\nkind = \"x\"\nmin = { money = \"0.06\" }\ncomponents = [{ unit = \"money\", flat = 1 }]";
    refused(money, "rules[0].min.money: must be a multiple of 0.05");
    let large = "[units.fine]\nscale = 6\n[[packs]]\nid = \"p\"\namounts = { fine = 10_000_000_000_000 }";
    assert_eq!(problems(large), ["packs[0].amounts.fine: must be at most 1000000000.000000"]);
}

#[test]
fn contradictory_plans_and_packs_are_refused() {
    for (rest, problem) in [
        (
            "allowances = [{ unit = \"credits\", amount = 1, cadence = \"YEAR\" }]",
            "plans[0].allowances[0].cadence: must be shorter than the plan's term",
        ),
        (
            "allowances = [{ unit = \"credits\", amount = 0 }]",
            "plans[0].allowances[0].amount: must be above zero",
        ),
        (
            "allowances = [{ unit = \"credits\", amount = 1 }, { unit = \"credits\", amount = 2 }]",
            "plans[0].allowances[1]: \"credits\" is already used",
        ),
        (
            "allowances = [{ unit = \"credits\", amount = 1 }, { id = \"more\", unit = \"credits\", amount = 2 }]",
            "plans[0].allowances[1]: gives credits with the cadence of \"credits\": combine the two",
        ),
        (
            "allowances = [{ unit = \"credits\", amount = 1000000000000001 }]",
            "plans[0].allowances[0].amount: has 16 digits before the point, at most 15 are allowed",
        ),
        (
            "thresholds = { credits = [\"101%\"] }",
            "plans[0].thresholds.credits[0]: must be a percentage from 0 to 100, is 101",
        ),
        (
            "entitlements = [{ kind = [] }]",
            "plans[0].entitlements[0].kind: accepts nothing: the list is empty",
        ),
        (
            "allowances = [{ unit = \"credits\", amount = 1, cadence = \"31 DAY\" }]",
            "plans[0].allowances[0].cadence: must be shorter than the plan's term",
        ),
        (
            "provisional_share = 50",
            "plans[0].provisional_share: must be absent, unless renewal = \"PROVISIONAL\"",
        ),
        (
            "renewal = \"PROVISIONAL\"\nprovisional_share = 101",
            "plans[0].provisional_share: must be a percentage from 0 to 100, is 101",
        ),
        (
            "then = \"pro\"",
            "plans[0].then: must be absent, unless the plan has once = true and a term that ends",
        ),
        ("once = true\nthen = \"other\"", "plans[0].then: there is no plan \"other\""),
        (
            "once = true\nthen = \"pro\"",
            "plans[0].then: \"pro\" is a trial (once = true), which does not follow another plan",
        ),
        ("dunning = \"91d\"", "plans[0].dunning: must be from 1s to 2160h, is \"91d\""),
        (
            "list_price = { currency = \"usd\", minor_units = 1 }",
            "plans[0].list_price.currency: must be three capital letters, such as \"EUR\"",
        ),
        ("[[plans]]\nid = \"pro\"\nterm = \"YEAR\"", "plans[1]: \"pro\" is already used"),
        ("[[packs]]\nid = \"p\"\namounts = {}", "packs[0].amounts: needs at least one unit"),
        ("[[packs]]\nid = \"p\"\namounts = { credits = 0 }", "packs[0].amounts.credits: must be above zero"),
        (
            "[[packs]]\nid = \"p\"\namounts = { credits = 1 }\nplans = [\"gold\"]",
            "packs[0].plans: there is no plan \"gold\"",
        ),
        (
            "[[packs]]\nid = \"p\"\namounts = { credits = 1 }\nexpiry = { days = 1, months = 1 }",
            "packs[0].expiry: must not have both days and months",
        ),
        (
            "[[packs]]\nid = \"p\"\namounts = { credits = 1 }\nexpiry = { months = 0 }",
            "packs[0].expiry: must be from 1 to 1200, is 0",
        ),
    ] {
        refused(rest, problem);
    }
}

#[test]
fn a_rule_that_an_earlier_one_shadows_is_refused() {
    let shadowed = "rules[1]: is never reached: \"r\" matches everything that \"s\" does";
    for (first, second) in [
        ("", ""),
        ("", "when = { a = \"1\" }"),
        ("", "tiers = [\"pro\"]"),
        ("when = { a = [\"1\", \"2\"] }", "when = { a = \"2\", b = \"3\" }"),
        ("when = { a = { prefix = \"1\" } }", "when = { a = [\"12\", \"13\"] }"),
        ("when = { a = { min = 1 } }", "when = { a = { min = 2, max = 3 } }"),
    ] {
        refused(&[rule("r", first), rule("s", second)].concat(), shadowed);
    }
    for (first, second) in [
        ("when = { a = \"1\" }", ""),
        ("tiers = [\"pro\"]", ""),
        ("when = { a = \"1\" }", "when = { b = \"1\" }"),
        ("when = { a = \"1\" }", "when = { a = [\"1\", \"2\"] }"),
    ] {
        let plan = "[[plans]]\nid = \"pro\"\nterm = \"MONTH\"\n";
        let document = [plan.to_owned(), rule("r", first), rule("s", second)].concat();
        assert!(with_rules(&document).is_ok(), "{first} / {second}");
    }
    refused(&[rule("r", "when = { a = \"1\" }"), rule("r", "")].concat(), "rules[1]: \"r\" is already used");
}

#[test]
fn a_gap_in_declared_dimensions_is_refused_and_named() {
    let dimensions = "[dimensions.x]\na = [\"1\", \"2\"]\nb = [\"3\", \"4\"]\n";
    let gap = |rules: &str, problem: &str| refused(&format!("{rules}{dimensions}"), problem);
    gap(
        &[rule("r", "when = { a = \"1\" }"), rule("s", "when = { b = \"3\" }")].concat(),
        "dimensions.\"x\": no rule prices a \"2\", b \"4\"",
    );
    gap(
        &[
            rule("r", "when = { a = \"1\" }"),
            rule("s", "when = { b = \"3\" }"),
            rule("t", "tiers = [\"pro\"]"),
        ]
        .concat(),
        "dimensions.\"x\": no rule prices a \"2\", b \"4\"",
    );
    let factor = "factors = [{ attribute = \"a\", values = { 1 = 1 } }]\nwhen = { b = \"3\" }";
    gap(&[rule("r", factor), rule("s", "")].concat(), "dimensions.\"x\": no rule prices a \"2\", b \"3\"");
    refused("[dimensions.x]\na = []", "dimensions.\"x\": has a dimension without values");
    let many = (0..4097).map(|n| format!("\"{n}\"")).collect::<Vec<_>>().join(", ");
    refused(
        &format!("[dimensions.x]\na = [{many}]"),
        "dimensions.\"x\": makes 4097 combinations with tiers, at most 4096 are allowed",
    );
    let found = problems(
        "[units.credits]\n[dimensions.x]\na = [\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\",\"11\",\"12\"]",
    );
    assert_eq!(found.len(), 11);
    assert_eq!(found[10], "dimensions.\"x\": and 2 more combinations have no price");
}

#[test]
fn with_a_default_plan_every_wallet_has_a_tier() {
    let document = |default: &str| {
        let plan = "[[plans]]\nid = \"pro\"\nterm = \"MONTH\"\n";
        let dimensions = "[dimensions.x]\na = [\"1\"]\n[units.credits]\n";
        [default, plan, dimensions, &rule("r", "tiers = [\"pro\"]\nwhen = { a = \"1\" }")].concat()
    };
    assert!(Catalog::parse(&document("default_plan = \"pro\"\n")).is_ok());
    assert_eq!(problems(&document("")), ["dimensions.\"x\": no rule prices a \"1\""]);
}

#[test]
fn a_golden_case_that_disagrees_is_refused() {
    for (golden, problem) in [
        (
            "expect = { credits = 2 }",
            "golden[0]: \"x\": expects 2 credits, the price is 1 credits (rule \"r\")",
        ),
        (
            "expect = { credits = 1 }\nexpect_max = { credits = 2 }",
            "golden[0]: \"x\": expects a maximum of 2 credits, the maximum is 1 credits",
        ),
        (
            "expect_error = \"NO_PRICE_RULE\"",
            "golden[0]: \"x\": expects NO_PRICE_RULE, the price is 1 credits",
        ),
        (
            "attributes = { b = \"1\" }\nexpect = { credits = 1 }",
            "golden[0]: \"x\": expects 1 credits, but no price rule for kind \"x\"; no rule uses attribute \"b\", check its spelling",
        ),
        (
            "attributes = { b = \"1\" }\nexpect_error = \"INVALID_FIELD\"",
            "golden[0]: \"x\": expects INVALID_FIELD, the answer is NO_PRICE_RULE: no price rule for kind \"x\"; no rule uses attribute \"b\", check its spelling",
        ),
        ("", "golden[0]: needs expect, optionally with expect_max, or only expect_error"),
        ("tier = \"gold\"\nexpect = { credits = 1 }", "golden[0].tier: no plan has tier \"gold\""),
        ("plan = \"gold\"\nexpect = { credits = 1 }", "golden[0].plan: there is no plan \"gold\""),
        (
            "plan = \"pro\"\ntier = \"pro\"\nexpect = { credits = 1 }",
            "golden[0].tier: must be absent: the plan has a tier of its own",
        ),
    ] {
        refused(&format!("{}[[golden]]\nkind = \"x\"\n{golden}", rule("r", "")), problem);
    }
}

#[test]
fn a_golden_case_of_a_plan_checks_the_price_before_the_entitlements() {
    let document = |golden: &str| {
        let plan = "[[plans]]\nid = \"free\"\nterm = \"ONCE\"\n\
                    entitlements = [{ kind = \"x\", when = { a = \"1\" }, max = { n = 4 } }]\n";
        let names = "ignored_attributes = [\"a\"]\nignored_quantities = [\"n\"]\n";
        format!(
            "{names}[units.credits]\n{plan}{}[[golden]]\nkind = \"x\"\nplan = \"free\"\n{golden}",
            rule("r", "")
        )
    };
    for sound in [
        "attributes = { a = \"1\" }\nquantities = { n = 4 }\nexpect = { credits = 1 }",
        "attributes = { a = \"1\" }\nquantities = { n = 5 }\nexpect_error = \"LIMIT_EXCEEDED\"",
        "attributes = { a = \"2\" }\nquantities = { n = 5 }\nexpect_error = \"NOT_ENTITLED\"",
        "attributes = { b = \"2\" }\nexpect_error = \"NO_PRICE_RULE\"",
    ] {
        assert!(Catalog::parse(&document(sound)).is_ok(), "{sound}");
    }
    for (golden, problem) in [
        ("expect = { credits = 1 }", "expects 1 credits, but the plan does not include the operation"),
        (
            "attributes = { a = \"1\" }\nquantities = { n = \"4.5\" }\nexpect_error = \"NOT_ENTITLED\"",
            "expects NOT_ENTITLED, the answer is LIMIT_EXCEEDED: n is limited to 4, but the operation has 4.5",
        ),
        (
            "attributes = { a = \"1\" }\nquantities = { n = 1 }\nexpect_error = \"LIMIT_EXCEEDED\"",
            "expects LIMIT_EXCEEDED, the price is 1 credits",
        ),
        (
            "attributes = { a = \"1\" }\nexpect = { credits = 1 }",
            "expects 1 credits, but the plan caps quantity \"n\" of \"x\"; the request must state it",
        ),
    ] {
        assert_eq!(problems(&document(golden)), [format!("golden[0]: \"x\": {problem}")]);
    }
}

#[test]
fn a_limit_or_a_cap_under_an_unknown_name_is_refused() {
    let document = |names: &str, plan: &str| {
        let rules = rule("r", "") + &rule("s", "factors = [{ quantity = \"n\" }, { attribute = \"a\", values = { \"1\" = 1 } }]\nwhen = { b = \"1\" }").replace("kind = \"x\"", "kind = \"y\"");
        format!("{names}[units.credits]\n[[plans]]\nid = \"p\"\nterm = \"ONCE\"\n{plan}\n{rules}")
    };
    for (names, plan) in [
        ("limits = [\"seats\"]\n", "limits = { concurrency = 1, seats = 2 }"),
        ("", "entitlements = [{ kind = \"y\", when = { a = \"1\", b = \"1\" }, max = { n = 4 } }]"),
        ("", "entitlements = [{ kind = { prefix = \"\" }, max = { n = 4 } }]"),
        ("ignored_quantities = [\"m\"]\n", "entitlements = [{ kind = \"x\", max = { m = 4 } }]"),
        ("ignored_attributes = [\"c\"]\n", "entitlements = [{ kind = \"x\", when = { c = \"1\" } }]"),
        ("dimensions.x.c = [\"1\"]\n", "entitlements = [{ kind = \"x\", when = { c = \"1\" } }]"),
    ] {
        assert_eq!(Catalog::parse(&document(names, plan)).err(), None, "{plan}");
    }
    let place = "plans[0].entitlements[0]";
    let unknown = "no rule of these kinds uses it: correct the name, or list it in";
    for (plan, problem) in [
        (
            "limits = { concurency = 1 }",
            "plans[0].limits.concurency: is not declared: list it in `limits` at the top of the document"
                .to_owned(),
        ),
        (
            "entitlements = [{ kind = \"y\", max = { m = 4 } }]",
            format!("{place}.max.m: {unknown} `ignored_quantities`"),
        ),
        (
            "entitlements = [{ kind = \"x\", max = { n = 4 } }]",
            format!("{place}.max.n: {unknown} `ignored_quantities`"),
        ),
        (
            "entitlements = [{ kind = \"y\", when = { c = \"1\" } }]",
            format!("{place}.when.c: {unknown} `ignored_attributes`"),
        ),
    ] {
        assert_eq!(problems(&document("", plan)), [problem]);
        let published_before = Catalog::read_published(&document("", plan));
        assert!(published_before.is_ok(), "a stricter program still reads a published catalog: {plan}");
    }
}

#[test]
fn sizes_are_bounded() {
    let large = format!("#{}", "x".repeat(256 * 1024));
    assert_eq!(problems(&large), ["document: has 262145 bytes, at most 262144 are allowed"]);
    let many: String = (0..1001).map(|n| rule(&format!("r{n}"), "")).collect();
    refused(&many, "rules: has 1001 entries, at most 1000 are allowed");
    let many: String = (0..1001).map(|n| format!("[dimensions.k{n}]\na = [\"1\"]\n")).collect();
    refused(&many, "dimensions: has 1001 entries, at most 1000 are allowed");
    assert_eq!(problems("units = {}"), ["units: at least one unit is needed"]);
}

#[test]
fn plans_and_units_in_use_must_not_be_removed() {
    let before = "[units.credits]\n[units.gems]\nscale = 2\n[[plans]]\nid = \"old\"\nterm = \"ONCE\"\n";
    let before = Catalog::parse(before).unwrap();
    let after = "[units.credits]\nscale = 2\n[[plans]]\nid = \"pro\"\nterm = \"MONTH\"\n";
    let after = Catalog::parse(after).unwrap();
    let problems = after.check_against_use(Some(&before), &["pro".into(), "old".into()]).unwrap_err();
    assert_eq!(
        problems.to_string(),
        "plans: plan \"old\" has subscribers and must not be removed; \
         units.credits: must keep the published scale 0, is 2; units.gems: is in use and must not be removed"
    );
    assert_eq!(after.check_against_use(None, &["pro".into()]), Ok(()));
    assert_eq!(after.check_against_use(Some(&after), &[]), Ok(()));
    let lost_before = after.check_against_use(Some(&after), &["old".into()]);
    assert_eq!(lost_before, Ok(()), "a plan that the previous version lacks does not block publishing");
}

#[test]
fn a_term_is_refused_by_its_line() {
    for term in ["FORTNIGHT", "0 DAY", "1827 DAY", "2 ONCE"] {
        let document = format!("[units.credits]\n[[plans]]\nid = \"p\"\nterm = \"{term}\"\n");
        let problems = Catalog::parse(&document).unwrap_err().to_string();
        assert!(problems.contains(&format!("{term:?} is not a term")), "{problems}");
        assert!(problems.contains("line 4"), "{problems}");
    }
}
