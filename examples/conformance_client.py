"""Answers the conformance kit with NumPy alone: a pattern for a client in any language.

    python3 examples/conformance_client.py fixtures/conformance my-answers
    attreg check --suite fixtures/conformance --answers my-answers

The formulas are the corrected ones; replace `in_logits`, `minimise` and `SYSTEMS` by what you want to test.
"""

import json
import os
import sys

import numpy as np


def softmax(z):
    # Shifted by the largest logit: exp overflows at 710.
    e = np.exp(z - z.max())
    return e / e.sum()


def activation(name, y):
    """phi, phi', phi'' at y."""
    if name == "identity":
        return y, np.ones_like(y), np.zeros_like(y)
    if name == "relu":
        on = (y > 0).astype(float)
        return y * on, on, np.zeros_like(y)
    if name == "tanh":
        h = np.tanh(y)
        return h, 1 - h * h, -2 * h * (1 - h * h)
    s = 1 / (1 + np.exp(-y))  # softplus
    return np.logaddexp(0, y), s, s * (1 - s)


def softmax_second_derivative(p, v):
    """The Hessian of z -> <softmax(z), v>."""
    mean, q = p @ v, p * v
    return np.diag(q - mean * p) - np.outer(q, p) - np.outer(p, q) + 2 * mean * np.outer(p, p)


def in_logits(m, z):
    """l(z), its gradient and its Hessian, for the manifest m of an instance."""
    b, loss = np.array(m["target"]), m["loss"]
    if loss in ("softmax", "two-layer"):
        p = softmax(z)
        covariance = np.diag(p) - np.outer(p, p)
        if loss == "softmax":
            c, v, gauss = p - b, p - b, covariance @ covariance
        else:
            a2 = np.array(m["second_layer"])
            h, slope, bend = activation(m["activation"], a2 @ p)
            c = h - b
            v = a2.T @ (slope * c)
            image = a2 @ covariance
            gauss = image.T @ ((slope**2 + bend * c)[:, None] * image)
        return 0.5 * c @ c, p * (v - p @ v), gauss + softmax_second_derivative(p, v)
    if loss == "residual-softmax":
        e = np.exp(z)
        alpha = (e + z).sum()
        f, k = (e + z) / alpha, (e + 1) / alpha
        c = f - b
        g = c - c @ f
        q = (2 * f - b) * k
        low_rank = (3 * f - 2 * b) @ f * np.outer(k, k) - np.outer(q, k) - np.outer(k, q)
        return 0.5 * c @ c, k * g, np.diag(k * k + e * g / alpha) + low_rank
    phi, slope = {
        "exp": (np.exp(z), np.exp(z)),
        "cosh": (np.cosh(z), np.sinh(z)),
        "sinh": (np.sinh(z), np.cosh(z)),
    }[loss]
    bend = slope if loss == "exp" else phi
    c = phi - b
    return 0.5 * c @ c, slope * c, np.diag(slope**2 + bend * c)


def single_layer_attention(m, unknowns):
    """The loss of X and Y, its gradient and its Hessian over the entries of X and then of Y, each row by row."""
    a1, a2, a3, b = (np.array(m[name]) for name in ("A1", "A2", "A3", "B"))
    x, y = (np.array(unknowns[name]) for name in ("X", "Y"))
    w = np.broadcast_to(np.array(m["weights"]), (len(a1), len(a1)))
    z, h = a1 @ x @ a2.T, a3 @ y
    f = np.array([softmax(row) for row in z])
    c = f @ h - b
    value = 0.5 * np.sum(c**2) + 0.5 * np.sum((w * z) ** 2) + 0.5 * m["ridge"] * np.sum(h**2)
    q = c @ h.T
    slope = f * (q - np.sum(f * q, axis=1, keepdims=True)) + w * w * z
    gradient = {"X": a1.T @ slope @ a2, "Y": (f @ a3).T @ c + m["ridge"] * a3.T @ h}
    (d1, d2), (d3, outputs) = x.shape, y.shape
    hessian = np.zeros((d1 * d2 + d3 * outputs,) * 2)
    for a, p, wj, qj, cj in zip(a1, f, w, q, c):
        covariance = np.diag(p) - np.outer(p, p)
        image = covariance @ h
        block = image @ image.T + softmax_second_derivative(p, qj) + np.diag(wj * wj)
        hessian[: d1 * d2, : d1 * d2] += np.kron(np.outer(a, a), a2.T @ block @ a2)
        # From X to column i of Y.
        for i in range(outputs):
            mixed = np.outer(image[:, i], a3.T @ p) + cj[i] * covariance @ a3
            hessian[: d1 * d2, d1 * d2 + i :: outputs] += np.kron(a[:, None], a2.T @ mixed)
    hessian[d1 * d2 :, : d1 * d2] = hessian[: d1 * d2, d1 * d2 :].T
    seen = f @ a3
    hessian[d1 * d2 :, d1 * d2 :] = np.kron(seen.T @ seen + m["ridge"] * a3.T @ a3, np.eye(outputs))
    return value, gradient, hessian


def weighted_low_rank(m, unknowns):
    """The same for weighted low-rank approximation; what is hidden is null, and has weight 0."""
    w = np.array(m["W"]) ** 2
    x, y = (np.array(unknowns[name]) for name in ("X", "Y"))
    r = np.where(w > 0, x @ y.T - np.array(m["M"], dtype=float), 0.0)
    gradient = {"X": (w * r) @ y, "Y": (w * r).T @ x}
    (n, k), columns = x.shape, len(y)
    hessian = np.zeros(((n + columns) * k,) * 2)
    for i in range(n):
        for j in range(columns):
            s, t = slice(i * k, i * k + k), slice((n + j) * k, (n + j) * k + k)
            hessian[s, s] += w[i, j] * np.outer(y[j], y[j])
            hessian[t, t] += w[i, j] * np.outer(x[i], x[i])
            hessian[s, t] = w[i, j] * (np.outer(y[j], x[i]) + r[i, j] * np.eye(k))
            hessian[t, s] = hessian[s, t].T
    return 0.5 * np.sum(w * r * r), gradient, hessian


def attention_kernel_regression(m, unknowns):
    """The same for 0.5 || (K + lambda I) x - b ||^2, K a power of A'A, A times that, or exp(A A') entry by entry."""
    a, x = np.array(m["matrix"]), np.array(unknowns["x"])
    if m["kind"] == "kernel":
        k = np.exp(a @ a.T) + m["ridge"] * np.eye(len(a))
    else:
        k = np.linalg.matrix_power(a.T @ a, int(m["power"]))
        k = a @ k if m["kind"] == "odd" else k
    r = k @ x - np.array(m["target"])
    return 0.5 * r @ r, {"x": k.T @ r}, k.T @ k


def tensor_power(m, unknowns):
    """The same for 0.5 sum_j (|| T(v, .., v, .) - lambda v ||^2 + ((1 - v'v) / 2)^2), each pair by itself."""
    t, values, vectors = np.array(m["T"]), np.array(unknowns["values"]), np.array(unknowns["vectors"])
    n, k = vectors.shape
    p = t.ndim
    loss, gradient = 0.0, {"values": np.zeros(k), "vectors": np.zeros((n, k))}
    hessian = np.zeros((k * (n + 1),) * 2)
    for j, (value, v) in enumerate(zip(values, vectors.T)):
        matrix = t
        for _ in range(p - 2):
            matrix = matrix @ v
        left, length = matrix @ v - value * v, 0.5 * (1 - v @ v)
        jacobian = np.block([[np.zeros((1, 1)), -v[None, :]], [-v[:, None], (p - 1) * matrix - value * np.eye(n)]])
        loss += 0.5 * (left @ left + length**2)
        slope = jacobian @ np.concatenate([[length], left])
        gradient["values"][j], gradient["vectors"][:, j] = slope[0], slope[1:]
        bent = t @ left
        for _ in range(p - 3):
            bent = bent @ v
        block = jacobian @ jacobian
        block[1:, 1:] += (p - 1) * (p - 2) * bent - length * np.eye(n)
        block[0, 1:] -= left
        block[1:, 0] -= left
        places = [j, *range(k + j, k + n * k, k)]
        hessian[np.ix_(places, places)] = block
    return loss, gradient, hessian


def leverage_regression(m, unknowns):
    """The same for 0.5 || A X - B ||_F^2 + 0.5 lambda || X ||_F^2: the Hessian is A'A + lambda I for each column of X."""
    a, b, x = (np.array(value) for value in (m["matrix"], m["target"], unknowns["x"]))
    r = a @ x - b
    square = a.T @ a + m["ridge"] * np.eye(a.shape[1])
    columns = 1 if b.ndim == 1 else b.shape[1]
    loss = 0.5 * np.sum(r * r) + 0.5 * m["ridge"] * np.sum(x * x)
    return loss, {"x": a.T @ r + m["ridge"] * x}, np.kron(square, np.eye(columns))


def federated_softmax(m, unknowns):
    """The same for the mean of the clients' softmax regressions."""
    x = np.array(unknowns["x"])
    loss, gradient, hessian = 0.0, np.zeros(len(x)), np.zeros((len(x), len(x)))
    for client in m["clients"]:
        a, b, w = (np.array(client[name]) for name in ("matrix", "target", "weights"))
        z = a @ x
        p = softmax(z)
        c = p - b
        delta = p * (p + c - c @ p)
        loss += 0.5 * np.sum(c * c) + 0.5 * np.sum((w * z) ** 2)
        gradient += a.T @ (p * (c - c @ p) + w * w * z)
        square = np.diag(delta + w * w) - np.outer(delta, p) - np.outer(p, delta) + (p @ p) * np.outer(p, p)
        hessian += a.T @ square @ a
    count = len(m["clients"])
    return loss / count, {"x": gradient / count}, hessian / count


def active_learning(m, unknowns):
    """The same for 0.5 sum_i D_i (p_i x - y_i)^2: the Hessian is P'D P."""
    p, y, x = np.array(m["pool"]), np.array(m["labels"]), np.array(unknowns["x"])
    measure = np.broadcast_to(np.array(m.get("measure", 1.0)), y.shape)
    r = p @ x - y
    return 0.5 * np.sum(measure * r * r), {"x": p.T @ (measure * r)}, p.T @ (measure[:, None] * p)


SYSTEMS = {
    "single-layer-attention": single_layer_attention,
    "weighted-low-rank": weighted_low_rank,
    "attention-kernel-regression": attention_kernel_regression,
    "tensor-power": tensor_power,
    "leverage-regression": leverage_regression,
    "federated-softmax": federated_softmax,
    "active-learning": active_learning,
}


def exact_attention(m):
    """Row i: the mean of the values with the weights softmax(K q_i / s)."""
    q, k, v = (np.array(m[name]) for name in ("Q", "K", "V"))
    z = q @ k.T / m["scale"]
    if m["causal"]:
        z[np.arange(len(k)) > np.arange(len(q))[:, None]] = -np.inf
    return np.array([softmax(row) for row in z]) @ v


def polynomial_attention(m):
    """The same with powers, of logits relative to the largest of a row."""
    q, k, v = (np.array(m[name]) for name in ("Q", "K", "V"))
    z = q @ k.T
    u = (z / np.abs(z).max(axis=1, keepdims=True)) ** m["degree"]
    return u @ v / u.sum(axis=1, keepdims=True)


OUTPUTS = {"exact-attention": exact_attention, "polynomial-attention": polynomial_attention}


def of_system(m, x):
    """An answer about a system whose unknowns have names; a minimiser need not be unique there, and none is given."""
    value, gradient, hessian = SYSTEMS[m["system"]](m, x)
    return {
        "x": x,
        "loss": float(value),
        "gradient": {name: part.tolist() for name, part in gradient.items()},
        "hessian": hessian.tolist(),
    }


def evaluate(m, x):
    """L(x), its gradient and its Hessian: the ridge 0.5 ||diag(w) A x||^2 and the chain rule through z = A x."""
    a, w = np.array(m["matrix"]), np.array(m["weights"])
    z = a @ x
    with np.errstate(over="ignore", invalid="ignore"):
        value, gradient, hessian = in_logits(m, z)
    return (
        value + 0.5 * np.sum((w * z) ** 2),
        a.T @ (gradient + w * w * z),
        a.T @ (hessian + np.diag(w * w)) @ a,
    )


def minimise(m, x):
    """Newton's method with the sign that descends, shifted where the Hessian is not definite."""
    value, gradient, hessian = evaluate(m, x)
    for _ in range(1000):
        eigenvalues, vectors = np.linalg.eigh(hessian)
        floor = 1e-15 * np.abs(eigenvalues).max()
        definite = eigenvalues.min() > floor
        step = -vectors @ ((vectors.T @ gradient) / np.maximum(np.abs(eigenvalues), floor))
        slope, length = gradient @ step, 1.0
        while length > 1e-18:
            candidate = x + length * step
            found = evaluate(m, candidate)
            lower = found[0] <= value + 1e-4 * length * slope
            # Near the minimum the loss is blind to a step and the gradient decides.
            halved = definite and length == 1.0 and np.linalg.norm(found[1]) <= 0.5 * np.linalg.norm(gradient)
            if np.all(np.isfinite(found[1])) and ((lower and -slope > 1e-13 * abs(value)) or halved):
                break
            length /= 2
        else:
            return x
        x, (value, gradient, hessian) = candidate, found
    return x


def of_logits(m, point):
    """An answer about a loss of logits."""
    x = np.array(point)
    value, gradient, hessian = evaluate(m, x)
    return {
        "x": point,
        "loss": float(value),
        "gradient": gradient.tolist(),
        "hessian": hessian.tolist(),
        "minimiser": minimise(m, x).tolist(),
    }


def main(kit, answers):
    os.makedirs(answers, exist_ok=True)
    with open(os.path.join(kit, "conformance.json")) as file:
        entries = json.load(file)["instances"]
    for entry in entries:
        with open(os.path.join(kit, entry["instance"])) as file:
            m = json.load(file)
        if m.get("system") in OUTPUTS:
            answer = {"outputs": OUTPUTS[m["system"]](m).tolist()}
        elif "system" in m:
            answer = of_system(m, entry["x"])
        else:
            answer = of_logits(m, entry["x"])
        with open(os.path.join(answers, entry["id"] + ".json"), "w") as file:
            json.dump(answer, file)
    print(f"{len(entries)} answers in {answers}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: conformance_client.py KIT ANSWERS")
    main(sys.argv[1], sys.argv[2])
