//! The connection of a lane.

use sea_orm::DatabaseConnection;

use crate::store::StoreError;

/// The connection on which a lane runs its batches. No other task uses it.
#[derive(Debug)]
pub(crate) struct LaneConnection(pub(super) DatabaseConnection);

impl LaneConnection {
    /// Closes the connection, after the transaction at hand has been rolled back.
    pub(crate) async fn close(self) -> Result<(), StoreError> {
        Ok(self.0.close().await?)
    }

    /// Returns the connection, for tests that change rows or look at the session.
    #[cfg(test)]
    pub(crate) const fn raw(&self) -> &DatabaseConnection {
        &self.0
    }
}
