"""The programs under benches that cargo builds."""
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
