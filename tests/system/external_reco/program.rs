//! A program in another role: it evaluates pixels, and does what its conduct says with those from
//! above.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a program that talks, and may panic"
)]

use std::fs::OpenOptions;
use std::io::{BufRead, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::Command;

use serde_json::{Value, json};

/// Before the name of a file that gets a byte for each pixel.
pub(crate) const COUNTS: &str = "counts=";

const ROLE: &str = "--as-external-program";

/// The conduct, if this process was started as an external program.
pub(crate) fn called_as() -> Option<String> {
    let mut arguments = std::env::args().skip(1);
    arguments.find(|argument| argument == ROLE)?;
    arguments.next()
}

/// A command line that starts this program with a conduct.
pub(crate) fn command(conduct: &str) -> String {
    let file = std::env::current_exe().unwrap();
    format!("'{}' {ROLE} {conduct}", file.display())
}

/// Evaluates pixels until its input ends.
pub(crate) fn run(conduct: &str) {
    match conduct {
        "mute" => hang(),
        "wrong-version" => say(&json!({"skyscan": 2, "name": "later"})),
        "talks-first" => println!("loading tables ..."),
        "dies-at-once" => {
            eprintln!("no tables here");
            std::process::exit(7);
        }
        "msgpack" => return speak_msgpack(),
        _ => say(&json!({"skyscan": 1, "name": "test-1"})),
    }
    for line in std::io::stdin().lock().lines() {
        let Ok(message) = serde_json::from_str::<Value>(&line.unwrap()) else {
            return;
        };
        answer(conduct, &message);
    }
}

fn answer(conduct: &str, message: &Value) {
    if message.get("event").is_some() {
        return say(&match conduct {
            "refuses" => json!({"refused": "too dark"}),
            _ => json!({"ready": true}),
        });
    }
    let pixels = message["pixels"].as_array().unwrap();
    if let Some(file) = conduct.strip_prefix(COUNTS) {
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .open(file)
            .unwrap();
        file.write_all(&vec![b'.'; pixels.len()]).unwrap();
    }
    match conduct {
        "raises" => {
            eprintln!("ValueError: no such table");
            std::process::exit(1);
        }
        "forks" => {
            let mut child = Command::new("sleep");
            let mut child = child.arg("600").process_group(0).spawn().unwrap();
            eprintln!("started a child {}", child.id());
            child.wait().unwrap();
        }
        _ => {}
    }
    if pixels.iter().any(is_special) {
        misbehave(conduct);
    }
    let llh = |pixel: &Value| match (is_special(pixel), conduct) {
        (true, "fails") => r#"{"failed": "no track"}"#.to_owned(),
        (true, "nan") => r#"{"llh": NaN}"#.to_owned(),
        _ => json!({"llh": llh(pixel)}).to_string(),
    };
    let fits: Vec<String> = pixels.iter().map(llh).collect();
    let most = match conduct {
        "too-few" if pixels.iter().any(is_special) => fits.len() - 1,
        _ => fits.len(),
    };
    println!("{{\"fits\": [{}]}}", fits[..most].join(", "));
}

fn misbehave(conduct: &str) {
    match conduct {
        "hangs" => {
            eprintln!("hangs now");
            hang();
        }
        "dies" => {
            eprintln!("cannot do this one");
            std::process::exit(7);
        }
        "prints" => println!("fitting the special one"),
        "endless" => {
            let spaces = vec![b' '; 1 << 20];
            while std::io::stdout().write_all(&spaces).is_ok() {}
        }
        _ => {}
    }
}

/// One of the four pixels of nside 1 around the zenith.
fn is_special(pixel: &Value) -> bool {
    let angle = |name: &str| pixel[name].as_f64().unwrap();
    angle("zenith_rad") < 1.0 && (0.0..std::f64::consts::FRAC_PI_2).contains(&angle("azimuth_rad"))
}

fn llh(pixel: &Value) -> f64 {
    let angle = |name: &str| pixel[name].as_f64().unwrap();
    10.0 * angle("zenith_rad") + angle("azimuth_rad")
}

fn hang() {
    loop {
        std::thread::park();
    }
}

fn say(message: &Value) {
    println!("{message}");
}

fn speak_msgpack() {
    let say = |message: &Value| {
        let body = rmp_serde::to_vec_named(message).unwrap();
        let mut out = std::io::stdout().lock();
        let length = u32::try_from(body.len()).unwrap();
        out.write_all(&length.to_be_bytes()).unwrap();
        out.write_all(&body).unwrap();
        out.flush().unwrap();
    };
    say(&json!({"skyscan": 1, "name": "test-1"}));
    let mut input = std::io::stdin().lock();
    let mut length = [0; 4];
    while input.read_exact(&mut length).is_ok() {
        let mut body = vec![0; u32::from_be_bytes(length) as usize];
        input.read_exact(&mut body).unwrap();
        let message: Value = rmp_serde::from_slice(&body).unwrap();
        match message["pixels"].as_array() {
            Some(pixels) => {
                let fit = |pixel| json!({"llh": llh(pixel)});
                say(&json!({"fits": pixels.iter().map(fit).collect::<Vec<_>>()}));
            }
            None => say(&json!({"ready": true})),
        }
    }
}
