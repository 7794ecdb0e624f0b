//! Random numbers that a seed reproduces: SplitMix64. Not for secrets.

#[derive(Debug, Clone)]
pub struct Rng(u64);

impl Rng {
    /// Returns the `stream`-th stream of a seed.
    pub fn new(seed: u64, stream: u64) -> Self {
        let mut rng = Self(seed);
        let seed = rng.next();
        let mut rng = Self(seed ^ stream.wrapping_mul(0xd134_2543_de82_ef95));
        rng.next();
        rng
    }

    #[allow(clippy::should_implement_trait, reason = "the stream has no end")]
    /// Returns the next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Returns a number in `from..=to`, or `from` if the range is empty.
    pub fn within(&mut self, from: i64, to: i64) -> i64 {
        let count = to.saturating_sub(from).saturating_add(1).max(1).unsigned_abs();
        from.saturating_add_unsigned(self.next() % count)
    }

    /// Returns true in `percent` percent of calls.
    pub fn percent(&mut self, percent: i64) -> bool {
        self.within(0, 99) < percent
    }

    /// Returns one of the elements, or `None` if there are none.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        from.get(self.index(from.len()))
    }

    /// Returns one of the elements of an array, which must not be empty.
    pub fn one_of<T: Copy, const N: usize>(&mut self, from: [T; N]) -> T {
        from[self.index(N)]
    }

    fn index(&mut self, count: usize) -> usize {
        usize::try_from(self.next() % u64::try_from(count.max(1)).unwrap_or(1)).unwrap_or(0)
    }
}
