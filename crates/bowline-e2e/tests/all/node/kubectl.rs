//! kubectl's own commands on real containers, through the tunnel, beside the same ones directly.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Output, Stdio};
use std::time::Instant;

use bowline_e2e::wait::{seconds, until, until_true};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::Scene;

/// What is copied each way; `BOWLINE_COPY_MIB=1024` for the long run.
const COPY_MIB: usize = 48;

fn pod(name: &str, script: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": {
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "main", "image": "localhost/busybox:1", "stdin": true, "command": ["sh", "-c", script]}],
    }})
}

/// Pods to work with, ready.
pub(super) async fn containers(scene: &Scene) {
    let objects = [
        pod("shell", "while true; do sleep 1; done"),
        pod("echo", "while read line; do echo got $line; done"),
        pod("clock", "n=0; while true; do n=$((n+1)); echo tick $n; sleep 0.2; done"),
        pod("web", "mkdir /www; echo hello from a pod > /www/index.html; exec httpd -f -p 8080 -h /www"),
    ];
    let _ = scene.cluster.kubectl(&["create", "-f", "-"], &objects);
    let wait =
        ["wait", "--for=condition=Ready", "pod/shell", "pod/echo", "pod/clock", "pod/web", "--timeout=90s"];
    let _ = scene.cluster.kubectl(&wait, &[]);
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn run(mut command: Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().unwrap();
    writer.join().unwrap();
    output
}

impl Scene {
    fn through(&self, arguments: &[&str]) -> String {
        let output = run(self.kubectl(arguments), b"");
        assert!(output.status.success(), "kubectl {arguments:?}: {}", text(&output.stderr));
        text(&output.stdout)
    }
}

/// All of it.
pub(super) async fn remote(scene: &Scene) {
    same_bytes(scene).await;
    executes(scene);
    attaches(scene).await;
    follows(scene).await;
    copies(scene);
    forwards(scene).await;
}

/// `AGE` and its like, which differ between two calls.
fn without_ages(table: &str) -> String {
    let is_age = |word: &str| {
        word.len() > 1
            && word.chars().next().is_some_and(|first| first.is_ascii_digit())
            && word.chars().all(|one| one.is_ascii_digit() || "smhd".contains(one))
            && !word.chars().all(|one| one.is_ascii_digit())
    };
    let line = |line: &str| {
        let words = line
            .split_whitespace()
            .map(|word| if is_age(word.trim_matches(['(', ')'])) { "AGE" } else { word });
        words.collect::<Vec<_>>().join(" ")
    };
    table.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// What is asked twice is answered alike, the second time through the tunnel. The node reports now and then, so a pair that
/// fell on both sides of a report is asked again.
async fn same_bytes(scene: &Scene) {
    for arguments in [
        &["get", "all", "--all-namespaces", "-o", "json"][..],
        &["get", "pods", "--all-namespaces", "-o", "yaml"],
        &["get", "nodes", "-o", "json"],
        &["get", "nodes", "-o", "yaml"],
        &["get", "secrets,configmaps", "--all-namespaces", "-o", "yaml"],
        &["get", "--raw", "/openapi/v2"],
    ] {
        until_true(&format!("{arguments:?} alike"), seconds(40), async || {
            scene.through(arguments) == scene.cluster.kubectl(arguments, &[])
        })
        .await;
    }
    for arguments in [
        &["get", "pods", "--all-namespaces", "-o", "wide"][..],
        &["get", "nodes", "-o", "wide"],
        &["get", "all", "--all-namespaces"],
        &["describe", "pod", "web"],
    ] {
        until_true(&format!("{arguments:?} alike but for ages"), seconds(40), async || {
            let direct = scene.cluster.kubectl(arguments, &[]);
            without_ages(&scene.through(arguments)) == without_ages(&direct)
        })
        .await;
    }
}

/// Exit codes, both outputs, standard input of a mebibyte, and a terminal.
fn executes(scene: &Scene) {
    let output =
        run(scene.kubectl(&["exec", "shell", "--", "sh", "-c", "echo out; echo err >&2; exit 7"]), b"");
    assert_eq!((output.status.code(), text(&output.stdout).as_str()), (Some(7), "out\n"));
    assert!(text(&output.stderr).contains("err\n"), "{}", text(&output.stderr));
    let input: Vec<u8> = (0..1 << 20).map(|n: u32| (n % 251) as u8).collect();
    let output = run(scene.kubectl(&["exec", "-i", "shell", "--", "cat"]), &input);
    assert!(output.status.success() && output.stdout == input, "{} bytes came back", output.stdout.len());
    // `script` lends a terminal; what is typed is echoed by the container's.
    let script = "tty; until stty size 2>/dev/null | grep -q 7; do sleep 0.1; done; stty size; read word; echo said $word";
    // The size of the terminal comes after the start.
    let inner = scene.kubectl(&["exec", "-it", "shell", "--", "sh", "-c", script]);
    let words: Vec<String> = std::iter::once(inner.get_program())
        .chain(inner.get_args())
        .map(|word| format!("'{}'", word.to_string_lossy()))
        .collect();
    let mut command = Command::new("script");
    command.args(["-qec", &format!("stty rows 33 cols 77; {}", words.join(" ")), "/dev/null"]);
    for (name, value) in inner.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    let output = run(command, b"word\n");
    let said = text(&output.stdout);
    assert!(said.contains("/dev/pts/") && said.contains("33 77") && said.contains("said word"), "{said}");
}

/// The lines of a program that goes on.
struct Lines {
    child: Child,
    lines: std::sync::mpsc::Receiver<String>,
}

impl Lines {
    fn start(mut command: Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
        let mut child = command.spawn().unwrap();
        let (send, lines) = std::sync::mpsc::channel();
        let out = child.stdout.take().unwrap();
        std::thread::spawn(move || {
            for line in BufReader::new(out).lines().map_while(Result::ok) {
                let _ = send.send(line);
            }
        });
        Self { child, lines }
    }

    async fn next(&self, what: &str) -> String {
        until(&format!("the line {what}"), seconds(30), async || {
            self.lines.try_iter().find(|line| line.contains(what))
        })
        .await
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

async fn attaches(scene: &Scene) {
    let mut attached = Lines::start(scene.kubectl(&["attach", "-i", "echo"]));
    let mut input = attached.child.stdin.take().unwrap();
    // Attaching shows what comes after it: said again until it is there.
    until_true("an answer of the attached process", seconds(30), async || {
        let _ = input.write_all(b"hello\n");
        attached.lines.try_iter().any(|line| line.contains("got hello"))
    })
    .await;
}

async fn follows(scene: &Scene) {
    let arguments = ["logs", "clock", "--timestamps", "--limit-bytes=400"];
    until_true("the same bytes of a log", seconds(30), async || {
        let direct = scene.cluster.kubectl(&arguments, &[]);
        direct.len() == 400 && scene.through(&arguments) == direct
    })
    .await;
    let following = Lines::start(scene.kubectl(&["logs", "-f", "clock", "--tail=1"]));
    let first = following.next("tick").await;
    let number: u64 = first.trim_start_matches("tick ").parse().unwrap();
    for n in 1..=10 {
        let _ = following.next(&format!("tick {}", number + n)).await;
    }
    let watching = Lines::start(scene.kubectl(&["get", "pods", "--watch", "-o", "name"]));
    let _ = watching.next("pod/shell").await;
    let _ = scene.cluster.kubectl(&["create", "-f", "-"], &[pod("late", "sleep 600")]);
    let _ = watching.next("pod/late").await;
    let _ = scene.cluster.kubectl(&["delete", "pod", "late", "--wait=false"], &[]);
}

/// A file there and back, whole.
fn copies(scene: &Scene) {
    let mib = std::env::var("BOWLINE_COPY_MIB").ok().and_then(|mib| mib.parse().ok()).unwrap_or(COPY_MIB);
    let folder = tempfile::tempdir().unwrap();
    let (there, back) = (folder.path().join("there"), folder.path().join("back"));
    let mut random = std::fs::File::open("/dev/urandom").unwrap().take((mib as u64) << 20);
    let _ = std::io::copy(&mut random, &mut std::fs::File::create(&there).unwrap()).unwrap();
    for (from, to) in [
        (there.display().to_string(), "shell:/tmp/copy".to_owned()),
        ("shell:/tmp/copy".to_owned(), back.display().to_string()),
    ] {
        let begun = Instant::now();
        let output = run(scene.kubectl(&["cp", &from, &to]), b"");
        assert!(output.status.success(), "cp {from} {to}: {}", text(&output.stderr));
        println!("kubectl cp of {mib} MiB in {:.1} s", begun.elapsed().as_secs_f64());
    }
    let digest = |path: &std::path::Path| {
        let (mut hash, mut file) = (Sha256::new(), std::fs::File::open(path).unwrap());
        let mut buffer = vec![0; 1 << 20];
        loop {
            match file.read(&mut buffer).unwrap() {
                0 => return hash.finalize().to_vec(),
                read => hash.update(&buffer[..read]),
            }
        }
    };
    assert!(digest(&there) == digest(&back), "what came back is what went there");
    let _ = scene.through(&["exec", "shell", "--", "rm", "/tmp/copy"]);
}

async fn forwards(scene: &Scene) {
    let forwarding = Lines::start(scene.kubectl(&["port-forward", "pod/web", ":8080"]));
    let line = forwarding.next("Forwarding from 127.0.0.1").await;
    let port = line.split("127.0.0.1:").nth(1).and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    let client = reqwest::Client::builder().no_proxy().build().unwrap();
    for _ in 0..5 {
        let answer = client.get(format!("http://127.0.0.1:{port}/")).send().await.unwrap();
        assert_eq!(answer.text().await.unwrap(), "hello from a pod\n");
    }
}
