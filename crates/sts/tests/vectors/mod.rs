//! Answers in the shape that AWS documents (Security Token Service API Reference, page `AssumeRoleWithWebIdentity`),
//! written for these tests.
#![allow(dead_code, reason = "each test file uses some of them")]

pub(crate) const TOKEN: &str = concat!(
    "eyJhbGciOiJSUzI1NiIsImtpZCI6ImszeXMifQ",
    ".",
    "eyJhdWQiOlsic3RzLmFtYXpvbmF3cy5jb20iXSwiaXNzIjoiaHR0cHM6Ly9vaWRjLmV4YW1wbGUiLCJzdWIiOiJzeXN0ZW06c2VydmljZWFjY291bnQ6YTpiIn0",
    ".",
    "Zm9yLXRlc3RzLW9ubHktbm90LWEtc2lnbmF0dXJlLXRoYXQtYW55b25lLXRydXN0cw"
);

pub(crate) const ACCESS_KEY_ID: &str = "ASIATESTTESTTEST0001";
pub(crate) const SECRET_ACCESS_KEY: &str = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYzTESTSECRETKEY";
pub(crate) const SESSION_TOKEN: &str = "IQoJb3JpZ2luX2VjEHoaCXVzLXdlc3QtMiJHMEUCIQDtests//only+not==";
pub(crate) const EXPIRES_AT: u64 = 1_795_341_600;
pub(crate) const ASSUMED_ROLE_ARN: &str = "arn:aws:sts::123456789012:assumed-role/mybucket-proxy/my-bucket";

/// As STS lays it out.
pub(crate) const ISSUED: &str = r#"<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <Audience>sts.amazonaws.com</Audience>
    <AssumedRoleUser>
      <AssumedRoleId>AROATESTTESTTESTTEST1:my-bucket</AssumedRoleId>
      <Arn>arn:aws:sts::123456789012:assumed-role/mybucket-proxy/my-bucket</Arn>
    </AssumedRoleUser>
    <Provider>arn:aws:iam::123456789012:oidc-provider/oidc.eks.us-west-2.amazonaws.com/id/EXAMPLE</Provider>
    <Credentials>
      <AccessKeyId>ASIATESTTESTTEST0001</AccessKeyId>
      <SecretAccessKey>wJalrXUtnFEMI/K7MDENG+bPxRfiCYzTESTSECRETKEY</SecretAccessKey>
      <SessionToken>IQoJb3JpZ2luX2VjEHoaCXVzLXdlc3QtMiJHMEUCIQDtests//only+not==</SessionToken>
      <Expiration>2026-11-22T10:00:00Z</Expiration>
    </Credentials>
    <SubjectFromWebIdentityToken>system:serviceaccount:shop:my-bucket</SubjectFromWebIdentityToken>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata>
    <RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId>
  </ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>
"#;

/// An error as STS lays it out; `message` is put in as it is, so it must be escaped already.
pub(crate) fn refusal(code: &str, message: &str) -> String {
    format!(
        r#"<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error>
    <Type>Sender</Type>
    <Code>{code}</Code>
    <Message>{message}</Message>
  </Error>
  <RequestId>4f3c9a0e-5d9e-4a53-8d3e-3f6a4a7a8d11</RequestId>
</ErrorResponse>
"#
    )
}
