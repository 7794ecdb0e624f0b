//! The settings of PostgreSQL without which a commit that was acknowledged can be lost.

use sea_orm::{ConnectionTrait, Statement};

use crate::store::{Backend, Store, StoreError, StoreErrorKind};

/// The oldest version that the statements and the tests are made for.
const OLDEST: i32 = 15;

/// Settings of a session.
#[derive(Debug, Clone)]
struct Session {
    /// The version as a number, as in 150004.
    version: i32,
    fsync: String,
    full_page_writes: String,
    synchronous_commit: String,
}

impl Store {
    /// Returns the reasons why the database may lose acknowledged commits, each as a sentence without a full stop. A
    /// SQLite file has none: its connections are opened with the settings that it needs.
    pub(crate) async fn unsafe_settings(&self) -> Result<Vec<String>, StoreError> {
        if self.backend() == Backend::Sqlite {
            return Ok(Vec::new());
        }
        // As this session sees them: the URL, the role or the database may change the settings of the server.
        let sql = "SELECT current_setting('server_version_num')::int AS version, current_setting('fsync') AS fsync, \
                   current_setting('full_page_writes') AS full_page_writes, \
                   current_setting('synchronous_commit') AS synchronous_commit";
        let row = self.control().query_one_raw(Statement::from_string(self.backend().db(), sql)).await?;
        let row = row.ok_or_else(|| {
            StoreError::new(StoreErrorKind::Unavailable, "the database returned no settings")
        })?;
        let session = Session {
            version: row.try_get("", "version")?,
            fsync: row.try_get("", "fsync")?,
            full_page_writes: row.try_get("", "full_page_writes")?,
            synchronous_commit: row.try_get("", "synchronous_commit")?,
        };
        Ok(session.faults())
    }
}

impl Session {
    fn faults(&self) -> Vec<String> {
        let mut faults = Vec::new();
        for (name, value) in [
            ("fsync", &self.fsync),
            ("full_page_writes", &self.full_page_writes),
            // `local` and the levels above it wait for the disk of this database.
            ("synchronous_commit", &self.synchronous_commit),
        ] {
            if value == "off" {
                faults.push(format!("{name} is off"));
            }
        }
        let (major, minor) = (self.version / 10_000, self.version % 10_000);
        if major < OLDEST {
            faults.push(format!(
                "its version is {major}.{minor}, and {OLDEST} is the oldest one that is tested"
            ));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_setting_that_can_lose_a_commit_is_named() {
        let session = |fsync: &str, pages: &str, commit: &str, version| Session {
            version,
            fsync: fsync.to_owned(),
            full_page_writes: pages.to_owned(),
            synchronous_commit: commit.to_owned(),
        };
        for commit in ["on", "local", "remote_write", "remote_apply"] {
            assert_eq!(session("on", "on", commit, 150_000).faults(), [""; 0], "{commit}");
        }
        assert_eq!(session("off", "on", "on", 170_002).faults(), ["fsync is off"]);
        assert_eq!(session("on", "off", "on", 170_002).faults(), ["full_page_writes is off"]);
        assert_eq!(session("on", "on", "off", 170_002).faults(), ["synchronous_commit is off"]);
        let all = session("off", "off", "off", 140_011).faults();
        assert_eq!(all.len(), 4, "{all:?}");
        assert_eq!(all[3], "its version is 14.11, and 15 is the oldest one that is tested");
    }
}
