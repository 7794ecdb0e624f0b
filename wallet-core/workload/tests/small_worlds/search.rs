//! Breadth first, layer by layer; of the last layer only the digests are kept.

use std::collections::HashSet;
use std::time::Instant;

use wallet_workload::figure;

/// A world that can be searched.
pub(crate) trait World: Sized {
    /// What tells it from others.
    fn digest(&self) -> u128;
    /// Panics if something that must hold does not.
    fn check(&self);
    /// Every world that may come next.
    fn next(&self, found: &mut dyn FnMut(Self));
}

/// Visits every world that is at most `depth` steps away, and prints how many there are: `least`, or something has
/// made the worlds smaller. `WALLET_WORLDS_DEEPER` adds to the depth, or, below zero, takes from it.
pub(crate) fn search<W: World>(name: &str, start: W, depth: usize, least: usize) {
    let deeper = std::env::var("WALLET_WORLDS_DEEPER").map_or(0, |text| text.parse().unwrap());
    let depth = depth.saturating_add_signed(deeper);
    let (mut seen, started) = (HashSet::from([start.digest()]), Instant::now());
    let mut layer = vec![start];
    let mut steps = 0_u64;
    for reached in 1..=depth {
        let mut next = Vec::new();
        for world in layer.drain(..) {
            world.next(&mut |after| {
                steps += 1;
                if seen.insert(after.digest()) {
                    after.check();
                    if reached < depth {
                        next.push(after);
                    }
                }
            });
        }
        layer = next;
    }
    let states = seen.len();
    let time = format!("{} s", started.elapsed().as_secs());
    figure("worlds", &[&name, &states, &steps, &depth, &time]);
    assert!(deeper < 0 || states >= least, "{states} states, at least {least} were there once");
}
