//! A task type of one's own: a peer counts letters in Rust, a client asks it. See --help.
use std::env;
use std::error::Error;
use std::process::ExitCode;
use std::sync::mpsc::channel;
use std::sync::Mutex;
use std::time::Duration;

use p2c2r::{
    Client, ClientConfig, Coordinator, Deliver, EventType, ExecutorDesc, Job, JobError, Peer,
    PeerConfig, Runtime, Status, TaskDesc, TaskResult,
};

const USAGE: &str = "\
usage: custom_executor [--coordinator URL]

A peer with an executor written in Rust counts letters, a client asks it. Without --coordinator
(p2c2r+plain://host[:port]), coordinator and client run in this process too; with it this process is
a peer of that coordinator and asks through it.";

const LETTERS: &str = "aeiou";
const LINES: [&[u8]; 4] =
    [b"idle machines help people play", b"one frame in flight", b"\xff\xfe", b"and the next one"];

/// Runs on threads of the library, several at once: it touches nothing but its job.
fn count_letters(job: &mut Job) -> Result<(), JobError> {
    if job.params_json()? != "{}" {
        return Err(JobError::new(Status::PARAMS, "params", "letter_count takes no params"));
    }
    let text = std::str::from_utf8(job.input())?;
    let counts: Vec<String> = LETTERS
        .chars()
        .map(|letter| format!("\"{letter}\": {}", text.matches(letter).count()))
        .collect();
    Ok(job.set_fields_json(&format!("{{{}}}", counts.join(", ")))?)
}

fn show(line: &[u8], answer: p2c2r::Result<TaskResult>) {
    let line = String::from_utf8_lossy(line);
    match answer {
        Ok(answer) => println!("{line}: {} by {:?}", answer.fields_json(), answer.source()),
        Err(error) => println!("{line}: failed, {error}, field '{}'", error.field),
    }
}

/// All at once; then the answers, in whichever order they are ready.
fn ask(client: &Client) -> Result<(), Box<dyn Error>> {
    let (tell, told) = channel();
    for (index, line) in LINES.into_iter().enumerate() {
        let tell = tell.clone();
        client.submit_with(TaskDesc::new("letter_count").data(line), move |_, result| {
            // The receiver lives until all answers are there.
            let _ = tell.send((index, result.check()));
        })?;
    }
    drop(tell);
    for (index, answer) in told {
        show(LINES[index], answer);
    }
    let task = TaskDesc::new("letter_count").data(LINES[0]).params_json("{\"letters\": 7}");
    show(LINES[0], client.submit_and_wait(task));
    Ok(())
}

fn run(coordinator_url: Option<&str>) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new(Default::default())?;
    runtime.add_executor(ExecutorDesc::new("letter_count").exact(), count_letters)?;
    let coordinator = match coordinator_url {
        Some(_) => None,
        None => Some(Coordinator::new(&runtime, Default::default())?),
    };
    let local = coordinator.as_ref();
    if let Some(coordinator) = local {
        coordinator.start()?;
    }
    // Nobody knows the task type before the peer has joined.
    let (tell, joined) = channel();
    let tell = Mutex::new(tell);
    let peer = Peer::new(
        &runtime,
        PeerConfig {
            local,
            coordinator_url,
            deliver: Deliver::OnLoop,
            event: Some(Box::new(move |event| {
                if event.event_type == EventType::State && event.status.is_ok() {
                    // Once it has joined, nobody listens to it joining again.
                    let _ = tell.lock().map(|tell| tell.send(()));
                }
            })),
            ..Default::default()
        },
    )?;
    peer.start()?;
    joined
        .recv_timeout(Duration::from_secs(10))
        .map_err(|_| "the peer could not join the coordinator")?;
    let deliver = Deliver::OnLoop;
    let config = ClientConfig { local, coordinator_url, deliver, ..Default::default() };
    let client = Client::new(&runtime, config)?;
    client.connect(5000)?;
    ask(&client)
}

fn main() -> ExitCode {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["--help"] | ["-h"] => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        [] => run(None),
        ["--coordinator", url] => run(Some(url)),
        _ => Err("unknown arguments; see --help".into()),
    };
    if let Err(error) = done {
        eprintln!("failed: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
