//! What AWS makes of the requests, with its own command line; moto stands for AWS.

use std::collections::BTreeSet;
use std::process::Command;

use libtest_mimic::Failed;
use serde_json::{Value, json};

use super::command::empty_folder;
use super::consumer;

/// Started, looked at, grown, ended: every request fits AWS's models, and nothing is left.
pub(crate) fn lives() -> Result<(), Failed> {
    let folder = empty_folder("aws")?;
    let steps = consumer(Command::new("env"), "aws_lives.py", |command| {
        command.arg(env!("CARGO_BIN_EXE_skyscan")).arg(&folder)
    })?;
    let outcomes: Vec<_> = steps
        .iter()
        .map(|step| (&step["step"], &step["code"]))
        .collect();
    let expected = json!([
        ["start", 0],
        ["machine", 0],
        // It is not let look a second time.
        ["watch", 1],
        ["grow", 0],
        ["again", 2],
        ["end", 0],
        ["nothing", 0]
    ]);
    assert_eq!(json!(outcomes), expected, "{steps:#?}");
    let [started, machine, watched, grown, again, ended, nothing] = &steps[..] else {
        return Err("not seven steps".into());
    };
    is_spot_fleet_that_ends(&started["fleets"][0]);
    is_shut(&started["groups"])?;
    let template = &started["templates"][0];
    assert_eq!(template["InstanceInitiatedShutdownBehavior"], "terminate");
    assert_eq!(template["MetadataOptions"]["HttpTokens"], "required");
    assert_eq!(template["IamInstanceProfile"]["Name"], "skyscan-workers");
    // The secret is in Secrets Manager, and nowhere else; the machine's script prints it.
    assert_eq!(machine["told"], started["secrets"][0]);
    let files = std::fs::read_dir(folder.join("skyscan-workers"))?;
    let secret = std::fs::read_to_string(folder.join("keys/for-zone-1/worker.key"))?;
    for file in files {
        let text = std::fs::read_to_string(file?.path())?;
        assert!(!text.contains(secret.trim()), "{text}");
    }
    for words in [
        "208.0\tof\t200\tcores",
        "13 running\tus-east-2a\tc5.4xlarge",
    ] {
        let told = watched["told"].as_str().unwrap_or_default();
        assert!(told.contains(words), "{told}");
    }
    // Thirteen of sixteen cores, and seven more for a hundred.
    let n_machines = |step: &Value| step["machines"].as_array().map(Vec::len);
    assert_eq!(
        (n_machines(started), n_machines(grown)),
        (Some(13), Some(19))
    );
    assert_eq!(n_machines(again), Some(19));
    for step in [ended, nothing] {
        for what in [
            "machines",
            "groups",
            "templates",
            "roles",
            "profiles",
            "secrets",
        ] {
            assert_eq!(step[what], json!([]), "{what}");
        }
    }
    Ok(())
}

fn is_spot_fleet_that_ends(fleet: &Value) {
    assert_eq!(
        fleet["TargetCapacitySpecification"]["DefaultTargetCapacityType"],
        "spot"
    );
    assert_eq!(
        fleet["SpotOptions"]["AllocationStrategy"],
        "price-capacity-optimized"
    );
    assert_eq!(fleet["TerminateInstancesWithExpiration"], true);
    assert!(fleet["ValidUntil"].is_string(), "{fleet}");
    let pools = fleet["LaunchTemplateConfigs"][0]["Overrides"].as_array();
    let different = |name: &str| -> usize {
        let values = pools.into_iter().flatten().map(|pool| pool[name].as_str());
        values.collect::<BTreeSet<_>>().len()
    };
    assert_eq!((different("InstanceType"), different("SubnetId")), (24, 3));
}

/// Nothing comes in, and out goes what is needed.
fn is_shut(groups: &Value) -> Result<(), Failed> {
    let [group] = groups.as_array().map(Vec::as_slice).unwrap_or_default() else {
        return Err(format!("not one group: {groups}").into());
    };
    assert_eq!(group["IpPermissions"], json!([]));
    let out = group["IpPermissionsEgress"]
        .as_array()
        .into_iter()
        .flatten();
    let out: Vec<_> = out
        .map(|rule| {
            json!([
                rule["IpProtocol"],
                rule["ToPort"],
                rule["IpRanges"][0]["CidrIp"]
            ])
        })
        .collect();
    let expected = json!([["tcp", 5555, "192.0.2.7/32"], ["tcp", 443, "0.0.0.0/0"]]);
    assert_eq!(json!(out), expected);
    Ok(())
}
