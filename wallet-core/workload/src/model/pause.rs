//! Pauses of a subscription.

use wallet_core::decide::PauseSubscription;
use wallet_core::entry::EntryKind;
use wallet_core::{Command, Timestamp};

use super::answer::{Answered, Refusal, Seen};
use super::calendar::Every;
use super::state::{Lot, Model, Sub};

impl Model {
    pub(super) fn pause(
        &mut self,
        pause: &PauseSubscription,
        command: &Command,
    ) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let mut sub = self.subscription()?;
        if sub.sold.every == Every::Once {
            return Err(Refusal::field());
        }
        if let Some(end) = sub.ends {
            let end = Timestamp::from_micros(sub.boundary(end));
            return Err(Refusal::new("SUBSCRIPTION_ENDS").with("end_time", end));
        }
        let until = pause.until.map(|until| until.as_micros());
        if until.is_some_and(|until| until <= self.now || until <= sub.boundary(sub.after_paid())) {
            return Err(Refusal::field());
        }
        sub.pause = Some(until);
        if sub.past_due && sub.paid.is_empty() {
            self.pause_now(sub, self.now);
        } else {
            self.subscribed(sub);
        }
        self.remember(command, EntryKind::SubscriptionPaused);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Pauses the subscription: the wallet has the default plan from this instant until it resumes.
    pub(super) fn pause_now(&mut self, sub: Sub, at: i64) {
        self.subscribed(Sub { paused: true, past_due: false, ..sub });
        self.no_free_before(at);
    }

    pub(super) fn resume(&mut self, command: &Command) -> Result<Answered, Refusal> {
        if self.requested(command)? {
            return Ok(Answered::again(Seen::Wallet));
        }
        let sub = self.subscription()?;
        if sub.paused {
            self.end_pause(sub, self.now);
        } else {
            self.undone(Sub { ends: None, pause: None, ..sub });
        }
        self.remember(command, EntryKind::SubscriptionResumed);
        Ok(Answered::done(Seen::Wallet))
    }

    /// Begins the first period after a pause. The credits that were unused before it roll over.
    pub(super) fn end_pause(&mut self, sub: Sub, at: i64) {
        let (id, before): (u32, Option<(i64, Vec<Lot>)>) = (sub.id, sub.unpaid);
        let sold = sub.change.map(|(sold, _)| sold).or(sub.following).unwrap_or(sub.sold);
        let unpaid = sold.on_payment || sold.provisional.is_some();
        self.give(Sub { id, provisional: unpaid, ..Sub::new(sub.number + 1, sold, at) }, at, before);
    }
}
