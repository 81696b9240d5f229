//! A double with one role, a way to assume it, and a signer that is AWS's own.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    PayloadChecksumKind, PercentEncodingMode, SignableBody, SignableRequest, SigningSettings, UriPathNormalizationMode,
    sign,
};
use aws_sigv4::sign::v4;
use e2e::aws::{AwsDouble, AwsOptions, Policy, Role};
use e2e::client::{Request, Response};

pub(crate) const ROLE: &str = "arn:aws:iam::123456789012:role/team/docs-proxy";
pub(crate) const ACCOUNT: &str = "shop:proxy";
pub(crate) const SESSION: &str = "ingress@shop";
pub(crate) const BUCKET: &str = "docs";
pub(crate) const OBJECT: &[u8] = b"0123456789";

/// A double, a role that may use the bucket and the API, a bucket with one object.
pub(crate) fn aws() -> AwsDouble {
    let aws = AwsDouble::start(AwsOptions::default()).unwrap();
    let permissions = Policy::allow(&["s3:*Object", "s3:ListBucket"], &["arn:aws:s3:::docs", "arn:aws:s3:::docs/*"])
        .and_allow(&["execute-api:Invoke"], &["arn:aws:execute-api:us-west-2:123456789012:abc123/prod/*"])
        .and_deny(&["*"], &["*/forbidden/*"]);
    aws.register_role(Role::new(ROLE, aws.trust_of(ACCOUNT), permissions));
    aws.s3().create_bucket(BUCKET).unwrap();
    aws.s3().put_object(BUCKET, "a/hello.txt", OBJECT).unwrap();
    aws
}

/// What STS hands out.
#[derive(Clone, Debug)]
pub(crate) struct Creds {
    pub(crate) key: String,
    pub(crate) secret: String,
    pub(crate) token: Option<String>,
}

/// The parameters of a call of STS.
#[derive(Clone)]
pub(crate) struct Form(pub(crate) Vec<(&'static str, String)>);

impl Form {
    /// A good one.
    pub(crate) fn good(aws: &AwsDouble) -> Self {
        Self(vec![
            ("Action", "AssumeRoleWithWebIdentity".to_owned()),
            ("Version", "2011-06-15".to_owned()),
            ("RoleArn", ROLE.to_owned()),
            ("RoleSessionName", SESSION.to_owned()),
            ("WebIdentityToken", aws.token_of(ACCOUNT)),
        ])
    }

    /// The same with one parameter replaced or added.
    pub(crate) fn with(mut self, name: &'static str, value: &str) -> Self {
        self.0.retain(|(one, _)| *one != name);
        self.0.push((name, value.to_owned()));
        self
    }

    pub(crate) fn without(mut self, name: &'static str) -> Self {
        self.0.retain(|(one, _)| *one != name);
        self
    }

    pub(crate) fn encode(&self) -> String {
        let pair = |(name, value): &(&str, String)| format!("{name}={}", percent(value.as_bytes()));
        self.0.iter().map(pair).collect::<Vec<_>>().join("&")
    }

    pub(crate) fn request(&self, aws: &AwsDouble) -> Request {
        Request::new("POST", "/")
            .host(aws.sts_hostname())
            .header("content-type", "application/x-www-form-urlencoded")
            .body(self.encode())
    }

    pub(crate) fn send(&self, aws: &AwsDouble) -> Response {
        aws.sts_client().send(&self.request(aws)).unwrap()
    }

    /// Sends it and takes the credentials from a good answer.
    pub(crate) fn credentials(&self, aws: &AwsDouble) -> Creds {
        let response = self.send(aws);
        assert_eq!(response.status, 200, "{}", response.text());
        Creds {
            key: response.xml("AccessKeyId").unwrap(),
            secret: response.xml("SecretAccessKey").unwrap(),
            token: response.xml("SessionToken"),
        }
    }
}

pub(crate) fn credentials(aws: &AwsDouble) -> Creds {
    Form::good(aws).credentials(aws)
}

/// Asserts an error document of STS or S3, or an error type of API Gateway.
#[track_caller]
pub(crate) fn assert_refused(response: &Response, status: u16, code: &str) {
    let found = response.header("x-amzn-errortype").map(str::to_owned).or_else(|| response.xml("Code"));
    assert_eq!((response.status, found.as_deref()), (status, Some(code)), "{}", response.text());
}

/// How a request is signed.
#[derive(Clone)]
pub(crate) struct Signer {
    pub(crate) service: &'static str,
    pub(crate) region: &'static str,
    pub(crate) time: SystemTime,
    pub(crate) creds: Creds,
    pub(crate) host: String,
    pub(crate) unsigned_payload: bool,
}

impl Signer {
    pub(crate) fn s3(aws: &AwsDouble, creds: &Creds) -> Self {
        Self {
            service: "s3",
            region: "us-west-2",
            time: aws.clock().now(),
            creds: creds.clone(),
            host: aws.s3().bucket_hostname(BUCKET),
            unsigned_payload: true,
        }
    }

    pub(crate) fn api(aws: &AwsDouble, creds: &Creds) -> Self {
        let host = aws.api_gateway().hostname().to_owned();
        Self { service: "execute-api", host, unsigned_payload: false, ..Self::s3(aws, creds) }
    }

    /// Signs by the rules of the service that the host belongs to.
    pub(crate) fn sign(&self, method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]) -> Signed {
        let mut settings = SigningSettings::default();
        if self.host.contains(".s3.") || self.host.starts_with("s3.") {
            settings.percent_encoding_mode = PercentEncodingMode::Single;
            settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
            settings.payload_checksum_kind = PayloadChecksumKind::XAmzSha256;
        }
        let identity =
            Credentials::new(&self.creds.key, &self.creds.secret, self.creds.token.clone(), None, "test").into();
        let params = v4::SigningParams::builder()
            .identity(&identity)
            .region(self.region)
            .name(self.service)
            .time(self.time)
            .settings(settings)
            .build()
            .unwrap()
            .into();
        let mut all: Vec<(String, String)> = vec![("host".to_owned(), self.host.clone())];
        all.extend(headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let payload = if self.unsigned_payload { SignableBody::UnsignedPayload } else { SignableBody::Bytes(body) };
        let uri = format!("https://{}{target}", self.host);
        let pairs = all.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let signable = SignableRequest::new(method, uri, pairs, payload).unwrap();
        let (instructions, _) = sign(signable, &params).unwrap().into_parts();
        let added: Vec<_> = instructions.headers().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        all.extend(added);
        Signed { method: method.to_owned(), target: target.to_owned(), headers: all, body: body.to_vec() }
    }

    pub(crate) fn get(&self, target: &str) -> Signed {
        self.sign("GET", target, &[], b"")
    }
}

/// A signed request that can still be tampered with.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) method: String,
    pub(crate) target: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Signed {
    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        for (_, one) in self.headers.iter_mut().filter(|(one, _)| one == name) {
            value.clone_into(one);
        }
        self
    }

    pub(crate) fn add(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub(crate) fn remove(mut self, name: &str) -> Self {
        self.headers.retain(|(one, _)| one != name);
        self
    }

    pub(crate) fn edit_authorization(self, from: &str, to: &str) -> Self {
        let (_, old) = self.headers.iter().find(|(name, _)| name == "authorization").unwrap();
        assert!(old.contains(from), "{old}");
        let new = old.replace(from, to);
        self.set("authorization", &new)
    }

    pub(crate) fn request(&self) -> Request {
        let mut request = Request::new(&self.method, &self.target);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.body.is_empty() { request } else { request.body(&self.body) }
    }

    pub(crate) fn to_s3(&self, aws: &AwsDouble) -> Response {
        aws.s3_client(BUCKET).send(&self.request()).unwrap()
    }

    pub(crate) fn to_api(&self, aws: &AwsDouble) -> Response {
        aws.api_client().send(&self.request()).unwrap()
    }
}

pub(crate) fn percent(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("%{byte:02X}")).collect()
}

pub(crate) const SECOND: Duration = Duration::from_secs(1);
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);
