//! Installs the agent as a pod, and removes it.
//!
//! `helm` does it where it is there, with the chart that is inside this command; else the manifest that was rendered from the same
//! chart is applied, with Helm's marks of ownership, so that `helm upgrade --install` takes it over later. Either way the agent's
//! key and settings are not part of it ([`super::enrolment`]).
//!
//! | module | what it does |
//! |---|---|
//! | [`helm`] | finds and runs `helm` |
//! | [`manifest`] | the rendered manifest, with its placeholders filled |
//! | [`preflight`] | tries the way to the server from inside the cluster |
//! | [`removal`] | takes away what was installed |
//! | [`wait`] | waits for the agent, and explains what stands in its way |

mod helm;
mod manifest;
mod preflight;
mod removal;
mod wait;

use std::path::PathBuf;

use bowline_kubernetes::{Connection, INSTALLER, State, apply_object_as, health_of};
use reqwest::Method;
use serde_json::{Value, json};

use super::KubeArgs;
use super::enrolment::{NAMESPACE, refused};
use crate::client::{Arm, Body};
use crate::commands::steps::Steps;
use crate::failure::{Failure, Kind, Result};

pub(super) use manifest::{Image, own};
pub(super) use removal::{Removed, remove};
pub(super) use wait::wait_until_running;

/// The release, the Deployment and the image are called so.
const NAME: &str = "bowline-agent";
const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/bowline-system/deployments/bowline-agent";

#[derive(Debug, clap::Args)]
pub(super) struct InstallArgs {
    /// Do not install the agent: something else does, or it runs beside the cluster
    #[arg(long)]
    no_install: bool,
    /// Do not try the way to the server from inside the cluster first
    #[arg(long, conflicts_with = "no_install")]
    no_preflight: bool,
    /// What installs the agent [default: helm where it is there, else the built-in manifest of the same chart]
    #[arg(long, value_enum, conflicts_with = "no_install")]
    installer: Option<Installer>,
    /// The agent's image without its tag [default: the installed one, else the server's own]
    #[arg(long, value_name = "HOST/NAME", value_parser = manifest::repository, conflicts_with = "no_install")]
    image_repository: Option<String>,
    /// The image's tag [default: the version of this command]
    #[arg(long, value_name = "TAG", value_parser = manifest::tag, conflicts_with = "no_install")]
    image_tag: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Installer {
    Helm,
    Manifest,
}

impl InstallArgs {
    pub(super) const fn wanted(&self) -> bool {
        !self.no_install
    }
}

/// What would be done, decided before anything is changed.
#[derive(Debug)]
pub(super) struct Plan {
    image: Image,
    by: By,
    /// The Deployment's generation, if there is one: it tells afterwards whether anything changed.
    before: Option<Value>,
    /// The agent runs as it should.
    runs: bool,
    preflight: bool,
}

#[derive(Debug)]
enum By {
    Helm {
        program: PathBuf,
    },
    Manifest,
    /// Another release has it.
    Nobody {
        why: String,
    },
}

/// Decides how, and looks whether the image is there.
pub(super) async fn plan(
    arm: &Arm,
    steps: &mut Steps,
    cluster: &Connection,
    arguments: &InstallArgs,
) -> Result<Plan> {
    steps.begin("agent's image");
    let there = cluster.find(DEPLOYMENT).await.map_err(|error| refused(&error))?;
    let by = choose(cluster, arguments.installer, there.as_ref()).await?;
    let installed = there.as_ref().and_then(Image::of_deployment).map(|image| image.repository);
    let of_server = manifest::of_server(arm.session.credential()?.public_url());
    let repository = arguments.image_repository.clone().or(installed).unwrap_or_else(|| of_server.clone());
    let tag = arguments.image_tag.clone().unwrap_or_else(|| env!("CARGO_PKG_VERSION").to_owned());
    let image = Image { repository, tag };
    match &by {
        By::Nobody { why } => steps.skipped(why),
        _ if image.repository == of_server => {
            require_image(arm, &image).await?;
            steps.done(&format!("{image}, which the server has"));
        }
        _ => steps.done(&image.to_string()),
    }
    let runs = there.as_ref().is_some_and(|there| health_of(there).state == State::Current);
    let before = there.map(|there| there["metadata"]["generation"].clone());
    Ok(Plan { image, by, before, runs, preflight: !arguments.no_preflight })
}

async fn choose(cluster: &Connection, asked: Option<Installer>, there: Option<&Value>) -> Result<By> {
    let release = there.and_then(manifest::release_of);
    if let Some((name, namespace)) =
        release.filter(|(name, namespace)| (*name, *namespace) != (NAME, NAMESPACE))
    {
        return Ok(By::Nobody {
            why: format!("installed by Helm's release {name} in {namespace}, which is left as it is"),
        });
    }
    let program = helm::find();
    Ok(match (asked, program) {
        (Some(Installer::Helm), None) => return Err(helm::missing()),
        (None | Some(Installer::Helm), Some(program)) => By::Helm { program },
        (None, None) if helm::has_release(cluster).await? => By::Nobody {
            why: "installed by helm, which is not on this computer; it is left as it is".to_owned(),
        },
        (None | Some(Installer::Manifest), _) => By::Manifest,
    })
}

/// The server's registry has it under this tag.
async fn require_image(arm: &Arm, image: &Image) -> Result<()> {
    let path = format!("/v2/{NAME}/manifests/{}", image.tag);
    let url = arm.client.on_server(&path)?;
    let reply = arm.client.send(Method::GET, url, None, &[], &Body::None).await?;
    if reply.status.is_success() {
        return Ok(());
    }
    Err(Failure::new(Kind::Service, format!("there is no image {image}"))
        .code("AgentImageMissing")
        .why("the server was started without an image of the agent, or has another version of it")
        .next("let the server have it: cargo xtask image, then bowline-server serve --agent-image FOLDER")
        .next("or name a registry that has it: --image-repository HOST/NAME --image-tag TAG")
        .next("or run the agent beside the cluster: --no-install, then bowline-agent cluster run"))
}

impl Plan {
    /// How it would be done, in a few words.
    pub(super) fn means(&self) -> String {
        match &self.by {
            By::Helm { program } => format!("by {}, as the release {NAME} in {NAMESPACE}", program.display()),
            By::Manifest => format!("by the built-in manifest, in {NAMESPACE}"),
            By::Nobody { why } => why.clone(),
        }
    }

    /// Everything that would be applied, as a stream of YAML.
    pub(super) fn manifest(&self) -> Result<String> {
        if matches!(self.by, By::Nobody { .. }) {
            return Ok(String::new());
        }
        let mut objects = vec![super::enrolment::namespace()];
        objects.extend(manifest::objects(&self.image));
        manifest::to_yaml(&objects)
    }

    /// Tries the way to the server from inside the cluster; what is tried is `agent.json` without who the agent is.
    pub(super) async fn try_way(&self, steps: &mut Steps, cluster: &Connection, way: &Value) -> Result<()> {
        if self.preflight { preflight::fly(self, steps, cluster, way).await } else { Ok(()) }
    }

    /// Does it.
    pub(super) async fn carry_out(
        &self,
        steps: &mut Steps,
        cluster: &Connection,
        kube: &KubeArgs,
    ) -> Result<()> {
        steps.begin("agent");
        match &self.by {
            By::Nobody { why } => {
                steps.skipped(why);
                return Ok(());
            }
            By::Helm { program } => helm::install(program, kube, &self.image).await?,
            By::Manifest => {
                for object in manifest::objects(&self.image) {
                    let applied = apply_object_as(cluster, INSTALLER, &object, true).await;
                    applied.map_err(|error| refused(&error))?;
                }
            }
        }
        let after = cluster.find(DEPLOYMENT).await.map_err(|error| refused(&error))?;
        let same = self.before.is_some()
            && self.before == after.map(|after| after["metadata"]["generation"].clone());
        match same {
            true => steps.done(&format!("was there already, {}; nothing changed", self.image)),
            false => steps.done(&format!("{}, {}", self.image, self.means())),
        }
        Ok(())
    }
}

/// What a dry run answers.
pub(super) fn shown(plan: Option<&Plan>, id: &str, exists: bool) -> Result<Value> {
    let mut value = json!({"id": id, "dryRun": true, "exists": exists});
    if let Some(plan) = plan {
        value["manifest"] = plan.manifest()?.into();
    }
    Ok(value)
}
