"""The words of C: an expression for each entry-wise primitive, and helper functions for those of matrices."""

from __future__ import annotations

ENTRIES: dict[str, str] = {
    "add": "({0} + {1})",
    "subtract": "({0} - {1})",
    "multiply": "({0}*{1})",
    "divide": "({0}/{1})",
    "negative": "(-{0})",
    "power": "pow({0}, {1})",
    "maximum": "({0} > {1} || isnan({0}) ? {0} : {1})",
    "minimum": "({0} < {1} || isnan({0}) ? {0} : {1})",
    "clip": "fmin(fmax({0}, {1}), {2})",
    "where": "({0} ? {1} : {2})",
    "remainder": "({0} - {1}*floor({0}/{1}))",
    "fmod": "fmod({0}, {1})",
    "floor_divide": "floor({0}/{1})",
    "less": "({0} < {1})",
    "less_equal": "({0} <= {1})",
    "equal": "({0} == {1})",
    "not_equal": "({0} != {1})",
    "logical_and": "({0} && {1})",
    "logical_or": "({0} || {1})",
    "logical_xor": "(!{0} != !{1})",
    "logical_not": "(!{0})",
    "floor": "floor({0})",
    "ceil": "ceil({0})",
    "trunc": "trunc({0})",
    "rint": "rint({0})",
    "sign": "(({0} > 0) - ({0} < 0))",
    "isnan": "(isnan({0}) != 0)",
    "isfinite": "(isfinite({0}) != 0)",
    "isinf": "(isinf({0}) != 0)",
    "signbit": "(signbit({0}) != 0)",
    "nextafter": "nextafter({0}, {1})",
    "stop_gradient": "{0}",
    "on_domain": "(isnan({1}) ? NAN : {0})",
    "abs": "fabs({0})",
    "arcsin": "asin({0})",
    "arccos": "acos({0})",
    "arctan": "atan({0})",
    "arctan2": "atan2({0}, {1})",
    "arcsinh": "asinh({0})",
    "arccosh": "acosh({0})",
    "arctanh": "atanh({0})",
    "gammaln": "lgamma({0})",
    "gamma": "tgamma({0})",
    "rgamma": "(1/tgamma({0}))",
    "tanh_slope": "tanh_slope({0})",
    "sigmoid": "sigmoid({0})",
    "softplus": "(fmax({0}, 0) + log1p(exp(-fabs({0}))))",
    "soft_sign": "({0}/(1 + fabs({0})))",
    "logaddexp": "({0} == {1} ? {0} + log(2) : fmax({0}, {1}) + log1p(exp(-fabs({0} - {1}))))",
    "xlogy": "({0} == 0 && !isnan({1}) ? 0 : {0}*log({1}))",
    "xlog1py": "({0} == 0 && !isnan({1}) ? 0 : {0}*log1p({1}))",
    "weighted": "({0} == 0 ? 0 : {0}*{1})",
    "log_ratio": "log({0}/{1})",
    "entr": "({0} == 0 ? 0 : {0} < 0 ? -INFINITY : -{0}*log({0}))",
    "rel_entr": "({0} == 0 ? 0 : {0}*log({0}/{1}))",
    "kl_div": "({0} == 0 ? {1} : {0}*log({0}/{1}) - {0} + {1})",
    "logit": "(log({0}) - log1p(-{0}))",
    "cosm1": "(-2*sin({0}/2)*sin({0}/2))",
    "exp_square": "exp({scale}*{0}*{0})",
    "beta": "exp(lgamma({0}) + lgamma({1}) - lgamma({0} + {1}))",
    "betaln": "(lgamma({0}) + lgamma({1}) - lgamma({0} + {1}))",
    "ndtr": "(0.5*erfc(-{0}*0.70710678118654752440))",
    "poisson_log_mass": "(({0} == 0 ? 0 : {0}*log({1})) - {1} - lgamma({0} + 1))",
    "inv_boxcox": "({1} == 0 ? exp({0}) : exp(log1p({1}*{0})/{1}))",
    "inv_boxcox1p": "({1} == 0 ? expm1({0}) : expm1(log1p({1}*{0})/{1}))",
    "boxcox": "({1} == 0 ? log({0}) : expm1({1}*log({0}))/{1})",
    "boxcox1p": "({1} == 0 ? log1p({0}) : expm1({1}*log1p({0}))/{1})",
    "moving": "0.0*{0}",
    **{
        name: f"{name}({{0}})"
        for name in [
            "exp",
            "expm1",
            "exp2",
            "log",
            "log2",
            "log10",
            "log1p",
            "sqrt",
            "cbrt",
            "sin",
            "cos",
            "tan",
            "sinh",
            "cosh",
            "tanh",
            "erf",
            "erfc",
        ]
    },
    "hypot": "hypot({0}, {1})",
}

_SIGMOID = """static double sigmoid(double x) {
    double e = exp(-fabs(x));
    return (x >= 0 ? 1 : e)/(1 + e);
}"""
_TANH_SLOPE = """static double tanh_slope(double x) {
    double e = exp(-2*fabs(x));
    return 4*e/((1 + e)*(1 + e));
}"""
_SOLVE = """/* The solution x of a x = b by elimination with pivots; returns the determinant of a. */
static double solve(int n, int m, const double *a, const double *b, double *x) {
    double lu[n*n + 1], det = 1;
    for (int i = 0; i < n*n; i++) lu[i] = a[i];
    for (int i = 0; i < n*m; i++) x[i] = b[i];
    for (int k = 0; k < n; k++) {
        int p = k;
        for (int i = k + 1; i < n; i++) if (fabs(lu[i*n + k]) > fabs(lu[p*n + k])) p = i;
        if (p != k) {
            det = -det;
            for (int j = 0; j < n; j++) { double t = lu[k*n + j]; lu[k*n + j] = lu[p*n + j]; lu[p*n + j] = t; }
            for (int j = 0; j < m; j++) { double t = x[k*m + j]; x[k*m + j] = x[p*m + j]; x[p*m + j] = t; }
        }
        det *= lu[k*n + k];
        for (int i = k + 1; i < n; i++) {
            double f = lu[i*n + k]/lu[k*n + k];
            if (f == 0 || lu[k*n + k] == 0) continue;
            for (int j = k; j < n; j++) lu[i*n + j] -= f*lu[k*n + j];
            for (int j = 0; j < m; j++) x[i*m + j] -= f*x[k*m + j];
        }
    }
    for (int j = 0; j < m; j++)
        for (int i = n - 1; i >= 0; i--) {
            for (int k = i + 1; k < n; k++) x[i*m + j] -= lu[i*n + k]*x[k*m + j];
            x[i*m + j] /= lu[i*n + i];
        }
    return det;
}"""
_DET = """static double det(int n, const double *a) {
    double none[1] = {0};
    return solve(n, 0, a, none, none);
}"""
_INV = """static void inv(int n, const double *a, double *x) {
    double one[n*n + 1];
    for (int i = 0; i < n*n; i++) one[i] = i % (n + 1) == 0;
    solve(n, n, a, one, x);
}"""
_COFACTOR = """static void cofactor(int n, const double *a, double *x) {
    double minor[n*n + 1];
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            int k = 0;
            for (int r = 0; r < n; r++) for (int c = 0; c < n; c++) if (r != i && c != j) minor[k++] = a[r*n + c];
            x[i*n + j] = ((i + j) % 2 ? -1 : 1)*det(n - 1, minor);
        }
}"""
_INVERSE_TRANSPOSE = """static void inverse_transpose(int n, const double *a, double *x) {
    double turned[n*n + 1];
    for (int i = 0; i < n; i++) for (int j = 0; j < n; j++) turned[i*n + j] = a[j*n + i];
    inv(n, turned, x);
}"""
_CHOLESKY = """static void cholesky(int n, const double *a, double *x) {
    for (int i = 0; i < n; i++)
        for (int j = 0; j < n; j++) {
            double t = a[i*n + j];
            for (int k = 0; k < j && j <= i; k++) t -= x[i*n + k]*x[j*n + k];
            x[i*n + j] = j > i ? 0 : i == j ? sqrt(t) : t/x[j*n + j];
        }
}"""
_TRIANGULAR = """static void solve_triangular(
    int n, int m, int lower, int turned, int unit, const double *a, const double *b, double *x
) {
    int down = lower != turned;
    for (int j = 0; j < m; j++)
        for (int step = 0; step < n; step++) {
            int i = down ? step : n - 1 - step;
            double t = b[i*m + j];
            for (int k = down ? 0 : i + 1; k < (down ? i : n); k++) t -= (turned ? a[k*n + i] : a[i*n + k])*x[k*m + j];
            x[i*m + j] = unit ? t : t/a[i*n + i];
        }
}"""

HELPERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "sigmoid": (_SIGMOID, ()),
    "tanh_slope": (_TANH_SLOPE, ()),
    "solve": (_SOLVE, ()),
    "det": (_DET, ("solve",)),
    "inv": (_INV, ("solve",)),
    "cofactor": (_COFACTOR, ("solve", "det")),
    "inverse_transpose": (_INVERSE_TRANSPOSE, ("solve", "inv")),
    "cholesky": (_CHOLESKY, ()),
    "solve_triangular": (_TRIANGULAR, ()),
}
"""Each helper's source, and the helpers that it needs."""
