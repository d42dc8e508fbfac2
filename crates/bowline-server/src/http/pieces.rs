//! A body in pieces of known length: a kept page goes out with its envelope around it, and is not copied for that.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use hyper::body::{Frame, SizeHint};

/// See the module.
struct Pieces(VecDeque<Bytes>);

/// A body of these pieces, one after the other.
pub fn body(pieces: impl IntoIterator<Item = Bytes>) -> Body {
    // An empty frame would be sent as the end of the body.
    Body::new(Pieces(pieces.into_iter().filter(|piece| !piece.is_empty()).collect()))
}

impl hyper::body::Body for Pieces {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.iter().map(|piece| piece.len() as u64).sum())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::BodyExt as _;
    use hyper::body::Body as _;

    #[tokio::test]
    async fn the_pieces_are_one_body_of_known_length() {
        let pieces = ["a", "", "bc"].map(|piece| Bytes::from_static(piece.as_bytes()));
        let body = body(pieces);
        assert_eq!(body.size_hint().exact(), Some(3));
        assert_eq!(body.collect().await.unwrap().to_bytes(), "abc");
        assert!(super::body([]).is_end_stream());
    }
}
