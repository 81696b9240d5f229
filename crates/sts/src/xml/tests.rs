//! The reader against tables, and against `roxmltree` as an oracle that shares no code with it.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};

use proptest::prelude::*;

use super::*;

fn text_of(document: &Document<'_>, name: &str) -> Option<String> {
    let Child::One(child) = document.root()?.child(name) else { return None };
    let mut out = Wiped::with_capacity(child.text_len());
    child.text_into(&mut out);
    assert_eq!(out.capacity(), child.text_len(), "resolved text needs no more room than it has as written");
    Some(out.as_str().to_owned())
}

#[test]
fn plain_documents_are_read() {
    for (xml, expected) in [
        ("<r><v>x</v></r>", "x"),
        ("<r><v></v></r>", ""),
        ("<r><v/></r>", ""),
        ("<r><v /></r>", ""),
        ("<r ><v >x</v ></r\n>", "x"),
        ("\n <r>\t<v>x</v>\r\n</r>\n ", "x"),
        ("<?xml version=\"1.0\"?><r><v>x</v></r>", "x"),
        ("<?xml version='1.0' encoding='utf-8' standalone='yes' ?>\n<r><v>x</v></r>", "x"),
        ("<r a=\"1\" b='2>'><v c=\"&lt;\">x</v></r>", "x"),
        ("<r><v>&lt;&gt;&amp;&quot;&apos;</v></r>", "<>&\"'"),
        ("<r><v>&#65;&#x42;&#x0043;&#x1F600;&#xe9;</v></r>", "ABC\u{1F600}é"),
        ("<r><v> é\u{FFFD}]] ></v></r>", " é\u{FFFD}]] >"),
        ("<r><v>a > b</v></r>", "a > b"),
        ("<r><w><v>deeper</v></w><v>x</v></r>", "x"),
        ("<r><v xmlns='other'>y</v><v>x</v></r>", "x"),
        ("<_r-1.a><v>x</v></_r-1.a>", "x"),
    ] {
        let document = Document::parse(xml).unwrap_or_else(|flaw| panic!("{xml}: {flaw}"));
        assert_eq!(text_of(&document, "v").as_deref(), Some(expected), "{xml}");
    }
}

#[test]
fn whatever_is_not_plain_elements_and_text_is_refused() {
    for (xml, flaw) in [
        ("", ENDS_EARLY),
        (" ", ENDS_EARLY),
        ("x", ENDS_EARLY),
        ("<", BAD_NAME),
        ("<r", ENDS_EARLY),
        ("<r a='", ENDS_EARLY),
        ("<r>", ENDS_EARLY),
        ("<r></r", BAD_TAG),
        ("</r>", MISMATCHED),
        ("<r></s>", MISMATCHED),
        ("<r><s></r></s>", MISMATCHED),
        ("<r/><r/>", STRAY_TEXT),
        ("<r/>x", STRAY_TEXT),
        ("x<r/>", STRAY_TEXT),
        ("\u{FEFF}<r/>", STRAY_TEXT),
        ("<r>x<s/></r>", STRAY_TEXT),
        ("<r><s/>x</r>", STRAY_TEXT),
        ("< r/>", BAD_NAME),
        ("<1r/>", BAD_NAME),
        ("<-r/>", BAD_NAME),
        ("<é/>", BAD_NAME),
        ("<a:r/>", BAD_TAG),
        ("<r xmlns:a='x'/>", BAD_ATTRIBUTE),
        ("<r a=1/>", BAD_ATTRIBUTE),
        ("<r a/>", BAD_ATTRIBUTE),
        ("<r a='<'/>", BAD_ATTRIBUTE),
        ("<r a='1' a='2'/>", BAD_ATTRIBUTE),
        ("<r a='1'b='2'/>", BAD_TAG),
        ("<r/ >", BAD_TAG),
        ("<r a='&x;'/>", BAD_REFERENCE),
        ("<!DOCTYPE r><r/>", NOT_PLAIN),
        ("<!DOCTYPE r [<!ENTITY a 'b'>]><r>&a;</r>", NOT_PLAIN),
        ("<!DOCTYPE r SYSTEM 'file:///etc/passwd'><r/>", NOT_PLAIN),
        ("<r><!-- --></r>", NOT_PLAIN),
        ("<!-- --><r/>", NOT_PLAIN),
        ("<r>x<!-- -->y</r>", STRAY_TEXT),
        ("<r><![CDATA[x]]></r>", NOT_PLAIN),
        ("<r><?p?></r>", NOT_PLAIN),
        ("<r/><?p?>", STRAY_TEXT),
        ("<?p?><r/>", NOT_PLAIN),
        (" <?xml version='1.0'?><r/>", NOT_PLAIN),
        ("<?xml?><r/>", BAD_DECLARATION),
        ("<?xmlversion='1.0'?><r/>", BAD_DECLARATION),
        ("<?xml version='1.1'?><r/>", BAD_DECLARATION),
        ("<?xml version='1.0' encoding='latin1'?><r/>", BAD_DECLARATION),
        ("<?xml encoding='utf-8' version='1.0'?><r/>", BAD_DECLARATION),
        ("<?xml encoding='utf-8'?><r/>", BAD_DECLARATION),
        ("<?xml version='1.0' version='1.0'?><r/>", BAD_DECLARATION),
        ("<?xml version='1.0' standalone='maybe'?><r/>", BAD_DECLARATION),
        ("<?xml version='1.0' other='x'?><r/>", BAD_DECLARATION),
        ("<r>&</r>", BAD_REFERENCE),
        ("<r>&amp</r>", BAD_REFERENCE),
        ("<r>&;</r>", BAD_REFERENCE),
        ("<r>&nbsp;</r>", BAD_REFERENCE),
        ("<r>&AMP;</r>", BAD_REFERENCE),
        ("<r>&#;</r>", BAD_REFERENCE),
        ("<r>&#x;</r>", BAD_REFERENCE),
        ("<r>&#+65;</r>", BAD_REFERENCE),
        ("<r>&#X41;</r>", BAD_REFERENCE),
        ("<r>&#0;</r>", BAD_REFERENCE),
        ("<r>&#x1B;</r>", BAD_REFERENCE),
        ("<r>&#xD800;</r>", BAD_REFERENCE),
        ("<r>&#xFFFF;</r>", BAD_REFERENCE),
        ("<r>&#x110000;</r>", BAD_REFERENCE),
        ("<r>&#99999999999999999999;</r>", BAD_REFERENCE),
        ("<r>\0</r>", BAD_CHARACTER),
        ("<r>\u{1B}</r>", BAD_CHARACTER),
        ("<r>\u{FFFE}</r>", BAD_CHARACTER),
        ("<r>]]></r>", BAD_CHARACTER),
    ] {
        assert_eq!(Document::parse(xml).err(), Some(flaw), "{xml:?}");
    }
}

#[test]
fn depth_elements_and_attributes_are_bounded() {
    let nested = |depth: usize| format!("{}{}", "<r>".repeat(depth), "</r>".repeat(depth));
    assert!(Document::parse(&nested(MAX_DEPTH)).is_ok());
    assert_eq!(Document::parse(&nested(MAX_DEPTH + 1)).err(), Some(TOO_DEEP));
    assert_eq!(Document::parse(&"<r>".repeat(1_000_000)).err(), Some(TOO_DEEP));

    let wide = |children: usize| format!("<r>{}</r>", "<c/>".repeat(children));
    assert!(Document::parse(&wide(MAX_ELEMENTS - 1)).is_ok());
    assert_eq!(Document::parse(&wide(MAX_ELEMENTS)).err(), Some(TOO_MANY));

    let attributes = |count: usize| format!("<r{}/>", (0..count).map(|n| format!(" a{n}=''")).collect::<String>());
    assert!(Document::parse(&attributes(MAX_ATTRIBUTES)).is_ok());
    assert_eq!(Document::parse(&attributes(MAX_ATTRIBUTES + 1)).err(), Some(TOO_MANY));
}

#[test]
fn an_element_is_found_only_in_its_parents_namespace_and_only_when_it_is_the_only_one() {
    let document = Document::parse("<r xmlns='n'><a/><b/><b/><c xmlns='m'/><d xmlns=''/><e><a/><f/></e></r>").unwrap();
    let root = document.root().unwrap();
    assert!(root.is("n", "r") && !root.is("", "r") && !root.is("n", "s"));
    assert!(matches!(root.child("a"), Child::One(_)));
    assert!(matches!(root.child("b"), Child::Several));
    for absent in ["c", "d", "f", "r"] {
        assert!(matches!(root.child(absent), Child::None), "{absent}");
    }
}

/// Whatever is accepted here, the oracle accepts too and reads as the same elements, namespaces and texts.
fn agrees_with_roxmltree(xml: &str) {
    let Ok(document) = Document::parse(xml) else { return };
    let oracle = roxmltree::Document::parse(xml);
    assert!(oracle.is_ok(), "{xml:?}: {:?}", oracle.err());
    let Ok(oracle) = oracle else { return };
    let elements: Vec<_> = oracle.descendants().filter(roxmltree::Node::is_element).collect();
    assert_eq!(document.nodes.len(), elements.len(), "{xml:?}");
    for (node, element) in document.nodes.iter().zip(elements) {
        assert_eq!(node.name, element.tag_name().name(), "{xml:?}");
        // The oracle resolves references in a namespace; here it is compared as written, which only ever matches less.
        if !node.namespace.contains('&') {
            assert_eq!(node.namespace, element.tag_name().namespace().unwrap_or_default(), "{xml:?}");
        }
        // The oracle normalises line ends (XML 1.0, section 2.11); no value that is used may hold one.
        if element.children().all(|child| child.is_text()) && !node.raw_text.contains('\r') {
            let mut text = Wiped::with_capacity(node.raw_text.len());
            assert_eq!(unescape(node.raw_text, Some(&mut text)), Ok(()));
            assert_eq!(text.as_str(), element.text().unwrap_or_default(), "{xml:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn random_text_never_panics(text in any::<String>()) {
        agrees_with_roxmltree(&text);
    }

    #[test]
    fn random_pieces_of_xml_are_read_as_the_oracle_reads_them(
        pieces in prop::collection::vec(prop::sample::select(alloc::vec![
            "<r>", "</r>", "<s>", "</s>", "<s/>", "<r xmlns='n'>", "<s xmlns=\"\">", "<s a='1' b=\"&amp;\" />", "x", "é", " ", "\n", "&amp;",
            "&#65;", "&#x0;", "&", ";", "]]>", "]", "<", ">", "/", "'", "\"", "=", "!", "?", "<!--", "-->", "<![CDATA[", "<!DOCTYPE r>",
            "<?xml version='1.0'?>", "<?p?>", ":", "-", "\0", "\u{FFFE}",
        ]), 0..24),
    ) {
        agrees_with_roxmltree(&pieces.concat());
        agrees_with_roxmltree(&format!("<r>{}</r>", pieces.concat()));
    }

    #[test]
    fn a_well_formed_document_is_accepted_and_read_as_it_was_written(
        leaves in prop::collection::vec(("[A-Za-z_][A-Za-z0-9_.-]{0,8}", "[ -~é\u{10000}]{0,20}"), 0..20),
        numeric in any::<bool>(),
    ) {
        let mut xml = String::from("<root xmlns='n'>\n");
        for (name, text) in &leaves {
            let escaped: String = text.chars().map(|c| match c {
                '<' if !numeric => "&lt;".to_owned(),
                '&' if !numeric => "&amp;".to_owned(),
                '>' if !numeric => "&gt;".to_owned(),
                '<' | '&' | '>' => format!("&#{};", u32::from(c)),
                c => c.to_string(),
            }).collect();
            xml += &format!(" <{name}>{escaped}</{name}>\n");
        }
        xml += "</root>";
        let document = Document::parse(&xml).unwrap();
        agrees_with_roxmltree(&xml);
        for (name, text) in &leaves {
            if leaves.iter().filter(|(other, _)| other == name).count() == 1 {
                prop_assert_eq!(text_of(&document, name), Some(text.clone()));
            }
        }
    }
}
