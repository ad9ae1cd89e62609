"""JAX source, in the words of jax.numpy and jax.scipy."""

from __future__ import annotations

from collections.abc import Sequence

from jaccli.export.python import PythonTarget
from jaccli.graph.node import Node
from jaccli.graph.primitive import Ufunc

_SCIPY = frozenset(
    [
        "erf",
        "erfc",
        "erfinv",
        "ndtr",
        "log_ndtr",
        "ndtri",
        "logit",
        "xlogy",
        "xlog1py",
        "entr",
        "rel_entr",
        "gammaln",
        "betaln",
        "betainc",
        "gammainc",
        "gammaincc",
        "expi",
        "zeta",
    ]
)
_WRITTEN = {
    "where": "jnp.where({0}, {1}, {2})",
    "clip": "jnp.minimum(jnp.maximum({0}, {1}), {2})",
    "stop_gradient": "jax.lax.stop_gradient({0})",
    "on_domain": "jnp.where(jnp.isnan({1}), jnp.nan, {0})",
    "sigmoid": "jax.nn.sigmoid({0})",
    "softplus": "jax.nn.softplus({0})",
    "soft_sign": "jax.nn.soft_sign({0})",
    "tanh_slope": "1/jnp.cosh(jnp.minimum(jnp.abs({0}), 350.0))**2",
    "exp_square": "jnp.exp({scale}*{0}**2)",
    "gammaln_slope": "jax.scipy.special.digamma({0})",
    "gamma": "jax.scipy.special.gamma({0})",
    "beta": "jnp.exp(jax.scipy.special.betaln({0}, {1}))",
    "polygamma": "jax.scipy.special.polygamma({order}, {0})",
    "weighted": "jnp.where({0} == 0, 0.0, {0}*{1})",
    "log_ratio": "jnp.log({0}/{1})",
    "inverse_mills": "jnp.exp(-{0}**2/2 - 0.5*jnp.log(2*jnp.pi) - jax.scipy.special.log_ndtr({0}))",
    "erfinv_slope": "jnp.sqrt(jnp.pi)/2*jnp.exp(jax.scipy.special.erfinv({0})**2)",
    "gamma_density": "jnp.exp(({0} - 1)*jnp.log({1}) - {1} - jax.scipy.special.gammaln({0}))",
    "digamma_difference": "jax.scipy.special.digamma({0} + {1}) - jax.scipy.special.digamma({0})",
    "poisson_log_mass": "(jax.scipy.special.xlogy({0}, {1}) - {1} - jax.scipy.special.gammaln({0} + 1))",
    "log_less_digamma": "(jnp.log({0}) - jax.scipy.special.digamma({1}))",
    "inv_boxcox": "jnp.where({1} == 0, jnp.exp({0}), jnp.exp(jnp.log1p({1}*{0})/{1}))",
    "inv_boxcox1p": "jnp.where({1} == 0, jnp.expm1({0}), jnp.expm1(jnp.log1p({1}*{0})/{1}))",
    "boxcox": "jnp.where({1} == 0, jnp.log({0}), jnp.expm1({1}*jnp.log({0}))/{1})",
    "kl_div": "jax.scipy.special.kl_div({0}, {1})",
    "cosm1": "-2*jnp.sin({0}/2)**2",
    "inv": "jnp.linalg.inv({0})",
    "det": "jnp.linalg.det({0})",
    "solve": "jnp.linalg.solve({0}, {1})",
    "expm": "jax.scipy.linalg.expm({0})",
    "cholesky": "jnp.linalg.cholesky({0})",
    "logabsdet": "jnp.linalg.slogdet({0})[1]",
    "det_sign": "jnp.linalg.slogdet({0})[0]",
    "inverse_transpose": "jnp.swapaxes(jnp.linalg.inv({0}), -1, -2)",
    "take": "jnp.take({0}, {1}, axis=0)",
    "cummax": "jax.lax.cummax({0}, axis={0}.ndim - 1)",
    "cummin": "jax.lax.cummin({0}, axis={0}.ndim - 1)",
    "logcumsumexp": "jax.lax.cumlogsumexp({0}, axis={0}.ndim - 1)",
}
_REDUCTIONS = {
    "max": "jnp.max({0}{axis})",
    "min": "jnp.min({0}{axis})",
    "prod": "jnp.prod({0}{axis})",
    "all": "jnp.all({0}{axis})",
    "norm": "jnp.sqrt(jnp.sum({0}**2{axis}))",
    "logsumexp": "jax.scipy.special.logsumexp({0}{axis})",
}
_RECURRENCE = """
def _recurrence(factor, term, reverse):
    if reverse:
        factor, term = factor[..., ::-1], term[..., ::-1]
    totals = [term[..., 0]] if term.shape[-1] else []
    for i in range(1, term.shape[-1]):
        totals.append(term[..., i] + factor[..., i]*totals[-1])
    total = jnp.stack(totals, axis=-1) if totals else term
    return total[..., ::-1] if reverse else total
"""
_EXCLUSIVE = """
def _exclusive_cumprod(x, reverse):
    x = x[..., ::-1] if reverse else x
    shifted = jnp.concatenate([jnp.ones_like(x[..., :1]), x[..., :-1]], axis=-1)
    products = jnp.cumprod(shifted, axis=-1)
    return products[..., ::-1] if reverse else products
"""


class JaxTarget(PythonTarget):
    """A module that needs JAX; float64 needs `jax.config.update("jax_enable_x64", True)`, which it says."""

    library = "jnp"
    title = "JAX"
    alternatives = "--to torch or --to c may have it too"
    imports = ("import jax", "import jax.numpy as jnp")

    def text(self) -> str:
        """The whole file."""
        return super().text().replace("import jax.numpy as jnp\n", _ENABLE, 1)

    def words(self, node: Node, texts: Sequence[str]) -> str | None:
        """The expression of a primitive, or None."""
        name = node.primitive.name
        numeric = node.primitive.numeric
        first = texts[0] if texts else ""
        for key in set(node.params) - {"shape", "bounds", "length", "size", "left", "right", "out"}:
            self.parameter(node, key)
        if name == "check_index":
            size = self.lengths.number(node, lambda peer: peer.params["size"])
            return f"jnp.where({first} < 0, {first} + {size}, {first})"
        if name in _WRITTEN:
            return f"({_WRITTEN[name].format(*texts, **node.params)})"
        if name in _REDUCTIONS:
            return _REDUCTIONS[name].format(first, axis=self._axis(node))
        if name in _SCIPY and not node.params.get("order"):
            return f"jax.scipy.special.{name}({', '.join(texts)})"
        if isinstance(numeric, Ufunc) and numeric.source[0] == "numpy":
            return f"jnp.{numeric.source[1]}({', '.join(texts)})"
        return self._array_words(node, texts)

    def _axis(self, node: Node) -> str:
        axes = node.params["axes"]
        return "" if axes and len(axes) == node.args[0].ndim else f", axis={axes[0] if len(axes) == 1 else axes}"

    def _array_words(self, node: Node, texts: Sequence[str]) -> str | None:
        name, params = node.primitive.name, node.params
        first = texts[0] if texts else ""
        match name:
            case "reshape" | "broadcast_to":
                return f"jnp.{name}({first}, {self.shape(node)})"
            case "transpose":
                return f"jnp.transpose({first}, {params['permutation']})"
            case "cast":
                return f"{first}.astype({self.dtype(node.dtype)})"
            case "sum":
                return f"jnp.{'any' if node.dtype == 'bool' else 'sum'}({first}{self._axis(node)})"
            case "softmax":
                return f"jax.nn.softmax({first}, axis={params['axes']})"
            case "argmax" | "argmin" if len(params["axes"]) == 1:
                return f"jnp.{name}({first}, axis={params['axes'][0]})"
            case "contract":
                return self.einsum(node, texts)
            case "slice":
                return f"{first}[{self.index(node, lambda peer: peer.params['bounds'])}]"
            case "unslice":
                items = self.index(node, lambda peer: peer.params["bounds"])
                return f"jnp.zeros({self.shape(node)}, {self.dtype(node.dtype)}).at[{items or '...'}].set({first})"
            case "scatter_add":
                return f"jnp.zeros({self.shape(node)}, {self.dtype(node.dtype)}).at[{texts[1]}].add({first})"
            case "concatenate":
                return f"jnp.concatenate([{', '.join(texts)}], axis={params['axis']})"
            case "iota":
                return f"jnp.arange({self.lengths.number(node, lambda peer: peer.shape[0])})"
            case "cumsum":
                turned = f"jnp.flip({first}, -1)" if params["reverse"] else first
                total = f"jnp.cumsum({turned}, axis=-1)"
                return f"jnp.flip({total}, -1)" if params["reverse"] else total
            case "argsort":
                return f"jnp.argsort({'-' if params['descending'] else ''}{first}, axis=-1, stable=True)"
            case "recurrence":
                called = self.helper("_recurrence", _RECURRENCE)
                return f"{called}({first}, {texts[1]}, {params['reverse']})"
            case "exclusive_cumprod":
                return f"{self.helper('_exclusive_cumprod', _EXCLUSIVE)}({first}, {params['reverse']})"
            case "solve_triangular" if node.ndim == 2:
                options = f"trans={int(params['transposed'])}, lower={params['lower']}, unit_diagonal={params['unit']}"
                return f"jax.scipy.linalg.solve_triangular({first}, {texts[1]}, {options})"
            case "searchsorted":
                return f"jnp.searchsorted({first}, {texts[1]}, side={params['side']!r})"
        return None


_ENABLE = """import jax.numpy as jnp

jax.config.update("jax_enable_x64", True)
"""
