"""Names and places of arguments as libraries have them: `dim` for `axis`, PyTorch's deprecated places, and such."""

from __future__ import annotations

KEYWORDS: dict[str, tuple[str, ...]] = {
    "dim": ("axis", "axes", "axis1"),
    "dims": ("axis", "axes", "reps"),
    "axis": ("axes",),
    "axes": ("axis",),
    "dim0": ("axis1",),
    "dim1": ("axis2",),
    "dim2": ("axis2",),
    "keepdim": ("keepdims",),
    "ddof": ("correction",),
    "unbiased": ("correction",),
    "a_min": ("min",),
    "a_max": ("max",),
    "min_val": ("min",),
    "max_val": ("max",),
    "p": ("ord",),
    "interpolation": ("method",),
    "shifts": ("shift",),
    "reverse": ("descending",),
    "size": ("shape",),
    "newshape": ("shape",),
    "repeats": ("repeats", "reps"),
    "reps": ("repeats",),
    "indices": ("index",),
    "diagonal": ("k",),
    "offset": ("k", "offset"),
    "k": ("offset",),
    "input": ("x", "a"),
    "other": ("y", "b"),
    "a": ("x",),
    "arr": ("x",),
    "array": ("x",),
    "inplace": (),
    **dict.fromkeys(("ary", "m", "v", "operand", "tensor", "sample", "z"), ("x", "a")),
    **dict.fromkeys(("tensors", "tup", "operands", "matrices", "seq"), ("arrays", "tensors")),
    **dict.fromkeys(("x1", "input1", "mat1", "batch1", "vec1", "a1", "in1", "lhs", "start_or_stop"), ("x", "a", "p")),
    **dict.fromkeys(("x2", "input2", "mat2", "batch2", "vec2", "a2", "in2", "rhs", "tensor2"), ("y", "b", "v")),
    **dict.fromkeys(("mat",), ("a", "b")),
    **dict.fromkeys(("vec", "vec2"), ("b",)),
    **dict.fromkeys(("exponent", "divisor", "lmbda"), ("y", "lmbda")),
    "dividend": ("x",),
    "end": ("stop", "y"),
    "steps": ("num",),
    "A": ("x", "a"),
    "B": ("b",),
    "C": ("q",),
    "L": ("factor",),
    "N": ("n",),
    "M": ("m",),
    "equation": ("subscripts",),
    "dimension": ("axis",),
    "dimensions": ("axis", "axes"),
    "new_sizes": ("shape",),
    "permutation": ("axes",),
    "axis0": ("axis1",),
    "row": ("n",),
    "col": ("m",),
    "sorted_sequence": ("a",),
    "values": ("v", "values"),
    "split_size": ("indices_or_sections",),
    "split_size_or_sections": ("indices_or_sections",),
}
TORCH_ONLY = frozenset({"dim", "dims", "keepdim", "unbiased", "p"})
IGNORED = frozenset(
    [
        *("dtype", "device", "out", "inplace", "copy", "order", "requires_grad", "casting", "layout", "optimize"),
        *("check_finite", "overwrite_a", "overwrite_b", "indices_are_sorted", "unique_indices", "precision"),
        *(
            "preferred_element_type",
            "memory_format",
            "non_blocking",
            "pin_memory",
            "sharding",
            "out_sharding",
            "accuracy",
        ),
        *(
            "UPLO",
            "driver",
            "lapack_driver",
            "symmetrize_input",
            "turbo",
            "hermitian",
            "compute_mode",
            "out_int32",
            "kind",
        ),
        *("implementation", "debug", "overwrite_input", "unroll", "lwork", "sparse_grad", "index_dtype"),
        *("max_squarings", "upper_triangular", "series_order", "out_dtype", "validate_args", "is_stable", "momentum"),
    ]
)
"""Keywords that say how an array is stored or checked, not what it holds."""

_TORCH_LOSS = "x target - - reduction"
_OUT = "x axis - keepdims"
_DTYPE_OUT = "x axis - - keepdims"
_QUANTILES = "x q axis - - method keepdims"
_ORDERS: dict[str, dict[str, str]] = {
    "torch": {
        **dict.fromkeys(("l1_loss", "mse_loss", "soft_margin_loss"), _TORCH_LOSS),
        "smooth_l1_loss": f"{_TORCH_LOSS} beta",
        "F.kl_div": f"{_TORCH_LOSS} log_target",
        "binary_cross_entropy": "x target weight - - reduction",
        "multilabel_soft_margin_loss": "x target weight - - reduction",
        "binary_cross_entropy_with_logits": "x target weight - - reduction pos_weight",
        "cross_entropy": "x target weight - ignore_index - reduction label_smoothing",
        "nll_loss": "x target weight - ignore_index - reduction",
        "hinge_embedding_loss": "x target margin - - reduction",
        "margin_ranking_loss": "x y target margin - - reduction",
        "cosine_embedding_loss": "x other target margin - - reduction",
        "poisson_nll_loss": "x target log_input full - eps - reduction",
        "multi_margin_loss": "x target ord margin weight - - reduction",
        "triplet_margin_loss": "anchor positive negative margin ord eps swap - - reduction",
        "instance_norm": "x running_mean running_var weight bias use_input_stats - eps",
        **{
            f"avg_pool{n}d": "x kernel_size stride padding ceil_mode count_include_pad divisor_override"
            for n in (1, 2, 3)
        },
        "pad": "x pad_width mode value",
        "quantile": "x q axis keepdims",
        "logsumexp": "x axis keepdims",
        "svd": "x some compute_uv",
        **dict.fromkeys(("triu_indices", "tril_indices"), "n m k"),
    },
    "numpy": {
        **dict.fromkeys(("all", "any", "argmax", "argmin", "max", "min", "ptp", "nanmax", "nanmin"), _OUT),
        **dict.fromkeys(("sum", "mean", "prod", "nansum", "nanmean", "nanprod"), _DTYPE_OUT),
        **dict.fromkeys(("std", "var", "nanstd", "nanvar"), "x axis - - correction keepdims"),
        **dict.fromkeys(("quantile", "percentile", "nanquantile", "nanpercentile"), _QUANTILES),
        **dict.fromkeys(("median", "nanmedian"), "x axis - - keepdims"),
        "nan_to_num": "x - nan posinf neginf",
    },
    "scipy": {"cholesky": "x lower", "solve": "a b lower"},
    "jax": {"cholesky": "x lower", "solve": "a b lower", "logmeanexp": "x axis - keepdims"},
}
_ORDERS["jax"].update(_ORDERS["numpy"])
"""Whose order of arguments without a keyword is another one; - is a place that means nothing (any more)."""


def order(dialect: str | None, name: str) -> list[str]:
    """The names of a function's arguments in the order of a library, where it is not ours."""
    return _ORDERS.get(dialect or "", {}).get(name, "").split()
