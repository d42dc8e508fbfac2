//! `bowline config`: the settings in `config.toml`.

use clap::ValueEnum;
use serde_json::{Value, json};

use crate::app::App;
use crate::config::settings::{ConfigFile, ServerConfig, parse_server, server_key};
use crate::failure::{Failure, Result};
use crate::render::{Answer, Column, Format, View};

#[derive(Debug, clap::Subcommand)]
pub(crate) enum ConfigCommand {
    /// Show all settings and the folder they are in
    List,
    /// Show one setting
    Get { name: Name },
    /// Change one setting
    Set { name: Name, value: String },
    /// Remove one setting
    Unset { name: Name },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// The server that is used when --server is not said
    Server,
    /// The certificate authority of that server
    CaFile,
    /// The subscription that is used at that server
    Subscription,
    /// The resource group that is used when --group is not said
    Group,
    /// The location of what is created
    Location,
    /// The output format
    Output,
}

const COLUMNS: &[Column] = &[
    Column::text("Folder", &["/folder"]),
    Column::text("server", &["/server"]),
    Column::text("ca-file", &["/ca-file"]),
    Column::text("subscription", &["/subscription"]),
    Column::text("group", &["/group"]),
    Column::text("location", &["/location"]),
    Column::text("output", &["/output"]),
];

pub(crate) fn run(app: &App, command: ConfigCommand) -> Result<Answer> {
    let mut file = ConfigFile::load(&app.settings.dir)?;
    let server = app.settings.server.as_ref().map(server_key);
    match command {
        ConfigCommand::List => {
            let mut all = json!({"folder": app.settings.dir.display().to_string()});
            for name in Name::value_variants() {
                all[key(*name)] = read(&file, server.as_deref(), *name);
            }
            Ok(Answer::details(all, COLUMNS))
        }
        ConfigCommand::Get { name } => match read(&file, server.as_deref(), name) {
            Value::Null => {
                Err(Failure::new(crate::failure::Kind::NotFound, format!("{} is not set", key(name)))
                    .next(format!("bowline config set {} VALUE", key(name))))
            }
            value => Ok(Answer { value: json!({"value": value}), view: View::Bare("/value") }),
        },
        ConfigCommand::Set { name, value } => {
            write(&mut file, server.as_deref(), name, Some(value))?;
            file.save(&app.settings.dir)?;
            Ok(Answer::nothing())
        }
        ConfigCommand::Unset { name } => {
            write(&mut file, server.as_deref(), name, None)?;
            file.save(&app.settings.dir)?;
            Ok(Answer::nothing())
        }
    }
}

const fn key(name: Name) -> &'static str {
    match name {
        Name::Server => "server",
        Name::CaFile => "ca-file",
        Name::Subscription => "subscription",
        Name::Group => "group",
        Name::Location => "location",
        Name::Output => "output",
    }
}

fn read(file: &ConfigFile, server: Option<&str>, name: Name) -> Value {
    let of_server = server.and_then(|server| file.servers.get(server));
    match name {
        Name::Server => json!(file.server),
        Name::CaFile => json!(of_server.and_then(|s| s.ca_file.as_ref())),
        Name::Subscription => json!(of_server.and_then(|s| s.subscription.as_ref())),
        Name::Group => json!(file.group),
        Name::Location => json!(file.location),
        Name::Output => json!(file.output),
    }
}

fn write(file: &mut ConfigFile, server: Option<&str>, name: Name, value: Option<String>) -> Result<()> {
    match name {
        Name::Server => {
            let server = value.map(|text| parse_server(&text)).transpose()?;
            file.server = server.as_ref().map(server_key);
        }
        Name::CaFile => of_server(file, server)?.ca_file = value.map(Into::into),
        Name::Subscription => of_server(file, server)?.subscription = value,
        Name::Group => file.group = value,
        Name::Location => file.location = value,
        Name::Output => {
            if let Some(text) = value.as_ref().filter(|text| Format::parse(text).is_none()) {
                return Err(Failure::usage(format!("'{text}' is not an output format"))
                    .next("choose table, json, yaml, tsv or none"));
            }
            file.output = value;
        }
    }
    Ok(())
}

fn of_server<'a>(file: &'a mut ConfigFile, server: Option<&str>) -> Result<&'a mut ServerConfig> {
    let server = server.ok_or_else(|| {
        Failure::usage("this setting belongs to a server, and none is known")
            .next("bowline config set server https://HOST:PORT")
            .next("or: bowline login --server https://HOST:PORT")
    })?;
    Ok(file.servers.entry(server.to_owned()).or_default())
}
