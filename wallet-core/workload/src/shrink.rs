//! Shrinking of failing histories: removes commands as long as the history still fails.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::{Pair, Timed};

/// Returns the index of the first command that fails, with the failure. A panic of the core is a failure.
fn failure(new: fn() -> Pair, history: &[Timed]) -> Option<(usize, String)> {
    let mut pair = new().strict();
    for (n, step) in history.iter().enumerate() {
        match catch_unwind(AssertUnwindSafe(|| pair.run(step))) {
            Ok(Ok(_)) => {}
            Ok(Err(what)) => return Some((n, what)),
            Err(_) => return Some((n, "a panic".to_owned())),
        }
    }
    pair.look().err().map(|what| (history.len(), what))
}

/// Returns a greedily shortened history of pairs that begin like `new`, and the failure at its end. The history is
/// empty if nothing fails.
pub fn shrink(new: fn() -> Pair, mut history: Vec<Timed>) -> (Vec<Timed>, String) {
    let Some((last, mut what)) = failure(new, &history) else { return (Vec::new(), String::new()) };
    history.truncate(last + 1);
    let mut size = (history.len() / 2).max(1);
    loop {
        let mut from = 0;
        let mut shorter = false;
        while from < history.len() {
            let mut without = history.clone();
            without.drain(from..(from + size).min(history.len()));
            match failure(new, &without) {
                Some((last, why)) => {
                    without.truncate(last + 1);
                    (history, what, shorter) = (without, why, true);
                }
                None => from += size,
            }
        }
        if size == 1 && !shorter {
            return (history, what);
        }
        size = (size / 2).max(1);
    }
}
