"""What a broken law says, and where to look."""

from collections.abc import Iterable

from verify.report import Finding

BROKEN = {
    "a gradient": "there is no gradient to try the laws on",
    "two calls": "two calls with the same arguments differ: look for randomness, which belongs in "
    "an argument such as a key, and for something kept from one call to the next",
    "arguments left alone": "the function changes its arguments: look for +=, -= and [...] =",
    "jit = eager": "the compiled function differs from the eager one: look for code that runs only "
    "while it is traced, and for values kept from that time",
    "vmap = loop": "the mapped function differs from a loop: look at batching rules of your own",
    "a permuted batch": "the order of the examples matters: look for one that is left out, and for "
    "columns of X and Y that do not belong together",
    "a duplicated batch": "with every example twice, a mean should stay and a sum should double: "
    "look for a 1/B that is missing or there twice; is it a mean or a sum? (reduction=)",
    "a divided batch": "the batch is not the mean (or sum) of its parts: look for examples that "
    "take part in each other, as in a mean over the batch, and for 1/B",
    "relabelled units": "it matters which hidden unit is which: look for units in another order, "
    "a W that is not transposed, and an index used as a number",
    "scaling of ReLU networks": "the scale of hidden ReLU units matters: look for something added "
    "to Z, A or Δ, a W that is not transposed, and a term such as L2 (without=)",
    "columns of Δ[L] sum to 0": "the output is not the Δ[L] = A − Y of softmax with cross-entropy: "
    "look for a g′ of one unit alone, for the axis of softmax, and for Y",
    "a zero cotangent": "no cotangent comes in and something comes out: look for what is added in "
    "the backward pass",
    "linearity in the cotangent": "twice the cotangent does not give twice the result: look for a "
    "function of the cotangent other than products with it",
}


def broken(findings: Iterable[Finding]) -> tuple[str, ...]:
    """A sentence for each law that does not hold"""
    names = dict.fromkeys(law(finding) for finding in findings if finding.verdict == "wrong")
    return tuple(f"{name}: {BROKEN[name]}" for name in names)


def law(finding: Finding) -> str:
    return finding.how.removeprefix("law: ").removesuffix(", eagerly")
