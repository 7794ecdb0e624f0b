//! The transport of `ErrorDetail` in the details of a status.

use prost::Message;
use prost_types::Any;
use tonic::Status;
use tonic_types::pb;

use crate::v1::ErrorDetail;
use crate::v1::error_detail::Detail;

/// The URL by which `google.protobuf.Any` names the message.
const TYPE_URL: &str = "type.googleapis.com/wallet.v1.ErrorDetail";

impl ErrorDetail {
    /// Returns the status with the figures added to its details.
    pub fn add_to(&self, status: &Status) -> Status {
        let any = Any { type_url: TYPE_URL.to_owned(), value: self.encode_to_vec() };
        let mut details = status.details().to_vec();
        // Encoded messages that are concatenated merge, and repeated fields are appended.
        details.extend(pb::Status { details: vec![any], ..Default::default() }.encode_to_vec());
        Status::with_details_and_metadata(
            status.code(),
            status.message(),
            details.into(),
            status.metadata().clone(),
        )
    }

    /// Returns the figures in the details of a status.
    pub fn of(status: &Status) -> Option<Self> {
        let details = pb::Status::decode(status.details()).ok()?.details;
        let any = details.into_iter().find(|any| any.type_url == TYPE_URL)?;
        Self::decode(any.value.as_slice()).ok()
    }
}

impl From<Detail> for ErrorDetail {
    fn from(detail: Detail) -> Self {
        Self { detail: Some(detail) }
    }
}

#[cfg(test)]
mod tests {
    use tonic::Code;
    use tonic_types::{ErrorDetails, StatusExt};

    use super::*;
    use crate::v1::Amount;
    use crate::v1::error_detail::InDebt;

    #[test]
    fn figures_travel_next_to_the_standard_details() {
        let detail = ErrorDetail::from(Detail::InDebt(InDebt { debt: Some(Amount::new("credits", 5)) }));
        let standard = ErrorDetails::with_error_info("IN_DEBT", "wallet.v1", []);
        let status = Status::with_error_details(Code::FailedPrecondition, "owes", standard);
        assert_eq!(ErrorDetail::of(&status), None);
        let status = detail.add_to(&status);
        assert_eq!(ErrorDetail::of(&status), Some(detail));
        assert_eq!((status.code(), status.message()), (Code::FailedPrecondition, "owes"));
        assert_eq!(status.get_error_details().error_info().unwrap().reason, "IN_DEBT");
    }
}
