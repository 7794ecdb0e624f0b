//! Reads that examine many rows for few results: searches and summaries. They have connections of their own, a
//! limited number of places, and a budget, so that they take nothing from reads of one wallet or from the sweeper.

use std::sync::Arc;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::query::ReadError;

/// The place of a costly read, held until all its tasks have ended; `None` if the read is not costly.
pub(super) type Seat = Option<Arc<OwnedSemaphorePermit>>;

/// The most costly reads that run or wait.
const PLACES: usize = 16;
/// The most rows that one search reads. Its page ends there, and its token continues from there.
const SEARCHED: u64 = 5_000;
/// The most jobs that one summary adds up.
const SUMMARIZED: u64 = 200_000;

/// The bounds of costly reads. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Costly {
    places: Arc<Semaphore>,
    pub(super) searched: u64,
    pub(super) summarized: u64,
}

impl Default for Costly {
    fn default() -> Self {
        Self { places: Arc::new(Semaphore::new(PLACES)), searched: SEARCHED, summarized: SUMMARIZED }
    }
}

impl Costly {
    /// Takes a place, until it is dropped, if the read is costly. Fails at once if all places are taken.
    pub(super) fn seat(&self, is_costly: bool) -> Result<Seat, ReadError> {
        let taken = is_costly.then(|| self.places.clone().try_acquire_owned());
        taken.transpose().map(|seat| seat.map(Arc::new)).map_err(|_| ReadError::Overloaded)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_are_sixteen_places_and_a_read_that_ends_makes_room() {
        let costly = Costly::default();
        let mut places: Vec<_> = (0..PLACES).map(|_| costly.seat(true).unwrap()).collect();
        assert_eq!(costly.seat(true).err(), Some(ReadError::Overloaded));
        assert!(costly.seat(false).unwrap().is_none(), "other reads need no place");
        places.pop();
        assert!(costly.seat(true).unwrap().is_some());
    }
}
