"""The context networks of nets/prediction.py in floats, for all latents at once, with gradients.

Latents are taken in pieces of rows that stay in cache, and the networks can learn between them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from inrcodec.encoder.rounding import LARGEST, SMALLEST, soft_bits
from inrcodec.nets.grids import NEIGHBOURS, PARENTS, SIBLINGS, STRIP, Grids, Plane

_PIECE = 1 << 14  # latents
_LARGEST_LATENT = 127.0
_ABOVE, _BESIDE = 3, 3  # rows above, and places on both sides, that neighbours lie in

Weights = Mapping[str, Tensor]


@dataclass(frozen=True)
class _Piece:
    """Rows of a strip of a plane, both even."""

    place: int  # of the plane in file order
    strip: int
    first: int
    rows: int


class ContextModel:
    """Bits of all latents of a picture under its context networks."""

    def __init__(self, net: Grids) -> None:
        self._planes = net.planes()
        self._order = {place: i for i, place in enumerate(net.places())}
        self.pieces = [piece for i, plane in enumerate(self._planes) for piece in _cut(i, plane)]
        self.latents = sum(plane.size for plane in self._planes)

    def run(
        self,
        weights: Weights,
        values: Sequence[Tensor],
        gradients: Sequence[Tensor] | None,
        order: Sequence[int],
        signs: Sequence[Tensor] | None = None,
        learn: Callable[[], Weights] | None = None,
        alone: bool = False,
    ) -> float:
        """Bits of latents with these values, by plane (rows, columns).

        With `gradients`, of the same shapes, those by latents are added there, and those by weights
        left in them; `learn` is called eight times in between and gives weights to go on with.
        `order`: of the pieces. `signs`: factors of each latent's bits. `alone`: gradients are of
        what latents cost themselves, not of what they do for others.
        """
        padded = [_Padded(plane, v, gradients is not None) for plane, v in self._pairs(values)]
        total, seen = 0.0, 0
        for number in order:
            piece = self.pieces[number]
            total += self._piece(weights, piece, padded, signs, gradients is not None, alone)
            seen += piece.rows * self._planes[piece.place].columns
            if learn is not None and 8 * seen >= self.latents:
                weights, seen = learn(), 0
        if learn is not None and seen:
            learn()
        if gradients is not None:
            for each, gradient in zip(padded, gradients, strict=True):
                gradient += each.gradient()
        return total

    def _pairs(self, values: Sequence[Tensor]) -> list[tuple[Plane, Tensor]]:
        return list(zip(self._planes, values, strict=True))

    def _piece(
        self,
        weights: Weights,
        piece: _Piece,
        padded: "Sequence[_Padded]",
        signs: Sequence[Tensor] | None,
        back: bool,
        alone: bool,
    ) -> float:
        plane, own = self._planes[piece.place], padded[piece.place]
        number = min(plane.channel, 1)
        above = self._order.get((plane.channel, plane.level + 1))
        siblings = self._siblings(plane)
        near = own.neighbours(piece, SIBLINGS if number else 0)
        for i, sibling in siblings:
            near[len(NEIGHBOURS) + i] = padded[sibling].rows_of(piece)
        over = padded[above].around(piece, own.columns) if above is not None else None
        here = own.rows_of(piece).clone()
        leaves = [near, here] + ([over] if over is not None else [])
        for leaf in leaves if back else ():
            leaf.requires_grad_()
        with torch.set_grad_enabled(back):
            bits = _bits(weights, number, plane.level, near, over, here)
            if plane.rows % 2 or plane.columns % 2:
                bits = bits * own.inside(piece)
            if signs is not None:
                bits = bits * _even(signs[piece.place])[own.rows_at(piece)]
            total = bits.sum()
        if back:
            total.backward()
            assert near.grad is not None and here.grad is not None
            own.add_rows(piece, here.grad)
            if alone:
                return float(total.detach())
            own.add_neighbours(piece, near.grad)
            for i, sibling in siblings:
                padded[sibling].add_rows(piece, near.grad[len(NEIGHBOURS) + i])
            if over is not None and above is not None:
                assert over.grad is not None
                padded[above].add_around(piece, over.grad)
        return float(total.detach())

    def _siblings(self, plane: Plane) -> list[tuple[int, int]]:
        """Numbers of the siblings that a plane has, and their planes' places."""
        channels = {1: [(0, 0)]}.get(plane.channel, [(0, 0), (1, plane.channel - 1)])
        if plane.channel == 0:
            return []
        return [(i, self._order[channel, plane.level]) for i, channel in channels]


def _cut(place: int, plane: Plane) -> list[_Piece]:
    rows = plane.rows + plane.rows % 2
    height = max(2, min(STRIP, _PIECE // plane.columns // 2 * 2))
    pieces = []
    for strip in range(-(-rows // STRIP)):
        last = min(STRIP, rows - strip * STRIP)
        pieces += [_Piece(place, strip, y, min(height, last - y)) for y in range(0, last, height)]
    return pieces


def _bits(
    weights: Weights, number: int, level: int, near: Tensor, over: Tensor | None, here: Tensor
) -> Tensor:
    """Bits of latents `here` (rows, columns), of `near` (n, rows, columns) and `over` (9, rows / 2,
    columns / 2)."""
    _, rows, columns = near.shape
    first, count = weights[f"P1.{number}"], len(NEIGHBOURS)
    beside = first[:, :count]
    if near.shape[0] > count:
        beside = torch.cat([beside, first[:, count + PARENTS :]], dim=1)
    sums = torch.addmm(weights[f"p1.{number}"][:, None], beside, near.view(len(near), -1))
    if over is not None:
        shared = first[:, count : count + PARENTS] @ over.view(PARENTS, -1)
        four = sums.view(-1, rows // 2, 2, columns // 2, 2)
        sums = (four + shared.view(-1, rows // 2, 1, columns // 2, 1)).view(len(sums), -1)
    units = torch.relu(sums)
    inner = torch.addmm(weights[f"p2.{number}"][:, None], weights[f"P2.{number}"], units)
    units = units + torch.relu(inner)
    means, scales = torch.addmm(
        weights[f"p3.{number}"][level][:, None], weights[f"P3.{number}"], units
    )
    values = here.reshape(-1) - means
    return soft_bits(values, scales.clamp(SMALLEST, LARGEST)).view(rows, columns)


def _even(values: Tensor) -> Tensor:
    """A plane with even sides, zeros added."""
    rows, columns = values.shape
    return torch.nn.functional.pad(values, (0, columns % 2, 0, rows % 2))


class _Padded:
    """A plane in strips with zeros around each, and the gradient of it."""

    def __init__(self, plane: Plane, values: Tensor, back: bool) -> None:
        self._plane = plane
        self._whole = _even(values.detach().clamp(-_LARGEST_LATENT, _LARGEST_LATENT))
        self._here = _even(values.detach())
        rows, self.columns = self._whole.shape
        strips = -(-rows // STRIP)
        self._strips = values.new_zeros(strips, STRIP + _ABOVE, self.columns + 2 * _BESIDE)
        full = torch.nn.functional.pad(self._whole, (0, 0, 0, strips * STRIP - rows))
        self._strips[:, _ABOVE:, _BESIDE:-_BESIDE] = full.view(strips, STRIP, self.columns)
        self._bordered = torch.nn.functional.pad(self._whole, (1, 1, 1, 1))
        if back:
            self._grad = torch.zeros_like(self._here)
            self._strips_grad = torch.zeros_like(self._strips)
            self._bordered_grad = torch.zeros_like(self._bordered)

    def rows_at(self, piece: _Piece) -> slice:
        first = piece.strip * STRIP + piece.first
        return slice(first, first + piece.rows)

    def rows_of(self, piece: _Piece) -> Tensor:
        return self._here[self.rows_at(piece)]

    def add_rows(self, piece: _Piece, gradient: Tensor) -> None:
        self._grad[self.rows_at(piece)] += gradient

    def inside(self, piece: _Piece) -> Tensor:
        """1 where there is a latent."""
        mask = torch.zeros_like(self._here)
        mask[: self._plane.rows, : self._plane.columns] = 1
        return mask[self.rows_at(piece)]

    def neighbours(self, piece: _Piece, more: int) -> Tensor:
        """(n + more, rows, columns), room for `more` left."""
        near = self._here.new_zeros(len(NEIGHBOURS) + more, piece.rows, self.columns)
        for i, source in enumerate(self._near(self._strips, piece)):
            near[i] = source
        return near

    def add_neighbours(self, piece: _Piece, gradient: Tensor) -> None:
        for i, target in enumerate(self._near(self._strips_grad, piece)):
            target += gradient[i]

    def _near(self, strips: Tensor, piece: _Piece) -> list[Tensor]:
        strip = strips[piece.strip]
        starts = [(_ABOVE + y + piece.first, _BESIDE + x) for y, x in NEIGHBOURS]
        return [strip[y : y + piece.rows, x : x + self.columns] for y, x in starts]

    def around(self, piece: _Piece, columns: int) -> Tensor:
        """What this plane has over a piece of the next finer one: (9, rows / 2, columns / 2)."""
        return torch.stack(self._over(self._bordered, piece, columns))

    def add_around(self, piece: _Piece, gradient: Tensor) -> None:
        targets = self._over(self._bordered_grad, piece, 2 * gradient.shape[2])
        for target, part in zip(targets, gradient, strict=True):
            target += part

    @staticmethod
    def _over(bordered: Tensor, piece: _Piece, columns: int) -> list[Tensor]:
        first, rows = (piece.strip * STRIP + piece.first) // 2, piece.rows // 2
        return [
            bordered[first + y : first + y + rows, x : x + columns // 2]
            for y in range(3)
            for x in range(3)
        ]

    def gradient(self) -> Tensor:
        """By the plane's latents, all that was added."""
        total = self._grad
        strips = self._strips_grad[:, _ABOVE:, _BESIDE:-_BESIDE].reshape(-1, self.columns)
        total += strips[: len(total)]
        total += self._bordered_grad[1:-1, 1:-1]
        return total[: self._plane.rows, : self._plane.columns]
