"""The vectors as JSON with exact decimals, as safetensors, and as text with hexadecimal floats."""

import json
from decimal import Decimal

import numpy as np
import safetensors.numpy

from verify.vectors.networks import Design, Matrix
from verify.vectors.recipe import Arrays, Vectors
from verify.vectors.rules import LEAKY_SLOPE

PARTS = ("inputs", "expected", "bound", "sharp")
CONSTANTS = f'{{"leaky_relu": {{"a": {Decimal(LEAKY_SLOPE)}}}, "relu": {{"at_zero": 1}}}}'


def files(vectors: Vectors) -> dict[str, bytes]:
    """The files of one network by their path."""
    name = vectors.design.name
    texts = {part: _text(getattr(vectors, part)) for part in PARTS}
    texts["inputs"] = _header(vectors.design) + texts["inputs"]
    return {
        f"json/{name}.json": _json(vectors).encode(),
        f"safetensors/{name}.safetensors": _safetensors(vectors),
        **{f"text/{name}.{part}.txt": text.encode() for part, text in texts.items()},
    }


# text


def _header(design: Design) -> str:
    g = design.activations
    return f"network {design.name} layers {len(g)} activations {' '.join(g)} loss {design.loss}\n"


def _text(arrays: Arrays) -> str:
    return "".join(_block(name, rows) for name, rows in arrays.items())


def _block(name: str, rows: Matrix) -> str:
    lines = [f"{name} {len(rows)} {len(rows[0])}", *(" ".join(map(float.hex, row)) for row in rows)]
    return "\n".join(lines) + "\n"


# JSON


def _json(vectors: Vectors) -> str:
    described = _description(vectors.design)
    members = {key: json.dumps(value, ensure_ascii=False) for key, value in described.items()}
    members["constants"] = CONSTANTS
    members |= {part: _object(getattr(vectors, part)) for part in PARTS}
    return "{\n" + ",\n".join(f'"{key}": {value}' for key, value in members.items()) + "\n}\n"


def _description(design: Design) -> dict[str, object]:
    return {
        "version": 1,
        "network": design.name,
        "purpose": design.purpose,
        "activations": design.activations,
        "loss": design.loss,
        "sizes": design.sizes,
        "B": design.B,
        "targets": design.targets,
    }


def _object(arrays: Arrays) -> str:
    rows = {name: ",\n  ".join(map(_decimals, of_array)) for name, of_array in arrays.items()}
    return "{\n" + ",\n".join(f' "{name}": [{text}]' for name, text in rows.items()) + "\n}"


def _decimals(row: list[float]) -> str:
    """All digits of each double: a decimal of 17 digits is another number, near it."""
    return f"[{', '.join(str(Decimal(x)) for x in row)}]"


# safetensors


def _safetensors(vectors: Vectors) -> bytes:
    """The metadata is one entry, as several are written in any order."""
    arrays = vectors.inputs | vectors.expected
    arrays |= {f"bound/{name}": rows for name, rows in vectors.bound.items()}
    arrays |= {f"sharp/{name}": rows for name, rows in vectors.sharp.items()}
    tensors = {name: np.array(rows, "<f8") for name, rows in arrays.items()}
    metadata = {"network": json.dumps(_description(vectors.design), ensure_ascii=False)}
    written: bytes = safetensors.numpy.save(tensors, metadata)
    return written
