//! The token that callers must know: made, kept in a file that only this user can read, compared in constant time.

use std::fmt;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

use ring::rand::SecureRandom as _;
use spiffe_id::Invalid;
use subtle::ConstantTimeEq as _;
use zeroize::Zeroizing;

/// Random bytes of a token that the proxy makes.
const BYTES: usize = 32;

/// What a caller must present. Never printed.
#[derive(Clone)]
pub struct Token(Zeroizing<String>);

impl Token {
    /// A new one, 64 hexadecimal digits from the operating system's random numbers.
    ///
    /// # Errors
    /// When the operating system has none.
    pub fn random() -> io::Result<Self> {
        let mut bytes = Zeroizing::new([0; BYTES]);
        ring::rand::SystemRandom::new().fill(bytes.as_mut()).map_err(|_| io::Error::other("no random numbers"))?;
        let mut text = Zeroizing::new(String::with_capacity(2 * BYTES));
        for byte in bytes.iter() {
            for digit in [byte >> 4, byte & 15] {
                text.push(char::from_digit(u32::from(digit), 16).unwrap_or('0'));
            }
        }
        Ok(Self(text))
    }

    /// One that the environment gives.
    ///
    /// # Errors
    /// When it is too short to be a secret, or has characters that a URL would have to escape.
    pub fn given(text: &str) -> Result<Self, Invalid> {
        let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
        if !(32..=256).contains(&text.len()) || !text.bytes().all(plain) {
            return Err(Invalid {
                problem: "is not a token of 32 to 256 letters, digits and -._~",
                remedy: "make one with `openssl rand -hex 32`",
            });
        }
        Ok(Self(Zeroizing::new(text.to_owned())))
    }

    /// Whether `presented` is this token. Takes the same time wherever they differ.
    #[must_use]
    pub fn matches(&self, presented: &[u8]) -> bool {
        self.0.as_bytes().ct_eq(presented).into()
    }

    /// Puts the token into `file`, which only this user can read: whoever reads the path sees all of it or none.
    ///
    /// # Errors
    /// When the directory cannot be made or others could replace what is in it, or the file cannot be written.
    pub fn write(&self, file: &Path) -> io::Result<()> {
        let directory = private_directory(file)?;
        let beside = directory.join(format!(".token.{}", std::process::id()));
        // What a killed process of the same number left; `create_new` would refuse it, and so follows no link.
        let _ = fs::remove_file(&beside);
        let mut out = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        out.write_all(self.0.as_bytes())?;
        drop(out);
        fs::rename(&beside, file).inspect_err(|_| {
            let _ = fs::remove_file(&beside);
        })
    }

    /// Removes the file, if it still holds this token.
    pub(crate) fn remove(&self, file: &Path) {
        if fs::read(file).is_ok_and(|found| self.matches(&found)) {
            let _ = fs::remove_file(file);
        }
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// The directory of `file`, made for this user alone when it is not there.
///
/// # Errors
/// When it cannot be made, or others could replace what is in it.
pub(crate) fn private_directory(file: &Path) -> io::Result<&Path> {
    let directory = file.parent().unwrap_or(Path::new("/"));
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    let metadata = fs::metadata(directory)?;
    let mode = metadata.mode();
    let own = [0, rustix::process::getuid().as_raw()].contains(&metadata.uid());
    // In a sticky directory such as /tmp nobody can replace another's file.
    let shared = mode & 0o022 != 0 && mode & 0o1000 == 0;
    if !own || shared {
        let why = "belongs to another user, or others may write to it";
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, format!("{} {why}", directory.display())));
    }
    Ok(directory)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn no_two_tokens_are_alike_and_each_matches_only_itself() {
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        assert!(one.matches(one.0.as_bytes()));
        assert!(!one.matches(other.0.as_bytes()));
        assert!(!one.matches(b""));
        assert!(!one.matches(&one.0.as_bytes()[..63]));
        assert_eq!(one.0.len(), 64);
    }

    #[test]
    fn a_token_cannot_be_printed() {
        let token = Token::random().unwrap();
        let (begin, _) = token.0.split_at(8);
        assert!(!format!("{token:?} {:?}", Some(&token)).contains(begin));
    }

    #[test]
    fn a_given_token_must_be_long_and_plain() {
        assert!(Token::given(&"a".repeat(32)).is_ok());
        for wrong in ["", "short", &"a".repeat(31), &"a".repeat(257), &"a b".repeat(20), &"a:/".repeat(20)] {
            assert!(Token::given(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn the_file_is_for_this_user_alone_and_replaced_whole() {
        let home = tempfile::tempdir().unwrap();
        let file = home.path().join("meshbridge/token");
        let (one, other) = (Token::random().unwrap(), Token::random().unwrap());
        one.write(&file).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
        other.write(&file).unwrap();
        assert_eq!(fs::read(&file).unwrap(), other.0.as_bytes());
        assert_eq!(fs::metadata(&file).unwrap().mode() & 0o777, 0o600);
        assert_eq!(fs::metadata(file.parent().unwrap()).unwrap().mode() & 0o777, 0o700);
        assert_eq!(fs::read_dir(file.parent().unwrap()).unwrap().count(), 1);
    }

    #[test]
    fn a_link_in_the_place_of_the_file_is_replaced_and_not_followed() {
        let home = tempfile::tempdir().unwrap();
        let (file, elsewhere) = (home.path().join("token"), home.path().join("elsewhere"));
        fs::write(&elsewhere, "untouched").unwrap();
        std::os::unix::fs::symlink(&elsewhere, &file).unwrap();
        Token::random().unwrap().write(&file).unwrap();
        assert_eq!(fs::read_to_string(&elsewhere).unwrap(), "untouched");
        assert!(fs::symlink_metadata(&file).unwrap().is_file());
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let home = tempfile::tempdir().unwrap();
        fs::set_permissions(home.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let refusal = Token::random().unwrap().write(&home.path().join("token")).unwrap_err();
        assert_eq!(refusal.kind(), io::ErrorKind::PermissionDenied);
    }
}
