//! What a command starts from: settings, output, and on demand the server as the signed-in caller.

use std::io::BufRead;

use bowline_arm::ResourceId;
use serde_json::Value;

use crate::api;
use crate::cli::Global;
use crate::client::{Arm, Client};
use crate::config::{Overrides, Settings, host};
use crate::failure::{Failure, Result};
use crate::identity::Session;
use crate::render::Output;

pub(crate) struct App {
    pub(crate) settings: Settings,
    pub(crate) output: Output,
    pub(crate) debug: bool,
}

impl App {
    pub(crate) fn new(global: &Global, output: &Output) -> Result<Self> {
        let settings = Settings::load(Overrides {
            server: global.server.clone(),
            ca_file: global.ca_file.clone(),
            subscription: global.subscription.clone(),
            output: global.output,
        })?;
        let output = Output { asked: settings.output, ..output.clone() };
        Ok(Self { settings, output, debug: global.debug })
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::new(&self.settings, self.debug)
    }

    /// The server as the signed-in caller.
    pub(crate) fn arm(&self) -> Result<Arm> {
        let session = Session::open(&self.settings)?;
        Ok(Arm { client: self.client()?, session })
    }

    /// The subscription's id: the one that was said or set, else the only one there is.
    pub(crate) async fn subscription(&self, arm: &Arm) -> Result<String> {
        match &self.settings.subscription {
            Some(said) if uuid::Uuid::parse_str(said).is_ok() => Ok(said.clone()),
            said => {
                let all = arm.list("/subscriptions", api::SUBSCRIPTIONS, &[]).await?;
                choose_subscription(&all, said.as_deref())
            }
        }
    }

    /// The resource group's id.
    pub(crate) async fn group(&self, arm: &Arm, group: Option<&str>) -> Result<ResourceId> {
        let group = group.or(self.settings.group.as_deref()).ok_or_else(|| {
            Failure::usage("no resource group was named")
                .next("add --group GROUP   (bowline group list shows them)")
                .next("or set it once: bowline config set group GROUP")
        })?;
        api::group_id(&self.subscription(arm).await?, group)
    }

    /// The group that was said, else the whole subscription.
    pub(crate) async fn group_or_subscription(&self, arm: &Arm, group: Option<&str>) -> Result<ResourceId> {
        match group {
            Some(_) => self.group(arm, group).await,
            None => api::parse_id(&format!("/subscriptions/{}", self.subscription(arm).await?)),
        }
    }

    /// Asks before something is removed; where nobody can answer, `--yes` has to be said.
    pub(crate) async fn confirm(&self, yes: bool, what: &str) -> Result<()> {
        if yes {
            return Ok(());
        }
        if !self.output.stderr_terminal || !host::stdin_is_terminal() {
            return Err(Failure::usage(format!("this would {what}"))
                .why("there is no terminal to ask on")
                .next("add --yes if that is what you want"));
        }
        eprint!("This will {what}. Continue? [y/N] ");
        let read = tokio::task::spawn_blocking(|| {
            let mut line = String::new();
            std::io::stdin().lock().read_line(&mut line).map(|_| line)
        });
        let answer = read.await.ok().and_then(|line| line.ok()).unwrap_or_default();
        match answer.trim().to_ascii_lowercase().as_str() {
            "y" | "yes" => Ok(()),
            _ => Err(Failure::usage("nothing was changed").why("the question was not answered with y")),
        }
    }
}

fn choose_subscription(all: &[Value], said: Option<&str>) -> Result<String> {
    let text =
        |item: &Value, name: &str| item.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let named: Vec<&Value> = all
        .iter()
        .filter(|item| {
            said.is_none_or(|said| {
                text(item, "displayName").eq_ignore_ascii_case(said)
                    || text(item, "subscriptionId").eq_ignore_ascii_case(said)
            })
        })
        .collect();
    match (named.as_slice(), said) {
        ([one], _) => Ok(text(one, "subscriptionId")),
        ([], Some(said)) => Err(Failure::new(crate::failure::Kind::NotFound, format!("there is no subscription '{said}'"))
            .code("SubscriptionNotFound")
            .why("it does not exist, or you have no role in it")
            .next("bowline subscription list")),
        ([], None) => Err(Failure::new(crate::failure::Kind::Forbidden, "you can see no subscription")
            .why("you have no role in any")
            .next("ask an Owner for one: bowline role assignment create --assignee YOU --role Reader --scope SCOPE")),
        (several, _) => {
            let mut failure = Failure::usage(format!("there are {} subscriptions; say which", several.len()));
            for item in several.iter().take(10) {
                failure = failure.why(format!("{}  {}", text(item, "subscriptionId"), text(item, "displayName")));
            }
            Err(failure.next("add --subscription ID").next("or set it once: bowline config set subscription ID"))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Kind;
    use serde_json::json;

    #[test]
    fn the_only_subscription_is_taken_and_several_are_listed() {
        let one = json!({"subscriptionId": "1", "displayName": "Plant"});
        let two = json!({"subscriptionId": "2", "displayName": "Office"});
        assert_eq!(choose_subscription(std::slice::from_ref(&one), None).unwrap(), "1");
        assert_eq!(choose_subscription(&[one.clone(), two.clone()], Some("office")).unwrap(), "2");
        assert_eq!(choose_subscription(&[one.clone(), two], None).unwrap_err().kind, Kind::Usage);
        assert_eq!(choose_subscription(&[one], Some("x")).unwrap_err().kind, Kind::NotFound);
        assert_eq!(choose_subscription(&[], None).unwrap_err().kind, Kind::Forbidden);
    }
}
