use std::process::Command;

use super::*;

fn fleet(types: &[&str], subnets: &[&str]) -> Fleet {
    let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
    Fleet {
        machine: Machine {
            name: "skyscan-workers".to_owned(),
            transport: "zmqs://scanner.example:5555".to_owned(),
            insecure: false,
            program: "https://files.example/skyscan".to_owned(),
            sha256: "0".repeat(64),
            secrets: None,
            hours: NonZeroU32::MIN,
            give_up: None,
            more: vec![],
        },
        region: "us-east-2".to_owned(),
        subnets: owned(subnets),
        types: owned(types),
        image: "ami-1".to_owned(),
        cores: NonZeroU32::MIN,
        maintain: false,
        scanner: "scanner.example:5555".to_owned(),
    }
}

#[test]
fn what_is_named_twice_is_refused() {
    let (large, small) = ("c7a.4xlarge", "c7a.large");
    for (types, subnets, twice) in [
        (&[large, small][..], &["subnet-1", "subnet-2"][..], None),
        (
            &[large],
            &["subnet-1", "subnet-2", "subnet-1"],
            Some("subnet-1"),
        ),
        (&[large, large], &["subnet-1"], Some(large)),
    ] {
        let expected = twice.map_or(Ok(()), |name| Err(DeployError::Twice(name.to_owned())));
        assert_eq!(
            fleet(types, subnets).check(),
            expected,
            "{types:?} {subnets:?}"
        );
    }
}

#[test]
fn a_fleet_grows_by_whole_numbers_of_cores() {
    let script = fleet(&["c7a.large"], &["subnet-1"]).script();
    for cores in ["abc", "-5", "0", "007", "1.5", "1 2", ""] {
        let mut shell = Command::new("sh");
        let grown = shell
            .args(["-c", &script, "fleet.sh", "grow", cores])
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&grown.stderr).into_owned();
        assert_eq!(grown.status.code(), Some(2), "{cores:?}: {told}");
        assert!(
            told.contains("no whole number of cores above 0"),
            "{cores:?}: {told}"
        );
    }
}
