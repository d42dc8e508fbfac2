//! The line codec: limits, unknown kinds, and cuts at any place.

use bowline_link::{
    line::{self, LineError, LineReader, MAX_UP},
    message::{Down, KeepAlive, Up},
};

#[test]
fn a_line_may_arrive_in_any_pieces() {
    let text = b"{\"keepAlive\":{}}\n\n{\"later\":1}\n{\"end\":{\"reason\":\"deleted\"}}\n";
    for size in 1..text.len() {
        let mut reader = LineReader::new();
        let mut seen = Vec::new();
        for piece in text.chunks(size) {
            reader.feed(piece);
            while let Some(line) = reader.next_message::<Down>().unwrap() {
                seen.push(line);
            }
        }
        assert_eq!(seen.len(), 2, "in pieces of {size}: {seen:?}");
        assert!(matches!(seen[0], Down::KeepAlive(KeepAlive {})));
    }
}

#[test]
fn a_line_without_end_is_refused_before_it_fills_the_memory() {
    let mut reader = LineReader::new();
    let mut fed = 0;
    let error = loop {
        reader.feed(&[b'x'; 1000]);
        fed += 1000;
        if let Err(error) = reader.next_message::<Up>() {
            break error;
        }
    };
    assert!(matches!(error, LineError::TooLong { limit: MAX_UP, .. }), "{error}");
    assert!(fed <= MAX_UP + 1000);
}

#[test]
fn a_line_that_is_no_message_is_refused_with_an_excerpt() {
    for bad in ["<html>502 Bad Gateway</html>", "[]", "{}", "7"] {
        let error = line::decode::<Down>(bad.as_bytes()).unwrap_err();
        assert!(error.to_string().contains(bad), "{error}");
    }
    let error = line::decode::<Down>(br#"{"hello":{"protocol":"one"}}"#).unwrap_err();
    assert!(matches!(error, LineError::Malformed { ref kind, .. } if kind == "hello"), "{error}");
}

#[test]
fn a_poll_is_one_array_of_lines() {
    let lines = vec![Down::KeepAlive(KeepAlive {}), Down::KeepAlive(KeepAlive {})];
    let body = line::encode_poll(&lines).unwrap();
    assert_eq!(body, br#"[{"keepAlive":{}},{"keepAlive":{}}]"#);
    assert_eq!(line::decode_poll::<Down>(&body).unwrap(), lines);
    assert_eq!(line::decode_poll::<Down>(br#"[{"newer":1},{"keepAlive":{}}]"#).unwrap().len(), 1);
}
