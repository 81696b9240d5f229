//! A strict reader of the XML that STS answers in: elements and text, nothing else.
//!
//! The general parsers cost too much of a filter's size (measured as what each adds to a wasm module: `roxmltree` 63
//! KB, `xmlparser`, which checks less, 38 KB; this file about 7 KB). It accepts less than they do, and nothing that
//! they refuse (a test compares them): a document type, CDATA, comments, processing instructions and prefixed names are
//! refused. STS sends none of them, and each is a way to make two readers see two documents. It neither recurses nor
//! copies, and depth and counts are bounded.

use alloc::vec::Vec;

use crate::wiped::Wiped;

/// Deepest nesting. STS nests four elements.
const MAX_DEPTH: usize = 8;
/// Most elements in one document. STS sends about 20.
const MAX_ELEMENTS: usize = 128;
/// Most attributes on one element. STS sends one, `xmlns`.
const MAX_ATTRIBUTES: usize = 8;

/// Why a text was refused: fixed words, never a piece of the text.
pub(crate) type Malformed = &'static str;

const ENDS_EARLY: Malformed = "the XML ends early";
const BAD_NAME: Malformed = "a name in the XML is missing or not plain";
const BAD_TAG: Malformed = "a tag in the XML is not well formed";
const BAD_ATTRIBUTE: Malformed = "an attribute in the XML is not well formed";
const BAD_DECLARATION: Malformed = "the XML declaration is not that of version 1 in UTF-8";
const BAD_REFERENCE: Malformed = "a reference in the XML is neither numeric nor one of the five";
const BAD_CHARACTER: Malformed = "a character is not allowed in XML";
const STRAY_TEXT: Malformed = "there is text between the elements of the XML";
const NOT_PLAIN: Malformed = "the XML has a document type, CDATA, a comment or a processing instruction";
const MISMATCHED: Malformed = "an end tag in the XML does not match its start tag";
const TOO_DEEP: Malformed = "the XML is nested too deeply";
const TOO_MANY: Malformed = "the XML has too many elements or attributes";

/// The elements of a document in the order of their start tags. At least one: the first is the root.
pub(crate) struct Document<'a> {
    nodes: Vec<Node<'a>>,
}

struct Node<'a> {
    /// Index of the parent; `None` only for the root.
    parent: Option<usize>,
    name: &'a str,
    /// The default namespace in force; empty when there is none.
    namespace: &'a str,
    /// Of an element without children, what stands between its tags, as written: characters and references have been
    /// checked.
    raw_text: &'a str,
}

/// One element of a document.
#[derive(Clone, Copy)]
pub(crate) struct Element<'d, 'a> {
    document: &'d Document<'a>,
    index: usize,
    node: &'d Node<'a>,
}

impl<'a> Document<'a> {
    /// Reads a whole document.
    pub(crate) fn parse(text: &'a str) -> Result<Self, Malformed> {
        let mut rest = text;
        if text.starts_with("<?") {
            rest = skip_declaration(text)?;
        }
        let mut nodes: Vec<Node<'a>> = Vec::new();
        let mut open: Vec<usize> = Vec::new();
        loop {
            let (before, tag) = span(rest, |byte| byte != b'<');
            let after = tag.strip_prefix("<").ok_or(ENDS_EARLY)?;
            if let Some(after) = after.strip_prefix("/") {
                let index = open.pop().ok_or(MISMATCHED)?;
                let is_last = index + 1 == nodes.len();
                let node = nodes.get_mut(index).ok_or(MISMATCHED)?;
                // The newest element has no children, so all of its text is here.
                if is_last {
                    unescape(before, None)?;
                    node.raw_text = before;
                } else if !is_space(before) {
                    return Err(STRAY_TEXT);
                }
                rest = skip_end_tag(after, node.name)?;
            } else {
                if !is_space(before) {
                    return Err(STRAY_TEXT);
                }
                if after.starts_with("!") || after.starts_with("?") {
                    return Err(NOT_PLAIN);
                }
                if open.len() == MAX_DEPTH {
                    return Err(TOO_DEEP);
                }
                if nodes.len() == MAX_ELEMENTS {
                    return Err(TOO_MANY);
                }
                let parent = open.last().copied();
                let inherited = parent.and_then(|parent| nodes.get(parent)).map_or("", |parent| parent.namespace);
                let (name, after) = take_name(after)?;
                let (namespace, closed, after) = skip_attributes(after)?;
                if !closed {
                    open.push(nodes.len());
                }
                nodes.push(Node { parent, name, namespace: namespace.unwrap_or(inherited), raw_text: "" });
                rest = after;
            }
            if open.is_empty() {
                break;
            }
        }
        if is_space(rest) { Ok(Self { nodes }) } else { Err(STRAY_TEXT) }
    }

    /// The outermost element.
    pub(crate) fn root(&self) -> Option<Element<'_, 'a>> {
        self.nodes.first().map(|node| Element { document: self, index: 0, node })
    }
}

impl<'d, 'a> Element<'d, 'a> {
    pub(crate) fn is(self, namespace: &str, name: &str) -> bool {
        self.node.namespace == namespace && self.node.name == name
    }

    pub(crate) const fn name(self) -> &'a str {
        self.node.name
    }

    /// The children of that name in the element's own namespace: none, one, or too many to say which is meant.
    pub(crate) fn child(self, name: &str) -> Child<'d, 'a> {
        let mut found = Child::None;
        for (index, node) in self.document.nodes.iter().enumerate() {
            if node.parent == Some(self.index) && node.name == name && node.namespace == self.node.namespace {
                if matches!(found, Child::One(_)) {
                    return Child::Several;
                }
                found = Child::One(Self { document: self.document, index, node });
            }
        }
        found
    }

    /// Appends the element's text, references resolved. It never needs more room than [`Self::text_len`].
    pub(crate) fn text_into(self, out: &mut Wiped) {
        // It was checked while reading, so it cannot fail here.
        let _checked = unescape(self.node.raw_text, Some(out));
    }

    /// Length of the text as written in bytes; every reference is at least as long as what it stands for.
    pub(crate) const fn text_len(self) -> usize {
        self.node.raw_text.len()
    }
}

/// How many children have a name.
#[derive(Clone, Copy)]
pub(crate) enum Child<'d, 'a> {
    None,
    One(Element<'d, 'a>),
    Several,
}

/// The longest beginning of the text whose bytes are all inside, and the rest.
///
/// The one scanner of this file. It takes a function pointer so that it is compiled once, and its callers' sets split
/// UTF-8 nowhere.
fn span(text: &str, inside: fn(u8) -> bool) -> (&str, &str) {
    let end = text.bytes().position(|byte| !inside(byte)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// The white space of XML 1.0, section 2.3.
fn is_space_byte(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn is_space(text: &str) -> bool {
    text.bytes().all(is_space_byte)
}

fn trim_start(text: &str) -> &str {
    span(text, is_space_byte).1
}

/// A plain name: the ASCII subset of XML 1.0, section 2.3, without the colon of prefixes.
fn take_name(text: &str) -> Result<(&str, &str), Malformed> {
    let (name, rest) = span(text, |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'));
    match name.as_bytes().first() {
        Some(first) if first.is_ascii_alphabetic() || *first == b'_' => Ok((name, rest)),
        _ => Err(BAD_NAME),
    }
}

/// One attribute after white space: its name, its value as written, and what follows.
fn take_attribute(text: &str) -> Result<(&str, &str, &str), Malformed> {
    let (name, rest) = take_name(text)?;
    let rest = trim_start(trim_start(rest).strip_prefix("=").ok_or(BAD_ATTRIBUTE)?);
    let (quote, (value, rest)) = if let Some(rest) = rest.strip_prefix("\"") {
        ("\"", span(rest, |byte| byte != b'"'))
    } else {
        ("'", span(rest.strip_prefix("'").ok_or(BAD_ATTRIBUTE)?, |byte| byte != b'\''))
    };
    let rest = rest.strip_prefix(quote).ok_or(ENDS_EARLY)?;
    if value.as_bytes().contains(&b'<') {
        return Err(BAD_ATTRIBUTE);
    }
    unescape(value, None)?;
    Ok((name, value, rest))
}

/// The rest of a start tag: the namespace that it declares, whether it is also the end tag, and what follows.
fn skip_attributes(text: &str) -> Result<(Option<&str>, bool, &str), Malformed> {
    let mut namespace = None;
    let mut names: Vec<&str> = Vec::new();
    let mut rest = text;
    loop {
        let trimmed = trim_start(rest);
        if let Some(after) = trimmed.strip_prefix(">") {
            return Ok((namespace, false, after));
        }
        if let Some(after) = trimmed.strip_prefix("/>") {
            return Ok((namespace, true, after));
        }
        if trimmed.len() == rest.len() {
            return Err(if rest.is_empty() { ENDS_EARLY } else { BAD_TAG });
        }
        let (name, value, after) = take_attribute(trimmed)?;
        // XML 1.0, section 3.1: no attribute name may appear more than once.
        if names.contains(&name) {
            return Err(BAD_ATTRIBUTE);
        }
        if names.len() == MAX_ATTRIBUTES {
            return Err(TOO_MANY);
        }
        names.push(name);
        if name == "xmlns" {
            // Compared as written: a namespace spelled with references is not one that STS sends.
            namespace = Some(value);
        }
        rest = after;
    }
}

fn skip_end_tag<'a>(text: &'a str, name: &str) -> Result<&'a str, Malformed> {
    let (found, rest) = take_name(text)?;
    if found != name {
        return Err(MISMATCHED);
    }
    trim_start(rest).strip_prefix(">").ok_or(BAD_TAG)
}

/// `<?xml version="1.0" encoding="UTF-8"?>`: XML 1.0, section 2.8; the order of its parts is fixed and the later two
/// are optional.
fn skip_declaration(text: &str) -> Result<&str, Malformed> {
    let mut rest = text.strip_prefix("<?xml").ok_or(NOT_PLAIN)?;
    let mut expected = ["version", "encoding", "standalone"].iter();
    let mut has_version = false;
    loop {
        let trimmed = trim_start(rest);
        if let Some(after) = trimmed.strip_prefix("?>") {
            return if has_version { Ok(after) } else { Err(BAD_DECLARATION) };
        }
        if trimmed.len() == rest.len() {
            return Err(BAD_DECLARATION);
        }
        let (name, value, after) = take_attribute(trimmed)?;
        let known = expected.any(|expected| *expected == name);
        let fits = match name {
            "version" => value == "1.0",
            "encoding" => value.eq_ignore_ascii_case("utf-8"),
            _ => matches!(value, "yes" | "no"),
        };
        if !known || !fits || (name != "version" && !has_version) {
            return Err(BAD_DECLARATION);
        }
        has_version = true;
        rest = after;
    }
}

/// Resolves the references of a text (XML 1.0, section 4.1), into `out` when there is one; otherwise only checks them.
fn unescape(raw: &str, mut out: Option<&mut Wiped>) -> Result<(), Malformed> {
    let mut rest = raw;
    loop {
        let (plain, reference) = span(rest, |byte| byte != b'&');
        // Section 2.4: `]]>` may not stand in text, so that no reader takes it for the end of a CDATA section.
        if !plain.chars().all(is_xml_char) || plain.as_bytes().windows(3).any(|three| three == b"]]>") {
            return Err(BAD_CHARACTER);
        }
        if let Some(out) = out.as_deref_mut() {
            out.push_str(plain);
        }
        let Some(reference) = reference.strip_prefix("&") else { return Ok(()) };
        let (name, after) = span(reference, |byte| byte != b';');
        let resolved = resolve(name).filter(|c| is_xml_char(*c)).ok_or(BAD_REFERENCE)?;
        rest = after.strip_prefix(";").ok_or(BAD_REFERENCE)?;
        if let Some(out) = out.as_deref_mut() {
            out.push(resolved);
        }
    }
}

fn resolve(name: &str) -> Option<char> {
    match name {
        "lt" => return Some('<'),
        "gt" => return Some('>'),
        "amp" => return Some('&'),
        "quot" => return Some('"'),
        "apos" => return Some('\''),
        _ => {}
    }
    let number = name.strip_prefix("#")?;
    let (digits, radix) = number.strip_prefix("x").map_or((number, 10), |digits| (digits, 16));
    let mut code = 0_u32;
    for byte in digits.bytes() {
        code = code.checked_mul(radix)?.checked_add(char::from(byte).to_digit(radix)?)?;
    }
    // No digits at all end as U+0000, which is no character of XML.
    char::from_u32(code)
}

/// `Char` of XML 1.0, section 2.2; surrogates are no `char`.
fn is_xml_char(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..)
}

#[cfg(all(test, not(target_arch = "wasm32")))]
mod tests;
