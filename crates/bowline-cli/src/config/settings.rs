//! Settings: `config.toml`, the environment and the flags, merged in that order of strength from weak to strong.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use url::Url;

use super::host;
use crate::failure::{Failure, Result};
use crate::render::Format;

/// `config.toml`. Members we do not know are kept, so that an older command does not lose a newer one's settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ConfigFile {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) server: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) output: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) location: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(crate) servers: BTreeMap<String, ServerConfig>,
    #[serde(flatten)]
    pub(crate) unknown: BTreeMap<String, toml::Value>,
}

/// What belongs to one server.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct ServerConfig {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) ca_file: Option<PathBuf>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) subscription: Option<String>,
    #[serde(flatten)]
    pub(crate) unknown: BTreeMap<String, toml::Value>,
}

/// The global flags, as clap read them (flag or environment).
#[derive(Clone, Debug, Default)]
pub(crate) struct Overrides {
    pub(crate) server: Option<String>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) subscription: Option<String>,
    pub(crate) output: Option<Format>,
}

/// Everything merged.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    pub(crate) dir: PathBuf,
    pub(crate) server: Option<Url>,
    pub(crate) ca_file: Option<PathBuf>,
    pub(crate) subscription: Option<String>,
    pub(crate) group: Option<String>,
    pub(crate) location: Option<String>,
    /// The format that was asked for by flag, environment or file; none means: decide by the terminal.
    pub(crate) output: Option<Format>,
}

impl Settings {
    pub(crate) fn load(overrides: Overrides) -> Result<Self> {
        let dir = host::config_dir()?;
        let file = ConfigFile::load(&dir)?;
        let server =
            overrides.server.or_else(|| file.server.clone()).map(|text| parse_server(&text)).transpose()?;
        let of_server =
            server.as_ref().and_then(|url| file.servers.get(&server_key(url))).cloned().unwrap_or_default();
        let output = match (overrides.output, &file.output) {
            (Some(format), _) => Some(format),
            (None, Some(text)) => Some(Format::parse(text).ok_or_else(|| bad_output(&dir, text))?),
            (None, None) => None,
        };
        Ok(Self {
            server,
            ca_file: overrides.ca_file.or(of_server.ca_file),
            subscription: overrides.subscription.or(of_server.subscription),
            group: host::variable("BOWLINE_GROUP").or(file.group),
            location: host::variable("BOWLINE_LOCATION").or(file.location),
            output,
            dir,
        })
    }

    /// The server, or how to name one.
    pub(crate) fn require_server(&self) -> Result<&Url> {
        self.server.as_ref().ok_or_else(|| {
            Failure::usage("no server is known")
                .why("nobody has signed in from this account yet")
                .next("bowline login --server https://localhost:8443 --ca-file DATA_DIR/ca.crt")
        })
    }

    /// Where a server's certificate authority is kept after login.
    pub(crate) fn stored_ca(&self, server: &Url) -> PathBuf {
        let key = server_key(server);
        let name: String = key
            .trim_start_matches("https://")
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() || c == '.' { c } else { '_' })
            .collect();
        self.dir.join("ca").join(format!("{name}.crt"))
    }
}

impl ConfigFile {
    pub(crate) fn load(dir: &Path) -> Result<Self> {
        let path = dir.join("config.toml");
        let Some(text) = host::read_own(&path)? else { return Ok(Self::default()) };
        toml::from_str(&text).map_err(|error| {
            Failure::usage(format!("{} is not valid", path.display()))
                .why(error.message().to_owned())
                .next("correct the file, or remove it and sign in again")
        })
    }

    pub(crate) fn save(&self, dir: &Path) -> Result<()> {
        let text = toml::to_string_pretty(self).expect("settings are plain tables of strings");
        host::write_own(&dir.join("config.toml"), &text)
    }
}

fn bad_output(dir: &Path, text: &str) -> Failure {
    Failure::usage(format!("'{text}' is not an output format"))
        .why(format!("{} says output = \"{text}\"", dir.join("config.toml").display()))
        .next("bowline config set output table   (or json, yaml, tsv, none)")
}

/// The name under which a server's settings and credentials are kept: scheme, host and port.
pub(crate) fn server_key(server: &Url) -> String {
    server.origin().ascii_serialization()
}

/// Reads a server address; a bare host gets `https://`.
pub(crate) fn parse_server(text: &str) -> Result<Url> {
    let text = text.trim();
    let full = if text.contains("://") { text.to_owned() } else { format!("https://{text}") };
    let refused = |why: &str| {
        Failure::usage(format!("'{text}' is not the address of a server"))
            .why(why.to_owned())
            .next("give it as https://HOST:PORT, for example https://localhost:8443")
    };
    let url = Url::parse(&full).map_err(|error| refused(&error.to_string()))?;
    match url.scheme() {
        "https" => {}
        "http" => return Err(refused("tokens and passwords never travel over plain http")),
        _ => return Err(refused("only https is spoken")),
    }
    if url.host_str().is_none() || !url.username().is_empty() || url.password().is_some() {
        return Err(refused("it needs a host and carries no user name or password"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refused("it is an address only, without a path"));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_address_is_https_host_and_port() {
        assert_eq!(server_key(&parse_server("localhost:8443").unwrap()), "https://localhost:8443");
        assert_eq!(server_key(&parse_server("https://Arc.Example/").unwrap()), "https://arc.example");
        for refused in ["http://localhost", "ftp://x", "https://u:p@x", "https://x/portal", "https://", ""] {
            assert!(parse_server(refused).is_err(), "{refused} was accepted");
        }
    }

    #[test]
    fn members_of_a_newer_command_survive() {
        let text = "server = \"https://a\"\nnewer = 1\n[servers.\"https://a\"]\nsubscription = \"s\"\nlater = true\n";
        let file: ConfigFile = toml::from_str(text).unwrap();
        let again = toml::to_string_pretty(&file).unwrap();
        assert!(again.contains("newer = 1") && again.contains("later = true"), "{again}");
    }
}
