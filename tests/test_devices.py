"""Which devices there are."""

import torch

import ctxattn_viz as cv


def test_the_default_device_exists() -> None:
    device = cv.default_device()
    assert isinstance(device, torch.device)
    assert torch.zeros(1, device=device).device.type == device.type
