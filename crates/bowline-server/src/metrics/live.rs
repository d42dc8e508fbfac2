//! What is read at the moment of a scrape: the application's figures, and the process under the names that every exporter uses.

use std::fmt::{Debug, Error, Formatter};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bowline_control::{Control, fleet};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, EncodeMetric as _,
};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::host;

/// The application.
pub(super) struct Live(pub(super) Arc<Control>);

impl Debug for Live {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("Live")
    }
}

impl Collector for Live {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let control = &*self.0;
        let figures = fleet::figures(control);
        let load = control.store().load();
        let head = control.store().watch().borrow().revision.0;
        for (name, help, value) in [
            ("agent_sessions", "Open sessions of agents", figures.sessions),
            ("revision", "The newest revision of the record that this server knows", head),
            ("feed_lag_revisions", "Revisions that this server has not followed yet", figures.feed_lag),
            ("database_connections_reading", "Database connections that read", load.readers as u64),
            (
                "database_connections_reading_limit",
                "Database connections that can read at once",
                load.readers_limit as u64,
            ),
            ("database_reads_waiting", "Reads that wait for a connection", load.reads_waiting as u64),
            (
                "operations_unfinished",
                "Long-running operations that this server works on",
                control.operations().under_way(),
            ),
        ] {
            gauge(&mut encoder, name, help, value)?;
        }
        if let Some((time, entry)) = control.auditor().and_then(|auditor| auditor.last_signed()) {
            let name = "activity_log_signed_timestamp_seconds";
            gauge(
                &mut encoder,
                name,
                "When this server last found the activity log in order and signed",
                time.as_second(),
            )?;
            let help = "The newest entry of the activity log that this server signed";
            gauge(&mut encoder, "activity_log_signed_entry", help, entry)?;
        }
        gauge(
            &mut encoder,
            "clock_ahead_seconds",
            "By how much this host's clock is ahead of the database's, by which all servers go",
            figures.clock_ahead_ms as f64 / 1000.0,
        )?;
        limits(&mut encoder, &figures.limits)?;
        queries(&mut encoder, control, head)?;
        tasks(&mut encoder, control)
    }
}

/// As in `GET /providers/Microsoft.Bowline/servers`.
fn limits(encoder: &mut DescriptorEncoder<'_>, limits: &[fleet::Used]) -> Result<(), Error> {
    type Part = fn(&fleet::Used) -> u64;
    let parts: [(&str, &str, Part); 2] = [
        ("limit_used", "How much of each limit is used", |one| one.used),
        ("limit_maximum", "Each limit of this server", |one| one.limit),
    ];
    for (name, help, part) in parts {
        let kind = ConstGauge::new(0_u64).metric_type();
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for one in limits {
            let labels = [("limit", one.name.replace(' ', "_"))];
            ConstGauge::new(part(one)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

/// The tables of queries.
fn queries(encoder: &mut DescriptorEncoder<'_>, control: &Control, head: u64) -> Result<(), Error> {
    let lag = head.saturating_sub(control.queries().revision().unwrap_or_default());
    gauge(encoder, "query_lag_revisions", "Revisions that the query tables do not show yet", lag)?;
    let (running, waiting) = control.queries().load();
    gauge(encoder, "queries_running", "Queries that run", running as u64)?;
    gauge(encoder, "queries_waiting", "Queries that wait for their turn", waiting as u64)?;
    type Part = fn(&bowline_control::query::Figures) -> usize;
    let parts: [(&str, &str, Part); 4] = [
        ("query_rows", "Rows of each query table", |table| table.rows),
        ("query_memory_bytes", "Memory of each query table", |table| table.bytes),
        ("query_packed_bytes", "Memory of each query table's packed documents", |table| table.packed),
        ("query_spilled_bytes", "Documents of the query tables that lie on disk", |table| table.spilled),
    ];
    let tables = control.queries().figures();
    for (name, help, part) in parts {
        let kind = ConstGauge::new(0_u64).metric_type();
        let mut family = encoder.encode_descriptor(name, help, None, kind)?;
        for (table, figures) in &tables {
            let labels = [("table", table.as_str())];
            ConstGauge::new(part(figures) as u64).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn tasks(encoder: &mut DescriptorEncoder<'_>, control: &Control) -> Result<(), Error> {
    let kind = ConstGauge::new(0_u64).metric_type();
    let help = "Whether this server does the task for all servers";
    let mut family = encoder.encode_descriptor("task_held", help, None, kind)?;
    for (task, held) in control.fleet().duties().held() {
        ConstGauge::new(u64::from(held)).encode(family.encode_family(&[("task", task)])?)?;
    }
    Ok(())
}

fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeGaugeValue,
) -> Result<(), Error> {
    let value = ConstGauge::new(value);
    let metric = encoder.encode_descriptor(name, help, None, value.metric_type())?;
    value.encode(metric)
}

fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeCounterValue,
) -> Result<(), Error> {
    let value = ConstCounter::new(value);
    let metric = encoder.encode_descriptor(name, help, None, value.metric_type())?;
    value.encode(metric)
}

/// What has passed through tunnels.
#[derive(Debug)]
pub(super) struct Traffic(pub(super) Arc<bowline_tunnel::carrier::Traffic>);

impl Collector for Traffic {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let encoder = &mut encoder;
        let (received, sent) = (self.0.received.load(Ordering::Relaxed), self.0.sent.load(Ordering::Relaxed));
        counter(encoder, "tunnel_received_bytes", "Bytes that came from clusters through tunnels", received)?;
        counter(encoder, "tunnel_sent_bytes", "Bytes that went to clusters through tunnels", sent)
    }
}

/// This process.
#[derive(Debug)]
pub(super) struct Process;

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let Some(process) = host::process() else { return Ok(()) };
        let encoder = &mut encoder;
        counter(encoder, "process_cpu_seconds", "User and system CPU time", process.cpu_seconds)?;
        gauge(encoder, "process_resident_memory_bytes", "Resident memory", process.resident_bytes)?;
        gauge(encoder, "process_virtual_memory_bytes", "Virtual memory", process.virtual_bytes)?;
        gauge(encoder, "process_threads", "Threads", process.threads)?;
        gauge(encoder, "process_start_time_seconds", "Start time since 1970", process.started)?;
        if let Some(files) = host::files() {
            gauge(encoder, "process_open_fds", "Open file descriptors", files.used)?;
            gauge(encoder, "process_max_fds", "The most open file descriptors", files.limit)?;
        }
        Ok(())
    }
}
