//! Submits an echo and an upscale and says who computed them. See --help.
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use p2c2r::{
    Client, ClientConfig, Coordinator, CoordinatorConfig, Peer, PeerConfig, Runtime, RuntimeConfig,
    TaskDesc, TaskResult,
};

const USAGE: &str = "\
usage: submit_tasks [options] [IMAGE]

Submits an echo and the upscale of a JPEG or PNG file, and says who computed them. Without
--coordinator, coordinator and peer run in this process as well.

  --coordinator URL   p2c2r+plain://host[:port]
  --size WxH          of the upscaled image (2560x1440)
  --quality NAME      fast, balanced or quality (fast)
  --deadline-ms N     for the upscale (10000)
  --out FILE          where the upscaled image goes (.jpg or .png)
  --help              this text";

struct Options {
    image: PathBuf,
    coordinator: Option<String>,
    size: (u32, u32),
    quality: String,
    deadline_ms: u32,
    out: Option<PathBuf>,
}

/// None: the usage was asked for.
fn options() -> Result<Option<Options>, Box<dyn Error>> {
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/media/seeding.jpg");
    let mut options = Options {
        image: picture,
        coordinator: None,
        size: (2560, 1440),
        quality: "fast".to_string(),
        deadline_ms: 10_000,
        out: None,
    };
    let mut arguments = env::args().skip(1);
    while let Some(argument) = arguments.next() {
        if argument == "--help" || argument == "-h" {
            return Ok(None);
        }
        if !argument.starts_with("--") {
            options.image = argument.into();
            continue;
        }
        let value = arguments.next().ok_or(format!("{argument} needs a value"))?;
        match argument.as_str() {
            "--coordinator" => options.coordinator = Some(value),
            "--quality" => options.quality = value,
            "--deadline-ms" => options.deadline_ms = value.parse()?,
            "--out" => options.out = Some(value.into()),
            "--size" => {
                let (width, height) = value.split_once('x').ok_or("--size is WIDTHxHEIGHT")?;
                options.size = (width.parse()?, height.parse()?);
            }
            _ => return Err(format!("unknown option {argument}; see --help").into()),
        }
    }
    Ok(Some(options))
}

fn show(result: &TaskResult) {
    let info = result.info();
    println!(
        "{}: {} bytes from {:?} in {:.1} ms (computing {:.1} ms)",
        result.task_type(),
        result.data().len(),
        result.source(),
        info.total_us as f64 / 1000.0,
        info.processing_us as f64 / 1000.0
    );
}

fn submit(client: &Client, options: &Options) -> Result<(), Box<dyn Error>> {
    show(&client.submit_and_wait(TaskDesc::new("echo").data("hello from Rust"))?);
    let is_png = options.out.as_ref().map_or(true, |out| out.extension() == Some("png".as_ref()));
    let (width, height) = options.size;
    let params = format!(
        r#"{{"output_res": [{width}, {height}], "quality": "{}", "output_format": "{}"}}"#,
        options.quality,
        if is_png { "png" } else { "jpeg" }
    );
    let picture = fs::read(&options.image)
        .map_err(|error| format!("cannot read {}: {error}", options.image.display()))?;
    let task = TaskDesc::new("upscale")
        .data(picture)
        .params_json(&params)
        .deadline_us(u64::from(options.deadline_ms) * 1000);
    let result = client.submit_and_wait(task)?;
    show(&result);
    let image = result.image()?;
    let digest: String = result.digest()?.iter().map(|byte| format!("{byte:02x}")).collect();
    println!("upscale: {}x{} by {}, {digest}", image.width, image.height, result.algorithm());
    if let Some(out) = &options.out {
        fs::write(out, image.data)?;
        println!("written: {}", out.display());
    }
    Ok(())
}

fn run(options: &Options) -> Result<(), Box<dyn Error>> {
    let runtime = Runtime::new(RuntimeConfig::default())?;
    if options.coordinator.is_some() {
        let coordinator_url = options.coordinator.as_deref();
        let client = Client::new(&runtime, ClientConfig { coordinator_url, ..Default::default() })?;
        client.connect(5000)?;
        return submit(&client, options);
    }
    let limits = CoordinatorConfig { task_timeout_ms: options.deadline_ms, ..Default::default() };
    let coordinator = Coordinator::new(&runtime, limits)?;
    coordinator.start()?;
    let local = Some(&coordinator);
    let peer_id = Some("here");
    let peer = Peer::new(&runtime, PeerConfig { local, peer_id, ..Default::default() })?;
    peer.start()?;
    let client = Client::new(&runtime, ClientConfig { local, ..Default::default() })?;
    client.connect(5000)?;
    submit(&client, options)
}

fn main() -> ExitCode {
    let done = match options() {
        Ok(None) => {
            println!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Ok(Some(options)) => run(&options),
        Err(error) => Err(error),
    };
    if let Err(error) = done {
        eprintln!("failed: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}
