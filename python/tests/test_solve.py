"""Solving from Python: the command's answers, zero copies, errors, interrupts, threads."""

import json
import pickle
import signal
import subprocess
import sys
import threading
import warnings

import numpy as np
import pytest
import scipy.sparse

import attreg
from conftest import dyadic, uneven


def command(*arguments, **options):
    """The command of the wheel in a process of its own."""
    return subprocess.run(
        [sys.executable, "-m", "attreg", *map(str, arguments)],
        capture_output=True,
        text=True,
        **options,
    )


def test_the_result_says_everything_and_bounds_its_error(softmax):
    result = attreg.solve(*softmax)
    assert result.success and result.status == "converged"
    expected = attreg.reference(attreg.Problem(*softmax), x=result.x, minimiser=True)
    error = np.linalg.norm(result.x - expected.f64.minimiser)
    # The reference's own rounding to float64 comes on top.
    assert 0 < result.error_bound < 1e-10 and error <= result.error_bound + 1e-15
    assert result.fun == pytest.approx(float(expected.loss), rel=1e-14)
    assert result.nit == len(result.trace) and result["x"] is result.x
    names = "x success status message fun jac_norm nit error_bound bound_basis warnings trace method seed"
    assert set(result) == set(names.split())
    assert attreg.solve(*softmax, bound=False).error_bound is None
    with pytest.raises(AttributeError):
        result.absent


@pytest.mark.parametrize("loss", ["softmax", "exp", "cosh", "sinh", "residual-softmax", "two-layer"])
@pytest.mark.parametrize("storage", ["dense", "sparse"])
def test_answers_are_those_of_the_command_bit_for_bit(loss, storage, tmp_path):
    A, w = dyadic(3, 30, 4), np.full(30, 0.5)
    b = dyadic(4, 30) + 1
    extra = {}
    if loss == "two-layer":
        extra = {"second_layer": dyadic(5, 3, 30), "activation": "tanh"}
        b = b[:3]
    manifest = {"loss": loss, "matrix": A, "target": b, "weights": w, **extra}
    if storage == "sparse":
        A = scipy.sparse.csr_array(np.where(np.abs(A) > 0.5, A, 0))
        scipy.sparse.save_npz(tmp_path / "A.npz", scipy.sparse.csr_matrix(A))
        manifest["matrix"] = "A.npz"
    plain = {key: value.tolist() if hasattr(value, "tolist") else value for key, value in manifest.items()}
    file = tmp_path / "instance.json"
    file.write_text(json.dumps(plain))
    done = command("solve", file, "--json", "--seed", 7)
    theirs = json.loads(done.stdout)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        ours = attreg.solve(A, b, w, loss, seed=7, **extra)
    assert ours.x.tolist() == theirs["x"]
    for key, name in [
        ("status", "status"),
        ("fun", "loss"),
        ("jac_norm", "gradient_norm"),
        ("nit", "iterations"),
        ("error_bound", "error_bound"),
        ("bound_basis", "error_bound_basis"),
        ("warnings", "warnings"),
        ("method", "method"),
    ]:
        assert ours[key] == theirs[name], key
    assert [str(entry.message) for entry in caught] == ours.warnings
    assert done.returncode == (0 if ours.success else 1)


def test_a_problem_is_solved_again_with_other_data(softmax):
    A, b, w = softmax
    problem = attreg.Problem(A)
    for target, weights in [(b, w), (b[::-1].copy(), 0.5), (b, 1)]:
        again = problem.solve(target, weights)
        assert again.x.tolist() == attreg.solve(A, target, weights).x.tolist()
    for ask in (problem.solve, lambda: problem.value(np.zeros(5)), lambda: attreg.reference(problem)):
        with pytest.raises(ValueError, match="b is missing: this problem was posed without a target"):
            ask()
    near = problem.solve(b, w, x0=again.x)
    assert near.success and near.x == pytest.approx(problem.solve(b, w).x, abs=1e-9)
    x, v = dyadic(8, 5), dyadic(9, 5)
    problem = attreg.Problem(A, b, w)
    expected = attreg.reference(problem, x).f64
    assert problem.value(x) == pytest.approx(expected.loss, rel=1e-14)
    assert problem.gradient(x) == pytest.approx(expected.gradient, rel=1e-12)
    assert problem.hessian(x) == pytest.approx(expected.hessian, rel=1e-12)
    assert problem.hvp(x, v) == pytest.approx(expected.hessian @ v, rel=1e-12)


PEAK = """
import resource, sys
import numpy as np, attreg
n, d = 1_000_000, int(sys.argv[1])
A = np.zeros((n, d)); A[:, 0] = np.arange(n) % 7 / 8; A[:, 1:] = 0.125
A[np.arange(n), np.arange(n) % d] += 1
b = np.arange(1, n + 1) * (2 / n / (n + 1))
attreg.solve(A[:1000], b[:1000] * 1000, 0.5)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
result = attreg.solve(A, b, 0.5, bound=False, max_iter=2, method="reused-gram")
assert result.nit >= 1
after = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(A.nbytes, (after - before) * 1024)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss counts KiB on Linux only")
@pytest.mark.parametrize("columns", [24, 20])
def test_a_contiguous_matrix_is_not_copied(columns):
    """Measured by the peak of memory, also where rows are no whole cache lines."""
    done = subprocess.run([sys.executable, "-c", PEAK, str(columns)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    size, more = map(int, done.stdout.split())
    # Vectors with one entry for each row are an A of a few columns.
    assert more < 0.75 * size, (size, more)


def test_any_layout_and_any_exact_type_is_taken(softmax):
    A, b, w = softmax
    expected = attreg.solve(A, b, w).x.tolist()
    wide = np.zeros((80, 10))
    wide[::2, ::2] = A
    unaligned = np.frombuffer(b"\0" + A.tobytes(), dtype=np.uint8)[1:].view(np.float64).reshape(A.shape)
    for other in [np.asfortranarray(A), wide[::2, ::2], unaligned, A.astype(">f8"), A.astype("f4"), A.tolist()]:
        assert attreg.solve(other, b, w).x.tolist() == expected
    whole = (A * 64).astype(np.int64)
    assert attreg.solve(whole, b, w).x.tolist() == attreg.solve(whole.astype(float), b, w).x.tolist()
    rows = scipy.sparse.csr_array(A)
    for sparse in [rows, rows.tocsc(), rows.tocoo(), scipy.sparse.csr_matrix(A)]:
        assert attreg.solve(sparse, b, w).success
    before = A.copy()
    attreg.solve(A, b, w)
    assert (A == before).all()


@pytest.mark.parametrize(
    "change, error, line",
    [
        (dict(A=np.ones((40, 5), complex)), TypeError, "A has dtype complex128: real numbers are needed"),
        (dict(A=np.full((40, 5), "1")), TypeError, "A has dtype <U1: real numbers are needed"),
        (dict(A=np.ones((40, 5), object)), TypeError, "A has dtype object: real numbers are needed"),
        (dict(A=np.ones(40)), ValueError, "A is 40, expected a matrix"),
        (dict(A=np.ones((40, 0))), ValueError, "matrix is 40 x 0: at least one row and one column are needed"),
        (dict(A=np.full((40, 5), np.nan)), ValueError, "matrix[0, 0] is NaN: every entry must be finite"),
        (dict(A=np.full((1, 1), 2**53 + 1)), ValueError, "A[0, 0] is 9007199254740993: no float64 holds it"),
        (dict(b=np.ones(39)), ValueError, "target has 39 entries, expected 40"),
        (dict(b=np.full(40, np.inf)), ValueError, "target[0] is inf: every entry must be finite"),
        (dict(w=np.ones((40, 1))), ValueError, "w is 40 x 1, expected a vector"),
        (dict(w=1e200), ValueError, "weights[0] is 1e200: its square overflows f64"),
        (dict(x0=np.ones(4)), ValueError, "x0 has 4 entries, expected 5"),
        (dict(loss="hinge"), ValueError, 'unknown loss "hinge": known losses are softmax, exp, cosh, sinh, residual-softmax, two-layer'),
        (dict(tol=-1.0), ValueError, "tolerance is -1: must be finite and > 0"),
        (dict(max_iter=-1), ValueError, "max_iter is -1: must not be negative"),
        (dict(method="newton"), ValueError, "method newton is unknown: a loss of logits is solved by auto, exact, reused-gram, subsampled"),
        (dict(on_interrupt="go"), ValueError, "on_interrupt is 'go': must be 'raise' or 'return'"),
    ],
)
def test_what_does_not_fit_is_one_line(softmax, change, error, line):
    A, b, w = softmax
    with pytest.raises(error) as raised:
        attreg.solve(**{"A": A, "b": b, "w": w, **change})
    assert str(raised.value) == line


def test_errors_of_files_are_those_of_the_system(tmp_path):
    absent = tmp_path / "absent.json"
    with pytest.raises(FileNotFoundError, match="absent.json: No such file"):
        attreg.check(absent, {"loss": 1.0})
    negative = scipy.sparse.csr_array(np.eye(3))
    negative.indices[1] = -1
    with pytest.raises(ValueError, match=r"indices\[1\] is -1: no index is negative"):
        attreg.solve(negative, np.ones(3))
    with pytest.raises(MemoryError, match="the limit is"):
        attreg.reference(attreg.Problem(np.ones((100_000, 50)), np.ones(100_000)))


@pytest.mark.usefixtures("interruptible")
def test_an_interrupt_gives_the_best_point_so_far(softmax):
    """The signal is raised inside the run: no clock decides."""

    def interrupt(entry):
        if entry["iteration"] == 1:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(KeyboardInterrupt) as raised:
        attreg.solve(*softmax, callback=interrupt)
    found = raised.value.result
    assert found.status == "interrupted" and not found.success and found.nit < attreg.solve(*softmax).nit
    assert found.fun < attreg.Problem(*softmax).value(np.zeros(5))
    returned = attreg.solve(*softmax, callback=interrupt, on_interrupt="return")
    assert returned.x.tolist() == found.x.tolist()
    assert pickle.loads(pickle.dumps(raised.value)).result.nit == found.nit


@pytest.mark.usefixtures("interruptible")
@pytest.mark.parametrize("what", ["reference", "check"])
def test_an_interrupt_ends_the_wait_for_the_oracle(what):
    """The oracle would take minutes. The signal comes from a timer that starts before it: whenever it strikes, the wait ends."""
    problem = attreg.Problem(dyadic(1, 3000, 40), uneven(3000), 0.5)
    asks = {
        "reference": lambda: attreg.reference(problem, minimiser=True),
        "check": lambda: attreg.check(problem, {"minimiser": np.zeros(40)}),
    }
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        asks[what]()
    timer.join()


def test_a_callback_sees_every_iteration_and_may_end_the_run(softmax):
    seen = []
    result = attreg.solve(*softmax, callback=seen.append)
    assert seen == result.trace and threading.current_thread() is threading.main_thread()

    def enough(entry):
        raise StopIteration

    assert attreg.solve(*softmax, callback=enough).status == "interrupted"

    def wrong(entry):
        raise ZeroDivisionError("of the callback")

    with pytest.raises(ZeroDivisionError, match="of the callback"):
        attreg.solve(*softmax, callback=wrong)


@pytest.mark.usefixtures("interruptible")
def test_large_problems_which_run_on_a_thread_of_their_own_end_as_small_ones_do():
    """Small ones run on the thread of the caller: the tests above."""
    A, b = dyadic(1, 3000, 40), uneven(3000)
    before = threading.active_count()

    def ends(error):
        def callback(entry):
            assert threading.current_thread() is threading.main_thread()
            error()

        return callback

    with pytest.raises(attreg.Interrupted) as raised:
        attreg.solve(A, b, 0.5, callback=ends(lambda: signal.raise_signal(signal.SIGINT)))
    assert raised.value.result.status == "interrupted"
    with pytest.raises(ZeroDivisionError):
        attreg.solve(A, b, 0.5, callback=ends(lambda: 1 / 0))
    assert threading.active_count() == before


def test_the_lock_of_the_interpreter_is_not_held(softmax):
    """Another thread makes progress while a solve is inside the extension: it sees the run begin and lets it end."""
    A, b, _ = softmax
    inside, release = threading.Event(), threading.Event()

    def wait(entry):
        inside.set()
        assert release.wait(60)

    results = []
    thread = threading.Thread(target=lambda: results.append(attreg.solve(A, b, 0.25, callback=wait)))
    thread.start()
    assert inside.wait(60)
    # With the first one under way, a second solve runs from beginning to end.
    assert attreg.solve(A, b, 0.25).success
    release.set()
    thread.join(60)
    assert results[0].success


def test_threads_share_a_problem_and_get_the_same_bits(softmax):
    A, b, w = softmax
    problem = attreg.Problem(np.tile(A, (500, 1)), np.tile(b, 500) / 500, 0.25)
    results = [None] * 4

    def work(k):
        results[k] = problem.solve().x.tolist()

    threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [problem.solve().x.tolist()] * 4


def test_results_and_problems_are_pickled(softmax):
    result = attreg.solve(*softmax)
    again = pickle.loads(pickle.dumps(result))
    assert type(again) is attreg.Result and again.x.tolist() == result.x.tolist()
    assert again.trace == result.trace and "converged" in repr(again)
    problem = pickle.loads(pickle.dumps(attreg.Problem(*softmax)))
    assert problem.solve().x.tolist() == result.x.tolist()


def test_warnings_are_python_warnings():
    A = np.ones((6, 2))
    with pytest.warns(attreg.SolverWarning) as caught:
        result = attreg.solve(A, np.full(6, 1 / 6), 1.0)
    assert result.status == "singular" and result.warnings
    assert caught[0].filename == __file__


GROWTH = """
import resource, sys
import numpy as np, attreg
A, b = np.eye(4), np.array([0.125, 0.125, 0.25, 0.5])
problem = attreg.Problem(A, b, 1.0)
def many(count):
    for _ in range(count):
        problem.solve()
        attreg.Problem(A, b, 1.0)
def used():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize()
many(2000)
before = used()
many(int(sys.argv[1]))
print(used() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="/proc/self/statm is Linux's")
def test_many_calls_leave_no_memory_behind(request):
    calls = request.config.getoption("--calls")
    done = subprocess.run([sys.executable, "-c", GROWTH, str(calls)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    # A leak of one small object a call would be 48 bytes of each.
    assert int(done.stdout) < max(48 * calls, 1 << 20), done.stdout
