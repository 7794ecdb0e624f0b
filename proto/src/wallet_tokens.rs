//! The requests that a wallet token may make, from the option `wallet.v1.wallet_token` of the protos.

/// The request of a method.
pub trait MethodRequest {
    /// Returns the wallet that the request names, if wallet tokens may call the method for their wallet. `None`: the
    /// method is refused to them.
    fn wallet_for_token(&self) -> Option<&str>;
}

include!(concat!(env!("OUT_DIR"), "/wallet_tokens.rs"));

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    #[test]
    fn a_request_is_for_tokens_only_if_its_method_has_the_option() {
        assert_eq!(v1::GetBalanceRequest::new("w").wallet_for_token(), Some("w"));
        assert_eq!(v1::EstimateRequest::default().wallet_for_token(), Some(""), "names no wallet");
        assert_eq!(v1::CloseWalletRequest::new("w", "r").wallet_for_token(), None);
        assert_eq!(v1::ListWalletsRequest::default().wallet_for_token(), None);
    }
}
