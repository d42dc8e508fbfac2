//! XML as JSON: an element is a bag of its elements, `@` before the names of attributes, `#text` beside them.

use crate::json::{Json, Map};
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// How deep elements may lie in each other; JSON that is read later has the same bound.
const DEEPEST: usize = 100;

pub(super) fn parse(text: &str) -> Option<Json> {
    let mut reader = Reader::from_str(text);
    let mut open: Vec<(String, Map<String, Json>)> = vec![(String::new(), Map::new())];
    loop {
        match reader.read_event().ok()? {
            Event::Start(start) => {
                open.push((name(&start), attributes(&start)?));
                if open.len() > DEEPEST {
                    return None;
                }
            }
            Event::Empty(start) => {
                let element = closed(attributes(&start)?);
                add(&mut open.last_mut()?.1, name(&start), element);
            }
            Event::End(_) => {
                let (name, element) = open.pop()?;
                add(&mut open.last_mut()?.1, name, closed(element));
            }
            Event::Text(text) => write(&mut open.last_mut()?.1, &text.decode().ok()?),
            Event::CData(text) => write(&mut open.last_mut()?.1, &text.decode().ok()?),
            Event::GeneralRef(entity) => write(&mut open.last_mut()?.1, &character(&entity.decode().ok()?)?),
            Event::Eof => break,
            _ => {}
        }
    }
    let (_, mut document) = open.pop()?;
    if document.get("#text").and_then(Json::as_str).is_some_and(|text| text.trim().is_empty()) {
        let _ = document.shift_remove("#text");
    }
    (open.is_empty() && !document.is_empty() && !document.contains_key("#text"))
        .then_some(Json::Object(document))
}

fn name(start: &BytesStart<'_>) -> String {
    String::from_utf8_lossy(start.name().as_ref()).into_owned()
}

fn attributes(start: &BytesStart<'_>) -> Option<Map<String, Json>> {
    let mut all = Map::new();
    for attribute in start.attributes() {
        let attribute = attribute.ok()?;
        let value = String::from_utf8_lossy(&attribute.value);
        let value = quick_xml::escape::unescape(&value).ok()?.into_owned();
        let _ =
            all.insert(format!("@{}", String::from_utf8_lossy(attribute.key.as_ref())), Json::from(value));
    }
    Some(all)
}

fn character(entity: &str) -> Option<String> {
    quick_xml::escape::unescape(&format!("&{entity};")).ok().map(std::borrow::Cow::into_owned)
}

fn write(element: &mut Map<String, Json>, text: &str) {
    if text.is_empty() {
        return;
    }
    match element.get_mut("#text") {
        Some(Json::String(before)) => before.push_str(text),
        _ => {
            let _ = element.insert("#text".to_owned(), Json::from(text));
        }
    }
}

/// An element of nothing but text is the text, one of nothing is nothing.
fn closed(mut element: Map<String, Json>) -> Json {
    if let Some(Json::String(text)) = element.shift_remove("#text")
        && !text.trim().is_empty()
    {
        let _ = element.insert("#text".to_owned(), Json::from(text.trim()));
    }
    match element.len() {
        0 => Json::Null,
        1 if element.contains_key("#text") => element.shift_remove("#text").unwrap_or_default(),
        _ => Json::Object(element),
    }
}

/// Elements of one name are a list.
fn add(parent: &mut Map<String, Json>, name: String, element: Json) {
    match parent.get_mut(&name) {
        None => {
            let _ = parent.insert(name, element);
        }
        Some(Json::Array(list)) => list.push(element),
        Some(one) => *one = Json::Array(vec![std::mem::take(one), element]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_attributes_and_texts_become_a_bag() {
        let found = parse(r#"<r a="1 &lt; 2"><x>1</x><x>2 &amp; 3</x><y/>t</r>"#);
        assert_eq!(
            found,
            crate::json::read(r##"{"r": {"@a": "1 < 2", "x": ["1", "2 & 3"], "y": null, "#text": "t"}}"##)
        );
    }

    #[test]
    fn what_is_no_xml_is_nothing() {
        for text in ["", "a", "<a>", "<a></b>", "</a>", &"<a>".repeat(10_000)] {
            assert_eq!(parse(text), None, "{text:.20}");
        }
    }
}
