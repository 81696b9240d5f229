//! Text that is wiped when it is let go.

use alloc::string::String;

use zeroize::Zeroize;

/// Text that is overwritten on drop. It has no `Debug`: each type around it says what to print.
///
/// `zeroize::Zeroizing` does the same, but its loop is compiled into every place that drops one: several kilobytes of a
/// filter.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Wiped(String);

impl Wiped {
    /// Room for that many bytes. Callers ask for all that they need: a buffer that grew would leave copies of a secret
    /// in freed memory.
    pub(crate) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    #[inline(never)] // for size, as above
    pub(crate) fn push_str(&mut self, text: &str) {
        self.0.push_str(text);
    }

    pub(crate) fn push(&mut self, c: char) {
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// Hands the same memory on; wiping it is then up to the new owner.
    pub(crate) fn into_string(mut self) -> String {
        core::mem::take(&mut self.0)
    }

    #[cfg(test)]
    pub(crate) fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl Drop for Wiped {
    #[inline(never)] // for size, as above
    fn drop(&mut self) {
        self.0.zeroize();
    }
}
