#!/usr/bin/env python3
"""What it costs to start a task, in a sandbox and without: the real client computes many tiny work units.

Called by scripts/bench-client.sh. Milliseconds of processor time a task, of the client with everything that it started,
from the same project in turn; a third project has a program of its own, a shell script that writes one line.
"""

import argparse
import json
import os
import shutil
import signal
import sys
import time

from client_bench import Stage, read

UNITS = 48
MANIFEST = """name: {name}
title: Tiny work units
description: Measures what starting one costs.
science_area: astronomy
licence: CC0-1.0
app: {app}
"""
KERNEL = """parameters: {frequency_min_hz: 192, frequency_max_hz: 216, f1_over_f: [RATIOS]}
inputs: [{name: photons, file: input/photons.csv, packing: table}]
split: {steps_per_unit: 1}
replication: {quorum: 1, initial: 1, max_total: 8, max_errors: 6, deadline: 1 h}
resources: {memory: 512 MiB, disk: 64 MiB, output: 1 MiB}
validation: {check_each: true}
"""
PROGRAM = """parameters: {steps: UNITS}
program: {name: tiny, version: "1.0", results: [{file: out.txt}]}
split: {steps_per_unit: 1}
replication: {quorum: 1, initial: 1, max_total: 8, max_errors: 6, deadline: 1 h}
resources: {flops_per_step: 4e7, memory: 64 MiB, disk: 16 MiB, output: 64 KiB}
"""


def kernel_project(folder, photons):
    os.makedirs(f"{folder}/input")
    shutil.copy(photons, f"{folder}/input/photons.csv")
    ratios = ", ".join("0" if at == 0 else f"-{at}.0e-20" for at in range(UNITS // 3))
    with open(f"{folder}/project.yaml", "w") as file:
        file.write(MANIFEST.format(name="tiny-kernel", app="gamma-pulsar") + KERNEL.replace("RATIOS", ratios))


def program_project(stage, folder):
    os.makedirs(folder)
    with open(f"{folder}/tiny.sh", "w") as file:
        file.write("echo done >/output/out.txt\n")
    with open(f"{folder}/project.yaml", "w") as file:
        file.write(MANIFEST.format(name="tiny-program", app="executable") + PROGRAM.replace("UNITS", str(UNITS)))
    releases, keys = f"{folder}/releases", f"{folder}/release-keys"
    stage.run("millrace", "release", "init", releases, "--name", "tiny-program", "--keys", keys)
    stage.run("millrace", "release", "add", "tiny", "1.0", f"any={folder}/tiny.sh", "--interpreter", "sh",
              "--folder", releases)
    stage.run("millrace", "release", "sign", "--keys", keys, "--folder", releases)
    stage.run("millrace", "release", "publish", "--folder", releases)


def computed(stage, batch):
    return json.loads(stage.run("millrace", "status", str(batch), "--json"))["units_validated"]


def cost(stage, name, project, *words):
    """Submits the project again, and computes it. - Returns: processor ms a task, wall ms a task."""
    batch = json.loads(stage.run("millrace", "submit", project, "--json"))["batch"]
    data = os.path.join(stage.folder, f"{name}-{batch}")
    stage.run("millrace-client", "attach", stage.environment["MILLRACE_SERVER"], "--name", name, "--data", data)
    began = time.monotonic()
    client = stage.start([stage.program("millrace-client"), "run", "--always", "--cores", "1", "--data", data, *words],
                         f"{name}.log")
    while computed(stage, batch) < UNITS:
        if client.poll() is not None or time.monotonic() - began > 300:
            raise SystemExit(f"the client {name} gets no further: " + read(os.path.join(stage.folder, f"{name}.log")))
        # To ask is to take the processor away from tasks, which have the lowest priority.
        time.sleep(0.5)
    elapsed = time.monotonic() - began
    client.send_signal(signal.SIGTERM)
    _, _, used = os.wait4(client.pid, 0)
    client.returncode = 0
    stage.children.remove(client)
    return 1000 * (used.ru_utime + used.ru_stime) / UNITS, 1000 * elapsed / UNITS


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="folder of the programs of Millrace")
    parser.add_argument("--photons", required=True, help="projects/gamma-pulsar/input/photons.csv")
    parser.add_argument("--folder", required=True, help="an empty folder for everything")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    stage = Stage(os.path.abspath(options.programs), os.path.abspath(options.folder))
    try:
        stage.only_server()
        kernel, program = (os.path.join(stage.folder, name) for name in ("kernel", "program"))
        kernel_project(kernel, os.path.abspath(options.photons))
        program_project(stage, program)
        rows = {"kernel, no sandbox": [], "kernel, sandbox": [], "program, sandbox": []}
        for _ in range(options.runs):
            rows["kernel, no sandbox"].append(cost(stage, "bare", kernel, "--no-sandbox"))
            rows["kernel, sandbox"].append(cost(stage, "walled", kernel))
            rows["program, sandbox"].append(cost(stage, "program", program))
        print(f"\n| {UNITS} tasks one after the other, median of {options.runs} | ms of processor a task | ms a task |\n"
              "| --- | --- | --- |")
        for name, found in rows.items():
            middle = [sorted(value[at] for value in found)[len(found) // 2] for at in (0, 1)]
            print(f"| {name} | {middle[0]:.1f} | {middle[1]:.1f} |")
        print(f"\nload average {read('/proc/loadavg').split(' ')[:3]}")
    finally:
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
