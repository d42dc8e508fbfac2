//! `bowline subscription`.

use crate::api;
use crate::app::App;
use crate::failure::Result;
use crate::render::{Answer, Column};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum SubscriptionCommand {
    /// List the subscriptions you can see
    List,
    /// Show the subscription that commands use, or the one of --subscription
    Show,
}

const COLUMNS: &[Column] = &[
    Column::text("NAME", &["/displayName"]),
    Column::text("ID", &["/subscriptionId"]),
    Column::text("STATE", &["/state"]),
    Column::text("TENANT", &["/tenantId"]),
];

const DETAILS: &[Column] = &[
    Column::text("Name", &["/displayName"]),
    Column::text("Id", &["/subscriptionId"]),
    Column::text("State", &["/state"]),
    Column::text("Tenant", &["/tenantId"]),
];

pub(crate) async fn run(app: &App, command: SubscriptionCommand) -> Result<Answer> {
    let arm = app.arm()?;
    match command {
        SubscriptionCommand::List => {
            let all = arm.list("/subscriptions", api::SUBSCRIPTIONS, &[]).await?;
            Ok(Answer::list(all, COLUMNS, "You have no role in any subscription: ask an Owner for one."))
        }
        SubscriptionCommand::Show => {
            let path = format!("/subscriptions/{}", app.subscription(&arm).await?);
            Ok(Answer::details(arm.get(&path, api::SUBSCRIPTIONS).await?, DETAILS))
        }
    }
}
