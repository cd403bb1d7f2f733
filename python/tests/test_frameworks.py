"""Functions on JAX and PyTorch arrays: right ones pass in every precision, a planted mistake is named."""

import pytest

from attreg.testing import Mismatch, check_gradient, check_hessian, kit

CASE = next(case for case in kit("softmax") if case.id == "softmax-theory")


def test_jax_gradients_are_judged():
    jax = pytest.importorskip("jax", reason="jax is not installed: its example was NOT run")
    jnp = jax.numpy

    def loss(x, A, b, w):
        z = A @ x
        return 0.5 * jnp.sum((jax.nn.softmax(z) - b) ** 2) + 0.5 * jnp.sum((w * z) ** 2)

    def without_ridge(x, A, b, w):
        return 0.5 * jnp.sum((jax.nn.softmax(A @ x) - b) ** 2)

    gradient = jax.value_and_grad(loss)
    report = check_gradient(gradient, CASE, arrays="jax", precision="float32")
    assert report.gradient["required"] < 7.3
    with jax.enable_x64(True):
        assert check_gradient(gradient, CASE, arrays="jax").gradient["required"] > 12
        assert check_hessian(jax.hessian(loss), CASE, arrays="jax").passed
    with pytest.raises(Mismatch, match="diagnosis no-ridge: "):
        check_gradient(jax.value_and_grad(without_ridge), CASE, arrays="jax", precision="float32")
    # What JAX does by default, where float64 is asked for.
    with pytest.warns(UserWarning), pytest.raises(Mismatch, match="diagnosis float32: "):
        check_gradient(gradient, CASE, arrays="jax")
    exp = next(case for case in kit("exp") if case.id == "exp-theory")

    def exp_loss(x, A, b, w):
        z = A @ x
        return 0.5 * jnp.sum((jnp.exp(z) - b) ** 2) + 0.5 * jnp.sum((w * z) ** 2)

    report = check_gradient(jax.grad(exp_loss), exp, arrays="jax", precision="bfloat16")
    assert 0 < report.gradient["required"] < 2.5
    with pytest.raises(Mismatch, match="diagnosis factor-half: "):
        check_gradient(lambda *arrays: 2 * jax.grad(exp_loss)(*arrays), exp, arrays="jax", precision="bfloat16")


def test_torch_gradients_are_judged():
    torch = pytest.importorskip("torch", reason="torch is not installed: its example was NOT run")

    def gradient(x, A, b, w, ridge=True):
        x = x.clone().requires_grad_(True)
        z = A @ x
        loss = 0.5 * ((torch.softmax(z, 0) - b) ** 2).sum()
        if ridge:
            loss = loss + 0.5 * ((w * z) ** 2).sum()
        loss.backward()
        return loss, x.grad

    for precision in ("float64", "float32"):
        assert check_gradient(gradient, CASE, arrays="torch", precision=precision).passed
        with pytest.raises(Mismatch, match="diagnosis no-ridge: "):
            check_gradient(lambda *arrays: gradient(*arrays, ridge=False), CASE, arrays="torch", precision=precision)
