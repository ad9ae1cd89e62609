"""PyTorch source."""

from __future__ import annotations

from collections.abc import Sequence

from jaccli.export.python import PythonTarget
from jaccli.graph.node import DType, Node
from jaccli.graph.primitive import Ufunc
from jaccli.graph.primitives.shaping import Bounds

_SPECIAL = frozenset(
    [
        "erf",
        "erfc",
        "erfcx",
        "erfinv",
        "ndtr",
        "log_ndtr",
        "ndtri",
        "logit",
        "xlogy",
        "xlog1py",
        "entr",
        "gammaln",
        "gammainc",
        "gammaincc",
        "zeta",
    ]
)
_WRITTEN = {
    "where": "torch.where({0}, {1}, {2})",
    "clip": "torch.minimum(torch.maximum({0}, {1}), {2})",
    "stop_gradient": "{0}.detach()",
    "on_domain": "torch.where(torch.isnan({1}), torch.nan, {0})",
    "rint": "torch.round({0})",
    "cbrt": "torch.sign({0})*torch.abs({0})**(1/3)",
    "sigmoid": "torch.sigmoid({0})",
    "softplus": "torch.logaddexp({0}, torch.zeros_like({0}))",
    "soft_sign": "{0}/(1 + torch.abs({0}))",
    "tanh_slope": "1/torch.cosh(torch.clamp(torch.abs({0}), max=350.0))**2",
    "exp_square": "torch.exp({scale}*{0}**2)",
    "gammaln_slope": "torch.digamma({0})",
    "polygamma": "torch.special.polygamma({order}, {0})",
    "weighted": "torch.where({0} == 0, 0.0, {0}*{1})",
    "erfcx_slope": "2*{0}*torch.special.erfcx({0}) - 2/torch.pi**0.5",
    "inverse_mills": "torch.exp(-{0}**2/2 - 0.9189385332046727 - torch.special.log_ndtr({0}))",
    "erfinv_slope": "torch.pi**0.5/2*torch.exp(torch.erfinv({0})**2)",
    "gamma_density": "torch.exp(({0} - 1)*torch.log({1}) - {1} - torch.lgamma({0}))",
    "digamma_difference": "torch.digamma({0} + {1}) - torch.digamma({0})",
    "betaln": "torch.lgamma({0}) + torch.lgamma({1}) - torch.lgamma({0} + {1})",
    "beta": "torch.exp(torch.lgamma({0}) + torch.lgamma({1}) - torch.lgamma({0} + {1}))",
    "poisson_log_mass": "(torch.special.xlogy({0}, {1}) - {1} - torch.lgamma({0} + 1))",
    "log_less_digamma": "(torch.log({0}) - torch.digamma({1}))",
    "inv_boxcox": "torch.where({1} == 0, torch.exp({0}), torch.exp(torch.log1p({1}*{0})/{1}))",
    "inv_boxcox1p": "torch.where({1} == 0, torch.expm1({0}), torch.expm1(torch.log1p({1}*{0})/{1}))",
    "boxcox": "torch.where({1} == 0, torch.log({0}), torch.expm1({1}*torch.log({0}))/{1})",
    "log_ratio": "torch.log({0}/{1})",
    "cosm1": "-2*torch.sin({0}/2)**2",
    "inv": "torch.linalg.inv({0})",
    "det": "torch.linalg.det({0})",
    "solve": "torch.linalg.solve({0}, {1})",
    "expm": "torch.linalg.matrix_exp({0})",
    "cholesky": "torch.linalg.cholesky({0})",
    "logabsdet": "torch.linalg.slogdet({0})[1]",
    "det_sign": "torch.linalg.slogdet({0})[0]",
    "inverse_transpose": "torch.linalg.inv({0}).mT",
    "take": "{0}[{1}]",
    "check_index": "torch.where({0} < 0, {0} + {size}, {0})",
    "cummax": "torch.cummax({0}, -1).values",
    "cummin": "torch.cummin({0}, -1).values",
    "logcumsumexp": "torch.logcumsumexp({0}, -1)",
}
_PICK = """
def _pick(x, bounds):
    for axis, (first, count, step) in enumerate(bounds):
        if (first, count, step) != (0, x.shape[axis], 1):
            x = x.index_select(axis, first + step*torch.arange(count))
    return x
"""
_PLACE = """
def _place(x, bounds, shape):
    for axis, (first, count, step) in enumerate(bounds):
        if (first, count, step) != (0, shape[axis], 1):
            whole = torch.zeros((*x.shape[:axis], shape[axis], *x.shape[axis + 1:]), dtype=x.dtype)
            x = whole.index_copy(axis, first + step*torch.arange(count), x)
    return x
"""
_PROD = """
def _prod(x, axes):
    for axis in reversed(axes):
        x = torch.prod(x, axis)
    return x
"""
_SOFTMAX = """
def _softmax(x, axes):
    return torch.exp(x - torch.logsumexp(x, axes, keepdim=True))
"""
_RECURRENCE = """
def _recurrence(factor, term, reverse):
    if reverse:
        factor, term = factor.flip(-1), term.flip(-1)
    totals = [term[..., 0]] if term.shape[-1] else []
    for i in range(1, term.shape[-1]):
        totals.append(term[..., i] + factor[..., i]*totals[-1])
    total = torch.stack(totals, -1) if totals else term
    return total.flip(-1) if reverse else total
"""
_EXCLUSIVE = """
def _exclusive_cumprod(x, reverse):
    x = x.flip(-1) if reverse else x
    shifted = torch.cat([torch.ones_like(x[..., :1]), x[..., :-1]], -1)
    products = torch.cumprod(shifted, -1)
    return products.flip(-1) if reverse else products
"""


class TorchTarget(PythonTarget):
    """A module that needs PyTorch."""

    library = "torch"
    title = "PyTorch"
    alternatives = "--to jax or --to c may have it too"
    imports = ("import torch",)

    def dtype(self, dtype: DType) -> str:
        """PyTorch's name of a dtype."""
        return f"torch.{dtype}"

    def array(self, text: str, dtype: DType) -> str:
        """The expression that makes a tensor."""
        return f"torch.as_tensor({text}, dtype={self.dtype(dtype)})"

    def words(self, node: Node, texts: Sequence[str]) -> str | None:
        """The expression of a primitive, or None."""
        name = node.primitive.name
        numeric = node.primitive.numeric
        if name in _WRITTEN:
            return f"({_WRITTEN[name].format(*texts, **node.params)})"
        if name in _SPECIAL and not node.params.get("order"):
            return f"torch.special.{name}({', '.join(texts)})"
        if isinstance(numeric, Ufunc) and numeric.source[0] == "numpy":
            return f"torch.{numeric.source[1]}({', '.join(texts)})"
        return self._reduced(node, texts) if "axes" in node.params else self._array_words(node, texts)

    def _reduced(self, node: Node, texts: Sequence[str]) -> str | None:
        (first,), axes = texts, node.params["axes"]
        match node.primitive.name:
            case "sum":
                return f"torch.{'any' if node.dtype == 'bool' else 'sum'}({first}, {axes})" if axes else first
            case "max" | "min":
                return f"torch.a{node.primitive.name}({first}, {axes})"
            case "all":
                return f"torch.all({first}, {axes})"
            case "prod":
                return f"{self.helper('_prod', _PROD)}({first}, {axes})"
            case "norm":
                return f"torch.linalg.vector_norm({first}, dim={axes})"
            case "logsumexp":
                return f"torch.logsumexp({first}, {axes})"
            case "softmax":
                return f"{self.helper('_softmax', _SOFTMAX)}({first}, {axes})"
            case "argmax" | "argmin" if len(axes) == 1:
                return f"torch.{node.primitive.name}({first}, {axes[0]})"
        return None

    def _array_words(self, node: Node, texts: Sequence[str]) -> str | None:
        name, params = node.primitive.name, node.params
        first = texts[0] if texts else ""
        match name:
            case "reshape" | "broadcast_to":
                return f"torch.{name}({first}, {self.shape(node)})"
            case "transpose":
                return f"torch.permute({first}, {params['permutation']})"
            case "cast":
                return f"{first}.to({self.dtype(node.dtype)})"
            case "contract":
                return self.einsum(node, texts)
            case "slice":
                return self._sliced(first, params["bounds"], node.args[0].shape)
            case "unslice":
                return f"{self.helper('_place', _PLACE)}({first}, {params['bounds']}, {params['shape']})"
            case "scatter_add":
                zeros = f"torch.zeros({node.shape}, dtype={self.dtype(node.dtype)})"
                return f"{zeros}.index_put(({texts[1]},), {first}, accumulate=True)"
            case "concatenate":
                return f"torch.cat([{', '.join(texts)}], {params['axis']})"
            case "iota":
                return f"torch.arange({params['length']})"
            case "cumsum":
                turned = f"{first}.flip(-1)" if params["reverse"] else first
                return f"torch.cumsum({turned}, -1){'.flip(-1)' if params['reverse'] else ''}"
            case "argsort":
                return f"torch.argsort({first}, dim=-1, descending={params['descending']}, stable=True)"
            case "recurrence":
                called = self.helper("_recurrence", _RECURRENCE)
                return f"{called}({first}, {texts[1]}, {params['reverse']})"
            case "exclusive_cumprod":
                return f"{self.helper('_exclusive_cumprod', _EXCLUSIVE)}({first}, {params['reverse']})"
            case "solve_triangular":
                matrix = f"{first}.mT" if params["transposed"] else first
                upper = params["lower"] == params["transposed"]
                options = f"upper={upper}, unitriangular={params['unit']}"
                return f"torch.linalg.solve_triangular({matrix}, {texts[1]}, {options})"
            case "searchsorted":
                return f"torch.searchsorted({first}, {texts[1]}.contiguous(), side={params['side']!r})"
        return None

    def _sliced(self, first: str, bounds: tuple[Bounds, ...], shape: tuple[int, ...]) -> str:
        if all(step > 0 and count for _, count, step in bounds):
            items = [
                f"{start}:{start + count * step}" + (f":{step}" if step > 1 else "") for start, count, step in bounds
            ]
            return f"{first}[{', '.join(items)}]"
        return f"{self.helper('_pick', _PICK)}({first}, {bounds})"
