//! Calls by GET: the message is in the URL. They are for methods without side effects (`idempotency_level` of the
//! protos), so that a link, a prefetch or a repeated request changes nothing.

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use http::{HeaderValue, Method, Request, Uri, header};
use prost::bytes::Bytes;
use url::form_urlencoded;

use super::Codec;
use crate::grpc::error::RpcError;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// The parameters of a URL. Unknown ones are ignored, as the protocol demands.
#[derive(Debug, Default)]
struct Parameters {
    connect: Option<String>,
    encoding: Option<String>,
    compression: Option<String>,
    base64: Option<String>,
    message: Option<String>,
}

impl Parameters {
    fn parse(query: &str) -> Result<Self, RpcError> {
        let mut found = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let place = match &*name {
                "connect" => &mut found.connect,
                "encoding" => &mut found.encoding,
                "compression" => &mut found.compression,
                "base64" => &mut found.base64,
                "message" => &mut found.message,
                _ => continue,
            };
            if place.replace(value.into_owned()).is_some() {
                return Err(RpcError::malformed("has a parameter of its URL twice"));
            }
        }
        Ok(found)
    }

    fn codec(&self) -> Result<Codec, RpcError> {
        match self.encoding.as_deref() {
            Some("json") => Ok(Codec::Json),
            Some("proto") => Ok(Codec::Proto),
            _ => Err(RpcError::malformed("has an encoding in its URL other than json and proto")),
        }
    }

    fn message(self, codec: Codec) -> Result<Bytes, RpcError> {
        let text = self.message.ok_or_else(|| RpcError::malformed("is missing in the URL"))?;
        match self.base64.as_deref() {
            Some("1") => {
                let bytes = BASE64.decode(text);
                Ok(bytes.map_err(|_| RpcError::malformed("is not in base64 for URLs"))?.into())
            }
            // Bytes that are no UTF-8 have no other form in a URL.
            _ if codec == Codec::Proto || self.compression.is_some_and(|name| name != "identity") => {
                Err(RpcError::malformed("is binary, and its URL lacks base64=1"))
            }
            _ => Ok(text.into()),
        }
    }
}

/// Makes a request by GET the same request by POST, without its body. Returns its codec and its message.
pub(crate) fn by_post<B>(request: &mut Request<B>) -> Result<(Codec, Bytes), RpcError> {
    let parameters = Parameters::parse(request.uri().query().unwrap_or_default())?;
    if parameters.connect.as_ref().is_some_and(|version| version != "v1") {
        return Err(RpcError::malformed("has a version in its URL other than connect=v1"));
    }
    let codec = parameters.codec()?;
    let headers = request.headers_mut();
    headers.remove(header::CONTENT_ENCODING);
    if let Some(name) = &parameters.compression {
        let name = HeaderValue::from_str(name);
        let name = name.map_err(|_| RpcError::malformed("has an unknown compression in its URL"))?;
        headers.insert(header::CONTENT_ENCODING, name);
    }
    let message = parameters.message(codec)?;
    *request.method_mut() = Method::POST;
    // A path is a URI without the message.
    *request.uri_mut() = request.uri().path().parse::<Uri>().unwrap_or_default();
    Ok((codec, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Option<(Codec, Vec<u8>)> {
        let mut request = Request::builder().uri(format!("/a.B/C?{query}")).body(()).unwrap();
        let read = by_post(&mut request).ok()?;
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::POST, "/a.B/C"));
        Some((read.0, read.1.to_vec()))
    }

    #[test]
    fn a_message_is_a_text_or_in_base64_with_or_without_padding() {
        let json = |text: &str| Some((Codec::Json, text.as_bytes().to_vec()));
        for (query, expected) in [
            ("encoding=json&message=%7B%7D", json("{}")),
            (
                "connect=v1&encoding=json&message=%7B%22a%22%3A%22%C3%A9+b%22%7D&other=1",
                json("{\"a\":\"é b\"}"),
            ),
            ("encoding=json&base64=1&message=e30", json("{}")),
            ("encoding=json&base64=1&message=e30=", json("{}")),
            ("encoding=json&base64=0&message=e30", json("e30")),
            ("encoding=proto&base64=1&message=-_8", Some((Codec::Proto, vec![0xfb, 0xff]))),
            ("encoding=proto&base64=1&message=", Some((Codec::Proto, Vec::new()))),
        ] {
            assert_eq!(read(query), expected, "{query}");
        }
    }

    #[test]
    fn a_url_that_lacks_a_parameter_or_has_it_twice_is_refused() {
        for query in [
            "",
            "encoding=json",
            "message=%7B%7D",
            "encoding=xml&message=a",
            "encoding=proto&message=a",
            "encoding=json&compression=gzip&message=a",
            "encoding=json&base64=1&message=%2B%2F",
            "encoding=json&message=a&message=b",
            "connect=v2&encoding=json&message=a",
        ] {
            assert_eq!(read(query), None, "{query}");
        }
    }
}
