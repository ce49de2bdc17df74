//! A manifest of Kubernetes: a Deployment of workers.

use super::template::fill;
use super::{PASSWORD_FILE, Workers};

/// Where the secret is mounted.
const SECRETS: &str = "/run/secrets/skyscan";

/// The manifest; `kubectl apply -f` takes it. With a secret's name the broker's password is read
/// from its key `password`.
pub fn manifest(workers: &Workers, image: &str, secret: Option<&str>) -> String {
    // Kubernetes fills in $(VARIABLES) by itself.
    let arguments: Vec<String> = workers
        .arguments()
        .iter()
        .map(|word| quoted(&word.replace("$(", "$$(")))
        .collect();
    let part = |text: &dyn Fn(&str) -> String| secret.map(text).unwrap_or_default();
    let more = [
        ("IMAGE", quoted(image)),
        ("ARGUMENTS", format!("[{}]", arguments.join(", "))),
        (
            "HINT",
            part(&|secret| {
                format!(
                    "# Before that, once, with the broker's password in a file:\n\
                     #     kubectl create secret generic {secret} --from-file=password=FILE"
                )
            }),
        ),
        (
            "MOUNT",
            part(&|_| {
                format!(
                    "          env: [{{name: {PASSWORD_FILE}, value: {SECRETS}/password}}]\n          \
                     volumeMounts: [{{name: password, mountPath: {SECRETS}, readOnly: true}}]"
                )
            }),
        ),
        (
            "VOLUME",
            part(&|secret| {
                let secret = quoted(secret);
                format!("      volumes: [{{name: password, secret: {{secretName: {secret}}}}}]")
            }),
        ),
    ];
    fill(include_str!("workers.yaml"), &workers.words(more))
}

/// A text of JSON is one of YAML.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
