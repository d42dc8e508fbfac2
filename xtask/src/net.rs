//! Ports of this machine, and the one kind of request that chores make: is it ready?

use std::fs;
use std::io::Write;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::{command, process};

/// Ports that nobody uses at the moment, all different.
pub(crate) fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut held = Vec::new();
    for _ in 0..N {
        held.push(TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on 127.0.0.1")?);
    }
    let mut ports = [0; N];
    for (port, listener) in ports.iter_mut().zip(&held) {
        *port = listener.local_addr()?.port();
    }
    Ok(ports)
}

/// Whether a program could listen there now.
pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// Fails with who holds the port, and what to do.
pub(crate) fn require_free(port: u16, advice: &str) -> Result<()> {
    if is_free(port) {
        return Ok(());
    }
    match holder(port) {
        Some((pid, name)) => bail!("port {port} is taken by {name} (process {pid}): stop that, or {advice}"),
        None => bail!("port {port} is taken by a program of another user: stop that, or {advice}"),
    }
}

/// The process that listens on a port, as far as we may see.
fn holder(port: u16) -> Option<(i32, String)> {
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|file| fs::read_to_string(file).unwrap_or_default());
    let inode = tables.iter().find_map(|table| listener_inode(table, port))?;
    let socket = format!("socket:[{inode}]");
    let holds = |pid: &i32| {
        let Ok(files) = fs::read_dir(format!("/proc/{pid}/fd")) else { return false };
        files
            .flatten()
            .any(|file| fs::read_link(file.path()).is_ok_and(|target| target == Path::new(&socket)))
    };
    let pid = process::all().into_iter().find(holds)?;
    Some((pid, process::name(pid)?))
}

/// Column 2 is the local address, 4 the state (0A: listening), 10 the inode.
fn listener_inode(table: &str, port: u16) -> Option<u64> {
    let wanted = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let columns: Vec<_> = line.split_whitespace().collect();
        (columns.get(1)?.ends_with(&wanted) && *columns.get(3)? == "0A")
            .then(|| columns.get(9)?.parse().ok())?
    })
}

/// `GET https://localhost:PORT/PATH` at an address, trusting one authority: the status code and the body.
///
/// OpenSSL's own client does it: the chores need no TLS library, which would take longer to build than all of them.
pub(crate) fn get(address: Ipv4Addr, port: u16, path: &str, authority: &Path) -> Result<(u16, String)> {
    let mut openssl = Command::new("openssl");
    openssl.args(["s_client", "-quiet", "-verify_return_error", "-verify_hostname", "localhost"]);
    openssl
        .args(["-servername", "localhost", "-connect", &format!("{address}:{port}"), "-CAfile"])
        .arg(authority);
    openssl.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command::start(&mut openssl)?;
    let mut input = child.stdin.take().context("the standard input is a pipe")?;
    // A refused connection ends the client before it reads; what it says about that is better than "broken pipe".
    let _ = write!(input, "GET {path} HTTP/1.1\r\nHost: localhost:{port}\r\nConnection: close\r\n\r\n");
    let output = child.wait_with_output()?;
    drop(input);
    let answer = String::from_utf8_lossy(&output.stdout);
    parse_answer(&answer).with_context(|| {
        format!("https://{address}:{port}{path} gave no answer: {}", command::last_lines(&output.stderr))
    })
}

fn parse_answer(answer: &str) -> Option<(u16, String)> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body.trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_taken_port_names_its_holder() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(!is_free(port));
        let error = require_free(port, "choose another with --port").unwrap_err().to_string();
        assert!(error.contains(&std::process::id().to_string()) && error.contains("--port"), "{error}");
        drop(listener);
        // A process that another test is just starting holds a copy until it runs its program.
        let free = || require_free(port, "").is_ok();
        assert!((0..500).any(|_| free() || {
            std::thread::sleep(Duration::from_millis(10));
            false
        }));
    }

    #[test]
    fn free_ports_are_different() {
        let ports = free_ports::<20>().unwrap();
        assert_eq!(ports.iter().collect::<std::collections::BTreeSet<_>>().len(), 20);
    }

    #[test]
    fn an_answer_is_read() {
        let answer = "HTTP/1.1 503 Service Unavailable\r\nA: b\r\n\r\nthe store does not answer\n";
        assert_eq!(parse_answer(answer), Some((503, "the store does not answer".to_owned())));
        assert_eq!(parse_answer("HTTP/1.1 200"), None);
    }
}
