//! The examples do what they say, alone and beside a coordinator of another process.
mod common;

use std::path::PathBuf;
use std::process::{Command, Output};
use std::{env, fs};

use common::quiet_runtime;
use p2c2r::{Coordinator, CoordinatorConfig, Peer, PeerConfig, Runtime, ANY};

/// Examples are built before the tests, into a folder beside theirs.
fn run(example: &str, arguments: &[&str]) -> Output {
    let program = env::current_exe().expect("this program");
    let folder: PathBuf = program.ancestors().nth(2).expect("the build folder").join("examples");
    let name = format!("{example}{}", env::consts::EXE_SUFFIX);
    Command::new(folder.join(name)).args(arguments).output().expect("the example runs")
}

fn output_of(example: &str, arguments: &[&str]) -> String {
    let output = run(example, arguments);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(output.status.success() && err.is_empty(), "{out}\n{err}");
    out
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A coordinator that is reached through a socket, and its address.
fn listening(runtime: &Runtime) -> (Coordinator, String) {
    let config =
        CoordinatorConfig { listen_port: Some(ANY), task_timeout_ms: 60_000, ..Default::default() };
    let coordinator = Coordinator::new(runtime, config).expect("a coordinator");
    coordinator.start().expect("it listens");
    let url = format!("p2c2r+plain://127.0.0.1:{}", coordinator.ports().expect("its port").0);
    (coordinator, url)
}

#[test]
fn every_example_explains_itself() {
    for example in ["submit_tasks", "custom_executor"] {
        assert!(output_of(example, &["--help"]).contains("--coordinator"));
        assert!(!run(example, &["--no-such-option", "x"]).status.success());
    }
}

#[test]
fn submit_tasks_alone_and_elsewhere_give_the_same_picture() {
    let runtime = quiet_runtime();
    let (_coordinator, url) = listening(&runtime);
    let config = PeerConfig { coordinator_url: Some(&url), ..Default::default() };
    let peer = Peer::new(&runtime, config).expect("a peer");
    peer.start().expect("it starts");
    let out = env::temp_dir().join(format!("p2c2r-larger-{}.png", std::process::id()));
    let out_text = out.to_str().expect("a path");
    let mut pictures = Vec::new();
    for place in [None, Some(url.as_str())] {
        let mut arguments =
            vec!["--size", "1920x1080", "--deadline-ms", "60000", "--out", out_text];
        if let Some(url) = place {
            arguments.extend(["--coordinator", url]);
        }
        let told = output_of("submit_tasks", &arguments);
        assert!(told.contains("echo: 15 bytes from Peer"), "{told}");
        assert!(told.contains("upscale: 1920x1080 by "), "{told}");
        pictures.push(fs::read(&out).expect("the picture"));
        assert!(pictures[0].starts_with(b"\x89PNG"));
    }
    fs::remove_file(&out).expect("the picture goes");
    assert!(pictures[0] == pictures[1]);
}

#[test]
fn submit_tasks_says_why_it_fails() {
    let wrong: [(&[&str], &str); 2] =
        [(&["no such picture"], "no such picture"), (&["--coordinator", "nonsense"], "E_")];
    for (arguments, expected) in wrong {
        let output = run("submit_tasks", arguments);
        assert!(!output.status.success());
        let told = text(&output.stderr);
        assert!(told.starts_with("failed: ") && told.contains(expected), "{told}");
    }
}

#[test]
fn custom_executor_alone_and_elsewhere() {
    let runtime = quiet_runtime();
    let (_coordinator, url) = listening(&runtime);
    let elsewhere = ["--coordinator", url.as_str()];
    for arguments in [&[][..], &elsewhere[..]] {
        let told = output_of("custom_executor", arguments);
        for line in [
            r#"one frame in flight: {"a":1,"e":2,"i":2,"o":1,"u":0} by Peer"#,
            "failed, E_EXECUTOR: invalid utf-8",
            "failed, E_PARAMS: letter_count takes no params, field 'params'",
        ] {
            assert!(told.contains(line), "{told}");
        }
    }
}
