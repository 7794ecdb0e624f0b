//! Values that a document is read into.

use std::time::Duration;

use super::super::{Limit, PackExpiry, PartialRefund, RefundRule, Renewal, Rollover, Span, Term, Threshold};
use super::*;
use crate::value::source::Source;

#[test]
fn a_catalog_has_its_text_its_digest_and_its_number() {
    let text = "[units.credits]\nname = \"Credits\"\n[units.money]\nscale = 2\nincrement = \"0.50\"\n";
    let catalog = Catalog::parse(text).unwrap();
    assert_eq!((catalog.version, catalog.source()), (0, text));
    assert_eq!(catalog.digest(), Catalog::parse(text).unwrap().with_version(7).digest());
    assert_eq!(catalog.clone().with_version(7).version, 7);
    let money = catalog.unit("money").unwrap();
    assert_eq!((money.scale, money.increment, money.name.as_str()), (2, 50, "money"));
    assert!(catalog.unit("gems").is_none() && catalog.default_plan().is_none());
}

#[test]
fn the_spending_order_may_have_groups_and_ends_with_the_sources_left_out() {
    let ranks = |order: &str| {
        let catalog = Catalog::parse(&format!("{order}\n[units.credits]")).unwrap();
        Source::ALL.map(|source| catalog.spend_rank(source))
    };
    assert_eq!(ranks(""), [0, 1, 2, 3, 4, 5, 6]);
    let order = "spend_order = [\"GRACE\", \"SUBSCRIPTION\", \"PURCHASED\", [\"PROMOTIONAL\", \"REFERRAL\"]]";
    assert_eq!(ranks(order), [0, 1, 4, 5, 2, 3, 3]);
}

#[test]
fn a_plan_is_read_with_its_defaults() {
    let catalog = Catalog::parse("[units.credits]\n[[plans]]\nid = \"pro\"\nterm = \"MONTH\"").unwrap();
    let plan = catalog.plan("pro").unwrap();
    assert_eq!((plan.name.as_str(), plan.tier.as_str(), plan.rank), ("pro", "pro", 0));
    assert_eq!((plan.term, plan.renewal), (Term::MONTH, Renewal::Automatic));
    assert_eq!(plan.dunning, Duration::from_secs(7 * 86_400));
    assert_eq!((plan.limit("concurrency", 1), plan.entitlements.is_none()), (Limit::Unlimited, true));
}

#[test]
fn a_refund_rule_is_read_with_its_defaults() {
    let rule = |text: &str| {
        let pack = format!("[[packs]]\nid = \"p\"\namounts = {{ credits = 1 }}\n{text}");
        let plan = format!("[[plans]]\nid = \"p\"\nterm = \"WEEK\"\n{text}");
        let catalog = Catalog::parse(&format!("[units.credits]\n{pack}\n{plan}")).unwrap();
        assert_eq!(catalog.pack("p").unwrap().refund, catalog.plan("p").unwrap().refund);
        catalog.pack("p").unwrap().refund
    };
    assert_eq!(rule(""), None, "packs and terms have defaults of their own");
    assert_eq!(rule("refund = {}"), Some(RefundRule::PACK));
    let all = rule("refund = { window = \"2h\", only_unused = false, partial = \"UNUSED\" }");
    let (window_seconds, partial) = (Some(7_200), PartialRefund::Unused);
    assert_eq!(all, Some(RefundRule { window_seconds, only_unused: false, partial }));
    assert!(rule("refund = { window = \"none\" }").unwrap().is_none());
    assert!(RefundRule::of_term(Term::MONTH).is_none() && !RefundRule::of_term(Term::YEAR).is_none());
}

#[test]
fn a_grace_period_is_24_hours_unless_the_document_names_another() {
    let period = |policies: &str| {
        let catalog = Catalog::parse(&format!("[units.credits]\n[policies]\n{policies}")).unwrap();
        catalog.policies.grace_period
    };
    assert_eq!(period(""), Duration::from_secs(86_400));
    assert_eq!(period("grace_period = \"1s\""), Duration::from_secs(1));
    assert_eq!(period("grace_period = \"72h\""), Duration::from_secs(3 * 86_400));
    assert_eq!(period("grace_period = \"3d\""), Duration::from_secs(3 * 86_400));
}

#[test]
fn a_goodwill_period_is_30_days_unless_the_document_names_another() {
    let period = |policies: &str| {
        let catalog = Catalog::parse(&format!("[units.credits]\n[policies]\n{policies}")).unwrap();
        catalog.policies.goodwill_period
    };
    assert_eq!(period(""), Duration::from_secs(30 * 86_400));
    assert_eq!(period("goodwill_period = \"366d\""), Duration::from_secs(366 * 86_400));
}

/// The parts of the catalog `trainings.toml` that are hardest to express: two terms of one tier, weekly trainings,
/// gated models.
#[test]
fn weekly_and_yearly_plans_with_trainings_can_be_expressed() {
    let catalog = Catalog::parse(
        r#"
        limits = ["seats"]
        ignored_attributes = ["model"]
        ignored_quantities = ["count", "images"]
        [units.credits]
        [units.trainings]
        [[plans]]
        id = "pro-weekly"
        tier = "pro"
        rank = 2
        term = "WEEK"
        allowances = [{ unit = "credits", amount = 450 }, { unit = "trainings", amount = 1 }]
        [[plans]]
        id = "pro-yearly"
        tier = "pro"
        rank = 2
        term = "YEAR"
        renewal = "ON_PAYMENT"
        dunning = "3d"
        limits = { concurrency = 8, seats = "unlimited" }
        features = ["speed.priority"]
        queue_priority = 5
        thresholds = { credits = ["20%", 100] }
        allowances = [
            { unit = "credits", amount = 23400, rollover = { cap = 100 } },
            { id = "bonus", unit = "trainings", amount = 1, cadence = "WEEK" },
        ]
        entitlements = [
            { kind = { prefix = "image." }, when = { model = ["schnell", "dev"] }, max = { count = 8 } },
            { kind = "lora.train", max = { images = 30 } },
        ]
        "#,
    )
    .unwrap();
    let plan = catalog.plan("pro-yearly").unwrap();
    assert_eq!((plan.tier.as_str(), plan.term, plan.renewal), ("pro", Term::YEAR, Renewal::OnPayment));
    assert_eq!(plan.limits["concurrency"], Limit::AtMost(8));
    assert_eq!(plan.limits["seats"], Limit::Unlimited);
    assert_eq!(plan.thresholds["credits"], [Threshold::Percent(20), Threshold::Amount(100)]);
    let rollover = Rollover { cap: Some(100), percent: 100, periods: 1 };
    assert_eq!((plan.allowances[0].id.as_str(), plan.allowances[0].rollover), ("credits", Some(rollover)));
    assert_eq!((plan.allowances[1].id.as_str(), plan.allowances[1].cadence), ("bonus", Some(Term::WEEK)));
    let entitlements = plan.entitlements.as_ref().unwrap();
    assert!(entitlements[0].covers(&op("image.edit", &[("model", "dev")], &[])));
    assert!(!entitlements[0].covers(&op("image.edit", &[("model", "beta")], &[])));
    assert!(!entitlements[0].covers(&op("video.generate", &[("model", "dev")], &[])));
    assert_eq!(entitlements[1].max["images"], Decimal::from(30));
}

#[test]
fn a_pack_expires_never_after_a_time_or_with_the_subscription() {
    let months = Some(Span::Months(12));
    for (expiry, expected, json) in [
        ("", PackExpiry::NEVER, "{}"),
        (
            "expiry = { days = 30 }",
            PackExpiry { after: Some(Span::Days(30)), with_subscription: false },
            r#"{"after":{"days":30}}"#,
        ),
        (
            "expiry = { months = 12, with_subscription = true }",
            PackExpiry { after: months, with_subscription: true },
            r#"{"after":{"months":12},"with_subscription":true}"#,
        ),
    ] {
        let document =
            format!("[units.credits]\n[[packs]]\nid = \"p\"\namounts = {{ credits = 5 }}\n{expiry}");
        let pack = Catalog::parse(&document).unwrap().pack("p").cloned().unwrap();
        assert_eq!(pack.expiry, expected);
        assert_eq!(serde_json::to_string(&pack.expiry).unwrap(), json);
        assert_eq!(serde_json::from_str::<PackExpiry>(json).unwrap(), expected);
        assert_eq!((pack.amounts.get("credits"), pack.plans), (5, None));
    }
}
