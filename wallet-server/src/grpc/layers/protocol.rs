//! The protocol of a request: gRPC, gRPC-Web or the Connect protocol. Other requests get an HTTP error.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Version, header};
use tonic::body::Body;

use crate::grpc::connect::Codec;

/// The content types that a refusal lists.
const ACCEPTED: HeaderValue = HeaderValue::from_static(
    "application/grpc, application/grpc-web, application/json, application/proto, application/connect+json, application/connect+proto",
);
const ACCEPT_POST: HeaderName = HeaderName::from_static("accept-post");

/// The protocol of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Grpc,
    Connect(Codec),
    /// The Connect protocol by GET, with the message in the URL.
    ConnectGet,
    /// The Connect protocol for methods with streams.
    ConnectStream(Codec),
    /// gRPC-Web: gRPC whose trailers are a part of the body.
    GrpcWeb,
}

/// Returns the protocol of a request, or the HTTP error for a request that is not a call.
pub(crate) fn protocol<B>(request: &Request<B>) -> Result<Protocol, Box<Response<Body>>> {
    if request.method() == Method::GET {
        return Ok(Protocol::ConnectGet);
    }
    if request.method() != Method::POST {
        return Err(no_post(request.method()));
    }
    match of_content(request.headers()) {
        Some(Protocol::Grpc) if request.version() < Version::HTTP_2 => Err(plain(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "gRPC needs HTTP/2; JSON can be sent with HTTP/1.1\n",
        )),
        Some(protocol) => Ok(protocol),
        None => {
            let text = "content-type must be application/grpc, application/grpc-web, application/json or application/proto\n";
            let mut answer = plain(StatusCode::UNSUPPORTED_MEDIA_TYPE, text);
            answer.headers_mut().insert(ACCEPT_POST, ACCEPTED);
            Err(answer)
        }
    }
}

/// Returns the HTTP error for a request whose HTTP method is not that of a call. Without `no-store`
/// a cache would keep such an error, and give it to callers with a key.
pub(crate) fn no_post(method: &Method) -> Box<Response<Body>> {
    // A reply to HEAD has no body.
    let text = match *method {
        Method::HEAD => "",
        _ => "calls are POST requests; with an API key, methods that change nothing can be called by GET\n",
    };
    let mut answer = plain(StatusCode::METHOD_NOT_ALLOWED, text);
    answer.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}

/// Returns the protocol of a content type, with or without parameters.
fn of_content(headers: &HeaderMap) -> Option<Protocol> {
    let mut types = headers.get_all(header::CONTENT_TYPE).iter();
    let (Some(first), None) = (types.next(), types.next()) else { return None };
    let name = first.to_str().ok()?.split(';').next().unwrap_or_default().trim_end();
    let known = [
        ("application/grpc", Protocol::Grpc),
        ("application/grpc+proto", Protocol::Grpc),
        ("application/json", Protocol::Connect(Codec::Json)),
        ("application/proto", Protocol::Connect(Codec::Proto)),
        ("application/connect+json", Protocol::ConnectStream(Codec::Json)),
        ("application/connect+proto", Protocol::ConnectStream(Codec::Proto)),
        ("application/grpc-web", Protocol::GrpcWeb),
        ("application/grpc-web+proto", Protocol::GrpcWeb),
    ];
    known.into_iter().find(|(known, _)| name.eq_ignore_ascii_case(known)).map(|(_, protocol)| protocol)
}

fn plain(status: StatusCode, text: &'static str) -> Box<Response<Body>> {
    let mut answer = Response::new(Body::new(text.to_owned()));
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    Box::new(answer)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_post_of_a_known_content_type_is_a_call() {
        let with = |method: Method, version: Version, types: &[&str]| {
            let mut request = Request::builder().method(method).version(version);
            for value in types {
                request = request.header("content-type", *value);
            }
            protocol(&request.body(()).unwrap()).map_err(|answer| answer.status().as_u16())
        };
        for (fine, expected) in [
            ("application/grpc", Protocol::Grpc),
            ("application/grpc+proto", Protocol::Grpc),
            ("application/grpc;charset=utf-8", Protocol::Grpc),
            ("Application/GRPC", Protocol::Grpc),
            ("application/json", Protocol::Connect(Codec::Json)),
            ("application/grpc-web+proto", Protocol::GrpcWeb),
            ("application/json; charset=utf-8", Protocol::Connect(Codec::Json)),
            ("application/proto", Protocol::Connect(Codec::Proto)),
            ("application/connect+json", Protocol::ConnectStream(Codec::Json)),
        ] {
            assert_eq!(with(Method::POST, Version::HTTP_2, &[fine]), Ok(expected), "{fine}");
            let old = with(Method::POST, Version::HTTP_11, &[fine]);
            assert_eq!(old, if expected == Protocol::Grpc { Err(505) } else { Ok(expected) }, "{fine}");
        }
        assert_eq!(with(Method::GET, Version::HTTP_11, &[]), Ok(Protocol::ConnectGet));
        for method in [Method::PUT, Method::HEAD, Method::OPTIONS] {
            assert_eq!(with(method, Version::HTTP_2, &["application/grpc"]), Err(405));
        }
        for wrong in [
            &[][..],
            &[""],
            &["text/plain"],
            &["application/connect+xml"],
            &["application/grpc+json"],
            &["application/grpc-web-text"],
            &["application/grpcx"],
            &["application/grpc", "application/grpc"],
            &["application/json", "application/grpc"],
        ] {
            assert_eq!(with(Method::POST, Version::HTTP_2, wrong), Err(415), "{wrong:?}");
        }
    }
}
