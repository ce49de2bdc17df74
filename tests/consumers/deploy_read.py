"""Reads what `skyscan deploy` wrote, with the parsers of HTCondor and Kubernetes.

    python deploy_read.py htcondor FILE      one JSON object a job, one a line
    python deploy_read.py kubernetes FILE    the manifests as JSON, one a line; those of Kubernetes itself after validation
"""

import json
import sys
import warnings


def htcondor(path):
    warnings.simplefilter("ignore")  # there is no pool here
    import classad
    import htcondor

    submit = htcondor.Submit(open(path).read())
    for job in submit.jobs(count=0, clusterid=7, owner="skyscan"):
        # What the schedd would evaluate when a worker has ended.
        ended = {}
        for code in (0, 1, 2, 4):
            job["ExitBySignal"], job["ExitCode"] = False, code
            ended[code] = [bool(job.eval("OnExitHold")), bool(job.eval("OnExitRemove"))]
        job["ExitBySignal"] = True
        ended["signal"] = [bool(job.eval("OnExitHold")), bool(job.eval("OnExitRemove"))]
        names = ["ProcId", "Cmd", "Arguments", "Environment", "TransferInput", "EncryptInputFiles"]
        names += ["RequestCpus", "RequestMemory", "KillSig", "JobMaxVacateTime", "Out", "Err"]
        values = {name: job.get(name) for name in names}
        unknown = {name: str(value) for name, value in values.items() if isinstance(value, classad.ExprTree)}
        print(json.dumps(values | unknown | {"ended": ended}))


def kubernetes(path):
    import kubernetes_validate
    import yaml

    for manifest in yaml.safe_load_all(open(path)):
        if not manifest["apiVersion"].startswith("keda.sh/"):
            kubernetes_validate.validate(manifest, kubernetes_validate.latest_version(), strict=True)
        print(json.dumps(manifest))


{"htcondor": htcondor, "kubernetes": kubernetes}[sys.argv[1]](sys.argv[2])
