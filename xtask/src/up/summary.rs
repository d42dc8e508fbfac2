//! What the user reads when everything is connected.

use super::connect::{ADMIN, GROUP};
use super::{Names, Options};
use crate::paths::Paths;

/// Begins the summary, in a log too.
pub(super) const FIRST_LINE: &str = "Bowline is up.";

/// Prints where everything is, how to get in, what to try, and how to stop.
pub(super) fn print(paths: &Paths, options: &Options, names: &Names, url: &str) {
    print!("\n{}", text(paths, options, names, url));
}

fn text(paths: &Paths, options: &Options, names: &Names, url: &str) -> String {
    let data = paths.data.display();
    let authority = paths.data.join("server/ca.crt");
    let authority = authority.display();
    let machine = &names.machine;
    let (cluster, try_cluster) = match &names.cluster {
        Some((name, kubeconfig)) => (
            format!("  Cluster    {name}, Connected (kubeconfig: {})\n", kubeconfig.display()),
            match options.node {
                true => format!(
                    "  bowline cluster workloads --name {name} --group {GROUP}\n\
                     \u{20} bowline kubectl {name} --group {GROUP} -- get pods --all-namespaces   (after: kubectl create \
                     clusterrolebinding {ADMIN} --clusterrole=cluster-admin --user={ADMIN})\n\
                     \u{20} kubectl run shell --image=localhost/busybox:1 -- sleep 1d\n"
                ),
                false => format!("  bowline cluster show --name {name} --group {GROUP}\n"),
            },
        ),
        None => (String::new(), format!("  bowline group show --name {GROUP}\n")),
    };
    let stop = if options.detached { "cargo xtask down" } else { "Ctrl-C, or `cargo xtask down` elsewhere" };
    format!(
        "{FIRST_LINE}\n\n\
         \u{20} Portal     {url}/portal/\n\
         \u{20} Sign in    {ADMIN}, the password is in {data}/admin-password\n\
         \u{20} Server     {machine}, Connected\n\
         {cluster}\
         \u{20} Trust      the browser warns until it knows Bowline's own authority: import {authority}\n\
         \u{20}            (Debian's programs: sudo cp {authority} /usr/local/share/ca-certificates/bowline.crt && \
         sudo update-ca-certificates)\n\n\
         Try:\n\
         \u{20} export PATH=\"{data}/bin:$PATH\"\n\
         \u{20} bowline resource list\n\
         \u{20} bowline machine show --name {machine} --group {GROUP}\n\
         {try_cluster}\n\
         Stop: {stop}. Data and logs stay in {data}.\n"
    )
}
