//! Reading what STS answered: credentials, or an error with its class. Whatever is incomplete or ambiguous is neither.

use alloc::format;
use alloc::string::String;

use sigv4::{Credentials, Secret};

use crate::wiped::Wiped;
use crate::xml::{Child, Document, Element};
use crate::{ErrorKind, StsError, WebIdentityToken, redact, timestamp};

/// Largest answer that is read, in bytes. STS sends about 2,000.
pub const MAX_ANSWER_BYTES: usize = 65_536;

const NAMESPACE: &str = "https://sts.amazonaws.com/doc/2011-06-15/";
/// Longest code that is taken for one; AWS's have at most 30 characters.
const MAX_CODE_BYTES: usize = 64;

/// Credentials as STS issued them. `Debug` shows no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// All three parts; the session token is always there.
    pub credentials: Credentials,
    /// When they expire, in seconds since the Unix epoch, by AWS's clock.
    pub expires_at: u64,
    /// Who the caller now is, such as `arn:aws:sts::123456789012:assumed-role/mybucket-proxy/session`. For logs; not
    /// every double sends it.
    pub assumed_role_arn: Option<String>,
}

impl Issued {
    /// Checks that the credentials are still valid at `now`, in seconds since the Unix epoch.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::AlreadyExpired`] when `now` is their expiry or later: STS answered nonsense, or this machine's
    /// clock is wrong.
    pub fn check_valid_at(&self, now: u64) -> Result<(), StsError> {
        if self.expires_at > now {
            return Ok(());
        }
        let message = format!(
            "the credentials that STS issued expired at {}, and here it is {now} (seconds since 1970): look at this machine's clock",
            self.expires_at
        );
        Err(StsError::own(ErrorKind::AlreadyExpired, message))
    }
}

/// Reads the answer to the request. The token is needed only to remove its echoes from STS's message.
///
/// Status 200 must come with exactly one complete set of credentials in STS's namespace. Any other status is an error,
/// classified by the code in its body, and without a readable one by the status: an answer that says neither is
/// [`ErrorKind::Garbled`], whatever its status, because then it is not STS that refused. Source: AWS Security Token
/// Service API Reference, page `AssumeRoleWithWebIdentity`.
///
/// The body holds secrets: the caller should wipe it afterwards.
///
/// # Errors
///
/// See [`ErrorKind`].
pub fn read_answer(status: u16, body: &[u8], token: &WebIdentityToken) -> Result<Issued, StsError> {
    if status == 200 {
        return read_issued(body).map_err(|flaw| garbled(status, body, &flaw));
    }
    let flaw = match read_refusal(body, token) {
        Ok((code, message)) if !(200..300).contains(&status) => {
            return Err(StsError::new(ErrorKind::of_answer(status, &code), code, message));
        }
        Ok(_) => Flaw { place: "its status", what: "does not fit an error" },
        Err(flaw) => flaw,
    };
    // A front end that is overloaded or down often answers with a page of its own.
    Err(ErrorKind::of_status(status).map_or_else(
        || garbled(status, body, &flaw),
        |kind| StsError::own(kind, format!("status {status} without STS's own reason")),
    ))
}

/// What is wrong with an answer: fixed words, so that no piece of the answer can get into an error.
struct Flaw {
    place: &'static str,
    what: &'static str,
}

impl Flaw {
    const fn new(place: &'static str, what: &'static str) -> Self {
        Self { place, what }
    }
}

fn garbled(status: u16, body: &[u8], flaw: &Flaw) -> StsError {
    let Flaw { place, what } = flaw;
    let len = body.len();
    let message = format!(
        "status {status} with {len} bytes that are not STS's answer ({place}: {what}): look at what `sts.cluster` reaches"
    );
    StsError::own(ErrorKind::Garbled, message)
}

fn text_of(body: &[u8]) -> Result<&str, Flaw> {
    if body.len() > MAX_ANSWER_BYTES {
        return Err(Flaw::new("body", "too large"));
    }
    core::str::from_utf8(body).map_err(|_| Flaw::new("body", "not UTF-8"))
}

fn parse(text: &str) -> Result<Document<'_>, Flaw> {
    Document::parse(text).map_err(|what| Flaw::new("body", what))
}

fn read_issued(body: &[u8]) -> Result<Issued, Flaw> {
    let document = parse(text_of(body)?)?;
    let root = document.root().filter(|root| root.is(NAMESPACE, "AssumeRoleWithWebIdentityResponse"));
    let root = root.ok_or(Flaw::new("AssumeRoleWithWebIdentityResponse", MISSING))?;
    let result = only(root, "AssumeRoleWithWebIdentityResult")?;
    let credentials = only(result, "Credentials")?;

    let access_key_id = field(credentials, "AccessKeyId", Form::AccessKeyId)?;
    let secret_access_key = field(credentials, "SecretAccessKey", Form::HeaderText)?;
    let session_token = field(credentials, "SessionToken", Form::HeaderText)?;
    let expiration = field(credentials, "Expiration", Form::HeaderText)?;
    let expires_at = timestamp::unix_seconds(expiration.as_str()).ok_or(Flaw::new("Expiration", UNFIT))?;
    let assumed_role_arn = match optional(result, "AssumedRoleUser")? {
        Some(user) => Some(field(user, "Arn", Form::HeaderText)?),
        None => None,
    };
    Ok(Issued {
        credentials: Credentials {
            access_key_id: access_key_id.into_string(),
            secret_access_key: Secret::new(secret_access_key.into_string()),
            session_token: Some(Secret::new(session_token.into_string())),
        },
        expires_at,
        assumed_role_arn: assumed_role_arn.map(Wiped::into_string),
    })
}

/// Code and message of an `ErrorResponse`. Its namespace is not checked: front ends of AWS answer some errors
/// (throttling, an unknown action) in another one, and the worst that a wrong reading can do is a retry at the wrong
/// pace.
fn read_refusal(body: &[u8], token: &WebIdentityToken) -> Result<(String, String), Flaw> {
    let document = parse(text_of(body)?)?;
    let root =
        document.root().filter(|root| root.name() == "ErrorResponse").ok_or(Flaw::new("ErrorResponse", MISSING))?;
    let error = only(root, "Error")?;
    let code = field(error, "Code", Form::Code)?;
    if redact::is_echo(code.as_str(), token) {
        return Err(Flaw::new("Code", UNFIT));
    }
    let message = match optional(error, "Message")? {
        Some(message) => redact::message(text(message).as_str().trim_ascii(), token),
        None => String::new(),
    };
    Ok((code.into_string(), message))
}

const MISSING: &str = "missing, or in another namespace";
const TWICE: &str = "there twice";
const UNFIT: &str = "empty or not of its form";

fn optional<'d, 'a>(parent: Element<'d, 'a>, name: &'static str) -> Result<Option<Element<'d, 'a>>, Flaw> {
    match parent.child(name) {
        Child::None => Ok(None),
        Child::One(child) => Ok(Some(child)),
        Child::Several => Err(Flaw::new(name, TWICE)),
    }
}

fn only<'d, 'a>(parent: Element<'d, 'a>, name: &'static str) -> Result<Element<'d, 'a>, Flaw> {
    optional(parent, name)?.ok_or(Flaw::new(name, MISSING))
}

/// The text of the only child of that name, not empty and of its form.
fn field(parent: Element<'_, '_>, name: &'static str, form: Form) -> Result<Wiped, Flaw> {
    let value = text(only(parent, name)?);
    if form.fits(value.as_str()) { Ok(value) } else { Err(Flaw::new(name, UNFIT)) }
}

/// The text in a buffer that never grows, so that no copy of a secret stays in freed memory.
fn text(element: Element<'_, '_>) -> Wiped {
    let mut value = Wiped::with_capacity(element.text_len());
    element.text_into(&mut value);
    value
}

/// What a field may look like.
#[derive(Clone, Copy)]
enum Form {
    /// `[\w]{16,128}` in the API Reference (page `Credentials`); all that were ever issued are upper case.
    AccessKeyId,
    /// Visible ASCII: what can stand in a header and in a string to sign without any encoding.
    HeaderText,
    /// One word.
    Code,
}

impl Form {
    fn fits(self, text: &str) -> bool {
        let (shortest, longest) = match self {
            Self::AccessKeyId => (16, 128),
            Self::HeaderText => (1, MAX_ANSWER_BYTES),
            Self::Code => (1, MAX_CODE_BYTES),
        };
        text.len() >= shortest
            && text.len() <= longest
            && text.bytes().all(|byte| match self {
                Self::AccessKeyId => byte.is_ascii_uppercase() || byte.is_ascii_digit(),
                Self::HeaderText => byte.is_ascii_graphic(),
                Self::Code => byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-'),
            })
    }
}
