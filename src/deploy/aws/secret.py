#!/usr/bin/python3
"""Prints a secret of AWS Secrets Manager, which the machine's role may read, and nothing else.

With Python alone, which cloud-init brings: the image need not have AWS's command line.
"""

import datetime
import hashlib
import hmac
import json
import urllib.request

REGION, SECRET = "@REGION@", "@SECRET@"
HOST = f"secretsmanager.{REGION}.amazonaws.com"
METADATA = "http://169.254.169.254/latest/"


def ask(url, method="GET", headers={}, body=None):
    request = urllib.request.Request(url, body, headers, method=method)
    with urllib.request.urlopen(request, timeout=10) as answer:
        return answer.read().decode()


def role():
    token = ask(METADATA + "api/token", "PUT", {"X-aws-ec2-metadata-token-ttl-seconds": "60"})
    headers = {"X-aws-ec2-metadata-token": token}
    roles = METADATA + "meta-data/iam/security-credentials/"
    return json.loads(ask(roles + ask(roles, headers=headers), headers=headers))


def signed(body, role, now):
    """The headers, with AWS's Signature Version 4."""
    time, day = now.strftime("%Y%m%dT%H%M%SZ"), now.strftime("%Y%m%d")
    headers = {
        "content-type": "application/x-amz-json-1.1",
        "host": HOST,
        "x-amz-date": time,
        "x-amz-security-token": role["Token"],
        "x-amz-target": "secretsmanager.GetSecretValue",
    }
    names = ";".join(headers)
    lines = "".join(f"{name}:{value}\n" for name, value in headers.items())
    asked = "\n".join(["POST", "/", "", lines, names, hashlib.sha256(body).hexdigest()])
    scope = f"{day}/{REGION}/secretsmanager/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", time, scope, hashlib.sha256(asked.encode()).hexdigest()])
    key = ("AWS4" + role["SecretAccessKey"]).encode()
    for part in (*scope.split("/"), to_sign):
        key = hmac.digest(key, part.encode(), "sha256")
    credential = f"{role['AccessKeyId']}/{scope}"
    headers["authorization"] = f"AWS4-HMAC-SHA256 Credential={credential}, SignedHeaders={names}, Signature={key.hex()}"
    return headers


body = json.dumps({"SecretId": SECRET}).encode()
headers = signed(body, role(), datetime.datetime.now(datetime.timezone.utc))
print(json.loads(ask(f"https://{HOST}/", "POST", headers, body))["SecretString"])
