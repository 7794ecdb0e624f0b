//! Words for what people are told: what a wallet calls low, and what the last step made news.

use wallet_core::catalog::Threshold;
use wallet_core::event::{self, EventKind};
use wallet_core::warning::Warning;

use super::facts::Fact;
use super::steps::{Step, unit};
use super::world::{START, World};

/// Of the wallet itself.
impl Step {
    /// Balances of a unit that it calls low, whatever its plan says; none: the plan's again.
    pub(crate) fn low(mut self, of: &str, thresholds: &[Threshold]) -> Self {
        self.update().low_balance.insert(unit(of), thresholds.to_vec());
        self
    }
}

/// What the last step told, in order, after whose revision: "3: credits at 5, below 6".
pub(crate) fn told(events: &[&str]) -> Fact {
    let events: Vec<String> = events.iter().map(ToString::to_string).collect();
    Fact::new("the news", events, |world| news(world, world.mark))
}

/// The last step told nothing.
pub(crate) fn told_nothing() -> Fact {
    told(&[])
}

/// What was ever told, likewise.
pub(crate) fn ever_told(events: &[&str]) -> Fact {
    let events: Vec<String> = events.iter().map(ToString::to_string).collect();
    Fact::new("all news", events, |world| news(world, 0))
}

fn news(world: &World, from: usize) -> Vec<String> {
    let entries = world.lazy.entries.iter().skip(from);
    let events = entries.flat_map(|entry| entry.events.iter().map(move |event| (entry.revision, event)));
    let line = |(revision, event): (i64, &event::Event)| match event.kind {
        EventKind::LowBalance => {
            format!("{revision}: {} at {}, below {}", event.unit, event.available, event.threshold)
        }
        EventKind::Exhausted => format!("{revision}: {} exhausted", event.unit),
        EventKind::GrantExpiring => {
            let grant = event.grant.as_ref().unwrap();
            let hours = event.expire_time.since(START).as_secs() / 3600;
            format!("{revision}: {grant} with {} {} ends after {hours} h", event.available, event.unit)
        }
    };
    events.map(line).collect()
}

/// What the answer to the last Reserve warns of: "credits at 5, below 6".
pub(crate) fn warned(warnings: &[&str]) -> Fact {
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let line = |warning: &Warning| match warning.kind {
        EventKind::Exhausted => format!("{} exhausted", warning.unit),
        _ => format!("{} at {}, below {}", warning.unit, warning.available, warning.threshold),
    };
    Fact::new("the warnings", Some(warnings), move |world| {
        let answer = world.reply.as_ref()?.result.as_ref().ok()?;
        Some(answer.warnings.iter().map(line).collect())
    })
}
