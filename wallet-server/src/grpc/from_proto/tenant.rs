//! Parses names, modes and statuses of tenants.

use wallet_proto::v1::{TenantMode, TenantStatus};

use super::FieldReader;
use crate::keys::Mode;
use crate::tenants::is_name;

impl FieldReader {
    /// Parses the name of a tenant.
    pub(crate) fn tenant_name(&mut self, path: &str, name: String) -> Option<String> {
        if name.is_empty() {
            self.missing(path);
            return None;
        }
        let is_name = is_name(&name);
        if !is_name {
            self.add(path, "cannot name a tenant; a name has 1 to 64 letters, digits, - and _");
        }
        is_name.then_some(name)
    }

    /// Parses the mode of a tenant.
    pub(crate) fn tenant_mode(&mut self, path: &str, mode: i32) -> Option<Mode> {
        match TenantMode::try_from(mode) {
            Ok(TenantMode::Live) => Some(Mode::Live),
            Ok(TenantMode::Test) => Some(Mode::Test),
            Ok(TenantMode::Unspecified) => {
                self.missing(path);
                None
            }
            Err(_) => {
                self.add(path, format!("{mode} is not a mode of a tenant"));
                None
            }
        }
    }

    /// Parses the status of a tenant. Returns whether it is to be suspended.
    pub(crate) fn tenant_suspended(&mut self, path: &str, status: i32) -> Option<bool> {
        match TenantStatus::try_from(status) {
            Ok(TenantStatus::Active) => Some(false),
            Ok(TenantStatus::Suspended) => Some(true),
            Ok(TenantStatus::Unspecified) => {
                self.missing(path);
                None
            }
            Err(_) => {
                self.add(path, format!("{status} is not a status of a tenant"));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tenants_are_read_or_their_faults_named() {
        let mut fields = FieldReader::default();
        assert_eq!(fields.tenant_name("name", "studio_7-b".to_owned()).as_deref(), Some("studio_7-b"));
        assert_eq!(fields.tenant_mode("mode", 2), Some(Mode::Test));
        assert_eq!(fields.tenant_suspended("status", 2), Some(true));
        assert!(fields.lines().is_empty());
        for name in ["", "a b", &"x".repeat(65)] {
            assert_eq!(fields.tenant_name("name", name.to_owned()), None);
        }
        fields.tenant_mode("mode", 0);
        fields.tenant_mode("mode", 3);
        fields.tenant_suspended("status", 0);
        fields.tenant_suspended("status", -1);
        assert_eq!(
            fields.lines(),
            [
                "name: is required",
                "name: cannot name a tenant; a name has 1 to 64 letters, digits, - and _",
                "name: cannot name a tenant; a name has 1 to 64 letters, digits, - and _",
                "mode: is required",
                "mode: 3 is not a mode of a tenant",
                "status: is required",
                "status: -1 is not a status of a tenant",
            ]
        );
    }
}
