"""What each name in a file stands for, in the spellings of the course, PyTorch, Keras and Flax.

W1, fc1.weight, dense/kernel:0, params/Dense_0/kernel are weights; dW1, fc1.weight.grad,
grads/Dense_0/kernel their gradients. Layers that have numbers are in the order of these, others in
the order of the file.
"""

import dataclasses
import re
from collections.abc import Iterable, Mapping, Sequence

Key = tuple[str, ...]  # what is left of a name: ("1",), ("dense", "1")

OPTIONS = {
    "X": "x inputs input features xtrain xbatch",
    "Y": "y targets target labels label ytrue ytrain ybatch",
    "J": "j cost lossvalue",
    "activations": "activations activation",
    "loss": "loss lossname criterion",
    "layout": "layout",
    "reduction": "reduction",
    "l2": "l2 lambda",
    "lambd": "lambd",
    "keep": "keep keepprob",
    "dtype": "dtype",
    "": "weightdecay",  # which is no weight
}
BY_WORD = {word: option for option, words in OPTIONS.items() for word in words.split()}
KINDS = {
    "W": "w weight weights kernel coef coefs",
    "b": "b bias biases intercept intercepts",
    "Z": "z",
    "A": "a",
    "Δ": "delta deltas dz",
    "M": "mask masks",
}
BY_KIND = {word: kind for kind, words in KINDS.items() for word in words.split()}
BY_LETTER = {"D": "M", "M": "M", "B": ""}  # the course's D1; B is the number of examples
GRADIENT = {"d", "grad", "grads", "gradient", "gradients", "nabla"}
GRADIENT |= {"dj", "dl", "dloss", "dcost", "de", "dc"}
CONTAINERS = {"params", "param", "parameters"}
OUTPUTS = {"yhat", "ypred", "al"}  # A[L]
GREEK = {"Δ": "delta", "δ": "delta", "∂": "d", "∇": "nabla", "λ": "lambda"}


@dataclasses.dataclass(frozen=True)
class Meaning:
    """The kind, "" of what is unknown, and of which layer."""

    kind: str
    key: Key = ()


def meaning(name: str) -> Meaning:
    tokens = _tokens(name)
    joined = "".join(tokens).lower()
    if joined in BY_WORD:
        return Meaning(BY_WORD[joined])
    if joined in OUTPUTS:
        return Meaning("A", ("L",))
    if re.fullmatch("g_?[Wwb]_?[0-9]+", name):  # but g.weight is of a layer g
        return Meaning("d" + BY_KIND[tokens[-2][-1].lower()], (tokens[-1],))
    gradient = any(t.lower() in GRADIENT and t != "D" for t in tokens)
    rest = [t for t in tokens if t == "D" or t.lower() not in GRADIENT | CONTAINERS]
    for i in range(len(rest) - 1, -1, -1):
        kind = _kind(rest[i])
        if kind:
            key = tuple(t.lower() for t in (*rest[:i], *rest[i + 1 :]))
            return _of_kind("d" + kind if gradient else kind, key)
    return Meaning("")


def _tokens(name: str) -> list[str]:
    """Letters and digits apart, as in fc1.weight → fc, 1, weight"""
    plain = re.sub(r":\d+$", "", name)
    for letter, word in GREEK.items():
        plain = plain.replace(letter, word)
    return re.findall(r"[^\W\d_]+|\d+", plain)


def _kind(token: str) -> str:
    """W of W, weight; dW of dW, gradW, Wgrad; M of the course's D"""
    word = token.lower()
    if token in BY_LETTER or word in BY_KIND:
        return BY_LETTER.get(token, BY_KIND.get(word, ""))
    for prefix in ("d", "grad", "gradient", "nabla"):
        kind = BY_KIND.get(word.removeprefix(prefix), "")
        if word.startswith(prefix) and kind in ("W", "b"):
            return "d" + kind
    kind = BY_KIND.get(word.removesuffix("grad"), "")
    return "d" + kind if kind in ("W", "b") else ""


def _of_kind(kind: str, key: Key) -> Meaning:
    kind = {"ddW": "dW", "ddb": "db", "dZ": "Δ", "dΔ": "Δ"}.get(kind, kind)
    if kind in ("W", "b", "dW", "db"):
        return Meaning(kind, key)
    one_number = len(key) == 1 and key[0].isdigit()
    return Meaning(kind if one_number and kind in ("Z", "A", "Δ", "M") else "", key)


@dataclasses.dataclass(frozen=True)
class Names:
    """The file's name of each quantity, as «W[1]» or «X»; and those that stand for nothing."""

    L: int
    of: Mapping[str, str]
    unknown: Sequence[str]


def sort(names: Iterable[str], numbers: Iterable[str] = ()) -> Names:
    """`numbers` are the names of those arrays that hold no text, as a loss that is J.

    ValueError: names of two arrays for one quantity, or of none for W, b, X, Y, dW or db.
    """
    by_kind: dict[str, dict[Key, str]] = {}
    every = list(names)
    for name in every:
        m = meaning(name)
        kind = "J" if m.kind == "loss" and name in numbers else m.kind
        key = m.key if kind else (name,)
        seen = by_kind.setdefault(kind, {})
        if key in seen:
            raise ValueError(
                f"expected one array for each quantity, got {seen[key]} and {name}, which stand "
                "for the same; rename or leave out one of them"
            )
        seen[key] = name
    return _numbered(by_kind, every)


def _numbered(by_kind: Mapping[str, Mapping[Key, str]], every: Sequence[str]) -> Names:
    if not by_kind.get("W"):
        unnamed = "; name each, as in np.savez(path, W1=W1, b1=b1, …)" * ("arr_0" in every)
        raise ValueError(
            "expected parameters W1, b1, W2, … (or 0.weight, fc1.weight, dense/kernel, "
            f"params/Dense_0/kernel, …), got {', '.join(every)}{unnamed}"
        )
    layers = _in_order(list(by_kind["W"]))
    L = len(layers)
    of: dict[str, str] = {}
    for kind, found in by_kind.items():
        if kind in ("W", "b", "dW", "db"):
            of |= _of_layers(kind, found, layers)
        elif kind in ("Z", "A", "Δ", "M"):
            of |= _by_number(kind, found, L, "X" in by_kind)
        elif kind:
            of[kind] = found[()]
    _require_all(of, L, every)
    return Names(L, of, [name for name in every if name not in of.values()])


def _in_order(keys: Sequence[Key]) -> Sequence[Key]:
    """Where any is a number alone, only these; by number, or as they came"""
    numbered = [key for key in keys if len(key) == 1 and key[0].isdigit()]
    if numbered:
        return sorted(numbered, key=lambda key: int(key[0]))
    if len({tuple(t for t in key if not t.isdigit()) for key in keys}) > 1:
        return keys
    return sorted(keys, key=lambda key: [int(t) for t in key if t.isdigit()])


def _of_layers(kind: str, found: Mapping[Key, str], layers: Sequence[Key]) -> dict[str, str]:
    """By the key of W; by their order where none has it, as of dW1 beside fc1.weight"""
    keys: Sequence[Key] = layers
    if not set(found) & set(layers) and len(found) == len(layers):
        keys = _in_order(list(found))
    return {f"{kind}[{l}]": found[key] for l, key in enumerate(keys, 1) if key in found}


def _by_number(kind: str, found: Mapping[Key, str], L: int, has_X: bool) -> dict[str, str]:
    """Z1 is Z[1]; where they are counted from 0, Z0 is; A0 is X, or A[1] beside an X"""
    numbers = {int(key[0]): name for key, name in found.items() if key[0] != "L"}
    from_0 = 0 in numbers and L not in numbers and (kind != "A" or has_X)
    named = {f"{kind}[{n + from_0}]": name for n, name in numbers.items() if 1 <= n + from_0 <= L}
    if kind == "A" and 0 in numbers and not has_X:
        named["X"] = numbers[0]
    if ("L",) in found:
        named.setdefault(f"{kind}[{L}]", found[("L",)])
    return named


EXAMPLES = {
    "W": "W{l}, fc{l}.weight, dense_{l}/kernel",
    "b": "b{l}, fc{l}.bias, dense_{l}/bias; of a layer without one save zeros, and their gradient",
    "dW": "dW{l}, W{l}.grad, fc{l}.weight.grad, grads/Dense_{l}/kernel",
    "db": "db{l}, b{l}.grad, fc{l}.bias.grad, grads/Dense_{l}/bias",
}


def _require_all(of: Mapping[str, str], L: int, every: Sequence[str]) -> None:
    for kind, examples in EXAMPLES.items():
        for l in range(1, L + 1):
            if f"{kind}[{l}]" not in of:
                what = "the gradient of " * kind.startswith("d") + f"{kind.removeprefix('d')}[{l}]"
                raise ValueError(
                    f"expected {what}, which belongs to {of[f'W[{l}]']}, named as "
                    f"{examples.format(l=l)}; got {', '.join(every)}"
                )
    for kind, examples in (("X", "X, inputs or A0"), ("Y", "Y, targets or labels")):
        if kind not in of:
            raise ValueError(f"expected {kind}, named {examples}; got {', '.join(every)}")
