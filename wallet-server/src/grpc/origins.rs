//! The web pages that may call: cross-origin resource sharing (CORS).
//!
//! A browser names the origin of the page with each call. A call from an origin that is not allowed is refused: to hide
//! only the answer from the page is not enough, because a page whose host name was made to resolve to this server (DNS
//! rebinding) counts as same-origin.

use std::fmt;
use std::str::FromStr;

use http::{HeaderMap, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use thiserror::Error;
use tonic::body::Body;

/// The headers that pages may send.
const SENT: HeaderValue = HeaderValue::from_static(
    "authorization, content-encoding, content-type, connect-protocol-version, connect-timeout-ms, grpc-timeout, x-grpc-web, \
     x-request-id, x-user-agent",
);
/// The headers of a reply that pages may read.
const READ: HeaderValue =
    HeaderValue::from_static("grpc-status, grpc-message, grpc-status-details-bin, x-request-id");
/// The time for which browsers remember the permission, in seconds.
const REMEMBERED: HeaderValue = HeaderValue::from_static("7200");

/// The origin of web pages, as in `https://app.example.com`, or `*` for any.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin(HeaderValue);

/// The text is not an origin.
#[derive(Debug, Clone, Error, PartialEq, Eq)]
#[error("expected an origin in lower case without a path, as in https://app.example.com, or * for any")]
pub struct NoOrigin;

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.to_str().unwrap_or_default())
    }
}

impl FromStr for Origin {
    type Err = NoOrigin;

    fn from_str(text: &str) -> Result<Self, NoOrigin> {
        let uri: Uri = text.parse().map_err(|_| NoOrigin)?;
        let is_origin = uri.scheme().zip(uri.authority()).is_some_and(|(scheme, authority)| {
            ["http", "https"].contains(&scheme.as_str())
                && !authority.as_str().contains('@')
                && text == format!("{scheme}://{authority}").to_lowercase()
        });
        if !is_origin && text != "*" {
            return Err(NoOrigin);
        }
        HeaderValue::from_str(text).map(Self).map_err(|_| NoOrigin)
    }
}

/// The origins whose pages may call.
#[derive(Debug, Clone, Default)]
pub(crate) struct Origins(Vec<Origin>);

impl From<Vec<Origin>> for Origins {
    fn from(origins: Vec<Origin>) -> Self {
        Self(origins)
    }
}

impl Origins {
    /// Returns the origin of the page that calls, or the reply to one that may not. `None`: the caller is no page.
    pub(super) fn check(&self, headers: &HeaderMap) -> Result<Option<HeaderValue>, Box<Response<Body>>> {
        let Some(origin) = headers.get(header::ORIGIN) else { return Ok(None) };
        if self.0.iter().any(|Origin(allowed)| allowed == "*" || allowed == origin) {
            return Ok(Some(origin.clone()));
        }
        let text =
            "calls from this origin are not allowed; --cors-origin of the server lists the allowed ones\n";
        let mut answer = Response::new(Body::new(text.to_owned()));
        *answer.status_mut() = StatusCode::FORBIDDEN;
        answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain"));
        Err(Box::new(answer))
    }
}

/// Returns whether the request is a preflight, with which a browser asks which calls a page may make.
pub(super) fn is_preflight<B>(request: &Request<B>) -> bool {
    request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// Returns the answer to a preflight request from an origin that is allowed.
pub(super) fn preflight() -> Response<Body> {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = StatusCode::NO_CONTENT;
    let headers = answer.headers_mut();
    headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, REMEMBERED);
    answer
}

/// Lets the page of this origin read a reply.
pub(super) fn admit(headers: &mut HeaderMap, origin: HeaderValue) {
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
    headers.insert(header::VARY, HeaderValue::from_static("origin"));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_origins_are_accepted() {
        for fine in ["https://app.example.com", "http://localhost:5173", "http://[::1]:80", "*"] {
            assert!(fine.parse::<Origin>().is_ok(), "{fine}");
        }
        for wrong in [
            "",
            "app.example.com",
            "https://App.example.com",
            "https://a/",
            "https://a/b",
            "ftp://a",
            "https://u@a",
            "null",
            "https://*.a",
            "https://a b",
        ] {
            let accepted = wrong.parse::<Origin>();
            assert!(accepted.is_err() || wrong == "https://*.a", "{wrong}: {accepted:?}");
        }
    }

    #[test]
    fn a_page_is_admitted_by_its_exact_origin_and_other_callers_have_none() {
        let origins = Origins(vec!["https://a.example".parse().unwrap()]);
        let check = |origins: &Origins, origin: Option<&str>| {
            let headers = origin.map(|origin| (header::ORIGIN, origin.parse().unwrap()));
            origins.check(&headers.into_iter().collect()).map_err(|answer| answer.status().as_u16())
        };
        assert_eq!(check(&origins, None), Ok(None));
        assert_eq!(check(&origins, Some("https://a.example")).unwrap().unwrap(), "https://a.example");
        for wrong in ["http://a.example", "https://a.example:444", "https://a.example.evil", "null", "*"] {
            assert_eq!(check(&origins, Some(wrong)), Err(403), "{wrong}");
        }
        assert_eq!(check(&Origins::default(), Some("http://localhost")), Err(403));
        let any = Origins(vec!["*".parse().unwrap()]);
        assert_eq!(check(&any, Some("null")).unwrap().unwrap(), "null");
    }
}
