"""The figures recorded from the three reference implementations (tests/golden/), as cases."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

import ctxattn_viz as cv

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
BOUND = 1e-5  # of an array's largest magnitude: what float32 on a CPU allows


@dataclass(frozen=True)
class Case:
    """One recorded call: everything channels first, as our stages have it."""

    name: str
    config: cv.AttentionConfig
    inputs: dict[str, np.ndarray | None]
    figures: dict[str, np.ndarray]


def tensorflow_cases() -> list[Case]:
    file = np.load(GOLDEN / "tf_v1_public.npz")
    cases = []
    for name, said in json.loads(str(file["meta"])).items():
        arrays = {key.split("/")[1]: file[key] for key in file.files if key.startswith(name + "/")}
        inputs = {
            key: arrays.pop(key).transpose(0, 3, 1, 2) if key in arrays else None
            for key in ("f", "b", "mask")
        }
        arguments = ("ksize", "stride", "rate", "fuse_k", "softmax_scale", "fuse")
        config = cv.AttentionConfig(**{key: said[key] for key in arguments}, dialect="tensorflow")
        arrays["y"] = arrays["y"].transpose(0, 3, 1, 2)
        if "valid" in arrays:  # one for the batch, which here is one sample
            arrays["valid"] = arrays["valid"].reshape(1, -1)
            arrays["paste_patches"] = arrays.pop("raw_patches").transpose(0, 4, 3, 1, 2)
            arrays["normed_patches"] = arrays["normed_patches"].transpose(3, 2, 0, 1)[None]
        cases.append(Case(f"tf/{name}", config, inputs, arrays))
    return cases


def port_cases() -> list[Case]:
    file = np.load(GOLDEN / "torch_ports_public.npz")
    cases = []
    for name, said in json.loads(str(file["meta"])).items():
        arrays = {
            key.rsplit("/", 1)[1]: file[key] for key in file.files if key.startswith(name + "/")
        }
        inputs = {key: arrays.pop(key, None) for key in ("f", "b", "mask")}
        arguments = {key: value for key, value in said.items() if key != "mask"}
        arguments["softmax_scale"] = float(arguments.get("softmax_scale", 10))
        if name.startswith("mmagic"):
            # Its fusion is off when the kernel has one element.
            fuse_k = arguments.pop("fuse_kernel_size", 3)
            arguments |= {"fuse_k": fuse_k, "fuse": fuse_k > 1, "dialect": "mmagic"}
        else:
            arguments["dialect"] = "pytorch"
        if "attention" in arrays:  # (n, hb, wb, h, w) -> (n, h, w, L)
            weights = arrays["attention"].transpose(0, 3, 4, 1, 2)
            arrays["attention"] = weights.reshape(*weights.shape[:3], -1)
        cases.append(Case(name, cv.AttentionConfig(**arguments), inputs, arrays))
    return cases


CASES = tensorflow_cases() + port_cases()


def tensors(case: Case, dtype: torch.dtype) -> list[torch.Tensor | None]:
    return [
        None if array is None else torch.from_numpy(array).to(dtype)
        for array in case.inputs.values()
    ]


def assert_within_bound(got: np.ndarray, expected: np.ndarray) -> None:
    assert got.shape == expected.shape
    if np.isnan(expected).any():
        assert np.isnan(expected).all()
        assert np.isnan(got).all(), "the reference is NaN throughout"
        return
    worst = np.abs(got.astype(np.float64) - expected).max()
    assert worst <= BOUND * np.abs(expected).max(), f"{worst:.3e} off"
