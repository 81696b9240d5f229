//! The query: each parameter decoded and encoded, and all of them sorted.

use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Reverse;
use core::ops::Range;

use super::TargetError;
use super::percent::{Decoded, decode_first, write_encoded};

/// Writes `?` and the canonical query string; nothing when there is no parameter.
pub(super) fn write_query(raw: &[u8], out: &mut Vec<u8>) -> Result<(), TargetError> {
    let mut encoded = Vec::with_capacity(raw.len() + 8);
    let mut parts = Vec::new();
    for parameter in raw.split(|&b| b == b'&').filter(|parameter| !parameter.is_empty()) {
        let mut halves = parameter.splitn(2, |&b| b == b'=');
        let key = encoded.len();
        write_query_part(halves.next().unwrap_or_default(), &mut encoded)?;
        let value = encoded.len();
        write_query_part(halves.next().unwrap_or_default(), &mut encoded)?;
        parts.push((key..value, value..encoded.len()));
    }
    let text = |range: Range<usize>| encoded.get(range).unwrap_or_default();
    // By name first and then by value, both encoded: sorting `name=value` as one text would put `a-b=` before `a=`.
    // In a heap: callers choose how many there are, and the library's sort is the largest function of a filter.
    let mut pairs: BinaryHeap<_> = parts.into_iter().map(|(key, value)| Reverse((text(key), text(value)))).collect();
    let mut separator = b'?';
    while let Some(Reverse((key, value))) = pairs.pop() {
        out.push(separator);
        separator = b'&';
        out.extend_from_slice(key);
        out.push(b'=');
        out.extend_from_slice(value);
    }
    Ok(())
}

fn write_query_part(mut raw: &[u8], out: &mut Vec<u8>) -> Result<(), TargetError> {
    while let Some(Decoded { byte, was_encoded, rest }) = decode_first(raw)? {
        raw = rest;
        write_encoded(if byte == b'+' && !was_encoded { b' ' } else { byte }, out);
    }
    Ok(())
}
