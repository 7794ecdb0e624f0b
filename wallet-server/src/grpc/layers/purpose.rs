//! The purposes of calls, which decide the order in which a busy server refuses them.

/// The purpose of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The call changes nothing.
    Read,
    /// The call ends a job or keeps its lease.
    RunningJob,
    Other,
    /// The call asks for the health of the server.
    Health,
}

/// The methods that end jobs or keep their leases. If they were refused, credits would stay held, or jobs would be
/// lost.
const OF_RUNNING_JOBS: [&str; 5] = [
    "/wallet.v1.WalletService/Settle",
    "/wallet.v1.WalletService/Extend",
    "/wallet.v1.WalletService/SettleMany",
    "/wallet.v1.WalletService/ExtendMany",
    "/wallet.v1.WalletService/Cancel",
];

/// The method that asks for the health of the server. If it were refused, a busy server would be taken for one that is
/// not ready.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// The first words of the names of methods that change nothing.
const OF_READS: [&str; 5] = ["Get", "Estimate", "List", "Summarize", "Watch"];

impl Purpose {
    /// Returns the purpose of calls to the method with this path.
    pub(crate) fn of(path: &str) -> Self {
        if OF_RUNNING_JOBS.contains(&path) {
            return Self::RunningJob;
        }
        if path == HEALTH_CHECK {
            return Self::Health;
        }
        let (_, name) = path.rsplit_once('/').unwrap_or_default();
        if OF_READS.iter().any(|read| name.starts_with(read)) { Self::Read } else { Self::Other }
    }

    /// Returns how many of the places for calls in progress may be taken when such a call begins. Reads are refused
    /// first; the calls of running jobs and checks of the health come last.
    pub(crate) const fn places(self, most: usize) -> usize {
        match self {
            Self::Read => most - most / 8,
            Self::Other => most - most / 16,
            Self::RunningJob | Self::Health => most,
        }
    }
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;
    use wallet_proto::v1::Scope;

    use super::*;

    #[test]
    fn the_methods_have_the_purposes_of_their_names_and_scopes() {
        let pool = DescriptorPool::decode(wallet_proto::FILE_DESCRIPTOR_SET).unwrap();
        let services = pool.services().filter(|service| service.package_name() == "wallet.v1");
        let mut counts = [0; 3];
        for service in services {
            for method in service.methods() {
                let path = format!("/{}/{}", service.full_name(), method.name());
                let scope = Scope::of(&path).unwrap();
                let purpose = Purpose::of(&path);
                counts[purpose as usize] += 1;
                if [Scope::Estimate, Scope::Read, Scope::Events].contains(&scope)
                    && !path.ends_with("/CreateWalletToken")
                {
                    assert_eq!(purpose, Purpose::Read, "{path}");
                }
                if purpose == Purpose::RunningJob {
                    assert!([Scope::Settle, Scope::Reserve].contains(&scope), "{path}");
                }
            }
        }
        assert_eq!(counts[Purpose::RunningJob as usize], OF_RUNNING_JOBS.len());
        assert!(counts.iter().all(|count| *count > 4), "{counts:?}");
    }

    #[test]
    fn the_last_places_are_for_running_jobs_and_checks_of_the_health() {
        let of_health = |method| Purpose::of(&format!("/grpc.health.v1.Health/{method}"));
        assert_eq!(of_health("Check").places(16), 16, "a busy server stays ready");
        assert_eq!(of_health("Watch"), Purpose::Read);
        let places =
            |most| [Purpose::Read, Purpose::Other, Purpose::RunningJob].map(|purpose| purpose.places(most));
        assert_eq!(places(8_192), [7_168, 7_680, 8_192]);
        assert_eq!(places(16), [14, 15, 16]);
    }
}
