//! What AWS is asked, as `aws --cli-input-json` takes it.

use std::net::IpAddr;

use serde_json::{Value, json};

use super::Fleet;

/// Port of HTTPS: of AWS's own services, and of the program if its URL names none.
const HTTPS: u16 = 443;

/// The requests, by the names of their files.
pub(super) fn all(fleet: &Fleet) -> Vec<(&'static str, String)> {
    let requests = [
        ("role.json", role(fleet)),
        ("rights.json", rights(fleet)),
        ("security-group.json", security_group(fleet)),
        ("egress.json", egress(fleet)),
        ("launch-template.json", launch_template(fleet)),
        ("fleet.json", spot_fleet(fleet)),
    ];
    let requests = requests.into_iter();
    requests
        .map(|(name, request)| (name, format!("{request:#}\n")))
        .collect()
}

/// Cores of a machine of this type, by its name.
pub(super) fn cores(machine_type: &str) -> Option<u32> {
    let (family, size) = machine_type.split_once('.')?;
    let is_plain = |text: &str| {
        text.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if family.is_empty() || !is_plain(family) {
        return None;
    }
    match size {
        "large" => Some(2),
        "xlarge" => Some(4),
        size => {
            let times: u32 = size.strip_suffix("xlarge")?.parse().ok()?;
            (2..=128).contains(&times).then_some(4 * times)
        }
    }
}

fn tags(fleet: &Fleet) -> Value {
    let name = &fleet.machine.name;
    json!([{"Key": "skyscan", "Value": name}, {"Key": "Name", "Value": name}])
}

fn tagged(fleet: &Fleet, resource: &str) -> Value {
    json!({"ResourceType": resource, "Tags": tags(fleet)})
}

/// The role of the machines.
fn role(fleet: &Fleet) -> Value {
    let trust = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Principal": {"Service": "ec2.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }],
    });
    json!({
        "RoleName": fleet.machine.name,
        "Description": "Workers of skyscan: may read their keys",
        "AssumeRolePolicyDocument": trust.to_string(),
        "Tags": tags(fleet),
    })
}

/// To read one secret. Six characters of AWS's own stand behind a secret's name.
fn rights(fleet: &Fleet) -> Value {
    let (region, secret) = (&fleet.region, fleet.secret());
    let policy = json!({
        "Version": "2012-10-17",
        "Statement": [{
            "Effect": "Allow",
            "Action": "secretsmanager:GetSecretValue",
            "Resource": format!("arn:aws:secretsmanager:{region}:*:secret:{secret}-??????"),
        }],
    });
    let name = &fleet.machine.name;
    json!({"RoleName": name, "PolicyName": name, "PolicyDocument": policy.to_string()})
}

/// Without a rule of ingress nobody may come.
fn security_group(fleet: &Fleet) -> Value {
    json!({
        "GroupName": fleet.machine.name,
        "Description": "Workers of skyscan: nobody comes to them",
        "TagSpecifications": [tagged(fleet, "security-group")],
    })
}

/// Where the machines may go: to the scanner, and for the program and the secret. AWS's own resolver and metadata
/// service are never behind such rules.
fn egress(fleet: &Fleet) -> Value {
    let (host, port) = fleet
        .scanner
        .rsplit_once(':')
        .unwrap_or((&fleet.scanner, ""));
    let port: u16 = port.parse().unwrap_or(HTTPS);
    let mut rules = vec![rule(port, host, "the scanner, or the broker")];
    let mut ports = vec![HTTPS, port_of(&fleet.machine.program)];
    ports.dedup();
    rules.extend(
        ports
            .into_iter()
            .map(|port| rule(port, "", "the program and the secret")),
    );
    json!({"IpPermissions": rules})
}

/// To one address, or, for a name, to any.
fn rule(port: u16, host: &str, what: &str) -> Value {
    let ranges = match host.trim_matches(['[', ']']).parse() {
        Ok(IpAddr::V4(address)) => json!({
            "IpRanges": [{"CidrIp": format!("{address}/32"), "Description": what}]
        }),
        Ok(IpAddr::V6(address)) => json!({
            "Ipv6Ranges": [{"CidrIpv6": format!("{address}/128"), "Description": what}]
        }),
        Err(_) => json!({
            "IpRanges": [{"CidrIp": "0.0.0.0/0", "Description": what}],
            "Ipv6Ranges": [{"CidrIpv6": "::/0", "Description": what}],
        }),
    };
    let mut rule = json!({"IpProtocol": "tcp", "FromPort": port, "ToPort": port});
    if let (Some(rule), Value::Object(ranges)) = (rule.as_object_mut(), ranges) {
        rule.extend(ranges);
    }
    rule
}

/// The port that a URL names, or that of its scheme.
fn port_of(url: &str) -> u16 {
    let (scheme, rest) = url.split_once("://").unwrap_or(("https", url));
    let authority = rest.split('/').next().unwrap_or_default();
    let port = authority
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    port.unwrap_or(if scheme == "http" { 80 } else { HTTPS })
}

/// The script puts image, security group and user data into their places.
fn launch_template(fleet: &Fleet) -> Value {
    json!({
        "LaunchTemplateName": fleet.machine.name,
        "TagSpecifications": [tagged(fleet, "launch-template")],
        "LaunchTemplateData": {
            "ImageId": "IMAGE",
            "SecurityGroupIds": ["SECURITY_GROUP"],
            "UserData": "USER_DATA",
            "IamInstanceProfile": {"Name": fleet.machine.name},
            // A machine that powers off is gone, and costs nothing.
            "InstanceInitiatedShutdownBehavior": "terminate",
            "MetadataOptions": {"HttpTokens": "required", "HttpPutResponseHopLimit": 1},
            "TagSpecifications": [tagged(fleet, "instance"), tagged(fleet, "volume")],
        },
    })
}

/// Spot machines of any of the types in any of the subnets, where most of them are to be had for little. The script
/// adds how many cores and until when.
fn spot_fleet(fleet: &Fleet) -> Value {
    let overrides: Vec<Value> = fleet
        .types
        .iter()
        .flat_map(|name| fleet.subnets.iter().map(move |subnet| (name, subnet)))
        .map(|(name, subnet)| {
            json!({"InstanceType": name, "SubnetId": subnet, "WeightedCapacity": cores(name)})
        })
        .collect();
    json!({
        "Type": if fleet.maintain { "maintain" } else { "request" },
        "TerminateInstancesWithExpiration": true,
        "TargetCapacitySpecification": {
            "TotalTargetCapacity": fleet.cores,
            "DefaultTargetCapacityType": "spot",
        },
        "SpotOptions": {"AllocationStrategy": "price-capacity-optimized"},
        "LaunchTemplateConfigs": [{
            "LaunchTemplateSpecification": {
                "LaunchTemplateName": fleet.machine.name,
                "Version": "$Latest",
            },
            "Overrides": overrides,
        }],
        "TagSpecifications": [tagged(fleet, "fleet")],
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_tells_its_cores() {
        for (name, expected) in [
            ("c7a.large", Some(2)),
            ("m5.xlarge", Some(4)),
            ("c5.9xlarge", Some(36)),
            ("c7a.metal-48xl", None),
            ("c7a", None),
            (".4xlarge", None),
            ("c 7.4xlarge", None),
            ("c7a.-2xlarge", None),
        ] {
            assert_eq!(cores(name), expected, "{name}");
        }
    }

    #[test]
    fn a_url_tells_its_port() {
        assert_eq!(port_of("https://bucket.example/skyscan"), 443);
        assert_eq!(port_of("http://bucket.example/a:1"), 80);
        assert_eq!(port_of("https://bucket.example:8443/skyscan"), 8443);
    }
}
