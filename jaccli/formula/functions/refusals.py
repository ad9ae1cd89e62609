"""Names of the libraries that are known and are not in the language: what to write instead, one sentence a kind."""

from __future__ import annotations

import re
from typing import NamedTuple


class Refusal(NamedTuple):
    """Why a name of a library is not in the language, and what to do instead."""

    why: str
    hint: str


_LOOP = Refusal("takes a function or a loop, and a formula has none", "write whole-array operations, or the steps out")
_RANDOM = Refusal("is random, and a formula gives one value for its inputs", "draw the numbers outside, and give them")
_RANDOM_VALUE = Refusal(_RANDOM.why, "give the numbers as an input of their own: --noise randn:3x4")
_WEIGHTS = Refusal(
    "makes random weights of its own", "call the function with weights that are inputs: linear(x, W, b), conv2d(x, W)"
)
_FILE = Refusal("reads, writes or prints", "give arrays as inputs, --x @data.npy, and write results with -o FILE")
_STORAGE = Refusal("is about how arrays are stored or computed, not about their values", "leave it out")
_WHOLE = Refusal("works on the bits or factors of whole numbers", "compute whole numbers outside, and give them")
_SET = Refusal("gives as many entries as the values say", "take the entries with an index or a mask instead")
_COUNT = Refusal("counts entries, a step whose derivative is 0", "for weights added up by index use bincount")
_MUTATES = Refusal("changes an array in place and gives nothing", "bind the new array: x = where(mask, value, x)")
_EMPTY = Refusal(
    "holds whatever was in memory", "write zeros, or build the array with stack, concatenate or x.at[…].set(…)"
)
_SCHUR = Refusal(
    "is no smooth function of the matrix", "use eig, eigh, svd, qr or a function of the matrix such as sqrtm"
)
_LOW_RANK = Refusal("is a random approximation", "use svd or eigh, and take the leading values")
_COMPILED = Refusal("is a kernel of the library's own machinery", "write the function of the public interface")
_QUANTISED = Refusal(
    "rounds to few bits, a step whose derivative is 0", "leave the rounding out, or write it with round"
)
_SPARSE = Refusal(
    "makes or takes a sparse array", "give the dense array; jaccli jacobian --sparse finds the pattern itself"
)
_PARALLEL = Refusal("speaks with other devices", "leave it out")
_TEXT = Refusal("makes text", "leave it out")
_QUERY = Refusal(
    "asks what kind of array it is", "leave it out: arrays hold real floats, whole numbers or truth values"
)
_INVERSE = Refusal(
    "solves for a parameter that has no derivative here", "invert by an equation outside, or use its forward form"
)
_RARE = Refusal(
    "is not in the language yet", "where you have its derivative, `jaccli check --claim` can judge a formula for it"
)
_UNPOOL = Refusal("needs the places that a pooling chose", "use fold or interpolate, or x.at[index].set(…)")
_NETWORK = Refusal(
    "is a network with weights of its own", "write its layers out: linear, lstm_cell, scaled_dot_product_attention"
)

_KINDS: dict[Refusal, str] = {
    _LOOP: (
        "apply_along_axis apply_over_axes vectorize vmap pmap jit fromfunction frompyfunc fori_loop while_loop "
        "scan switch associative_scan map reduce reduce_window custom_root custom_linear_solve apply_ map_ map2_ "
        "funm checkpoint grad vjp jacfwd jacrev hessian value_and_grad custom_jvp custom_vjp mask_indices "
        "triplet_margin_with_distance_loss TripletMarginWithDistanceLoss filter reduce_xor composite "
        "platform_dependent nested_iters fixed_point quad solve_ivp odeint minimize root_scalar brentq newton "
        "curve_fit least_squares"
    ),
    _RANDOM: (
        "alpha_dropout feature_alpha_dropout feature_dropout native_dropout AlphaDropout FeatureAlphaDropout "
        "fractional_max_pool2d fractional_max_pool3d FractionalMaxPool2d FractionalMaxPool3d gumbel_softmax "
        "multinomial dropout1d dropout2d dropout3d Dropout1d Dropout2d Dropout3d rng_uniform rng_bit_generator "
        "random_gamma_grad"
    ),
    _RANDOM_VALUE: (
        "rand rand_like randint randint_like randn randn_like randperm bernoulli_ binomial poisson_ normal_ "
        "uniform_ exponential_ geometric_ cauchy_ log_normal_ random_ random_sample standard_normal permutation "
        "shuffle manual_seed seed default_rng PRNGKey key rsample sample"
    ),
    _WEIGHTS: (
        "Linear Bilinear Embedding EmbeddingBag LazyLinear LazyConv1d LazyConv2d LazyConv3d LazyConvTranspose1d "
        "LazyConvTranspose2d LazyConvTranspose3d LazyBatchNorm1d LazyBatchNorm2d LazyBatchNorm3d "
        "LazyInstanceNorm1d LazyInstanceNorm2d LazyInstanceNorm3d AdaptiveLogSoftmaxWithLoss "
        "LinearCrossEntropyLoss MultiheadAttention"
    ),
    _NETWORK: (
        "LSTM GRU RNN LSTMCell GRUCell RNNCell RNNBase RNNCellBase Transformer TransformerEncoder "
        "TransformerDecoder TransformerEncoderLayer TransformerDecoderLayer Sequential Module ModuleList "
        "ModuleDict ParameterList ParameterDict Container DataParallel CrossMapLRN2d lstm gru rnn_tanh rnn_relu"
    ),
    _FILE: (
        "load save savez savez_compressed savetxt loadtxt genfromtxt fromfile fromregex fromstring frombuffer "
        "fromiter from_file tofile tobytes dump dumps print set_printoptions get_printoptions printoptions "
        "from_numpy from_dlpack to_dlpack"
    ),
    _STORAGE: (
        "dtype can_cast result_type promote_types isdtype issubdtype common_type min_scalar_type finfo_ "
        "set_default_dtype set_default_device manual_seed_all set_num_threads bitcast_convert_type convert stride "
        "storage storage_offset data_ptr element_size is_contiguous pin_memory share_memory_ register_hook "
        "byteswap setflags setfield getfield view_dtype may_share_memory shares_memory require reduce_precision "
        "create_token after_all stage optimization_barrier get_device is_pinned is_shared dim_order "
        "untyped_storage broadcast_like with_sharding_constraint dce_sink set_grad_enabled no_grad enable_grad "
        "inference_mode nbytes"
    ),
    _WHOLE: (
        "gcd lcm bitwise_left_shift bitwise_right_shift left_shift right_shift bitwise_count packbits unpackbits "
        "shift_left shift_right_arithmetic shift_right_logical clz population_count mulhi spacing"
    ),
    _SET: (
        "union1d intersect1d setdiff1d setxor1d unique_all unique_counts unique_inverse unique_consecutive "
        "trim_zeros null_space nonzero_static mode"
    ),
    _COUNT: "histogram histogram2d histogramdd histogram_bin_edges histc rankdata",
    _MUTATES: (
        "putmask copyto place fill_ zero_ copy_ set_ resize_ index_put_ masked_scatter_ fill_diagonal_ scatter_ "
        "scatter_add_ scatter_reduce_ index_add_ index_copy_ index_fill_ masked_fill_"
    ),
    _EMPTY: "empty empty_like empty_strided empty_permuted new_empty new_empty_strided",
    _SCHUR: (
        "schur rsf2csf hessenberg qz ordqz cossin ldl ldl_factor ldl_factor_ex ldl_solve geqrf ormqr orgqr "
        "qr_multiply qr_insert qr_delete qr_update matrix_balance cdf2rdf lu_unpack eig_banded cho_solve_banded"
    ),
    _LOW_RANK: "svd_lowrank pca_lowrank lobpcg clarkson_woodruff_transform",
    _COMPILED: (
        "native_batch_norm native_layer_norm native_group_norm native_norm native_channel_shuffle convolution "
        "conv_tbc grid_sampler grid_sampler_2d grid_sampler_3d embedding_renorm_ batch_norm_stats batch_norm_elemt "
        "igamma_grad_a conv_general_dilated_local conv_general_dilated_patches scatter_apply scatter_max "
        "scatter_min scatter_mul scatter_sub ragged_dot ragged_dot_general scaled_dot scaled_mm grouped_mm "
        "scaled_grouped_mm scaled_matmul scaled_dot_general"
    ),
    _QUANTISED: (
        "quantize_per_tensor quantize_per_channel fake_quantize_per_tensor_affine fake_quantize_per_channel_affine "
        "dequantize quantized_lstm quantized_gru int_repr"
    ),
    _SPARSE: (
        "sparse_coo_tensor sparse_csr_tensor to_sparse to_sparse_coo to_sparse_csr coalesce sparse_mask hspmm smm "
        "sspaddmm"
    ),
    _PARALLEL: "psum pmean pmax pmin ppermute pshuffle pswapaxes all_gather all_to_all axis_index axis_size",
    _TEXT: (
        "array2string array_repr array_str base_repr binary_repr typename format_float_positional "
        "format_float_scientific"
    ),
    _QUERY: (
        "is_tensor is_complex is_floating_point is_nonzero is_same_size is_signed iscomplexobj isrealobj isscalar "
        "iterable is_storage is_conj is_neg is_inference iscomplex isreal isfortran"
    ),
    _INVERSE: (
        "bdtrik bdtrin btdtria btdtrib chdtriv chndtridf chndtrinc chndtrix fdtridfd gdtrib nbdtrik nbdtrin "
        "ncfdtri ncfdtridfd ncfdtridfn ncfdtrinc nctdtridf nctdtrinc nctdtrit nrdtrimn nrdtrisd pdtrik stdtridf "
        "smirnovi kolmogi"
    ),
    _RARE: (
        "chndtr ncfdtr nctdtr smirnov kolmogorov hyperu hyp0f1 wright_bessel log_wright_bessel mathieu_a mathieu_b "
        "mathieu_cem mathieu_sem pbdv pbvv pbwa pro_ang1 pro_rad1 obl_ang1 obl_rad1 ellip_harm itairy iti0k0 "
        "itj0y0 it2i0k0 it2j0y0 itstruve0 itmodstruve0 modfresnelm modfresnelp lmbda elliprc elliprd elliprf "
        "elliprg elliprj ber bei ker kei berp beip kerp keip kelvin struve modstruve besselpoly riccati_jn "
        "riccati_yn stirling2 bernoulli euler solve_continuous_are solve_discrete_are csd"
    ),
    _UNPOOL: (
        "max_unpool1d max_unpool2d max_unpool3d MaxUnpool1d MaxUnpool2d MaxUnpool3d max_pool1d_with_indices "
        "max_pool2d_with_indices max_pool3d_with_indices"
    ),
}
_BY_NAME = {name: kind for kind, names in _KINDS.items() for name in names.split()}
REFUSED = frozenset(_BY_NAME)
"""All names that are refused by themselves; patterns refuse others."""
_PATTERNS: tuple[tuple[re.Pattern[str], Refusal], ...] = (
    (re.compile(r"(np|numpy|jax|torch)\.random\."), _RANDOM_VALUE),
    (re.compile(r"(set|get|is|use|init|clear)_.*(enabled|dtype|device|threads|mode|state|cache|determinis)"), _STORAGE),
    (
        re.compile(r"(^|\.)(ai|bi|ber|bei|ker|kei|berp|beip|kerp|keip|erf|fresnel|fresnelc|fresnels|kelvin)_zeros$"),
        _RARE,
    ),
    (re.compile(r"(^|\.)(jn|jnp|yn|ynp|jnjnp|jnyn|y0|y1|y1p)_zeros$"), _RARE),
    (re.compile(r"(^|\.)(obl|pro|mathieu|pbdv|pbvv|ellip_harm|ellip_normal|it2struve0|tklmbda|lqm?n)"), _RARE),
    (re.compile(r"(^|\.)(sparse_|to_sparse|quantized_|is_(dist|coal|set|vulkan|contig))"), _QUERY),
    (re.compile(r"(^|\.)(cudnn|miopen|mkldnn|fbgemm|sym|q)_"), _COMPILED),
    (re.compile(r"^(jax\.)?(vmap|jit|grad|hessian|jacfwd|jacrev|vjp|jvp)$"), _LOOP),
)


def refusal(path: str) -> Refusal | None:
    """Why a name, with its prefix, is not in the language; None for a name that no library is known for."""
    found = _BY_NAME.get(path.rsplit(".", 1)[-1])
    if found:
        return found
    return next((kind for pattern, kind in _PATTERNS if pattern.search(path)), None)
