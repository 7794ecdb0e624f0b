//! Limits the log: within an interval it writes a bounded number of lines of one message, and then one line that counts
//! the others.
//!
//! Without the limit, a flood of failing calls would become a flood of lines that fills the disk.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tracing::callsite::Identifier;
use tracing::{Event, Metadata, Subscriber};
use tracing_subscriber::layer::{Context, Layer};

/// The most lines of one message within [`INTERVAL`].
const LINES: u32 = 20;
const INTERVAL: Duration = Duration::from_secs(10);

/// The lines of each message so far. Clones share them.
#[derive(Debug, Clone, Default)]
pub(super) struct LogLimit(Arc<Mutex<HashMap<Identifier, Lines>>>);

#[derive(Debug)]
struct Lines {
    name: &'static str,
    started: Instant,
    written: u32,
    left_out: u64,
}

impl LogLimit {
    /// Returns true if a line of this message may be written now.
    fn admits(&self, message: &Metadata<'static>, now: Instant) -> bool {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let lines = messages.entry(message.callsite()).or_insert_with(|| Lines {
            name: message.name(),
            started: now,
            written: 0,
            left_out: 0,
        });
        if now.duration_since(lines.started) >= INTERVAL {
            (lines.started, lines.written) = (now, 0);
        }
        if lines.written < LINES {
            lines.written += 1;
            return true;
        }
        lines.left_out += 1;
        false
    }

    /// Returns the messages of which lines were left out since the last call, and how many.
    fn left_out(&self) -> Vec<(&'static str, u64)> {
        let mut messages = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = messages.values_mut().map(|lines| (lines.name, std::mem::take(&mut lines.left_out)));
        taken.filter(|(_, left_out)| *left_out > 0).collect()
    }

    /// Logs, at intervals of [`INTERVAL`], how many lines of each message were left out.
    pub(super) async fn report(self) {
        let mut ticks = tokio::time::interval(INTERVAL);
        loop {
            ticks.tick().await;
            for (message, lines) in self.left_out() {
                tracing::warn!(message_at = message, lines, "more lines of the same message were left out");
            }
        }
    }
}

/// Must come before all other layers: a line that it leaves out is left out everywhere.
impl<S: Subscriber> Layer<S> for LogLimit {
    fn event_enabled(&self, event: &Event<'_>, _: Context<'_, S>) -> bool {
        self.admits(event.metadata(), Instant::now())
    }
}

#[cfg(test)]
mod tests {
    use tracing_subscriber::prelude::*;

    use super::*;
    use crate::memory_log::MemoryLog;

    #[test]
    fn twenty_lines_of_a_flood_are_written_and_the_others_are_counted() {
        let (written, limit) = (MemoryLog::default(), LogLimit::default());
        let lines = tracing_subscriber::fmt::layer().with_writer(written.clone());
        let log = tracing_subscriber::registry().with(lines).with(limit.clone());
        tracing::subscriber::with_default(log, || {
            for n in 0..1_000 {
                tracing::warn!(n, "flood");
            }
            tracing::warn!("something else");
        });
        let text = written.text();
        assert_eq!(text.matches("flood").count(), 20);
        assert_eq!(text.matches("something else").count(), 1);
        let counted: Vec<u64> = limit.left_out().into_iter().map(|(_, lines)| lines).collect();
        assert_eq!(counted, [980]);
        assert!(limit.left_out().is_empty(), "they are counted once");
    }
}
