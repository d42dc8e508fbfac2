//! The session as the duties of this role see it, so that they can be tested without one.

use bowline_link::observed::Delta;
use serde_json::Value;

use crate::session::{Gone, Order, Orders, ReportError, Reporter};

/// Where reports go; [`Reporter`] in the product.
pub(super) trait Uplink: Send {
    fn status(&mut self, status: Value) -> impl Future<Output = Result<(), Gone>> + Send;
    fn delta(&mut self, delta: Delta) -> impl Future<Output = Result<(), ReportError>> + Send;
    fn begin_full(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;
    fn finish_full(&mut self) -> impl Future<Output = Result<(), Gone>> + Send;
}

impl Uplink for Reporter {
    async fn status(&mut self, status: Value) -> Result<(), Gone> {
        Reporter::status(self, status).await
    }

    async fn delta(&mut self, delta: Delta) -> Result<(), ReportError> {
        Reporter::delta(self, delta).await
    }

    async fn begin_full(&mut self) -> Result<(), Gone> {
        Reporter::begin_full(self).await
    }

    async fn finish_full(&mut self) -> Result<(), Gone> {
        Reporter::finish_full(self).await
    }
}

/// Where orders come from; [`Orders`] in the product.
pub(super) trait Downlink: Send {
    fn next(&mut self) -> impl Future<Output = Result<Order, Gone>> + Send;
}

impl Downlink for Orders {
    async fn next(&mut self) -> Result<Order, Gone> {
        Orders::next(self).await
    }
}
