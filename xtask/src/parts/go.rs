//! Parts that are built from Go modules and kept in the cache, keyed by everything that goes into them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};

use crate::paths::Paths;
use crate::{command, disk, say, signals};

/// One Go program: a foreign one, or one of ours that does what several foreign ones do, by the name it is started under.
#[derive(Debug)]
pub(crate) struct GoPart {
    /// The folder below `parts/`, and the name to ask for.
    pub(crate) name: &'static str,
    pub(crate) what: &'static str,
    /// The main package: `.` for the one of ours, else a foreign one that `go.mod` names as a tool.
    pub(crate) package: &'static str,
    /// The names that it is started under.
    pub(crate) programs: &'static [&'static str],
    /// The module whose version the programs report.
    pub(crate) version_of: &'static str,
    /// The Go packages that hold the version; the linker writes it there, as the project's own build does.
    pub(crate) stamp: &'static [&'static str],
    /// How long the first build takes on two idle cores.
    pub(crate) minutes: u32,
    /// What the first build needs: sources, Go's build cache and the result.
    pub(crate) disk: u64,
}

/// The main package beside `go.mod`.
pub(crate) const OURS: &str = ".";

/// The oldest Go that builds today's parts.
const OLDEST_GO: (u32, u32) = (1, 24);

/// Finds the folder with the programs, if they were built from exactly these sources before.
pub(crate) fn find(paths: &Paths, part: &GoPart) -> Result<Option<PathBuf>> {
    if command::find("go").is_none() {
        return Ok(None);
    }
    let place = Plan::new(paths, part)?.place;
    Ok(is_complete(&place, part).then_some(place))
}

/// Finds or builds the programs, and returns their folder.
pub(crate) fn ensure(paths: &Paths, part: &GoPart) -> Result<PathBuf> {
    let version = require_go(part)?;
    let plan = Plan::new(paths, part)?;
    if is_complete(&plan.place, part) {
        return Ok(plan.place);
    }
    let _lock = lock(&plan.place)?;
    if !is_complete(&plan.place, part) {
        say::step(format!("Building {} {} with {version}: {}", part.name, plan.version, part.what));
        say::note(format!(
            "They are compiled once, because tests and `up` run the real programs: about {} min on two idle cores.",
            part.minutes
        ));
        disk::require(&paths.cache, part.disk, &format!("building {}", part.name))?;
        build(&plan, part)?;
    }
    Ok(plan.place)
}

/// Everything that decides what is built, and where it goes.
struct Plan {
    sources: PathBuf,
    version: String,
    linker_flags: String,
    place: PathBuf,
}

impl Plan {
    fn new(paths: &Paths, part: &GoPart) -> Result<Self> {
        let sources = paths.root.join("parts").join(part.name);
        let read = |file: &str| {
            let file = sources.join(file);
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))
        };
        let module = read("go.mod")?;
        let version = module_version(&String::from_utf8_lossy(&module), part.version_of)?;
        let linker_flags = linker_flags(part.stamp, &version)?;
        let go = command::capture(Command::new("go").arg("version").current_dir(&sources))?;
        let program = if part.package == OURS { read("main.go")? } else { part.package.into() };
        let inputs = [module, read("go.sum")?, program, linker_flags.clone().into_bytes(), go.into_bytes()];
        let place = paths.cache.join("parts").join(format!("{}-{}", part.name, key(&inputs)));
        Ok(Self { sources, version, linker_flags, place })
    }

    /// Go with the settings that make the result depend on nothing but the inputs.
    fn go(&self, subcommand: &str) -> Command {
        let mut go = Command::new("nice");
        go.args(["-n", "10", "go", subcommand, "-mod=readonly"]);
        go.current_dir(&self.sources)
            .env("CGO_ENABLED", "0")
            .env("GOFLAGS", "-buildvcs=false")
            .stdin(Stdio::null());
        go
    }
}

/// A name for the inputs; each is hashed with its length, so that no two lists give the same text.
pub(super) fn key(inputs: &[Vec<u8>]) -> String {
    let mut hash = Sha256::new();
    for input in inputs {
        hash.update((input.len() as u64).to_be_bytes());
        hash.update(input);
    }
    hex::encode(&hash.finalize()[..8])
}

/// The version that a `go.mod` requires of a module.
fn module_version(text: &str, module: &str) -> Result<String> {
    let mut lines = text.lines().map(|line| line.trim().trim_start_matches("require ").split_whitespace());
    let found = lines.find_map(|mut words| (words.next() == Some(module)).then(|| words.next()).flatten());
    found.map(str::to_owned).with_context(|| format!("go.mod requires no `{module}`"))
}

/// Kubernetes' programs call themselves v0.0.0 unless the linker writes the version in.
fn linker_flags(packages: &[&str], version: &str) -> Result<String> {
    let mut flags = "-s -w".to_owned();
    let mut numbers = version.trim_start_matches('v').split('.');
    let (Some(major), Some(minor)) = (numbers.next(), numbers.next()) else {
        bail!("`{version}` is no version with a major and a minor number");
    };
    for package in packages {
        for (name, value) in [
            ("gitVersion", version),
            ("gitMajor", major),
            ("gitMinor", minor),
            ("gitTreeState", "clean"),
            ("gitCommit", "module"),
            ("buildDate", "1970-01-01T00:00:00Z"),
        ] {
            flags.push_str(&format!(" -X {package}.{name}={value}"));
        }
    }
    Ok(flags)
}

fn is_complete(place: &Path, part: &GoPart) -> bool {
    part.programs.iter().all(|program| place.join(program).is_file())
}

/// One build at a time: a second process waits for the first and uses its result.
pub(super) fn lock(place: &Path) -> Result<File> {
    let folder = place.parent().context("a part's folder has a parent")?;
    fs::create_dir_all(folder).with_context(|| format!("{} cannot be made", folder.display()))?;
    let path = place.with_extension("lock");
    let file = File::create(&path).with_context(|| format!("{} cannot be written", path.display()))?;
    if file.try_lock().is_err() {
        say::note(format!("another process builds it already; waiting for that ({})", path.display()));
        while file.try_lock().is_err() {
            signals::pause()?;
        }
    }
    Ok(file)
}

/// Builds beside the final place and moves it there when it is whole.
fn build(plan: &Plan, part: &GoPart) -> Result<()> {
    let total = download(plan, part)?;
    let unfinished = plan.place.with_extension(format!("unfinished-{}", std::process::id()));
    fs::create_dir_all(&unfinished).with_context(|| format!("{} cannot be made", unfinished.display()))?;
    let made = compile(plan, part, &unfinished, total);
    let moved = made.and_then(|()| {
        if plan.place.exists() {
            fs::remove_dir_all(&plan.place)?;
        }
        fs::rename(&unfinished, &plan.place).context("the finished part cannot be moved into the cache")
    });
    if moved.is_err() {
        let _ = fs::remove_dir_all(&unfinished);
    }
    moved
}

/// Fetches exactly the modules that are needed, and counts the packages to compile.
fn download(plan: &Plan, part: &GoPart) -> Result<usize> {
    let progress = say::Progress::start();
    say::note("Fetching the sources through Go's module proxy.");
    let list = command::capture(plan.go("list").args(["-deps", "-f", "{{.ImportPath}}", part.package]))
        .context(
            "the sources could not be fetched; `go env GOPROXY` says where from, HTTPS_PROXY is honoured",
        )?;
    let packages = list.lines().count();
    say::note(format!("{packages} packages, {}", say::duration(progress.finish())));
    Ok(packages)
}

fn compile(plan: &Plan, part: &GoPart, folder: &Path, total: usize) -> Result<()> {
    let mut go = plan.go("build");
    go.args(["-v", "-trimpath", "-ldflags", &plan.linker_flags, "-o"])
        .arg(folder.join(part.name))
        .arg(part.package);
    go.stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = command::start(&mut go)?;
    let took = watch(&mut child, total)?;
    for program in part.programs.iter().filter(|program| **program != part.name) {
        symlink(part.name, folder.join(program)).context("a link to the part cannot be made")?;
    }
    let size = fs::metadata(folder.join(part.name)).map_or(0, |file| file.len());
    say::note(format!("built in {}, {}", say::duration(took), say::bytes(size)));
    Ok(())
}

/// Counts the packages that Go names as it compiles them; anything else it says is kept for the error.
fn watch(child: &mut Child, total: usize) -> Result<std::time::Duration> {
    let lines = read_lines(child.stderr.take().context("Go's standard error is a pipe")?);
    let mut progress = say::Progress::start();
    let (mut compiled, mut said) = (0, Vec::new());
    let status = loop {
        for line in lines.try_iter() {
            if line.contains(' ') { said.push(line) } else { compiled += 1 }
        }
        progress.show(format!("{compiled} of at most {total} packages"));
        if let Some(status) = child.try_wait()? {
            break status;
        }
        if let Err(stopped) = signals::pause() {
            let _ = child.kill();
            let _ = child.wait();
            return Err(stopped);
        }
    };
    said.extend(lines.iter().filter(|line| line.contains(' ')));
    if !status.success() {
        bail!("`go build` {}: {}", command::outcome(status), command::last_lines(said.join("\n").as_bytes()));
    }
    Ok(progress.finish())
}

fn read_lines(stderr: ChildStderr) -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// Go, and new enough; returns the version as Go says it.
pub(crate) fn require_go(part: &GoPart) -> Result<String> {
    let advice = "install it from Debian (`golang`, or the newer one of backports) or from https://go.dev/dl";
    if command::find("go").is_none() {
        bail!("`go` is missing ({} is built with it): {advice}, and put it on the PATH", part.name);
    }
    let said = command::capture(Command::new("go").args(["env", "GOVERSION"]))?;
    match parse_go_version(&said) {
        Some(version) if version < OLDEST_GO => {
            bail!(
                "{said} is too old: {} needs Go {}.{} or newer; {advice}",
                part.name,
                OLDEST_GO.0,
                OLDEST_GO.1
            )
        }
        _ => Ok(said),
    }
}

/// `go1.26.8` → (1, 26); development versions have no number and count as new enough.
fn parse_go_version(text: &str) -> Option<(u32, u32)> {
    let mut numbers = text.strip_prefix("go")?.split(['.', '-', ' ', 'r', 'b']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read() {
        assert_eq!(parse_go_version("go1.26.8"), Some((1, 26)));
        assert_eq!(parse_go_version("go1.24rc1"), Some((1, 24)));
        assert_eq!(parse_go_version("devel go1.27-abcdef"), None);
        let text = "module x\nrequire (\n\tk8s.io/kubernetes v1.34.4 // why\n)\nreplace k8s.io/api => k8s.io/api v0.1.0\n";
        assert_eq!(module_version(text, "k8s.io/kubernetes").unwrap(), "v1.34.4");
        assert_eq!(module_version("require a/b v2.0.0\n", "a/b").unwrap(), "v2.0.0");
        assert!(module_version(text, "k8s.io/kube").is_err());
    }

    #[test]
    fn the_version_is_stamped_into_each_package() {
        let flags = linker_flags(&["p/q"], "v1.34.4").unwrap();
        assert!(flags.contains("-X p/q.gitVersion=v1.34.4 -X p/q.gitMajor=1 -X p/q.gitMinor=34"), "{flags}");
        assert!(linker_flags(&["p"], "newest").is_err());
    }

    #[test]
    fn the_key_depends_on_every_input_and_its_border() {
        let key =
            |inputs: &[&str]| key(&inputs.iter().map(|text| text.as_bytes().to_vec()).collect::<Vec<_>>());
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_ne!(key(&["ab", "c"]), key(&["ab", "d"]));
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
    }
}
