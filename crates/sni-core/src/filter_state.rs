//! What Envoy's foreign function `set_envoy_filter_state` takes: a protobuf message of three fields.
//!
//! Envoy, `source/extensions/common/wasm/ext/set_envoy_filter_state.proto`.

use alloc::vec::Vec;

/// Field numbers of `SetEnvoyFilterStateArguments`. The third, the life span, is left at its default: that of the
/// connection's filter chain.
const PATH: u8 = 1;
const VALUE: u8 = 2;

/// Writes `SetEnvoyFilterStateArguments` in place of what is in the buffer.
pub fn write_arguments(out: &mut Vec<u8>, path: &str, value: &str) {
    out.clear();
    write_text(out, PATH, path);
    write_text(out, VALUE, value);
}

/// Wire type 2: a length and as many bytes.
fn write_text(out: &mut Vec<u8>, field: u8, text: &str) {
    out.push(field << 3 | 2);
    write_varint(out, text.len());
    out.extend_from_slice(text.as_bytes());
}

/// Seven bits a byte, the lowest first; all but the last have the eighth set.
fn write_varint(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        out.push(low_byte(value) | 0x80);
        value >>= 7;
    }
    out.push(low_byte(value));
}

fn low_byte(value: usize) -> u8 {
    let [low, ..] = value.to_le_bytes();
    low
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_message_that_envoy_parses() {
        let mut out = b"what was here before".to_vec();
        write_arguments(&mut out, "a.b", "ledger");
        assert_eq!(out, b"\x0a\x03a.b\x12\x06ledger");
        // Lengths from 128 on take two bytes, from 16,384 on three.
        write_arguments(&mut out, "", &"c".repeat(300));
        assert_eq!(out.get(..5), Some(&b"\x0a\x00\x12\xac\x02"[..]));
        assert_eq!(out.len(), 305);
        write_arguments(&mut out, "", &"c".repeat(16_384));
        assert_eq!(out.get(..6), Some(&b"\x0a\x00\x12\x80\x80\x01"[..]));
    }
}
