//! What an agent tells about itself that a person should know: settings that it cannot follow as they are meant.
//!
//! A machine shows conditions as `errorDetails`, a cluster as `arcAgentProfile.agentErrors`. Their words change only with
//! what they say: a quiet agent sends nothing.

use crate::{VERSION, session::Pace};

/// One thing to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Condition {
    pub code: &'static str,
    /// The setting that it is about.
    pub target: &'static str,
    pub message: String,
}

/// The setting that bounds what goes up in a day.
pub const BYTE_BUDGET: &str = "byteBudgetPerDay";
/// The setting that names the version to run.
pub const AGENT_VERSION: &str = "agentVersion";

/// The day's budget nears its end, or is spent.
pub fn of_budget(pace: Pace) -> Option<Condition> {
    let (code, state) = match pace {
        Pace::Usual => return None,
        Pace::Saving => ("ByteBudgetNearlySpent", "four fifths of the day's byte budget have"),
        Pace::Spent => ("ByteBudgetSpent", "the day's byte budget has"),
    };
    let minutes = pace.gathering().as_secs() / 60;
    let message = format!(
        "{state} been sent: until midnight UTC changes are gathered for {minutes} min and events wait. \
         Nothing is lost, and presence stays as it is. To have changes sooner, raise {BYTE_BUDGET} in the agent settings."
    );
    Some(Condition { code, target: BYTE_BUDGET, message })
}

/// Another version is wanted than the one that runs.
pub fn of_version(wanted: Option<&str>) -> Option<Condition> {
    let wanted =
        wanted.map(|wanted| wanted.trim().trim_start_matches('v')).filter(|wanted| *wanted != VERSION)?;
    let message = format!(
        "the agent settings ask for version {wanted}, and this agent is {VERSION}: it does not update itself yet. \
         Install {wanted} here, or change {AGENT_VERSION} in the agent settings."
    );
    Some(Condition { code: "AgentVersionDiffers", target: AGENT_VERSION, message })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_that_runs_is_no_condition_however_it_is_written() {
        assert_eq!(of_version(None), None);
        assert_eq!(of_version(Some(VERSION)), None);
        assert_eq!(of_version(Some(&format!(" v{VERSION} "))), None);
        let condition = of_version(Some("99.1.0")).unwrap();
        assert!(condition.message.contains("99.1.0") && condition.message.contains(VERSION), "{condition:?}");
    }

    #[test]
    fn a_budget_is_told_when_it_matters() {
        assert_eq!(of_budget(Pace::Usual), None);
        assert_eq!(of_budget(Pace::Saving).unwrap().code, "ByteBudgetNearlySpent");
        assert!(of_budget(Pace::Spent).unwrap().message.contains("15 min"));
    }
}
