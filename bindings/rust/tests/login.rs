//! Logins from Rust: a coordinator that speaks TLS and asks who comes, in one process.
mod common;

use std::fs;
use std::path::PathBuf;

use common::{fails, quiet_runtime};
use p2c2r::*;

/// The text of a key in JSON that has it once.
fn text_in(json: &str, key: &str) -> String {
    let start = format!("\"{key}\":\"");
    let from = json.find(&start).unwrap_or_else(|| panic!("no {key} in {json}")) + start.len();
    let size = json[from..].find('"').unwrap();
    json[from..from + size].to_string()
}

struct Guarded {
    coordinator: Coordinator,
    runtime: Runtime,
    url: String,
    pin: [u8; 32],
    folder: PathBuf,
}

impl Guarded {
    fn new(name: &str) -> Guarded {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&folder); // of an earlier run
        fs::create_dir_all(&folder).unwrap();
        let path = |name: &str| folder.join(name).to_str().unwrap().to_string();
        let runtime = quiet_runtime();
        let (key, certificate) = (path("server.pem"), path("certificate.pem"));
        let wish = format!(r#"{{"file":"{key}","certificate_file":"{certificate}"}}"#);
        let made = runtime.call("keys.new", Some(&wish), None, 5000).unwrap();
        let pin = Credentials::from_hex(&text_in(made.fields_json(), "pin")).unwrap();
        let (access, audit) = (path("access.json"), path("audit.log"));
        let config = CoordinatorConfig {
            listen_port: Some(ANY),
            certificate_file: Some(&certificate),
            key_file: Some(&key),
            access_file: Some(&access),
            audit_file: Some(&audit),
            ..Default::default()
        };
        let coordinator = Coordinator::new(&runtime, config).unwrap();
        coordinator.start().unwrap();
        let url = format!("p2c2r://127.0.0.1:{}", coordinator.ports().unwrap().0);
        Guarded { coordinator, runtime, url, pin, folder }
    }

    fn ask(&self, name: &str, args: &str) -> String {
        let answer = self.coordinator.call(name, Some(args), 5000).unwrap();
        answer.fields_json().to_string()
    }

    /// A fresh key's file and its public half.
    fn key(&self, name: &str) -> (String, String) {
        let file = self.folder.join(name).to_str().unwrap().to_string();
        let wish = format!(r#"{{"file":"{file}"}}"#);
        let made = self.runtime.call("keys.new", Some(&wish), None, 5000).unwrap();
        (file, text_in(made.fields_json(), "public_key"))
    }

    fn connect(&self, credentials: &Credentials) -> Result<Client> {
        let config = ClientConfig {
            coordinator_url: Some(&self.url),
            credentials: Some(credentials),
            ..Default::default()
        };
        let client = Client::new(&self.runtime, config)?;
        client.connect(20_000)?;
        Ok(client)
    }
}

#[test]
fn a_key_a_token_and_an_invitation_let_in() {
    let guarded = Guarded::new("let-in");
    let server_pin = Some(guarded.pin);
    let (file, public) = guarded.key("gamer.pem");
    let wish = format!(r#"{{"name":"gamer","key":"{public}","roles":"gamer","circle":"own"}}"#);
    guarded.ask("key.add", &wish);
    let identity_file = Some(file);
    let keyed = Credentials { server_pin, identity_file, ..Default::default() };

    let told = guarded.ask("key.token", r#"{"name":"script","roles":"gamer","circle":"own"}"#);
    let token = Some(Credentials::from_hex(&text_in(&told, "token")).unwrap());
    let with_token = Credentials { server_pin, token, ..Default::default() };

    let told = guarded.ask("key.invite", r#"{"roles":"peer","circle":"own"}"#);
    let invited = Credentials {
        server_pin,
        identity_file: Some(guarded.key("helper.pem").0),
        invite: Some(Credentials::from_hex(&text_in(&told, "secret")).unwrap()),
        ..Default::default()
    };
    let config = PeerConfig {
        coordinator_url: Some(&guarded.url),
        peer_id: Some("helper"),
        credentials: Some(&invited),
        ..Default::default()
    };
    let peer = Peer::new(&guarded.runtime, config).unwrap();
    peer.start().unwrap();

    for credentials in [&keyed, &with_token] {
        let client = guarded.connect(credentials).unwrap();
        let task = TaskDesc::new("echo").data("hello").place(Place::Remote);
        assert_eq!(client.submit_and_wait(task).unwrap().data(), b"hello");
    }
    let list = guarded.ask("key.list", "{}");
    for name in ["gamer", "helper", "script"] {
        assert!(list.contains(&format!("\"name\":\"{name}\"")), "{list}");
    }
}

#[test]
fn who_shows_nothing_or_believes_another_is_not_connected() {
    let guarded = Guarded::new("refused");
    let server_pin = Some(guarded.pin);
    let nothing = Credentials { server_pin, ..Default::default() };
    let error = fails(Status::AUTH, guarded.connect(&nothing));
    assert!(error.text.contains("neither a key nor a token"), "{error}");
    let told = guarded.ask("key.token", r#"{"name":"script","roles":"gamer"}"#);
    let token = Some(Credentials::from_hex(&text_in(&told, "token")).unwrap());
    let other = Credentials { server_pin: Some([7; 32]), token, ..Default::default() };
    let error = fails(Status::AUTH, guarded.connect(&other));
    assert!(error.text.contains("is not the one that is expected"), "{error}");

    let right = Credentials { server_pin, token, ..Default::default() };
    guarded.connect(&right).unwrap();
    guarded.ask("key.revoke", r#"{"name":"script"}"#);
    let error = fails(Status::AUTH, guarded.connect(&right));
    assert!(error.text.contains("revoked"), "{error}");
}

#[test]
fn secrets_have_their_size_and_are_not_shown() {
    let token = Some(Credentials::from_hex(&"5e".repeat(32)).unwrap());
    let shown = Credentials { token, invite: Some([94; 16]), ..Default::default() };
    let text = format!("{shown:?}");
    assert!(!text.contains("94") && !text.contains("5e"), "{text}");
    for wrong in ["", "5e", &"5e".repeat(31), &"xy".repeat(32), &"é".repeat(32)] {
        fails(Status::ARGUMENT, Credentials::from_hex::<32>(wrong));
    }
}
