"""What a broken law says, and where to look."""

from collections.abc import Iterable, Sequence

from verify.report import Finding

LOOK_FOR = {
    "two calls": "two calls with the same arguments differ. Look for randomness, which belongs in "
    "an argument such as a key, and for what is kept from one call to the next",
    "arguments left alone": "the function changes its arguments. Look for +=, -= and [...] =",
    "jit = eager": "compiled, the function is another. Look for code that asks whether it is "
    "traced, and for values that were kept from then",
    "vmap = loop": "mapped, the function is another. Look at its own rules for batches",
    "a permuted batch": "the order of the examples matters. Look for one that is left out, and for "
    "columns of X and Y that do not belong together",
    "a duplicated batch": "with every example twice a mean stays, and a sum doubles. Look for 1/B, "
    "and for an example that is left out",
    "a divided batch": "the batch is not the mean, or sum, of its two halves. Look for 1/B, and "
    "for examples that change one another, as by a mean over the batch",
    "relabelled units": "it matters which hidden unit is which. Look for units in another order, "
    "for a W that is not transposed, and for an index used as a number",
    "scaling of ReLU networks": "the scale of hidden units matters. Look for what is added to Z, A "
    "or Δ, for a W that is not transposed, and for terms such as L2 (see without=)",
    "columns of Δ[L] sum to 0": "Δ[L] is not the A − Y of softmax with cross-entropy. Look for the "
    "derivative of each unit alone, for the axis of softmax, and at Y",
    "a zero cotangent": "nothing comes in and something comes out. Look for what is added in the "
    "backward pass",
    "linearity in the cotangent": "twice the cotangent does not give twice the result. Look for "
    "anything but products with it",
}


def broken(findings: Iterable[Finding], reduction: str) -> tuple[str, ...]:
    """A sentence for each law that does not hold"""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.verdict == "wrong":
            groups.setdefault(_law(finding), []).append(finding)
    return tuple(
        f"{law}: {_factor(law, group, reduction) or LOOK_FOR[law]}"
        for law, group in groups.items()
        if law in LOOK_FOR
    )


def _law(finding: Finding) -> str:
    return finding.how.removeprefix("law: ").removesuffix(", eagerly")


def _factor(law: str, wrong: Sequence[Finding], reduction: str) -> str:
    """What 1/B is wrong by, where a duplicated batch tells"""
    leaves = ", ".join(finding.comparison.where for finding in wrong)
    told = {
        ("mean", 2.0): "the mean doubles in {}: 1/B is missing, or this is a sum",
        ("mean", 0.5): "the mean is halved in {}: 1/B is there twice",
        ("sum", 0.5): "the sum stays in {}: 1/B does not belong in a sum, or this is a mean",
    }
    if law != "a duplicated batch":
        return ""
    factors = {_nearest(finding) for finding in wrong}
    said = told.get((reduction, factors.pop()), "") if len(factors) == 1 else ""
    return said and f"with every example twice, {said.format(leaves)}"


def _nearest(finding: Finding) -> float:
    """2 or ½ if that is the ratio, else 0"""
    got, expected = finding.comparison.got, finding.comparison.expected
    near = [factor for factor in (0.5, 2.0) if abs(got - factor * expected) <= 0.01 * abs(expected)]
    return near[0] if near else 0.0
