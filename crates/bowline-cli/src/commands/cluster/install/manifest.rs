//! The manifest that `cargo xtask gen` rendered from the chart with the real `helm`, and what is filled into it.

use std::fmt;

use bowline_kubernetes::read_manifests;
use serde_json::{Value, json};

use super::NAME;
use crate::commands::cluster::enrolment::NAMESPACE;
use crate::failure::{Failure, Kind, Result};

const RENDERED: &str = include_str!("../../../../../../deploy/kubernetes/bowline-agent.yaml");

/// Everything that may differ from cluster to cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Placeholder {
    ImageRepository,
    ImageTag,
}

impl Placeholder {
    const ALL: [Self; 2] = [Self::ImageRepository, Self::ImageTag];

    /// As it stands in the manifest.
    const fn token(self) -> &'static str {
        match self {
            Self::ImageRepository => "${BOWLINE_IMAGE_REPOSITORY}",
            Self::ImageTag => "${BOWLINE_IMAGE_TAG}",
        }
    }
}

/// Which image the agent runs from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::commands::cluster) struct Image {
    pub(super) repository: String,
    pub(super) tag: String,
}

impl fmt::Display for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.repository, self.tag)
    }
}

impl Image {
    /// The one that a Deployment names.
    pub(super) fn of_deployment(deployment: &Value) -> Option<Self> {
        let text = deployment.pointer("/spec/template/spec/containers/0/image")?.as_str()?;
        let (repository, tag) = text.rsplit_once(':').filter(|(_, tag)| !tag.contains('/'))?;
        Some(Self { repository: repository.to_owned(), tag: tag.to_owned() })
    }

    fn fill(&self, placeholder: Placeholder) -> &str {
        match placeholder {
            Placeholder::ImageRepository => &self.repository,
            Placeholder::ImageTag => &self.tag,
        }
    }
}

/// The repository in the registry of a server.
pub(super) fn of_server(public_url: &str) -> String {
    let place = public_url.trim_end_matches('/');
    format!("{}/{NAME}", place.split_once("://").map_or(place, |(_, place)| place))
}

/// `--image-repository`: a registry's host, and a name.
pub(super) fn repository(text: &str) -> Result<String, String> {
    let good = |part: &str| {
        !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-_:".contains(&byte))
    };
    let name = text.rsplit('/').next().unwrap_or_default();
    if text.len() <= 255 && text.contains('/') && text.split('/').all(good) && !name.contains(':') {
        return Ok(text.to_owned());
    }
    Err("write HOST[:PORT]/NAME, without the tag".to_owned())
}

/// `--image-tag`.
pub(super) fn tag(text: &str) -> Result<String, String> {
    let good = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    if !text.is_empty() && text.len() <= 128 && text.bytes().all(good) && !text.starts_with(['.', '-']) {
        return Ok(text.to_owned());
    }
    Err("a tag has at most 128 letters, digits, '.', '_' and '-'".to_owned())
}

/// The objects to apply, in their order, with Helm's marks.
pub(super) fn objects(image: &Image) -> Vec<Value> {
    let mut objects = rendered();
    for object in &mut objects {
        fill(object, image);
        own(&mut object["metadata"]);
    }
    objects
}

/// What is in the manifest, as it was rendered.
pub(super) fn rendered() -> Vec<Value> {
    read_manifests(RENDERED).expect("the manifest was rendered by helm, and a test reads it")
}

fn fill(value: &mut Value, image: &Image) {
    match value {
        Value::String(text) => {
            for placeholder in Placeholder::ALL {
                if text.contains(placeholder.token()) {
                    *text = text.replace(placeholder.token(), image.fill(placeholder));
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| fill(item, image)),
        Value::Object(members) => members.values_mut().for_each(|member| fill(member, image)),
        _ => {}
    }
}

/// Marks an object's metadata as Helm marks what it installs: without the marks it would refuse to take the object over.
pub(in crate::commands::cluster) fn own(metadata: &mut Value) {
    metadata["labels"]["app.kubernetes.io/managed-by"] = "Helm".into();
    metadata["annotations"]["meta.helm.sh/release-name"] = NAME.into();
    metadata["annotations"]["meta.helm.sh/release-namespace"] = NAMESPACE.into();
}

/// The release that an object is marked with: its name and namespace.
pub(super) fn release_of(object: &Value) -> Option<(&str, &str)> {
    let annotations = object.pointer("/metadata/annotations")?;
    Some((
        annotations["meta.helm.sh/release-name"].as_str()?,
        annotations["meta.helm.sh/release-namespace"].as_str()?,
    ))
}

/// Whether an object is marked as ours.
pub(super) fn is_ours(object: &Value) -> bool {
    release_of(object) == Some((NAME, NAMESPACE))
}

pub(super) fn to_yaml(objects: &[Value]) -> Result<String> {
    let mut text = String::new();
    for object in objects {
        let one = serde_saphyr::to_string(object).map_err(|error| {
            Failure::new(Kind::Service, "the manifest cannot be written as YAML").why(error.to_string())
        })?;
        text.push_str("---\n");
        text.push_str(one.trim_end());
        text.push('\n');
    }
    Ok(text)
}

/// The values that give helm the same result.
pub(super) fn values(image: &Image) -> Value {
    json!({"image": {"repository": image.repository, "tag": image.tag}})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn image() -> Image {
        Image { repository: "registry.example:5000/edge/bowline-agent".to_owned(), tag: "1.2.3".to_owned() }
    }

    #[test]
    fn the_placeholders_are_a_closed_list_and_all_are_filled() {
        let tokens: Vec<&str> =
            RENDERED.split("${").skip(1).map(|rest| rest.split('}').next().unwrap()).collect();
        for token in &tokens {
            let known =
                Placeholder::ALL.iter().any(|placeholder| placeholder.token() == format!("${{{token}}}"));
            assert!(known, "{token} is in the manifest and not in the list");
        }
        for placeholder in Placeholder::ALL {
            assert!(RENDERED.contains(placeholder.token()), "{placeholder:?} is not in the manifest");
        }
        let text = to_yaml(&objects(&image())).unwrap();
        assert!(!text.contains("${"), "{text}");
        let deployment = objects(&image()).into_iter().find(|object| object["kind"] == "Deployment").unwrap();
        assert_eq!(Image::of_deployment(&deployment), Some(image()));
    }

    #[test]
    fn every_object_has_the_marks_without_which_helm_would_not_take_it_over() {
        for object in objects(&image()) {
            assert!(is_ours(&object), "{object}");
            assert_eq!(object["metadata"]["labels"]["app.kubernetes.io/managed-by"], "Helm");
        }
    }

    #[test]
    fn nothing_secret_is_in_the_manifest() {
        let secrets: Vec<_> = rendered().into_iter().filter(|object| object["kind"] == "Secret").collect();
        assert!(secrets.iter().all(|secret| secret.get("data").is_none()), "{secrets:?}");
    }

    #[test]
    fn images_are_named_as_registries_name_them() {
        for good in ["localhost/bowline-agent", "r.example:5000/a/b-c"] {
            assert!(repository(good).is_ok(), "{good}");
        }
        for bad in ["bowline-agent", "r/bowline-agent:1", "r//a", "r/a b", "r/${X}", "/a", ""] {
            assert!(repository(bad).is_err(), "{bad}");
        }
        assert!(tag("0.1.0").is_ok() && tag("a/b").is_err() && tag("-x").is_err() && tag("").is_err());
        assert_eq!(of_server("https://bowline.example:8443/"), "bowline.example:8443/bowline-agent");
    }
}
