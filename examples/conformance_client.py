"""Answers the conformance kit with NumPy alone: a pattern for a client in any language.

    python3 examples/conformance_client.py fixtures/conformance my-answers
    attreg check --suite fixtures/conformance --answers my-answers

The formulas are the corrected ones; replace `in_logits` and `minimise` by what you want to test.
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


def main(kit, answers):
    os.makedirs(answers, exist_ok=True)
    with open(os.path.join(kit, "conformance.json")) as file:
        entries = json.load(file)["instances"]
    for entry in entries:
        with open(os.path.join(kit, entry["instance"])) as file:
            m = json.load(file)
        x = np.array(entry["x"])
        value, gradient, hessian = evaluate(m, x)
        answer = {
            "x": entry["x"],
            "loss": float(value),
            "gradient": gradient.tolist(),
            "hessian": hessian.tolist(),
            "minimiser": minimise(m, x).tolist(),
        }
        with open(os.path.join(answers, entry["id"] + ".json"), "w") as file:
            json.dump(answer, file)
    print(f"{len(entries)} answers in {answers}")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit("usage: conformance_client.py KIT ANSWERS")
    main(sys.argv[1], sys.argv[2])
