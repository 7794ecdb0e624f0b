//! The schedule of the attempts to deliver a message.

use std::time::Duration;

/// The pauses in seconds after 0, 1, 2, ... failed attempts: at once, 5 s, 5 min, 30 min, 2 h, 5 h, 10 h, 14 h, 20 h,
/// 24 h. Ten attempts take a little over three days.
const PAUSES: [u64; 10] = [0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400];

/// Returns the pause before the next attempt after a number of failed ones, or `None` after the last.
///
/// Jitter lengthens the pause by up to a tenth, so that the messages of an endpoint that was down do not return all at
/// once. It follows from `seed` and the number of attempts alone.
pub(crate) fn pause(attempts: u32, seed: u64) -> Option<Duration> {
    let seconds = PAUSES.get(usize::try_from(attempts).ok()?)?;
    let input = [seed.to_be_bytes().as_slice(), &attempts.to_be_bytes()].concat();
    let part_of_2_to_32 = u64::from(crc32fast::hash(&input));
    let tenth_in_millis = seconds * 100;
    let jitter = (tenth_in_millis * part_of_2_to_32) >> 32;
    Some(Duration::from_millis(seconds * 1_000 + jitter))
}

/// Returns the pause as [`pause`] does. The last one is repeated.
pub(crate) fn repeated_pause(attempts: u32, seed: u64) -> Option<Duration> {
    let last = u32::try_from(PAUSES.len() - 1).unwrap_or(u32::MAX);
    pause(attempts.min(last), seed)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_schedule_with_jitter_of_at_most_a_tenth() {
        for (attempts, seconds) in (0..).zip(PAUSES) {
            for seed in (0..1_000).chain([u64::MAX]) {
                let pause = pause(attempts, seed).unwrap().as_millis();
                let shortest = u128::from(seconds) * 1_000;
                assert!((shortest..=shortest + shortest / 10).contains(&pause), "{attempts} {seed}: {pause}");
            }
        }
        for attempts in [10, 11, u32::MAX] {
            assert_eq!(pause(attempts, 1), None, "{attempts}");
            assert!(repeated_pause(attempts, 1) >= Some(Duration::from_hours(24)), "{attempts}");
        }
    }

    #[test]
    fn jitter_spreads_neighbouring_seeds_over_the_whole_tenth() {
        let mut tenths = [0; 10];
        for seed in 0..1_000 {
            let jitter = pause(3, seed).unwrap() - Duration::from_mins(30);
            tenths[usize::try_from(jitter.as_millis() / 18_000).unwrap()] += 1;
        }
        assert!(tenths.iter().all(|&seeds| seeds > 50), "{tenths:?}");
        assert_eq!(pause(3, 7), pause(3, 7));
    }
}
