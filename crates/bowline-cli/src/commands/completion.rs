//! `bowline completion`: a script that lets a shell complete commands and options.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::failure::{Failure, Kind, Result};
use crate::render::Answer;

#[derive(Debug, clap::Args)]
#[command(
    after_help = "For example:\n  bash: source <(bowline completion bash)\n  zsh:  bowline completion zsh > ~/.zfunc/_bowline\n  fish: bowline completion fish > ~/.config/fish/completions/bowline.fish"
)]
pub(crate) struct CompletionArgs {
    #[arg(value_enum)]
    shell: SupportedShell,
}

#[derive(Clone, Copy, Debug, clap::ValueEnum)]
enum SupportedShell {
    Bash,
    Zsh,
    Fish,
    #[value(name = "powershell")]
    PowerShell,
}

/// A script is not an answer: it is written as it is, whatever `-o` says.
pub(crate) fn print(arguments: &CompletionArgs) -> Result<Answer> {
    let shell = match arguments.shell {
        SupportedShell::Bash => Shell::Bash,
        SupportedShell::Zsh => Shell::Zsh,
        SupportedShell::Fish => Shell::Fish,
        SupportedShell::PowerShell => Shell::PowerShell,
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bowline", &mut script);
    match std::io::Write::write_all(&mut std::io::stdout().lock(), &script) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
            Err(Failure::new(Kind::Service, "the script could not be written").why(error.to_string()))
        }
        _ => Ok(Answer::nothing()),
    }
}
