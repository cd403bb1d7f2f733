"""What the command counts, as functions: its numbers, its refusals, its files."""

import json
import signal
import threading

import pytest

import attreg
from test_solve import command

CLIENTS = [
    {"matrix": [[1, 0.5], [0, 2]], "target": [0.5, 0.25], "weights": 1},
    {"matrix": [[0.25, -1], [1, 1], [2, 0]], "target": [0, 1, 0], "weights": [1, 2, 1]},
]
PROBLEM = {"system": "federated-softmax", "local_steps": 2, "step": 0.0625, "start": [0.5, -0.5], "clients": CLIENTS}


def printed(*arguments):
    report = json.loads(command(*arguments, "--json").stdout)
    assert report.pop("format_version") == 1
    return report


@pytest.mark.parametrize(
    "ours, theirs",
    [
        (lambda: attreg.row_queries(10**12, 100), ["row-queries", "--rows", 10**12, "--columns", 100]),
        (
            lambda: attreg.row_queries(10**9, 20, accuracy=0.05, delta=0.1, slowdown=50),
            ["row-queries", "--rows", 10**9, "--columns", 20, "--accuracy", 0.05, "--delta", 0.1, "--slowdown", 50],
        ),
        (lambda: attreg.degree_window(102, 5, 20), ["degree-window", "--width", 102, "--copies", 5, "--signs", 20]),
        (
            lambda: attreg.degree_window(202, 9, 30, small=0.2, large=0.8, class_weight=0.4, margin=0.2, failure=0.1),
            ["degree-window", "--width", 202, "--copies", 9, "--signs", 30, "--small", 0.2, "--large", 0.8]
            + ["--class-weight", 0.4, "--margin", 0.2, "--failure", 0.1],
        ),
        (lambda: attreg.catch_up(0.1), ["catch-up", "--share", 0.1]),
        (lambda: attreg.catch_up(0.3, 4, risk=0.01), ["catch-up", "--share", 0.3, "--blocks", 4, "--risk", 0.01]),
    ],
)
def test_counts_are_those_of_the_command(ours, theirs):
    """With its defaults, too."""
    assert ours() == printed(*theirs)


def test_a_probability_is_that_of_the_formula():
    """Grunspan and Perez-Marco's closed form by mpmath: independent of the library."""
    import mpmath

    with mpmath.workdps(40):
        q = mpmath.mpf(0.1)
        expected = mpmath.betainc(6, mpmath.mpf(1) / 2, 0, 4 * q * (1 - q), regularized=True)
        assert abs(mpmath.mpf(attreg.catch_up(0.1, 6).probability) / expected - 1) < mpmath.mpf(10) ** -28


@pytest.mark.parametrize(
    "ask, line",
    [
        (lambda: attreg.row_queries(0, 1), "rows is 0: from 1 to 2^53 are counted"),
        (lambda: attreg.row_queries(-1, 1), "rows is -1: must not be negative"),
        (lambda: attreg.row_queries(2**64, 1), f"rows is {2**64}: must be below 2^64"),
        (lambda: attreg.row_queries(10, 2, accuracy=2), "accuracy is 2: must be above 0 and below 1"),
        (lambda: attreg.degree_window(102, 5, -1), "signs is -1: must not be negative"),
        (lambda: attreg.catch_up(-0.5), "share is -0.5"),
        (lambda: attreg.chain("c"), "an instance is needed to make a chain; check=True follows one without"),
        (lambda: attreg.chain("c", check=True, rounds=3), "rounds has no effect: with check no round is added"),
        (lambda: attreg.chain("c", check=True, resume=True), "resume has no effect: with check no round is added"),
        (lambda: attreg.chain("c", PROBLEM, seed=-1), "seed is -1: must not be negative"),
        (lambda: attreg.chain("c", PROBLEM, method="newton"), "newton"),
        (lambda: attreg.chain("c", attreg.Problem([[1.0]], [1.0])), 'system "softmax" is a loss of logits'),
        (lambda: attreg.verify("dls23/gradient-corrected", cases=1, seed=-1), "seed is -1: must not be negative"),
    ],
)
def test_what_cannot_be_counted_is_one_line(ask, line, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ValueError) as raised:
        ask()
    assert line in str(raised.value) and "\n" not in str(raised.value)
    assert not list(tmp_path.iterdir())


def test_a_chain_is_made_followed_and_broken(tmp_path):
    file, theirs, ours = tmp_path / "p.json", tmp_path / "theirs.jsonl", tmp_path / "ours.jsonl"
    file.write_text(json.dumps(PROBLEM))
    expected = printed("chain", file, "--journal", theirs, "--rounds", 12, "--seed", 3)
    for instance in (PROBLEM, file, attreg.pose("federated-softmax", **{k: v for k, v in PROBLEM.items() if k not in ("system", "start")})):
        ours.unlink(missing_ok=True)
        found = attreg.chain(ours, instance, rounds=5, seed=3)
        assert found.status == "made" and found.blocks == 6
        resumed = attreg.chain(ours, instance, rounds=12, seed=3, resume=True)
        assert attreg.chain(ours, instance, check=True, seed=3) == {**resumed, "status": "follows"}
        if isinstance(instance, (dict, type(file))):
            assert resumed == expected and ours.read_bytes() == theirs.read_bytes()
    assert attreg.chain(theirs, check=True).status == "follows"
    with pytest.raises(FileExistsError):
        attreg.chain(theirs, PROBLEM)
    with pytest.raises(FileNotFoundError):
        attreg.chain(tmp_path / "absent", check=True)
    lines = theirs.read_text().splitlines(keepends=True)
    theirs.write_text("".join(lines[:4] + lines[5:]))
    broken = attreg.chain(theirs, check=True)
    assert (broken.status, broken.line) == ("broken", 5) and "block 5 where block 4 is next" in broken.reason
    assert broken == printed("chain", "--check", "--journal", theirs)


@pytest.mark.usefixtures("interruptible")
def test_a_chain_that_was_interrupted_goes_on(tmp_path):
    journal = tmp_path / "chain.jsonl"
    timer = threading.Timer(0.2, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(attreg.Interrupted) as raised:
        # Far more than will be made.
        attreg.chain(journal, PROBLEM, rounds=10**9)
    timer.join()
    made = raised.value.result
    assert made.status == "interrupted" and made.blocks >= 1
    assert attreg.chain(journal, check=True).blocks == made.blocks
    assert attreg.chain(journal, PROBLEM, rounds=made.blocks + 2, resume=True).blocks == made.blocks + 3
