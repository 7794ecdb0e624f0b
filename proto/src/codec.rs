//! The codec of the generated servers. It answers bytes that do not decode with INVALID_ARGUMENT, where tonic's own
//! codec answers INTERNAL.

use std::marker::PhantomData;

use prost::Message;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder};
use tonic::{Code, Status};
use tonic_prost::{ProstCodec, ProstEncoder};
use tonic_types::{ErrorDetails, StatusExt};

use crate::reasons::{DOMAIN, ReasonSpec};
use crate::v1::ErrorReason;

/// A codec that encodes replies with prost and decodes requests with [`RequestDecoder`].
#[derive(Debug, Clone)]
pub struct RequestCodec<T, U>(PhantomData<(T, U)>);

impl<T, U> Default for RequestCodec<T, U> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<T, U> Codec for RequestCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = RequestDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstCodec::<T, U>::raw_encoder(BufferSettings::default())
    }

    fn decoder(&mut self) -> Self::Decoder {
        RequestDecoder(PhantomData)
    }
}

/// A decoder that reports malformed requests as INVALID_ARGUMENT.
#[derive(Debug, Clone)]
pub struct RequestDecoder<U>(PhantomData<U>);

impl<U: Message + Default> Decoder for RequestDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, bytes: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        U::decode(bytes).map(Some).map_err(|error| malformed(&error.to_string()))
    }
}

/// Returns INVALID_ARGUMENT with the reason `MALFORMED_MESSAGE` and the decoder's description of the fault.
fn malformed(fault: &str) -> Status {
    let message = format!("the request message is not of the method's type: {fault}");
    let reason = ErrorReason::MalformedMessage;
    let details = ErrorDetails::with_error_info(reason.short_name(), DOMAIN, []);
    let code = reason.spec().map_or(Code::Internal, ReasonSpec::code);
    Status::with_error_details(code, message, details)
}
