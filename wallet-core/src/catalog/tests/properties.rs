//! Properties of all documents and prices.

use proptest::prelude::*;

use super::*;

/// Returns a catalog of one rule that has every part of a price, with these numbers.
fn catalog(rate: u32, factor: u32, bounds: (u32, u32), rounding: &str) -> Catalog {
    let decimal = |n: u32| format!("\"{}\"", Decimal::from_minor(i64::from(n), 3));
    one_rule(&format!(
        r#"
        rounding = "{rounding}"
        output_priced = true
        min = {{ money = {min} }}
        max = {{ money = {max} }}
        factors = [{{ constant = {factor} }}]
        [[rules.components]]
        unit = "money"
        quantity = "n"
        graduated = [{{ up_to = 7, rate = {rate} }}, {{ flat = "0.1", rate = "0.007" }}]
        [[rules.components]]
        unit = "money"
        quantity = "n"
        block = "0.3"
        rate = "0.013"
        [[rules.components]]
        unit = "credits"
        quantity = "n"
        rate = {rate}
        "#,
        min = bounds.0.min(bounds.1),
        max = bounds.0.max(bounds.1),
        factor = decimal(factor),
        rate = decimal(rate),
    ))
}

fn quantity(thousandths: u32) -> String {
    Decimal::from_minor(i64::from(thousandths), 3).to_string()
}

proptest! {
    #[test]
    fn a_mangled_document_is_read_or_refused_without_a_panic(
        cut in any::<prop::sample::Index>(), length in 0_usize..12,
        paste in prop::sample::select(vec!["", "0", "-1", "[]", "{}", "\"", "9223372036854775807", "\"1%\"", "é"]),
    ) {
        let example = include_str!("../../../../wallet-server/catalogs/example.toml");
        let start = cut.index(example.len());
        let end = (start + length).min(example.len());
        let mangled = [&example[..start], paste, &example[end..]].concat();
        if let Err(problems) = Catalog::parse(&mangled) {
            prop_assert!(!problems.0.is_empty());
        }
    }

    #[test]
    fn the_lines_of_a_unit_add_up_to_its_amount(
        rate in 0_u32..50_000, factor in 0_u32..5_000, bounds in (0_u32..200, 0_u32..200),
        n in 0_u32..1_000_000, rounding in prop::sample::select(vec!["up", "down", "nearest"]),
    ) {
        let catalog = catalog(rate, factor, bounds, rounding);
        let price = catalog.price(&op("x", &[], &[("n", &quantity(n))]), None).unwrap();
        for unit in catalog.units() {
            let (amount, most) = (price.amounts.get(unit.id.as_str()), price.max_amounts.get(unit.id.as_str()));
            prop_assert_eq!(sum(&price.lines, unit.id.as_str()), unit.whole(amount));
            prop_assert!(unit.is_multiple(amount) && unit.is_multiple(most));
            prop_assert!(0 <= amount && amount <= most);
        }
    }

    #[test]
    fn a_larger_quantity_never_costs_less_without_volume_prices(
        rate in 0_u32..50_000, factor in 0_u32..5_000, bounds in (0_u32..200, 0_u32..200),
        n in 0_u32..1_000_000, more in 0_u32..1_000_000,
    ) {
        let catalog = catalog(rate, factor, bounds, "up");
        let amount = |n: u32, unit: &str| {
            catalog.price(&op("x", &[], &[("n", &quantity(n))]), None).unwrap().amounts.get(unit)
        };
        for unit in ["credits", "money"] {
            prop_assert!(amount(n, unit) <= amount(n + more, unit));
        }
    }
}
