//! Structured log lines on standard error, as text or JSON; and spans for a collector, where there is one.

use opentelemetry::trace::TracerProvider as _;
use opentelemetry_sdk::trace::SdkTracerProvider;
use tracing::{Level, Metadata};
use tracing_subscriber::filter::{LevelFilter, filter_fn};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;
use tracing_subscriber::{EnvFilter, Layer, Registry, fmt};

use crate::config::{Config, LogFormat};

/// Installs the subscriber once for the process.
pub fn start(config: &Config, traces: Option<&SdkTracerProvider>) {
    let filter = EnvFilter::try_new(&config.log).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = fmt::layer().with_writer(std::io::stderr).with_target(true);
    let lines: Box<dyn Layer<Registry> + Send + Sync> = match config.log_format {
        LogFormat::Json => lines.json().flatten_event(true).boxed(),
        LogFormat::Text => lines.with_ansi(false).boxed(),
    };
    let started = match traces {
        // One filter for everything: what is not logged costs nothing.
        None => tracing_subscriber::registry().with(lines).with(filter).try_init(),
        Some(provider) => {
            let spans = tracing_opentelemetry::layer()
                .with_tracer(provider.tracer("bowline-server"))
                .with_location(false)
                .with_threads(false);
            let wanted = filter_fn(is_for_a_collector).with_max_level_hint(LevelFilter::DEBUG);
            tracing_subscriber::registry()
                .with(lines.with_filter(filter))
                .with(spans.with_filter(wanted))
                .try_init()
        }
    };
    if let Err(error) = started {
        eprintln!("bowline-server: logging was started before: {error}");
    }
}

/// Our own spans in full, and of the events within them those that an operator would read.
fn is_for_a_collector(metadata: &Metadata<'_>) -> bool {
    let most = if metadata.is_span() { Level::DEBUG } else { Level::INFO };
    metadata.target().starts_with("bowline") && *metadata.level() <= most
}

/// For commands that end: what goes wrong besides what they say themselves.
pub fn quiet() {
    let lines = fmt().with_max_level(Level::WARN).with_writer(std::io::stderr);
    if lines.with_ansi(false).with_target(false).try_init().is_err() {
        tracing::debug!("logging was started before");
    }
}
