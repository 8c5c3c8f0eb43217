"""The context networks of nets/prediction.py in floats, for all latents at once, with gradients by
hand: autograd, which keeps what it need not, takes twice as long.

Latents are taken in pieces of rows that stay in cache, and the networks can learn between them.
"""

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from inrcodec.encoder.grids.surroundings import Piece, Surroundings, even
from inrcodec.encoder.rounding import LARGEST, laplace, through_relu
from inrcodec.nets.grids import NEIGHBOURS, PARENTS, STRIP, Grids, Plane

_PIECE = 1 << 13  # latents
# Where in a context there are parents, and siblings.
_PARENTS = slice(len(NEIGHBOURS), len(NEIGHBOURS) + PARENTS)
_FIRST_SIBLING = _PARENTS.stop

Weights = Mapping[str, Tensor]


class ContextModel:
    """Bits of all latents of a picture under its context networks, tile by tile."""

    def __init__(self, net: Grids) -> None:
        self._net = net
        self._whole = net.planes()
        self._order = {place: i for i, place in enumerate(net.places())}
        self._planes = [plane for tile in net.tiles() for plane in tile]
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
    ) -> float:
        """Bits of latents with these values, by plane (rows, columns).

        With `gradients`, of the same shapes, those by latents are added there, and those by weights
        left in them; `learn` is called eight times in between and gives weights to go on with.
        `order`: of the pieces. `signs`: factors of each latent's bits.
        """
        back = gradients is not None
        with torch.no_grad():
            around = self._surroundings(values, back)
            factors = [even(part) for part in self._parts(signs)] if signs is not None else None
        networks = self._networks(weights)
        total, seen = 0.0, 0
        for number in order:
            piece = self.pieces[number]
            with torch.no_grad():
                total += self._piece(networks, piece, around, factors, back)
            seen += piece.rows * self._planes[piece.place].columns
            if learn is not None and 8 * seen >= self.latents:
                _finish(networks)
                networks, seen = self._networks(learn()), 0
        if back:
            _finish(networks)
        if learn is not None and seen:
            learn()
        if gradients is not None:
            for each, gradient in zip(around, self._parts(gradients), strict=True):
                gradient += each.gradient()
        return total

    def _parts(self, planes: Sequence[Tensor]) -> list[Tensor]:
        """What the planes of all tiles have of whole ones: views."""
        return [
            planes[i % len(planes)][self._whole[i % len(planes)].part(part)]
            for i, part in enumerate(self._planes)
        ]

    def _networks(self, weights: Weights) -> "list[_Network]":
        return [_Network(weights, number) for number in self._net.networks()]

    def _surroundings(self, values: Sequence[Tensor], back: bool) -> list[Surroundings]:
        return [
            Surroundings(plane, plane_values, self._child(plane), back)
            for plane, plane_values in zip(self._planes, self._parts(values), strict=True)
        ]

    def _child(self, plane: Plane) -> bool:
        return (plane.channel, plane.level - 1) in self._order

    def _piece(
        self,
        networks: "Sequence[_Network]",
        piece: Piece,
        around: Sequence[Surroundings],
        factors: Sequence[Tensor] | None,
        back: bool,
    ) -> float:
        plane, own = self._planes[piece.place], around[piece.place]
        here, near = own.own[piece.at].reshape(-1), self._gathered(piece, around)
        factor = own.inside(piece)
        if factors is not None:
            sign = factors[piece.place][piece.at].reshape(-1)
            factor = sign if factor is None else sign * factor
        network = networks[min(plane.channel, 1)]
        bits, by_here, by_near = network.run(plane.level, near, here, factor, back)
        if by_here is not None:
            own.add_own(piece, by_here)
        if by_near is not None:
            self._spread(piece, around, by_near)
        return bits

    def _gathered(self, piece: Piece, around: Sequence[Surroundings]) -> Tensor:
        """Contexts of a piece, and ones: (inputs + 1, latents)."""
        plane, own = self._planes[piece.place], around[piece.place]
        inputs = self._net.inputs(min(plane.channel, 1))
        near = own.own.new_empty(inputs + 1, piece.rows * own.columns)
        own.neighbours(piece, near[: len(NEIGHBOURS)])
        near[len(NEIGHBOURS) : inputs] = 0
        near[inputs] = 1
        if (parent := self._parent(piece.place)) is not None:
            around[parent].parents(piece, near[_PARENTS])
        for i, sibling in enumerate(self._siblings(piece.place)):
            around[sibling].same(piece, near[_FIRST_SIBLING + i])
        return near

    def _spread(self, piece: Piece, around: Sequence[Surroundings], by_near: Tensor) -> None:
        """The gradient by what `_gathered` has found goes to where it lies."""
        around[piece.place].add_neighbours(piece, by_near[: len(NEIGHBOURS)])
        if (parent := self._parent(piece.place)) is not None:
            around[parent].add_parents(piece, by_near[_PARENTS])
        for i, sibling in enumerate(self._siblings(piece.place)):
            around[sibling].add_own(piece, by_near[_FIRST_SIBLING + i])

    def _parent(self, place: int) -> int | None:
        """The place of the plane whose latents are parents of another's."""
        plane = self._planes[place]
        return self._placed(place, plane.channel, plane.level + 1)

    def _siblings(self, place: int) -> list[int]:
        """The places of those whose latents are siblings."""
        plane = self._planes[place]
        channels = {0: [], 1: [0]}.get(plane.channel, [0, plane.channel - 1])
        found = (self._placed(place, channel, plane.level) for channel in channels)
        return [sibling for sibling in found if sibling is not None]

    def _placed(self, place: int, channel: int, level: int) -> int | None:
        """The place of another plane of the same tile."""
        there = self._order.get((channel, level))
        return None if there is None else place - place % len(self._whole) + there


def _cut(place: int, plane: Plane) -> list[Piece]:
    rows = plane.rows + plane.rows % 2
    height = max(2, min(STRIP, _PIECE // plane.columns // 2 * 2))
    pieces = []
    for strip in range(-(-rows // STRIP)):
        last = min(STRIP, rows - strip * STRIP)
        pieces += [Piece(place, strip, y, min(height, last - y)) for y in range(0, last, height)]
    return pieces


def _finish(networks: "Sequence[_Network]") -> None:
    for network in networks:
        network.finish()


class _Network:
    """A context network as matrices, the first with its bias as a column, and what is known of the
    gradients by them."""

    def __init__(self, weights: Weights, number: int) -> None:
        first, bias, *others = (
            weights[f"{name}.{number}"] for name in ("P1", "p1", "P2", "p2", "P3", "p3")
        )
        self._made = [torch.cat([first, bias[:, None]], dim=1), *others]
        self._first, self._second, self._inner, self._last, self._levels = (
            matrix.detach() for matrix in self._made
        )
        self._slopes = [torch.zeros_like(matrix) for matrix in self._made]

    def finish(self) -> None:
        """Gradients go to the weights."""
        torch.autograd.backward(self._made, self._slopes)

    def run(
        self, level: int, near: Tensor, here: Tensor, factor: Tensor | None, back: bool
    ) -> tuple[float, Tensor | None, Tensor | None]:
        """Bits of latents `here` (n) whose contexts, and ones below them, are `near` (k + 1, n),
        times `factor`; with `back` the gradients by both, those by weights being kept."""
        first = (self._first @ near).relu_()
        second = torch.addmm(self._inner[:, None], self._second, first).relu_()
        units = first + second
        means, scales = torch.addmm(self._levels[level][:, None], self._last, units)
        bits, by_here, by_scale = laplace(here - means, scales, unbounded=True)
        by_scale *= scales < LARGEST
        if factor is not None:
            for each in (bits, by_here, by_scale):
                each *= factor
        if not back:
            return float(bits.sum()), None, None
        out = torch.stack([-by_here, by_scale])
        by_units = self._last.T @ out
        by_second = through_relu(by_units.clone(), second)
        by_first = through_relu(by_units.addmm_(self._second.T, by_second), first)
        p1, p2, p2_bias, p3, p3_bias = self._slopes
        p1 += by_first @ near.T
        p2 += by_second @ first.T
        p2_bias += by_second.sum(dim=1)
        p3 += out @ units.T
        p3_bias[level] += out.sum(dim=1)
        return float(bits.sum()), by_here, self._first[:, :-1].T @ by_first
