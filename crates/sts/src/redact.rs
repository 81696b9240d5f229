//! STS's message made fit for a log: without the token, without control characters, of bounded length.

use alloc::string::String;

use crate::WebIdentityToken;

/// Most characters of a message that are kept.
pub(crate) const MAX_MESSAGE_CHARS: usize = 512;
/// What stands in place of the token.
const PLACEHOLDER: &str = "[token]";
/// Shortest piece of a part of the token that counts as an echo; parts shorter than [`SHORTEST_PART`] are no secret.
const FRAGMENT: usize = 12;
const SHORTEST_PART: usize = 8;
/// `eyJ` is `{"` in base64url, so every JSON Web Token starts with it; this many characters from there on are no word.
const SHORTEST_JWT: usize = 16;
/// No word of a message is longer; whatever is, is encoded data that nobody can read. It also bounds the search.
const LONGEST_WORD: usize = 200;

/// Rewrites a message. Characters that tokens are made of are judged in whole runs, so no half of a token is left
/// standing.
pub(crate) fn message(text: &str, token: &WebIdentityToken) -> String {
    let mut out = String::new();
    let mut room = MAX_MESSAGE_CHARS;
    let mut rest = text;
    while room > 0 {
        let end = rest.bytes().position(|byte| !is_token_byte(byte)).unwrap_or(rest.len());
        let Some((run, after)) = rest.split_at_checked(end) else { break };
        let shown = if is_echo(run, token) { PLACEHOLDER } else { run };
        for c in shown.chars().take(room) {
            out.push(c);
            room -= 1;
        }
        let mut chars = after.chars();
        let Some(c) = chars.next() else { break };
        if room > 0 {
            out.push(if is_unfit(c) { ' ' } else { c });
            room -= 1;
        }
        rest = chars.as_str();
    }
    out
}

/// Whether a run of token characters is the token, holds a piece of it, or looks like another token.
pub(crate) fn is_echo(run: &str, token: &WebIdentityToken) -> bool {
    if run.len() < SHORTEST_PART {
        return false;
    }
    if run.len() > LONGEST_WORD {
        return true;
    }
    let run = run.as_bytes();
    let holds = |text: &[u8], piece: &[u8]| text.windows(piece.len()).any(|window| window == piece);
    if run.windows(SHORTEST_JWT).any(|window| window.starts_with(b"eyJ")) {
        return true;
    }
    token.expose().as_bytes().split(|byte| *byte == b'.').any(|part| {
        if part.len() < SHORTEST_PART {
            false
        } else if part.len() < FRAGMENT {
            holds(run, part)
        } else {
            run.windows(FRAGMENT).any(|piece| holds(part, piece))
        }
    })
}

const fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.')
}

/// Control characters, and those that make a terminal or a log viewer show another text than is there: line and
/// paragraph separators, marks and overrides of direction (Unicode Standard Annex 9).
fn is_unfit(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200E}' | '\u{200F}' | '\u{2028}'..='\u{202E}' | '\u{2066}'..='\u{2069}')
}
