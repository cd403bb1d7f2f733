"""The programs that cargo builds for the scripts here."""
import json
import pathlib
import subprocess


def built(name):
    """Builds the bench of that name as released; its path."""
    command = ["cargo", "bench", "--no-run", "--quiet", "--message-format", "json", "--bench", name]
    root = pathlib.Path(__file__).resolve().parent.parent
    lines = subprocess.run(command, cwd=root, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    for message in map(json.loads, lines):
        if message.get("executable") and message["target"]["name"] == name:
            return message["executable"]
    raise SystemExit(f"cargo built no program {name}")


def program():
    """Builds attreg as released; its path."""
    root = pathlib.Path(__file__).resolve().parent.parent
    subprocess.run(["cargo", "build", "--release", "--quiet", "--bin", "attreg"], cwd=root, check=True)
    return str(root / "target" / "release" / "attreg")
