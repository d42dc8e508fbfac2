//! Three servers, their database and their agents over a network that drops, delays and reorders packets, and for a while carries none.

use std::time::Duration;

use bowline_e2e::network::{Network, Weather};
use bowline_e2e::postgres::Mortal;
use bowline_e2e::server::group;
use bowline_e2e::three::Three;
use bowline_e2e::wait::seconds;
use tokio::task::LocalSet;

use crate::rounds::Trial;

const AGENTS: u64 = 40;
/// Longer than the longest cut and what TCP needs after it: whoever shows as gone is a fault.
const GRACE: u64 = 90;
/// Longer than the leases of servers (7 s): each is given up by nobody in particular, because all are cut off alike.
const CUT: Duration = Duration::from_secs(10);

#[tokio::test]
async fn nothing_is_lost_on_a_bad_network() {
    LocalSet::new()
        .run_until(async {
            let name = "network::nothing_is_lost_on_a_bad_network";
            let Some(network) = Network::enter(name, 3) else { return };
            let Some(postgres) = Mortal::start_in(name, Some(network.place(1).clone())).await else { return };
            let mut three = Three::start_at(&network.place(0).address, postgres.url(), GRACE).await;
            let scope = group(&three.at[0], "network").await;
            let fleet = three.agents(&scope, AGENTS, seconds(600), Some(network.place(2))).await;
            let trial = Trial { three: &mut three, fleet: &fleet, agents: AGENTS, scope: &scope, seed: 1 };
            trial
                .run(async |_| {
                    let ms = Duration::from_millis;
                    network.set(Weather { lost: 20, delay: ms(5), jitter: ms(30) });
                    tokio::time::sleep(seconds(8)).await;
                    network.set(Weather { lost: 1000, ..Weather::default() });
                    tokio::time::sleep(CUT).await;
                    network.set(Weather { lost: 5, delay: ms(2), jitter: ms(10) });
                    tokio::time::sleep(seconds(4)).await;
                    network.set(Weather::default());
                })
                .await;
            let (carried, lost) = network.carried();
            eprintln!("{carried} packets were carried, {lost} lost");
            assert!(lost > 100, "the network was bad: {lost} of {carried} packets were lost");
        })
        .await;
}
