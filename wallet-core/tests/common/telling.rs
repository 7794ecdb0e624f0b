//! Steps and facts of notifications: thresholds, and the notifications of the last step.

use wallet_core::catalog::Threshold;
use wallet_core::event::{self, EventKind};
use wallet_core::view::Shown;
use wallet_core::warning::Warning;

use super::facts::Fact;
use super::steps::{Step, unit};
use super::topping_up::due_id;
use super::world::{START, World};

/// Parameters of an update of the wallet.
impl Step {
    /// Sets thresholds that override the plan's; an empty list restores the plan's.
    pub(crate) fn low(mut self, of: &str, thresholds: &[Threshold]) -> Self {
        self.update().low_balance.insert(unit(of), thresholds.to_vec());
        self
    }
}

/// The notifications of the last step in order, each with the revision of its entry: "3: credits at 5, below 6".
pub(crate) fn notified(events: &[&str]) -> Fact {
    let events: Vec<String> = events.iter().map(ToString::to_string).collect();
    Fact::new("the news", events, |world| news(world, world.mark))
}

/// The last step made no notification.
pub(crate) fn notified_nothing() -> Fact {
    notified(&[])
}

/// All notifications of the wallet, in the same form.
pub(crate) fn all_notified(events: &[&str]) -> Fact {
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
        EventKind::Recovered if event.threshold == 0 => {
            format!("{revision}: {} at {}, no longer exhausted", event.unit, event.available)
        }
        EventKind::Recovered => {
            format!("{revision}: {} at {}, above {} again", event.unit, event.available, event.threshold)
        }
        EventKind::AutoTopUpDue => {
            let due = event.auto_top_up.as_ref().unwrap();
            assert_eq!(due.top_up, due_id(revision));
            let (packs, available) = (format!("{} {}", due.quantity, due.pack), event.available);
            format!("{revision}: {packs} due at {available}, below {}", event.threshold)
        }
        EventKind::AutoTopUpFailed => {
            let failed = event.auto_top_up.as_ref().unwrap();
            let packs = format!("{} {}", failed.quantity, failed.pack);
            let time = world.lazy.entries[usize::try_from(revision).unwrap() - 1].effective_time;
            let wait =
                failed.retry_time.map(|retry| format!("wait {} h", retry.since(time).as_secs() / 3600));
            format!("{revision}: {packs} failed, {}", wait.unwrap_or_else(|| "off".to_owned()))
        }
        EventKind::GrantExpiring => {
            let grant = event.grant.as_ref().unwrap();
            let hours = event.expire_time.since(START).as_secs() / 3600;
            format!("{revision}: {grant} with {} {} ends after {hours} h", event.available, event.unit)
        }
    };
    events.map(line).collect()
}

/// The warnings in the reply to the last Reserve: "credits at 5, below 6".
pub(crate) fn warned(warnings: &[&str]) -> Fact {
    let warnings: Vec<String> = warnings.iter().map(ToString::to_string).collect();
    let line = |warning: &Warning| match warning.kind {
        EventKind::Exhausted => format!("{} exhausted", warning.unit),
        _ => format!("{} at {}, below {}", warning.unit, warning.available, warning.threshold),
    };
    Fact::new("the warnings", Some(warnings), move |world| {
        let answer = world.reply.as_ref()?.result.as_ref().ok()?;
        match &answer.shown {
            Shown::NewReservation(view) => Some(view.warnings.iter().map(line).collect()),
            _ => None,
        }
    })
}
