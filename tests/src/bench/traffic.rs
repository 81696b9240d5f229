//! The requests that are measured, in the shape of real ones.

use std::fmt;

use serde_json::{Value, json};

use crate::client::Request;
use crate::ingress::Topology;

/// What irsa-signer leaves unsigned of these requests, because a proxy may change it.
const NOT_SIGNED: [&str; 10] = [
    "user-agent",
    "accept",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "content-length",
    "traceparent",
    "tracestate",
    "x-forwarded-client-cert",
    "x-request-id",
];

/// One kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Traffic {
    /// A GET from S3, without a body: `UNSIGNED-PAYLOAD`.
    S3,
    /// A POST of 1 KiB to API Gateway, whose body is hashed.
    ApiGateway,
}

impl Traffic {
    /// The path of the object, as the double of S3 has to know it.
    pub(super) const KEY: &str = "reports/2026/annual report.pdf";

    /// The flag's name for it.
    pub(super) fn flag(self) -> &'static str {
        match self {
            Self::S3 => "s3",
            Self::ApiGateway => "api",
        }
    }

    /// A dozen headers, as a caller behind a sidecar sends them, and the one that a listener with mTLS adds.
    pub(super) fn request(self) -> Request {
        let request = match self {
            Self::S3 => Request::new(
                "GET",
                "/reports/2026/annual%20report.pdf?x-id=GetObject&response-content-disposition=inline",
            ),
            Self::ApiGateway => Request::new("POST", "/prod/orders/2026/north%20west?expand=items&currency=EUR"),
        };
        let request = request
            .host("docs.aws.mesh")
            .header("user-agent", "aws-sdk-rust/1.3.9 os/linux lang/rust/1.95.0 ua/2.1 api/s3/1.103.0 m/E,b")
            .header("accept", "application/json, application/pdf;q=0.9, */*;q=0.1")
            .header("accept-encoding", "gzip, deflate, br")
            .header("accept-language", "en-GB,en;q=0.8,de;q=0.5")
            .header("cache-control", "no-cache")
            .header("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .header("tracestate", "mesh=00f067aa0ba902b7,vendor=t61rcWkgMzE")
            .header("x-forwarded-client-cert", "URI=spiffe://mesh.example.org/web")
            .header("x-request-id", "2f0c9a52-7c37-4b67-9d6f-3a1d6f0a7f1e")
            .header("x-amzn-trace-id", "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1");
        match self {
            Self::S3 => request.header("x-amz-checksum-mode", "ENABLED"),
            Self::ApiGateway => request.header("content-type", "application/json").body(body()),
        }
    }

    /// Which shipped configuration has the clusters and the plugin for it.
    pub(super) fn topology(self) -> Topology {
        match self {
            Self::S3 => Topology::S3,
            Self::ApiGateway => Topology::ApiGateway,
        }
    }

    /// Envoy's own signer, set to do what ours does: the same service, payload rule, host and signed headers, and static
    /// credentials. (By itself it signs all headers but three, which costs it about a fifth more.)
    pub(super) fn native(self, credentials: &Value) -> Value {
        let (service, host, unsigned) = match self {
            Self::S3 => ("s3", "docs.s3.us-west-2.amazonaws.com", true),
            Self::ApiGateway => ("execute-api", "abc123.execute-api.us-west-2.amazonaws.com", false),
        };
        let others = NOT_SIGNED.map(|name| json!({ "exact": name }));
        let others: Vec<Value> = others.into_iter().chain([json!({ "prefix": "x-envoy-" })]).collect();
        json!({
            "@type": "type.googleapis.com/envoy.extensions.filters.http.aws_request_signing.v3.AwsRequestSigning",
            "service_name": service,
            "region": "us-west-2",
            "host_rewrite": host,
            "use_unsigned_payload": unsigned,
            "match_excluded_headers": others,
            "credential_provider": { "inline_credential": credentials },
        })
    }
}

impl fmt::Display for Traffic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::S3 => "S3, GET, payload unsigned",
            Self::ApiGateway => "API Gateway, POST of 1 KiB, payload hashed",
        })
    }
}

/// 1 KiB of JSON.
fn body() -> Vec<u8> {
    let mut body = br#"{"order":4711,"note":""#.to_vec();
    body.extend((0..1022 - body.len()).map(|at| b"meshbridge "[at % 11]));
    body.extend(br#""}"#);
    body
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_body_is_a_kibibyte_of_json() {
        assert_eq!(super::body().len(), 1024);
        assert!(serde_json::from_slice::<serde_json::Value>(&super::body()).is_ok());
    }
}
