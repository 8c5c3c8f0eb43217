"""The benchmark of D'OH's latents: sizes of networks, and a row of each kind."""

import numpy as np
import pytest
from PIL import Image

from benchmarks import projection


def test_a_latent_has_its_share_whatever_the_encoding():
    whole = sum(t.size for t in projection.VARIANTS[3].network((512, 768), 3, 0).tensors())
    assert whole == 15_003  # COIN's for 0.6 bpp
    for variant in projection.VARIANTS[4:]:
        for frequencies in projection.FREQUENCIES:
            net = variant.network((512, 768), 3, frequencies)
            stored = sum(t.size for t in variant.storage(3).stored(net))
            assert stored == round(variant.share * whole)


@pytest.mark.parametrize("share", [None, 0.5])
def test_a_row(tmp_path, share):
    path = tmp_path / "a.png"
    Image.fromarray(np.arange(300, dtype=np.uint8).reshape(10, 10, 3)).save(path)
    settings = {"steps": 3, "batch": 50, "seed": 0, "threads": 1}
    row = projection.fit_one(path, projection.Variant(2, 9, share), 2, settings)
    assert row["image"] == "a"
    assert row["psnr_db"] > 3 and abs(row["psnr_db_16_bit"] - row["psnr_db"]) < 0.1
    assert projection.table([row]).count("\n") == 2
