"""Fetches the Kodak pictures and checks them: python -m benchmarks.fetch

The 24 pictures of the Kodak lossless true colour suite go to $INRCODEC_DATA/kodak (data/kodak
without it), about 15 MB. Pictures that are there already are checked, not fetched again; a download
that broke off goes on where it stopped.
"""

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from pathlib import Path
from typing import BinaryIO

import click

from benchmarks.data import ROOT

HOME = "https://r0k.us/graphics/kodak/kodak"
TIMEOUT_S = 30
BLOCK_BYTES = 1 << 16
SHA256 = {
    "kodim01.png": "a56e27cbf5f843c048b6af1d6e090760e9c92fadba88b7dee0205918a37523bd",
    "kodim02.png": "4f4b74a79237e311d72cad958237b5f7088d8bce1c82305ebefe1a70e3022dfd",
    "kodim03.png": "e25ca1ff2f0c0cb5fdfd5f9b0a0bb21ac4c3de3c84a67f35b09a85d3306249db",
    "kodim04.png": "e3b946107c5d3441c022f678d0c3caf1e224d81b1604ba840a4f88e562de61aa",
    "kodim05.png": "10349e963c5c813d327852f82c1795fa4148d69fedffc4c589bee458e3ac3d53",
    "kodim06.png": "363510303b715d4cbc384e1ce227e466b613a09e1b71ae985882bf8e7fbd9b18",
    "kodim07.png": "b77d3f006f42414bb242222e0482e750c0fb9e5ee8d4bed2f6f11c5605fe54a4",
    "kodim08.png": "ba23983c76b4832ee0e8af0592664756841a16779acd69f792e268fb6d13d6e7",
    "kodim09.png": "6a4361c2fc194feb4edaa9f9a4a0620fb9943e460ac7fdf037fb0f6dd6607a7d",
    "kodim10.png": "9dfb70f5867c29ff9ed6313683f19b3d867849e40fbc0c4c54a4a89df341cf23",
    "kodim11.png": "7936814b58b5387fce2e4e2488b4ec830dadd95fa9520f358ddb30990b50f2b6",
    "kodim12.png": "d78c37c2f04f23761ed2367dd77e2db584ddd4c3950833fecf89f199a8126980",
    "kodim13.png": "bc34a3ce58dea09dce1704c997171602de90cb34d0c8503a988b77f473d39b08",
    "kodim14.png": "55a94550ff18f3246c4074fd32b77b0c74447c26b6ad274d564d999c0450ba6e",
    "kodim15.png": "7538cbb80cb9103606c48b806eae57d56c885c7f90b9b3be70a41160f9cbb683",
    "kodim16.png": "a89c7268ccd4718ba424a99fc4643c572cf692ca6eae887185ceb4e9f11d2e54",
    "kodim17.png": "37afcc89fbdcb76d9518e04b2fc011027e2f4cd14b3b2f83cefd721641a47c5b",
    "kodim18.png": "1a9258c365988961d87a0598725b609139c303ad48a5aad6c503c3b1a87849aa",
    "kodim19.png": "b7450b264b1b0a411390d8931b112c27905a992520fc90569dc4b920aa32bbdc",
    "kodim20.png": "3b46c71e3b92a563820ba32936be8330c586c41f938efd94be938386aae4328a",
    "kodim21.png": "ac958597c82073f6bb65129c68f72b651db5b9efd82e11547d07350214bc268b",
    "kodim22.png": "1cee58eb1f2d9c7ebb254d208a03c783ce6cf2c4d8c2cf45e235dd23b4ce1b29",
    "kodim23.png": "e3111a2fd4da24af15d6459ef9eacfe54106b38e27b4a21821b75c3f5d2d5baf",
    "kodim24.png": "1071c68372cc5a01435c2c225a5cf7d4bb803846ec08bb6b3d6721b156d7cb96",
}


class FetchError(Exception):
    """A picture could not be fetched; the message names it and says why."""


def checksum(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def fetch(name: str, folder: Path, home: str = HOME) -> bool:
    """Put one picture into a folder unless it is there; True if it had to be fetched.

    Bytes gather in NAME.part, which becomes NAME once its checksum is right. Raises FetchError,
    also for a file that is there with another checksum: it is left alone.
    """
    target, part = folder / name, folder / f"{name}.part"
    if target.exists():
        if checksum(target) != SHA256[name]:
            raise FetchError(f"{target} has another SHA-256 than the Kodak picture: move it away")
        return False
    folder.mkdir(parents=True, exist_ok=True)
    try:
        _download(f"{home}/{name}", part)
    except (OSError, http.client.HTTPException) as error:
        raise FetchError(f"{home}/{name}: {error}") from error
    if checksum(part) != SHA256[name]:
        part.unlink()
        raise FetchError(f"{home}/{name} is not the Kodak picture (its SHA-256 differs)")
    os.replace(part, target)
    return True


def _download(url: str, part: Path) -> None:
    """Fetch a URL into `part`, from the end of what is there if the server can do that."""
    have = part.stat().st_size if part.exists() else 0
    headers = {"Range": f"bytes={have}-"} if have else {}
    try:
        response = urllib.request.urlopen(
            urllib.request.Request(url, headers=headers), timeout=TIMEOUT_S
        )
    except urllib.error.HTTPError as error:
        if error.code == 416 and have:  # nothing after what is there
            return
        raise
    with response:
        resumed = getattr(response, "status", 200) == 206
        with part.open("ab" if resumed else "wb") as file:
            expected = response.headers.get("Content-Length")
            written = _copy(response, file)
    if expected is not None and written != int(expected):
        raise OSError(f"broke off after {written} of {expected} bytes; run again to go on")


def _copy(response: http.client.HTTPResponse, file: BinaryIO) -> int:
    written = 0
    while block := response.read(BLOCK_BYTES):
        written += file.write(block)
    return written


def destination() -> Path:
    """Where benchmarks look for the pictures."""
    return Path(os.environ.get("INRCODEC_DATA", ROOT / "data")) / "kodak"


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--home", default=HOME, show_default=True, help="Address of the folder.")
def main(home: str) -> None:
    """Fetch the Kodak pictures and verify their checksums."""
    folder = destination()
    for name in SHA256:
        try:
            fetched = fetch(name, folder, home)
        except FetchError as error:
            raise click.ClickException(str(error)) from error
        click.echo(f"{name}: {'fetched' if fetched else 'there'}")
    click.echo(f"All {len(SHA256)} pictures are in {folder}.")


if __name__ == "__main__":
    main()
