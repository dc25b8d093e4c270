#!/usr/bin/env python3
"""What the volunteer's client costs and how fast it yields, measured from outside with the real programs.

scripts/bench-client.sh installs what it needs and calls it. Everything runs in a folder of its own: a server, a project
with long work units, a client, a virtual X server (Xvfb) on which xdotool plays the user. Linux only; no packages of
Python's are needed.
"""

import argparse
import contextlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time

TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")
# Seconds after a start, before what a client costs at rest is measured: ours gives memory back after 20 to 25.
SETTLING = 40


# --- what /proc says

def read(path):
    try:
        with open(path) as file:
            return file.read()
    except OSError:
        return ""


def stat(path):
    """The fields of a stat file from the state on; [] when it is gone."""
    text = read(path)
    return text[text.rindex(")") + 2:].split() if ")" in text else []


def threads(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


def tree(pid):
    """The process and its descendants."""
    found, at = [pid], 0
    while at < len(found):
        for thread in threads(found[at]):
            found += [int(child) for child in read(f"/proc/{found[at]}/task/{thread}/children").split()]
        at += 1
    return found


def command(pid):
    return [word for word in read(f"/proc/{pid}/cmdline").split("\0") if word]


def workers(client):
    """The processes that compute: `millrace-worker run` and whatever it has started."""
    heads = [pid for pid in tree(client)[1:] if is_worker(command(pid))]
    return sorted({pid for head in heads for pid in tree(head)})


def is_worker(words):
    return bool(words) and os.path.basename(words[0]) == "millrace-worker" and "run" in words[1:]


def stands(pid):
    """Whether every thread of a process is stopped, or the process is gone."""
    return all(fields[0] in "TtZX" for fields in
               (stat(f"/proc/{pid}/task/{thread}/stat") for thread in threads(pid)) if fields)


def seconds(pid):
    """CPU seconds of a process: to the nanosecond by its threads' schedstat."""
    return sum(int((read(f"/proc/{pid}/task/{thread}/schedstat").split() or [0])[0]) for thread in threads(pid)) / 1e9


def switches(pids):
    """How often each thread has gone to sleep of its own will: each time something has to wake it again. By process,
    number and name of the thread."""
    pattern = re.compile(r"^Name:\s*([^\n]*)$.*^voluntary_ctxt_switches:\s*(\d+)", re.M | re.S)
    found = {}
    for pid in pids:
        name = " ".join(os.path.basename(word) for word in command(pid)[:2])
        for thread in threads(pid):
            match = pattern.search(read(f"/proc/{pid}/task/{thread}/status"))
            if match:
                found[(pid, thread, f"{name}/{match.group(1)}")] = int(match.group(2))
    return found


def resident(pid):
    """MiB: of the process, and its share of what it has in common with others."""
    text = read(f"/proc/{pid}/smaps_rollup")
    values = {name: int(kib) / 1024 for name, kib in re.findall(r"^(Rss|Pss):\s*(\d+)", text, re.M)}
    return values.get("Rss", 0.0), values.get("Pss", 0.0)


# --- the stage

class Stage:
    def __init__(self, programs, folder):
        self.programs, self.folder, self.children = programs, folder, []
        self.environment = dict(os.environ)
        for name in ("DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "MILLRACE_WORKER"):
            self.environment.pop(name, None)

    def start(self, words, log, **more):
        with open(os.path.join(self.folder, log), "a") as out:
            child = subprocess.Popen(words, stdout=out, stderr=out, stdin=subprocess.DEVNULL,
                                     env=more.pop("env", self.environment), **more)
        self.children.append(child)
        return child

    def run(self, *words):
        done = subprocess.run([self.program(words[0]), *words[1:]], env=self.environment, capture_output=True, text=True)
        if done.returncode != 0:
            raise SystemExit(f"{' '.join(words)}: {done.stdout}{done.stderr}")
        return done.stdout

    def program(self, name):
        return os.path.join(self.programs, name)

    def end(self, child, patience=30):
        if child.poll() is None:
            child.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                child.wait(patience)
        if child.poll() is None:
            child.kill()
            child.wait()
        self.children.remove(child)

    def close(self):
        for child in reversed(list(self.children)):
            self.end(child)

    def display(self):
        """A virtual X server on a display of its own choice."""
        reading, writing = os.pipe()
        # Without -noreset the idle time starts again when the last client leaves.
        self.start(["Xvfb", "-displayfd", str(writing), "-noreset", "-nolisten", "tcp", "-screen", "0", "640x480x24"],
                   "xvfb.log", pass_fds=(writing,))
        os.close(writing)
        with os.fdopen(reading) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise SystemExit("Xvfb does not start: " + read(os.path.join(self.folder, "xvfb.log")))
        self.environment["DISPLAY"] = f":{number}"

    def touch(self):
        """The user is back: the pointer moves."""
        self.side = not getattr(self, "side", False)
        return subprocess.Popen(["xdotool", "mousemove", "10" if self.side else "600", "10"], env=self.environment)

    def only_server(self):
        data = os.path.join(self.folder, "server")
        server = self.start([self.program("millrace-server"), "run", "--data", data, "--listen", "127.0.0.1:0"],
                            "server.log")
        wait(lambda: os.path.exists(f"{data}/address") and read(f"{data}/address"), "the server", server)
        self.environment["MILLRACE_SERVER"] = read(f"{data}/address").strip()
        self.environment["MILLRACE_TOKEN_FILE"] = f"{data}/admin.token"

    def server(self, project, ratios):
        self.only_server()
        self.run("millrace", "submit", long_project(project, os.path.join(self.folder, "project"), ratios))

    def client(self, name, preferences):
        """Attaches and runs a client; its preferences are given in every way that this version knows."""
        data = os.path.join(self.folder, name)
        if not os.path.exists(data):
            self.run("millrace-client", "attach", self.environment["MILLRACE_SERVER"], "--name", name, "--data", data)
        with open(f"{data}/preferences.yaml", "w") as file:
            file.write(preferences_text(preferences))
        known = self.run("millrace-client", "run", "--help")
        options = [("--cores", str(preferences["cores"])), ("--idle-minutes", str(preferences["idle"] / 60)),
                   ("--other-load-percent", "100")]
        words = [word for option in options if option[0] in known for word in option]
        return self.start([self.program("millrace-client"), "run", "--data", data, *words], f"{name}.log")


def preferences_text(preferences):
    return (f"in_use:\n  idle_after: {preferences['idle']} s\n"
            f"not_in_use:\n  cores: {preferences['cores']}\n  cpu: {preferences['cpu']} %\n"
            "pause:\n  other_load: 100 %\n  memory_pressure: 100 %\n  disk_pressure: 100 %\n")


def long_project(source, target, ratios):
    """The pulsar search with so many ratios in each work unit that one lasts."""
    shutil.copytree(os.path.join(source, "input"), os.path.join(target, "input"))
    text = read(os.path.join(source, "project.yaml"))
    values = ", ".join("0" if at == 0 else f"-{1.0e-15 * at / ratios:.6e}" for at in range(ratios))
    text, lists = re.subn(r"f1_over_f: \[.*?\]", f"f1_over_f: [{values}]", text, flags=re.S)
    text, steps = re.subn(r"steps_per_unit: \d+", f"steps_per_unit: {ratios}", text)
    text, deadlines = re.subn(r"deadline: .*", "deadline: 12 h", text)
    if (lists, steps, deadlines) != (1, 1, 1):
        raise SystemExit(f"{source}/project.yaml is not the one that this program knows")
    with open(os.path.join(target, "project.yaml"), "w") as file:
        file.write(text)
    return target


def wait(condition, what, child=None, patience=120):
    until = time.monotonic() + patience
    while not condition():
        if child is not None and child.poll() is not None:
            raise SystemExit(f"{what} has ended with {child.returncode}")
        if time.monotonic() > until:
            raise SystemExit(f"{what}: nothing happens")
        time.sleep(0.02)


# --- what is measured

def computing(client, count):
    """Whether so many workers run and have begun to use the processor."""
    heads = [pid for pid in workers(client.pid) if is_worker(command(pid))]
    return len(heads) >= count and not any(stands(pid) for pid in heads) and all(seconds(pid) > 0.05 for pid in heads)


def yields(stage, count, cores, idle):
    """Seconds from the start of xdotool to the last worker stopped or gone; nan: not within ten seconds."""
    client = stage.client("yielding", {"idle": idle, "cores": cores, "cpu": 100})
    found = []
    for _ in range(count):
        wait(lambda: computing(client, cores), "the client", client)
        # At no fixed place of anybody's period.
        time.sleep(random.uniform(0.2, 1.2))
        if not computing(client, cores):
            wait(lambda: computing(client, cores), "the client", client)
        watched = workers(client.pid)
        began = time.monotonic()
        robot = stage.touch()
        while not all(stands(pid) for pid in watched) and time.monotonic() - began < 10:
            time.sleep(0.0005)
        latency = time.monotonic() - began
        robot.wait()
        # One that was started while the others were being stopped counts as well.
        while any(not stands(pid) for pid in workers(client.pid)) and time.monotonic() - began < 10:
            latency = time.monotonic() - began
            time.sleep(0.0005)
        found.append(latency if latency < 10 else float("nan"))
    stage.end(client)
    return found


def enforced(stage, percents, cores, over):
    """Percent of the running tasks' cores that they used, for each percentage that was demanded."""
    rows = []
    for percent in percents:
        client = stage.client("bounded", {"idle": 1, "cores": cores, "cpu": percent})
        wait(lambda: len([p for p in workers(client.pid) if is_worker(command(p))]) >= cores, "the client", client)
        time.sleep(3)
        used, last = 0.0, {}
        began = time.monotonic()
        first = True
        while time.monotonic() - began < over:
            for pid in workers(client.pid):
                now = seconds(pid)
                if not first or pid in last:
                    used += max(0.0, now - last.get(pid, 0.0))
                last[pid] = now
            first = False
            time.sleep(0.1)
        elapsed = time.monotonic() - began
        status = json.loads(read(os.path.join(stage.folder, "bounded", "status.json")) or "{}")
        rows.append((percent, 100 * used / elapsed / cores, status.get("processor") or {}))
        stage.end(client)
    return rows


def cost(pid, over):
    """What a program with all its children costs while it does nothing: MiB, MiB of its own, percent of a core,
    wake-ups a second, processes, and the wake-ups of each thread."""
    first, slept = {member: seconds(member) for member in tree(pid)}, switches(tree(pid))
    began = time.monotonic()
    time.sleep(over)
    members = tree(pid)
    elapsed = time.monotonic() - began
    used = sum(seconds(member) - first.get(member, 0) for member in members)
    woken = {thread: (count - slept.get(thread, 0)) / elapsed for thread, count in switches(members).items()}
    sizes = [resident(member) for member in members]
    return (sum(size[0] for size in sizes), sum(size[1] for size in sizes), 100 * used / elapsed,
            sum(woken.values()), len(members), [(thread[2], rate) for thread, rate in woken.items()])


def idle(stage, over):
    """The client, attached and paused: somebody is at the keyboard."""
    stage.touch().wait()
    client = stage.client("paused", {"idle": 3600, "cores": 2, "cpu": 100})
    time.sleep(SETTLING)
    if workers(client.pid):
        raise SystemExit("the client computes although somebody is there")
    row = cost(client.pid, over)
    stage.end(client)
    return row


def boinc(stage, program, library, over):
    """BOINC's client, attached to nothing, the same way."""
    folder = os.path.join(stage.folder, "boinc")
    os.makedirs(folder)
    environment = dict(stage.environment, LD_LIBRARY_PATH=library)
    client = stage.start([program, "--dir", folder], "boinc.log", env=environment, cwd=folder)
    time.sleep(SETTLING)
    if client.poll() is not None:
        return None
    row = cost(client.pid, over)
    stage.end(client)
    return row


# --- the table

def quantile(values, share):
    ordered = sorted(values, key=lambda value: (value != value, value))
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


def show_yields(found):
    ms = [1000 * value for value in found]
    print(f"yield latency, ms ({len(ms)} yields, xdotool's own start included): "
          f"least {quantile(ms, 0):.0f}, median {quantile(ms, 0.5):.0f}, p90 {quantile(ms, 0.9):.0f}, "
          f"p99 {quantile(ms, 0.99):.0f}, most {quantile(ms, 1):.0f}")
    edges = [0, 50, 100, 200, 300, 500, 1000, float("inf")]
    for low, high in zip(edges, edges[1:]):
        count = sum(low <= value < high for value in ms)
        label = f"{low} to {high}" if high < float("inf") else f"{low} and more"
        print(f"  {label:>14} ms  {count:4}  {'#' * round(50 * count / len(ms))}")
    missed = sum(value != value for value in ms)
    if missed:
        print(f"  not within 10 s  {missed}")


def show_cost(name, row):
    if row is None:
        print(f"| {name} | does not run here | | | | |")
        return
    print(f"| {name} | {row[0]:.1f} | {row[1]:.1f} | {row[2]:.3f} | {row[3]:.2f} | {row[4]} processes, "
          f"{len(row[5])} threads |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--programs", required=True, help="folder of the programs of Millrace")
    parser.add_argument("--project", required=True, help="projects/gamma-pulsar")
    parser.add_argument("--folder", required=True, help="an empty folder for everything")
    parser.add_argument("--parts", default="yield,cpu,idle,boinc")
    parser.add_argument("--yields", type=int, default=60)
    parser.add_argument("--cores", type=int, default=2)
    parser.add_argument("--idle-seconds", type=int, default=2, help="without input before the client computes")
    parser.add_argument("--over", type=float, default=60, help="seconds for each figure of cost, a third for CPU")
    parser.add_argument("--ratios", type=int, default=700, help="steps in a work unit")
    parser.add_argument("--boinc", help="BOINC's client")
    parser.add_argument("--boinc-libraries", default="")
    options = parser.parse_args()
    parts = options.parts.split(",")
    os.setpriority(os.PRIO_PROCESS, 0, 0)
    stage = Stage(os.path.abspath(options.programs), os.path.abspath(options.folder))
    try:
        print(f"load average {read('/proc/loadavg').split(' ')[:3]}, {os.cpu_count()} cores")
        stage.display()
        stage.server(options.project, options.ratios)
        if "yield" in parts:
            show_yields(yields(stage, options.yields, options.cores, options.idle_seconds))
        if "cpu" in parts:
            print("\n| processor demanded | used | the client says | by |\n| --- | --- | --- | --- |")
            for percent, used, said in enforced(stage, (100, 80, 50, 20), options.cores, options.over / 3):
                measured = said.get("measuredPercent")
                print(f"| {percent} % | {used:.1f} % | {'' if measured is None else f'{measured:.1f} %'} | "
                      f"{said.get('method', 'this client knows no bound')} |")
        if "idle" in parts:
            print("\n| doing nothing | MiB resident | of its own | % of a core | wake-ups/s | |\n"
                  "| --- | --- | --- | --- | --- | --- |")
            row = idle(stage, options.over)
            show_cost("Millrace, attached, paused", row)
            if "boinc" in parts and options.boinc:
                show_cost("BOINC's client", boinc(stage, os.path.abspath(options.boinc), options.boinc_libraries, options.over))
            print("\nwake-ups/s of the client's threads: "
                  + ", ".join(f"{name} {rate:.2f}" for name, rate in sorted(row[5], key=lambda item: -item[1])))
        print(f"\nload average {read('/proc/loadavg').split(' ')[:3]}")
    finally:
        stage.close()


if __name__ == "__main__":
    sys.exit(main())
