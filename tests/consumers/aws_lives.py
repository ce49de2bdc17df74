"""Runs what `skyscan deploy aws` writes with AWS's own command line, against moto, which stands for AWS.

    python aws_lives.py SKYSCAN DIR     one JSON object a step, one a line: what AWS has then

Every request goes through the service models of botocore, here with the values that an enumeration allows, too, which the
models have and botocore itself does not look at. The command line runs in this process, where moto is: `aws` on the
script's PATH only hands over its words.
"""

import base64
import contextlib
import functools
import io
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import threading
from unittest import mock

import moto
import yaml
from awscli.clidriver import create_clidriver
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

AWS = """#!{python} -SE
import json, os, socket, sys
wanted = any("/dev/stdin" in word for word in sys.argv)
here = socket.socket(socket.AF_UNIX)
here.connect({address!r})
here.sendall(json.dumps([sys.argv[1:], sys.stdin.read() if wanted else ""]).encode())
here.shutdown(socket.SHUT_WR)
code, out, err = json.loads(b"".join(iter(lambda: here.recv(65536), b"")))
sys.stdout.write(out), sys.stderr.write(err)
sys.exit(code)
"""


IMAGE = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"


def main(skyscan, folder):
    with tempfile.TemporaryDirectory() as scratch, moto.mock_aws():
        cloud = Cloud(pathlib.Path(scratch))
        subnets = [subnet["SubnetId"] for subnet in cloud.ask("ec2", "describe_subnets")["Subnets"]]
        place = ["--region", "us-east-2", "--subnets", ",".join(subnets), "--image", IMAGE]
        what = ["--transport", "zmqs://192.0.2.7:5555", "--program", "https://files.example/skyscan", "--cores", "200"]
        subprocess.run([skyscan, "keygen", "keys", "--worker", "zone-1"], cwd=folder, check=True, stdout=sys.stderr)
        subprocess.run([skyscan, "deploy", "aws", *what, *place], cwd=folder, check=True, stdout=sys.stderr)
        keys, folder = f"{folder}/keys/for-zone-1", f"{folder}/skyscan-workers"
        cloud.tell("start", cloud.run(folder, "start", keys))
        cloud.tell("machine", cloud.secret_of_a_machine())
        cloud.tell("watch", cloud.run(folder, "watch", once="yes"))
        cloud.tell("grow", cloud.run(folder, "grow", "100"))
        cloud.tell("again", cloud.run(folder, "start", keys))
        cloud.tell("end", cloud.run(folder, "end"))
        cloud.tell("nothing", cloud.run(folder, "end"))


class Cloud:
    def __init__(self, scratch):
        self.scratch, self.calls = scratch, []
        os.environ.update(AWS_ACCESS_KEY_ID="testing", AWS_SECRET_ACCESS_KEY="testing", AWS_DEFAULT_REGION="us-east-2")
        self.driver = create_clidriver()
        self.driver.session.register("before-parameter-build.*.*", self.asked)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(scratch / "socket"))
        self.listener.listen()
        threading.Thread(target=self.serve, daemon=True).start()
        self.program("aws", AWS.format(python=sys.executable, address=str(scratch / "socket")))
        # Waits for nothing; fails where the script shall not look again.
        self.program("sleep", '#!/bin/sh\n[ -z "$ONCE" ]\n')

    def program(self, name, text):
        path = self.scratch / name
        path.write_text(text)
        path.chmod(0o755)

    def serve(self):
        while True:
            caller, _ = self.listener.accept()
            words, given = json.loads(b"".join(iter(lambda: caller.recv(65536), b"")))
            caller.sendall(json.dumps(self.answer(words, given)).encode())
            caller.close()

    def answer(self, words, given):
        stdin = self.scratch / "stdin"
        stdin.write_text(given)
        words = [word.replace("/dev/stdin", str(stdin)) for word in words]
        out, err = io.StringIO(), io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                code = self.driver.main(words)
            except SystemExit as ended:
                code = ended.code
        stdin.unlink()
        return code, out.getvalue(), err.getvalue()

    def asked(self, params, model, **_):
        self.calls.append(f"{model.service_model.service_name}:{model.name}")
        check_enumerations(model.input_shape, params, model.name)

    def run(self, folder, *words, once=""):
        """Runs the script; returns its code and what it says."""
        env = os.environ | {"PATH": f"{self.scratch}:{os.environ['PATH']}", "ONCE": once}
        done = subprocess.run([f"{folder}/fleet.sh", *words], env=env, capture_output=True, text=True)
        return {"code": done.returncode, "told": done.stdout + done.stderr}

    def tell(self, step, done):
        calls, self.calls = self.calls, []
        print(json.dumps({"step": step, **done, "calls": calls, **self.state()}))

    def secret_of_a_machine(self):
        """Runs the script of the user data that prints the secret; returns what it printed."""
        data = self.state()["templates"][0]["UserData"]
        files = yaml.safe_load(base64.b64decode(data))["write_files"]
        [script] = [file["content"] for file in files if file["path"].endswith("/skyscan-secret")]
        out = io.StringIO()
        with mock.patch("urllib.request.urlopen", self.as_from_a_machine), contextlib.redirect_stdout(out):
            exec(compile(script, "skyscan-secret", "exec"), {})
        return {"code": 0, "told": out.getvalue().strip()}

    def as_from_a_machine(self, request, timeout):
        """What the metadata service answers, and Secrets Manager, if the signature is that of botocore."""
        url, headers = request.full_url, {name.lower(): value for name, value in request.header_items()}
        metadata = "http://169.254.169.254/latest/"
        if url == metadata + "api/token" and request.method == "PUT":
            return io.BytesIO(b"session")
        if url.startswith(metadata):
            assert headers["x-aws-ec2-metadata-token"] == "session", headers
            roles = metadata + "meta-data/iam/security-credentials/"
            [role] = self.state()["roles"]
            keys = {"AccessKeyId": "AKEY", "SecretAccessKey": "it's secret", "Token": "of a session"}
            return io.BytesIO({roles: role, roles + role: json.dumps(keys)}[url].encode())
        asked = AWSRequest("POST", url, {n: v for n, v in headers.items() if n != "authorization"}, request.data)
        asked.context["timestamp"] = headers["x-amz-date"]
        signer = SigV4Auth(Credentials("AKEY", "it's secret", "of a session"), "secretsmanager", "us-east-2")
        signature = signer.signature(signer.string_to_sign(asked, signer.canonical_request(asked)), asked)
        assert headers["authorization"].endswith(f"Signature={signature}"), headers
        value = self.ask("secretsmanager", "get_secret_value", **json.loads(request.data))
        return io.BytesIO(json.dumps({"SecretString": value["SecretString"]}).encode())

    def ask(self, service, operation, **words):
        return getattr(self.client(service), operation)(**words)

    @functools.cache
    def client(self, service):
        return self.driver.session.create_client(service)

    def state(self):
        """What AWS has, by its own words."""

        ask = self.ask
        reservations = ask("ec2", "describe_instances")["Reservations"]
        machines = [machine for group in reservations for machine in group["Instances"]]
        here = [machine for machine in machines if machine["State"]["Name"] == "running"]
        groups = ask("ec2", "describe_security_groups")["SecurityGroups"]
        templates = ask("ec2", "describe_launch_templates")["LaunchTemplates"]
        secrets = ask("secretsmanager", "list_secrets")["SecretList"]
        value = [ask("secretsmanager", "get_secret_value", SecretId=secret["Name"])["SecretString"] for secret in secrets]
        state = {
            "machines": [[machine["InstanceType"], machine["SubnetId"]] for machine in here],
            "fleets": ask("ec2", "describe_fleets")["Fleets"],
            "groups": [group for group in groups if group["GroupName"] != "default"],
            "templates": [self.template(template) for template in templates],
            "roles": [role["RoleName"] for role in ask("iam", "list_roles")["Roles"]],
            "profiles": ask("iam", "list_instance_profiles")["InstanceProfiles"],
            "secrets": value,
        }
        self.calls = []
        return json.loads(json.dumps(state, default=str))

    def template(self, template):
        versions = self.ask("ec2", "describe_launch_template_versions", LaunchTemplateId=template["LaunchTemplateId"])
        return versions["LaunchTemplateVersions"][0]["LaunchTemplateData"]


def check_enumerations(shape, value, at):
    if shape.type_name == "structure":
        for name, member in value.items():
            check_enumerations(shape.members[name], member, f"{at}.{name}")
    elif shape.type_name == "list":
        for member in value:
            check_enumerations(shape.member, member, at)
    elif getattr(shape, "enum", None):
        assert value in shape.enum, f"{at}: {value} is none of {shape.enum[:5]}..."


if __name__ == "__main__":
    main(*sys.argv[1:])
