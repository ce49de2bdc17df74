//! A manifest of Kubernetes: a Deployment of workers.

use super::template::fill;
use super::{KEYS, PASSWORD_FILE, Secrets, Workers};

/// Where the secret with the broker's password is mounted.
const PASSWORD_AT: &str = "/run/secrets/skyscan";
/// Where the secret with the workers' keys is mounted.
const KEYS_AT: &str = "/run/secrets/skyscan-keys";

/// The manifest; `kubectl apply -f` takes it. Secrets are mounted and named, not written.
pub fn manifest(workers: &Workers, image: &str, secrets: Secrets<'_>) -> String {
    let (n, name) = (workers.n, &workers.name);
    let head = format!(
        "# {n} workers of skyscan: kubectl apply -f this file; kubectl scale deployment {name} --replicas N;\n\
         # kubectl delete -f this file."
    );
    deployment(workers, image, secrets, [head, format!("  replicas: {n}")])
}

/// The same of workers that come and go by need, up to the number that was asked for: KEDA asks the
/// Prometheus at this URL.
pub fn growing_manifest(
    workers: &Workers,
    image: &str,
    secrets: Secrets<'_>,
    prometheus: &str,
) -> String {
    let head = format!(
        "# Up to {} workers of skyscan, as many as scans want: kubectl apply -f this file, where KEDA is installed;\n\
         # kubectl delete -f this file.",
        workers.n
    );
    let scaler = [("PROMETHEUS", quoted(prometheus))];
    // The number of replicas is KEDA's to say.
    deployment(workers, image, secrets, [head, String::new()])
        + &fill(include_str!("autoscale.yaml"), &workers.words(scaler))
}

fn deployment(
    workers: &Workers,
    image: &str,
    secrets: Secrets<'_>,
    [head, replicas]: [String; 2],
) -> String {
    // Kubernetes fills in $(VARIABLES) by itself.
    let arguments: Vec<String> = workers
        .arguments()
        .iter()
        .map(|word| quoted(&word.replace("$(", "$$(")))
        .collect();
    let mounted: Vec<Mounted<'_>> = [
        secrets.password.map(|secret| Mounted {
            secret,
            name: "password",
            at: PASSWORD_AT,
            variable: (PASSWORD_FILE, format!("{PASSWORD_AT}/password")),
            made_of: "the broker's password in a file",
            from: "password=FILE",
        }),
        secrets.keys.map(|secret| Mounted {
            secret,
            name: "keys",
            at: KEYS_AT,
            variable: (KEYS, KEYS_AT.to_owned()),
            made_of: "the folder that skyscan keygen made for the workers",
            from: "FOLDER",
        }),
    ]
    .into_iter()
    .flatten()
    .collect();
    let joined = |each: &dyn Fn(&Mounted<'_>) -> String| -> String {
        mounted.iter().map(each).collect::<Vec<_>>().join(", ")
    };
    let (mount, volume) = match mounted.is_empty() {
        true => (String::new(), String::new()),
        false => (
            format!(
                "          env: [{}]\n          volumeMounts: [{}]",
                joined(&|Mounted { variable, .. }| format!(
                    "{{name: {}, value: {}}}",
                    variable.0, variable.1
                )),
                joined(&|Mounted { name, at, .. }| format!(
                    "{{name: {name}, mountPath: {at}, readOnly: true}}"
                ))
            ),
            format!(
                "      volumes: [{}]",
                joined(&|Mounted { name, secret, .. }| format!(
                    "{{name: {name}, secret: {{secretName: {}}}}}",
                    quoted(secret)
                ))
            ),
        ),
    };
    let hints: Vec<String> = mounted.iter().map(Mounted::hint).collect();
    let more = [
        ("HEAD", head),
        ("REPLICAS", replicas),
        ("IMAGE", quoted(image)),
        ("ARGUMENTS", format!("[{}]", arguments.join(", "))),
        ("HINT", hints.join("\n")),
        ("MOUNT", mount),
        ("VOLUME", volume),
    ];
    fill(include_str!("workers.yaml"), &workers.words(more))
}

/// A secret, where the worker finds it.
struct Mounted<'a> {
    secret: &'a str,
    name: &'static str,
    at: &'static str,
    variable: (&'static str, String),
    made_of: &'static str,
    from: &'static str,
}

impl Mounted<'_> {
    fn hint(&self) -> String {
        let Self {
            secret,
            made_of,
            from,
            ..
        } = self;
        format!(
            "# Before that, once, with {made_of}:\n\
             #     kubectl create secret generic {secret} --from-file={from}"
        )
    }
}

/// A text of JSON is one of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
