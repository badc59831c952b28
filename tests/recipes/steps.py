#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""Runs the shell steps of a recipe in the current folder, as its CI system would:

    steps.py github.yml|windows.yml|gitlab-ci.yml|Jenkinsfile

Steps that install, and what is no shell, are left out. Exits with 1 if the job fails. Prints a line
"artifact: PATH" for each file that the recipe hands to the CI system.
"""
import os
import re
import subprocess
import sys

import yaml


def run(shell, script):
    sys.stdout.flush()
    return subprocess.run([*shell, script], stdin=subprocess.DEVNULL).returncode == 0


def github(text):
    passes = True
    for job in yaml.safe_load(text)["jobs"].values():
        for step in job["steps"]:
            runs = {"always()": True, "failure()": not passes}.get(step.get("if"), passes)
            for key in "sarif_file", "path":
                if runs and key in step.get("with", {}):
                    print("artifact:", step["with"][key])
            if runs and "run" in step and not step["name"].startswith("install"):
                passes &= run(["bash", "-e", "-c"], step["run"])
    return passes


def gitlab(text):
    passes = True
    for job in yaml.safe_load(text).values():
        for line in job["script"]:
            passes = passes and run(["bash", "-eo", "pipefail", "-c"], line)
        reports = job["artifacts"]["reports"].values()
        for path in [*job["artifacts"]["paths"], *reports]:
            print("artifact:", path)
    return passes


def jenkins(text):
    code = re.sub(r"^\s*//.*", "", text, flags=re.M)
    assert code.count("{") == code.count("}") and code.count("(") == code.count(")")
    passes = True
    for script in re.findall(r"^\s*sh '([^'\\]*)'$", code, re.M):
        passes = passes and run(["sh", "-xe", "-c"], script)
    for path in re.findall(r"(?:junit|pattern:|artifacts:) '([^']*?)(?:/\*)?'", code):
        print("artifact:", path)
    return passes


kinds = {"github.yml": github, "windows.yml": github, "gitlab-ci.yml": gitlab, "Jenkinsfile": jenkins}
with open(sys.argv[1], encoding="utf-8") as file:
    passed = kinds[os.path.basename(sys.argv[1])](file.read())
sys.exit(0 if passed else 1)
