//! Parses the properties of a wallet, and reasons.

use wallet_core::wallet::WalletStatus;
use wallet_proto::v1;

use super::FieldReader;

const MAX_DISPLAY_NAME_BYTES: usize = 256;
const MAX_REASON_BYTES: usize = 1_024;

impl FieldReader {
    /// Parses the new status of a wallet. Unspecified becomes `None`: unchanged.
    pub(crate) fn new_status(&mut self, path: &str, status: i32) -> Option<WalletStatus> {
        match v1::WalletStatus::try_from(status) {
            Ok(v1::WalletStatus::Unspecified) => None,
            Ok(v1::WalletStatus::Active) => Some(WalletStatus::Active),
            Ok(v1::WalletStatus::Suspended) => Some(WalletStatus::Suspended),
            Ok(v1::WalletStatus::Closed | v1::WalletStatus::Frozen) => {
                self.add(path, "only ACTIVE and SUSPENDED can be set");
                None
            }
            Err(_) => {
                self.add(path, format!("{status} is not a wallet status"));
                None
            }
        }
    }

    /// Parses the display name of a wallet, at most 256 bytes.
    pub(crate) fn display_name(&mut self, name: String) -> String {
        self.name("display_name", name, MAX_DISPLAY_NAME_BYTES)
    }

    /// Parses the platform's reason, at most 1,024 bytes.
    pub(crate) fn reason(&mut self, reason: String) -> String {
        self.text("reason", reason, MAX_REASON_BYTES)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_active_and_suspended_can_be_set() {
        let mut fields = FieldReader::default();
        assert_eq!(fields.new_status("status", 0), None);
        assert_eq!(fields.new_status("status", 1), Some(WalletStatus::Active));
        assert_eq!(fields.new_status("status", 2), Some(WalletStatus::Suspended));
        assert!(fields.lines().is_empty());
        fields.new_status("status", 3);
        fields.new_status("status", 4);
        fields.new_status("status", 5);
        fields.reason("x".repeat(1_025));
        fields.display_name("x".repeat(257));
        assert_eq!(
            fields.lines(),
            [
                "status: only ACTIVE and SUSPENDED can be set",
                "status: only ACTIVE and SUSPENDED can be set",
                "status: 5 is not a wallet status",
                "reason: has 1025 bytes, at most 1024 are allowed",
                "display_name: has 257 bytes, at most 256 are allowed",
            ]
        );
    }
}
