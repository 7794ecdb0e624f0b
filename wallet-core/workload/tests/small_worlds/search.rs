//! Breadth-first search, layer by layer. Of the last layer, only the digests are kept.

use std::collections::HashSet;
use std::time::Instant;

use wallet_workload::figure;

/// A world that can be searched.
pub(crate) trait World: Sized {
    /// Returns the digest that identifies the world.
    fn digest(&self) -> u128;
    /// Panics if an invariant does not hold.
    fn check(&self);
    /// Calls `found` with every world that may come next.
    fn next(&self, found: &mut dyn FnMut(Self));
}

/// Visits every world that is at most `depth` steps away and prints their number, which must be at least `least`:
/// fewer would mean that the worlds have become smaller. `WALLET_WORLDS_DEEPER` is added to the depth and may be
/// negative.
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
    assert!(deeper < 0 || states >= least, "{states} states, at least {least} are expected");
}
