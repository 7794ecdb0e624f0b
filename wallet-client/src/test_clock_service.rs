//! The RPC of `TestClockService`.

use crate::client::rpc_methods;
use crate::v1::test_clock_service_client::TestClockServiceClient;
use crate::{Error, WalletClient, v1};

rpc_methods! {
    TestClockServiceClient {
        /// Moves the clock of a test tenant forward, and records everything that becomes due on the way. On a server
        /// with a manual clock, that clock moves.
        ///
        /// A step by a duration that is sent twice moves twice as far: after an error, and because this client
        /// retries, [`AdvanceClockRequest::to`](v1::AdvanceClockRequest::to) is the safe form.
        ///
        /// # Errors
        ///
        /// [`Refused`](Error::Refused) with `TENANT_LIVE`; the [errors of every call](Error#errors-of-every-call).
        ///
        /// # Examples
        ///
        /// ```no_run
        /// # use wallet_client::{Error, WalletClient, v1};
        /// # async fn example(client: &WalletClient) -> Result<(), Error> {
        /// # use std::time::Duration;
        /// let month = v1::AdvanceClockRequest::by(Duration::from_secs(31 * 24 * 60 * 60));
        /// println!("the clock shows {:?}", client.without_retries().advance_clock(month).await?.current_time);
        /// # Ok(())
        /// # }
        /// ```
        advance_clock(AdvanceClockRequest) -> AdvanceClockResponse;
    }
}
