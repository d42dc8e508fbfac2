//! The one place that sees every concrete type: opens the store, makes what the first start makes, starts tasks and listener, stops them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, bail};
use bowline_auth::seal::RootKey;
use bowline_control::activity::audit;
use bowline_control::clock::Clock;
use bowline_control::{Control, Settings, bootstrap, query, reconcile};
use bowline_link::message::EndReason;
use bowline_store::{PostgresOptions, SqliteOptions, Store, open_postgres, open_sqlite};
use jiff::Timestamp;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::config::Config;
use crate::http::{self, State};
use crate::limits::Gates;
use crate::metrics::Metrics;
use crate::peers::{self, Peers};
use crate::registry::Registry;
use crate::{listener, logging, tls, trace};

/// How long a stopping server waits for its agents to be gone.
const AGENTS_LEAVE: Duration = Duration::from_secs(2);
/// The first administrator's name.
const ADMINISTRATOR: &str = "admin";

/// The system's clock.
#[expect(clippy::disallowed_methods, reason = "the server's one reading of the wall clock")]
#[must_use]
pub fn clock() -> Timestamp {
    Timestamp::now()
}

/// Runs the server, built from `commit`, until it is told to stop.
///
/// # Errors
/// Why it cannot start.
pub async fn serve(config: Config, commit: &'static str) -> anyhow::Result<()> {
    let provided = rustls::crypto::aws_lc_rs::default_provider().install_default();
    let traces = config.otlp_endpoint.as_deref().map(trace::open).transpose()?;
    logging::start(&config, traces.as_ref());
    if provided.is_err() {
        tracing::debug!("a TLS provider was installed before");
    }
    tls::make_private_folder(&config.data_dir)?;
    let tls = tls::configure(&config)?;
    let listener = bind(&config).await?;
    let peer_listener = match &config.peers {
        Some((listen, _)) => Some(bind_to(*listen, "--peer-listen").await?),
        None => None,
    };
    let store = open_store(&config).await?;
    let root = root_key(&config)?;
    let time = Clock::new(clock);
    if let Some(fleet) = store.fleet() {
        let asked = Instant::now();
        let _ = time.read(fleet.time().await?, asked);
    }
    let foundation = bootstrap::foundation(&store, &root, config.signing_keys, time.now()).await?;
    let control = Control::open(Arc::clone(&store), foundation, settings(&config)?).await?;
    first_start(&control, &config, time.now()).await?;
    if let Some(upstream) = crate::upstream::open(&config.upstream)? {
        control.identity().set_upstream(upstream);
    }
    control.identity().set_federation(crate::upstream::federation(config.federation_ca_file.as_deref())?);
    let index = bowline_query::Index::new(query::layouts(), config.index_memory, overflow(&config));
    let engine = Arc::new(bowline_query::Columnar::default());
    control.queries().set(engine, Arc::new(index), config.limits.queries);
    control.desired().reload(&*store).await?;

    let auditor = crate::audit::auditor(&config)?;
    let gates = Gates::new(config.limits.clone());
    let watched = Arc::clone(&gates);
    let host = move || [watched.used(), crate::host::used()].concat();
    control.fleet().introduce(&config.listen.to_string(), Box::new(host));
    let peers = match &config.peers {
        Some((_, address)) => Some(Arc::new(Peers::new(Arc::clone(&control), address)?)),
        None => None,
    };
    let cancel = CancellationToken::new();
    let mut tasks = reconcile::start(&control, &time, &cancel);
    tasks.spawn(audit::run(Arc::clone(&control), auditor, time.clone(), cancel.clone()));
    let metrics = Arc::new(Metrics::new(&control, &gates, commit));
    let state = Arc::new(State::new(
        Arc::clone(&control),
        Arc::clone(&metrics),
        Arc::clone(&gates),
        time,
        cancel.clone(),
        Registry::open(config.agent_image.as_deref())?,
        tls::authority_pem(&config)?,
    ));
    let tunnels = Arc::clone(&state.tunnels);
    let ending = cancel.clone();
    tasks.spawn(async move { tunnels.look_after(&ending).await });
    if let (Some(listener), Some(peers)) = (peer_listener, peers) {
        state.tunnels.ask_through(Arc::clone(&peers));
        tasks.spawn(peers::serve::serve(listener, peers, Arc::clone(&state.tunnels), cancel.clone()));
    }
    // Before anybody can see that the server answers: who stops it then wants it stopped, not killed.
    let stop = stop_signal()?;
    let serving =
        tokio::spawn(listener::serve(listener, tls, http::router(state), metrics, gates, cancel.clone()));
    tracing::info!(url = %config.public_url, listen = %config.listen, tenant = %control.tenant(), "ready");

    stop.await;
    drain(&control, &cancel).await;
    serving.await?;
    while tasks.join_next().await.is_some() {}
    if let Some(traces) = traces {
        trace::close(traces).await;
    }
    Ok(())
}

/// Where the query tables go on beyond their memory: a file that has no name, so that it ends with the process.
fn overflow(config: &Config) -> Option<std::fs::File> {
    let made = tempfile::tempfile_in(&config.data_dir);
    made.inspect_err(
        |error| tracing::warn!(%error, "the query tables have no file to go on in; they stay in memory"),
    )
    .ok()
}

/// Sends the agents elsewhere, then takes no more requests, then gives back what this server holds.
async fn drain(control: &Control, cancel: &CancellationToken) {
    tracing::info!("stopping: agents are sent elsewhere, requests under way are finished");
    let fleet = control.fleet();
    fleet.drain();
    control.sessions().end_all(EndReason::Draining, "The server is going down; connect again.");
    let until = Instant::now() + AGENTS_LEAVE;
    while control.sessions().count() > 0 && Instant::now() < until {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    fleet.settle(AGENTS_LEAVE).await;
    cancel.cancel();
    // A server whose database is away still ends; its leases then end by themselves.
    let leaving = tokio::time::timeout(AGENTS_LEAVE, fleet.leave(control.settings().restart_grace)).await;
    if !matches!(leaving, Ok(Ok(()))) {
        tracing::warn!("the leases of this server could not be given back; others wait until they end");
    }
}

async fn bind(config: &Config) -> anyhow::Result<TcpListener> {
    bind_to(config.listen, "--listen").await
}

async fn bind_to(address: SocketAddr, flag: &str) -> anyhow::Result<TcpListener> {
    TcpListener::bind(address).await.map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => anyhow::anyhow!(
            "{address} is in use by another program: stop it, or choose another port with {flag}"
        ),
        std::io::ErrorKind::PermissionDenied => {
            anyhow::anyhow!("this user may not listen on {address}: choose a port above 1023 with {flag}")
        }
        _ => anyhow::Error::from(error).context(format!("cannot listen on {address}")),
    })
}

async fn open_store(config: &Config) -> anyhow::Result<Arc<dyn Store>> {
    Ok(match &config.database {
        Some(url) => {
            open_postgres(PostgresOptions::new(
                url.0.clone(),
                format!("bowline-server-{}", std::process::id()),
            ))
            .await?
        }
        None => {
            let mut options = SqliteOptions::new(&config.data_dir);
            options.disk_reserve_bytes = config.disk_reserve_bytes;
            open_sqlite(options).await?
        }
    })
}

fn root_key(config: &Config) -> anyhow::Result<RootKey> {
    let path = &config.root_key_file;
    if path.exists() {
        return RootKey::read(&tls::read_secret(path)?)
            .with_context(|| format!("the root key {} is not understood", path.display()));
    }
    if config.database.is_some() && *path != config.data_dir.join("root.key") {
        bail!(
            "the root key {} does not exist: give the file that the other servers of this database use",
            path.display()
        );
    }
    let key = RootKey::generate();
    tls::write(path, key.to_base64().as_bytes(), 0o600)?;
    tracing::info!(path = %path.display(), "a root key was made: keep a copy of it, without it the stored secrets cannot be opened");
    Ok(key)
}

fn settings(config: &Config) -> anyhow::Result<Settings> {
    let authority = tls::authority_pem(config)?.map(String::from_utf8).transpose();
    Ok(Settings {
        authority: authority.context("the certificate of the local authority is not UTF-8")?,
        locations: config.locations.clone(),
        budgets: config.budgets,
        key_lifetime: config.agent_key_lifetime,
        agent_token_lifetime: config.agent_token_lifetime,
        restart_grace: config.restart_grace,
        ..Settings::new(&config.public_url)
    })
}

/// Makes the administrator on an empty store; the password comes from the file, or is printed this once.
async fn first_start(control: &Arc<Control>, config: &Config, now: Timestamp) -> anyhow::Result<()> {
    let given = match &config.admin_password_file {
        Some(path) => Some(
            String::from_utf8(tls::read_secret(path)?)
                .context("the administrator's password is not UTF-8")?,
        ),
        None => None,
    };
    let generated = bowline_auth::password::generate_password();
    let password = given.as_deref().map_or(generated.as_str(), str::trim_end);
    if let Some(first) = bootstrap::first_start(control, ADMINISTRATOR, password, now).await? {
        tracing::info!(subscription = %first.subscription, "first start: made the administrator and the default subscription");
        if given.is_none() {
            eprintln!(
                "The administrator is '{ADMINISTRATOR}' with the password '{password}'. It is shown this once; keep it."
            );
        }
    }
    Ok(())
}

/// From now on a signal to stop is heard, and ends what this gives.
///
/// # Errors
/// When the system takes no handler.
pub fn stop_signal() -> anyhow::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
