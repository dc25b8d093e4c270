"""Writes a manual page from what `PROGRAM --experimental-dump-help` says of every command and option.

Usage: millrace-client --experimental-dump-help | python3 man-page.py VERSION DAY > millrace-client.1
"""

import json
import sys


def plain(text):
    """Text as roff: no line of it is a request, no dash a hyphen."""
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\n".join("\\&" + line if line[:1] in ".'" else line for line in text.split("\n"))


def label(argument):
    """How an option or argument is written."""
    value = "<" + argument.get("valueName", "value") + ">"
    if argument["kind"] == "positional":
        return "\\fI" + plain(value) + "\\fR"
    names = []
    for name in argument.get("names", []):
        dashes = "--" if name["kind"] == "long" else "-"
        names.append("\\fB" + plain(dashes + name["name"]) + "\\fR")
    text = ", ".join(names)
    return text if argument["kind"] == "flag" else text + " \\fI" + plain(value) + "\\fR"


def lines_of(command, path):
    path = path + [command["commandName"]]
    if len(path) > 1:
        yield ".SS " + plain(" ".join(path[1:]))
    yield plain(command.get("abstract", ""))
    if command.get("discussion"):
        yield ".PP\n.nf"
        yield plain(command["discussion"])
        yield ".fi"
    for argument in command.get("arguments", []):
        names = [name["name"] for name in argument.get("names", [])]
        if not argument.get("shouldDisplay", True) or "help" in names or "version" in names:
            continue
        yield ".TP\n" + label(argument)
        text = argument.get("abstract", "")
        if argument.get("defaultValue"):
            text += " (default: " + argument["defaultValue"] + ")"
        yield plain(text)
    for child in command.get("subcommands", []):
        if child.get("shouldDisplay", True) and child["commandName"] != "help":
            yield from lines_of(child, path)


def main():
    version, day = sys.argv[1:3]
    root = json.load(sys.stdin)["command"]
    name = root["commandName"]
    children = root.pop("subcommands", [])
    abstract, discussion = root.get("abstract", ""), root.get("discussion", "")
    print(f'.TH {name.upper()} 1 "{day}" "Millrace {version}" "User Commands"')
    print(".SH NAME\n" + plain(f"{name} - {abstract.rstrip('.')}"))
    print(".SH SYNOPSIS\n.B " + plain(name) + "\n.I command\n.RI [ options ]")
    print(".SH DESCRIPTION\n" + plain(abstract) + "\n.PP\n.nf\n" + plain(discussion) + "\n.fi")
    print(".SH COMMANDS")
    for child in children:
        if child.get("shouldDisplay", True) and child["commandName"] != "help":
            for line in lines_of(child, [name]):
                print(line)
    print(".SH FILES\n.TP\n.I /etc/millrace/preferences.yaml\nWhat the service of this computer may do.")
    print(".TP\n.I /var/lib/millrace\\-client\nThe service's folder: its key, tasks and results.")
    print(".TP\n.I ~/.local/share/millrace\nThe same of a client that one person runs.")
    print(".SH SEE ALSO\n.BR millrace\\-worker (1)")


main()
