"""The networks of the vectors: every activation, loss and pair of both, depths 1 to 4."""

from verify.vectors.networks import Design

BINARY, CROSS, SQUARED = "binary_cross_entropy", "cross_entropy", "squared_error"
FOUR = ("relu", "sigmoid", "identity", "tanh")
ALL_SQUARE = ("tanh", "sigmoid", "tanh", "softmax")
WIDE = 16.0  # W from −16 to 16

ONE_LAYER = (
    Design("logistic", ("sigmoid",), BINARY, (3, 1), 1, "bits", "one unit, one example"),
    Design("classes", ("softmax",), CROSS, (3, 4), 5, "one-hot", "softmax alone"),
    Design("linear", ("identity",), SQUARED, (4, 3), 3, "real", "least squares"),
    Design("tanh-alone", ("tanh",), SQUARED, (2, 3), 1, "real", "B = 1: 1/B cannot be seen"),
)
PAIRS = (
    Design("binary", ("tanh", "sigmoid"), BINARY, (3, 4, 2), 5, "bits", "hard targets"),
    Design("binary-soft", ("sigmoid", "sigmoid"), BINARY, (3, 3, 3), 3, "between", "all square"),
    Design("classes-soft", ("tanh", "softmax"), CROSS, (2, 5, 3), 4, "shares", "soft targets"),
    Design("classes-unequal", ("sigmoid", "softmax"), CROSS, (4, 3, 2), 6, "between", "1ᵀY ≠ 1"),
    Design("cross-sigmoid", ("relu", "sigmoid"), CROSS, (3, 5, 2), 7, "between", "Δ is not A − Y"),
    Design(
        "binary-softmax", ("leaky_relu", "softmax"), BINARY, (3, 4, 3), 5, "between", "chain rule"
    ),
    Design("squared-sigmoid", ("tanh", "sigmoid"), SQUARED, (3, 2, 4), 3, "bits", "g′ in Δ[L]"),
    Design(
        "squared-softmax", ("identity", "softmax"), SQUARED, (2, 3, 4), 6, "one-hot", "Jacobian"
    ),
    Design(
        "squared-relu", ("sigmoid", "relu"), SQUARED, (3, 4, 3), 5, "real", "a dead unit", seed=4
    ),
)
DEEPER = (
    Design(
        "three", ("relu", "leaky_relu", "softmax"), CROSS, (3, 5, 2, 3), 6, "one-hot", "depth 3"
    ),
    Design(
        "softmax-inside",
        ("leaky_relu", "softmax", "sigmoid"),
        BINARY,
        (2, 3, 4, 2),
        5,
        "bits",
        "softmax in a hidden layer",
    ),
    Design(
        "one-example",
        ("sigmoid", "relu", "leaky_relu"),
        SQUARED,
        (4, 3, 5, 2),
        1,
        "real",
        "three layers, B = 1",
        seed=6,
    ),
    Design("four", FOUR, SQUARED, (3, 4, 2, 5, 3), 6, "real", "four layers of four kinds"),
    Design("square", ALL_SQUARE, CROSS, (4, 4, 4, 4, 4), 4, "one-hot", "n = B: no shape tells"),
    Design("batch", ("relu", "tanh", "softmax"), CROSS, (8, 7, 6, 5), 32, "one-hot", "B = 32"),
)
SATURATED = (
    Design(
        "saturated",
        ("sigmoid", "tanh", "softmax"),
        CROSS,
        (3, 5, 4, 3),
        6,
        "one-hot",
        "units near 0, 1 and −1",
        scale=WIDE,
    ),
    Design(
        "saturated-binary",
        ("tanh", "sigmoid"),
        BINARY,
        (3, 4, 3),
        6,
        "bits",
        "sure outputs, right and wrong",
        seed=2,
        scale=WIDE,
    ),
    Design(
        "saturated-tanh",
        ("sigmoid", "tanh"),
        SQUARED,
        (2, 4, 3),
        5,
        "real",
        "A near ±1",
        scale=WIDE,
    ),
)
ON_THE_KINK = (
    Design("kink", ("relu", "softmax"), CROSS, (3, 4, 3), 4, "one-hot", "z = 0 exactly", kink=True),
    Design(
        "kink-leaky",
        ("leaky_relu", "identity"),
        SQUARED,
        (4, 3, 2),
        3,
        "real",
        "z = 0 exactly",
        kink=True,
    ),
    Design(
        "kink-deep",
        ("relu", "relu", "relu", "sigmoid"),
        BINARY,
        (3, 4, 4, 3, 2),
        5,
        "bits",
        "on the kink through three layers",
        seed=6,
        kink=True,
    ),
)
DESIGNS = (*ONE_LAYER, *PAIRS, *DEEPER, *SATURATED, *ON_THE_KINK)
