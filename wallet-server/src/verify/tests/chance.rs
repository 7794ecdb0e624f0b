//! Random commands in random order: the ledger that they make has no faults.

use std::time::Duration;

use wallet_core::decide::Cost;
use wallet_core::reservation::CancelReason;
use wallet_core::{Amounts, Command};

use super::commands::{
    cancel, charge_back, credits, extend, fail, grant, refund, reserve_both, reverse, revoke, settle, start,
    top_up,
};
use super::fixture::{MINUTE, Story, written};
use crate::verify::verify;

/// Pseudo-random numbers that are the same in every run (Steele and Vigna's SplitMix64).
struct Chance(u64);

impl Chance {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }

    fn amount(&mut self, bound: u64) -> i64 {
        i64::try_from(self.below(bound)).unwrap()
    }

    fn minutes(&mut self, bound: u64) -> u32 {
        u32::try_from(self.below(bound)).unwrap()
    }

    /// Returns one of a few ids, so that most were used before.
    fn id(&mut self, prefix: &str, among: u64) -> String {
        format!("{prefix}{}", self.below(among))
    }

    fn amounts(&mut self, scale: u64) -> Amounts {
        let mut amounts = credits(self.amount(scale));
        if self.below(3) == 0 {
            amounts.set(&"trainings".parse().unwrap(), self.amount(3));
        }
        amounts
    }

    fn command(&mut self) -> Command {
        let job = self.id("j", 40);
        match self.below(24) {
            0 => top_up(&self.id("t", 9), "credits", 1 + self.amount(80)),
            1 => top_up(&self.id("u", 9), "trainings", 1 + self.amount(5)),
            2 | 3 => {
                let from = self.minutes(3_000);
                let until = from + 1 + self.minutes(900);
                let from = Some(from).filter(|from| from % 3 == 0);
                grant(&self.id("g", 30), 1 + self.amount(60), from, Some(until))
            }
            4 => grant(&self.id("h", 30), 1 + self.amount(30), None, None),
            5..=8 => {
                let amounts = self.amounts(40);
                let most = amounts.iter().map(|(unit, amount)| (unit.clone(), amount + self.amount(30)));
                let most = most.collect();
                reserve_both(&job, amounts, most, Some("w1").filter(|_| self.below(2) == 0))
            }
            9 | 10 => start(&job, if self.below(3) == 0 { Duration::ZERO } else { MINUTE * 5 }),
            11 => extend(&job, if self.below(2) == 0 { MINUTE * 120 } else { MINUTE * 9 }),
            12..=14 => {
                let cost = match self.below(3) {
                    0 => Cost::AsReserved,
                    _ => Cost::Amounts(self.amounts(60)),
                };
                settle(&job, cost, self.below(2) == 0)
            }
            15 => fail(&job, if self.below(2) == 0 { "NSFW" } else { "GPU" }),
            16 | 17 => cancel(&job, CancelReason::User),
            18 => cancel(&job, CancelReason::Platform),
            19 => refund(&self.id("f", 20), &self.id("t", 9)),
            21 => reverse(&self.id("v", 60), &job, credits(self.amount(9))),
            22 => reverse(&self.id("v", 60), &job, Amounts::none()),
            20 => charge_back(&self.id("c", 60), &self.id("t", 9)),
            _ => revoke(&self.id("r", 20), &format!("grant:{}", self.id("g", 30))),
        }
    }
}

/// A wallet after 250 random commands, some of which are refused.
fn story(seed: u64) -> Story {
    let overages = ["ALLOW_NEGATIVE", "CHARGE_IF_AVAILABLE", "CAP_AT_RESERVED", "REQUIRE_FULL"];
    let mut chance = Chance(seed);
    let mut story = Story::with_overage(overages[(seed % 4) as usize], &format!("w{seed}"));
    for _ in 0..250 {
        let _ = story.attempt(&chance.command());
        story.pass(Duration::from_secs(chance.below(1_200)));
    }
    story
}

#[tokio::test]
async fn random_commands_make_a_ledger_without_faults() {
    let stories: Vec<Story> = (0..80).map(story).collect();
    let kinds: usize = stories.iter().flat_map(Story::kinds).collect::<std::collections::BTreeSet<_>>().len();
    assert!(kinds >= 16, "only {kinds} kinds of entries occur");
    let (_folder, url) = written(&stories).await;
    let report = verify(&url).await.unwrap();
    assert!(report.is_clean(), "{report}");
}

#[tokio::test]
async fn a_heartbeat_before_a_start_without_a_lease_explains_the_deadline() {
    let story = Story::of("w")
        .and(top_up("t1", "credits", 100))
        .and(reserve_both("j1", credits(5), credits(5), None))
        .and(extend("j1", MINUTE * 120))
        .and(start("j1", Duration::ZERO));
    let (_folder, url) = written(&[story]).await;
    let report = verify(&url).await.unwrap();
    assert!(report.is_clean(), "{report}");
}
