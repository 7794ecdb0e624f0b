//! The requests with many commands of `WalletService`, and the results of their items.

use crate::v1::{
    ExtendManyRequest, ExtendRequest, ExtendResponse, ExtendResult, ItemError, ReserveManyRequest,
    ReserveRequest, ReserveResponse, ReserveResult, SettleManyRequest, SettleRequest, SettleResponse,
    SettleResult, extend_result, reserve_result, settle_result,
};

/// Implements the constructor of a request, and the conversions of the result of an item.
macro_rules! many {
    ($($many:ident of $one:ident: $item:ident in $module:ident with $response:ident;)*) => {$(
        impl $many {
            /// A call with 1 to 256 items.
            pub fn new(requests: impl IntoIterator<Item = $one>) -> Self {
                Self { requests: requests.into_iter().collect() }
            }
        }

        impl $item {
            /// Returns the response of the item, or its error. `None` if the result is empty, which no server sends.
            pub fn into_result(self) -> Option<Result<$response, ItemError>> {
                Some(match self.result? {
                    $module::Result::Response(response) => Ok(response),
                    $module::Result::Error(error) => Err(error),
                })
            }
        }

        impl From<Result<$response, ItemError>> for $item {
            fn from(result: Result<$response, ItemError>) -> Self {
                Self {
                    result: Some(match result {
                        Ok(response) => $module::Result::Response(response),
                        Err(error) => $module::Result::Error(error),
                    }),
                }
            }
        }
    )*};
}

many! {
    ReserveManyRequest of ReserveRequest: ReserveResult in reserve_result with ReserveResponse;
    ExtendManyRequest of ExtendRequest: ExtendResult in extend_result with ExtendResponse;
    SettleManyRequest of SettleRequest: SettleResult in settle_result with SettleResponse;
}
