//! `bowline lock`: what must not be deleted or changed, whatever roles allow.

use bowline_arm::ResourceId;
use serde_json::json;

use crate::api;
use crate::app::App;
use crate::client::Wait;
use crate::commands::group::report_deletion;
use crate::commands::role::{ScopeArgs, resolve_scope};
use crate::failure::Result;
use crate::render::{Answer, Column};

/// What a lock forbids.
#[derive(Clone, Copy, Debug, clap::ValueEnum)]
pub(crate) enum LockType {
    /// Deleting
    CanNotDelete,
    /// Deleting and changing
    ReadOnly,
}

#[derive(Debug, clap::Subcommand)]
pub(crate) enum LockCommand {
    /// Lock a subscription, a resource group or a resource, and what lies below it
    Create {
        /// The lock's name
        #[arg(short, long)]
        name: String,
        /// What it forbids
        #[arg(short = 't', long, value_enum)]
        lock_type: LockType,
        /// Why, for whoever runs into it
        #[arg(long)]
        notes: Option<String>,
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// List the locks in a scope and below it
    List {
        #[command(flatten)]
        scope: ScopeArgs,
    },
    /// Take a lock away
    Delete {
        /// The lock's name
        #[arg(short, long)]
        name: String,
        #[command(flatten)]
        scope: ScopeArgs,
        /// Do not ask
        #[arg(short, long)]
        yes: bool,
    },
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/name"]),
    Column::text("LEVEL", &["/properties/level"]),
    Column::text("NOTES", &["/properties/notes"]),
    Column::text("ID", &["/id"]),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/name"]),
    Column::text("Level", &["/properties/level"]),
    Column::text("Notes", &["/properties/notes"]),
    Column::text("Id", &["/id"]),
];

pub(crate) async fn run(app: &App, command: LockCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        LockCommand::Create { name, lock_type, notes, scope } => {
            let id = lock_id(&resolve_scope(app, &arm, &scope).await?, &name)?;
            let level = match lock_type {
                LockType::CanNotDelete => "CanNotDelete",
                LockType::ReadOnly => "ReadOnly",
            };
            let body = json!({"properties": {"level": level, "notes": notes}});
            Ok(Answer::details(arm.put(id.as_str(), api::LOCKS, body).await?, DETAILS))
        }
        LockCommand::List { scope } => {
            let scope = resolve_scope(app, &arm, &scope).await?;
            let all = arm.list(&api::collection(&scope, api::LOCK_TYPE), api::LOCKS, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "Nothing is locked there."))
        }
        LockCommand::Delete { name, scope, yes } => {
            let id = lock_id(&resolve_scope(app, &arm, &scope).await?, &name)?;
            app.confirm(yes, &format!("delete the lock '{name}'")).await?;
            let deletion = arm.delete(id.as_str(), api::LOCKS, Wait::Done).await?;
            report_deletion(app, &format!("the lock '{name}'"), deletion);
            Ok(Answer::nothing())
        }
    }
}

fn lock_id(scope: &ResourceId, name: &str) -> Result<ResourceId> {
    api::child(scope, api::LOCK_TYPE, name)
}
