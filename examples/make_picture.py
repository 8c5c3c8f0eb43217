"""Draws examples/garden.png: a small scene with gradients, textures, shapes and sharp edges.

Run it from anywhere; the same picture comes out every time.
"""

from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

WIDTH, HEIGHT, SCALE = 192, 128, 4  # drawn at four times the size, then reduced: soft edges
HORIZON = 62
SEED = 7


def smooth_noise(rng: np.random.Generator, cells: tuple[int, int]) -> np.ndarray:
    """Noise in -1..1 of the picture's size that varies over `cells` (rows, columns) patches."""
    coarse = rng.uniform(0, 255, cells).astype(np.uint8)
    image = Image.fromarray(coarse).resize((WIDTH, HEIGHT), Image.Resampling.BICUBIC)
    return np.asarray(image, dtype=np.float64) / 127.5 - 1


def backdrop(rng: np.random.Generator) -> np.ndarray:
    """Sky with clouds above the horizon, a lawn with blades and patches below it: (H, W, 3)."""
    rows = np.arange(HEIGHT)[:, None, None]
    height = np.clip(rows / HORIZON, 0, 1)
    sky = np.array([92, 142, 204]) * (1 - height) + np.array([226, 224, 206]) * height
    clouds = smooth_noise(rng, (9, 7)) + 0.5 * smooth_noise(rng, (18, 14))
    sky = sky + 26 * np.clip(clouds, 0, 1)[..., None] * (1 - height)
    nearness = np.clip((rows - HORIZON) / (HEIGHT - HORIZON), 0, 1)
    lawn = np.array([128, 152, 84]) * (1 - nearness) + np.array([62, 104, 40]) * nearness
    blades = smooth_noise(rng, (32, 96)) * 16 + smooth_noise(rng, (14, 12)) * 10
    lawn = lawn + blades[..., None] * (0.3 + 0.7 * nearness)
    return np.where(rows < HORIZON, sky, lawn)


def scaled(*points: tuple[float, float]) -> list[tuple[float, float]]:
    """Picture coordinates as coordinates of the enlarged canvas."""
    return [(x * SCALE, y * SCALE) for x, y in points]


def draw_house(draw: ImageDraw.ImageDraw) -> None:
    """A wall of boards, a roof, a door and two windows with bars."""
    draw.rectangle(scaled((112, 40), (164, 82)), fill=(206, 184, 152))
    for y in range(44, 82, 4):
        draw.line(scaled((112, y), (164, y)), fill=(184, 160, 128), width=2)
    draw.polygon(scaled((106, 41), (138, 18), (170, 41)), fill=(138, 62, 48))
    draw.rectangle(scaled((132, 58), (144, 82)), fill=(84, 56, 40))
    for left in (117, 149):
        draw.rectangle(scaled((left, 50), (left + 10, 62)), fill=(58, 74, 96))
        draw.line(scaled((left + 5, 50), (left + 5, 62)), fill=(238, 234, 222), width=4)
        draw.line(scaled((left, 56), (left + 10, 56)), fill=(238, 234, 222), width=4)


def draw_trees(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Two trunks, each under a crown of overlapping leaves."""
    for x, base, radius in ((38, 92, 21), (84, 70, 12)):
        draw.rectangle(scaled((x - 2, base - radius), (x + 2, base)), fill=(78, 56, 40))
        for _ in range(160):
            angle, distance = rng.uniform(0, 2 * np.pi), radius * np.sqrt(rng.uniform())
            at_x = x + distance * np.cos(angle)
            at_y = base - 1.7 * radius + distance * np.sin(angle)
            light = 0.6 + 0.4 * (1 - (at_y - base + 2.7 * radius) / (2 * radius))
            colour = tuple(int(c * light) for c in (74, 122, 52))
            draw.ellipse(scaled((at_x - 2.2, at_y - 2.2), (at_x + 2.2, at_y + 2.2)), fill=colour)


def draw_flowers(draw: ImageDraw.ImageDraw, rng: np.random.Generator) -> None:
    """Small bright dots along the lower edge."""
    for _ in range(60):
        x, y = rng.uniform(0, WIDTH), rng.uniform(104, HEIGHT)
        colour = ((222, 70, 66), (236, 204, 74), (240, 236, 240))[rng.integers(3)]
        draw.ellipse(scaled((x - 1.2, y - 1.2), (x + 1.2, y + 1.2)), fill=colour)


def draw_sign(draw: ImageDraw.ImageDraw) -> None:
    """A white board with dark strokes that look like writing."""
    draw.rectangle(scaled((66, 96), (68, 116)), fill=(92, 70, 50))
    draw.rectangle(scaled((48, 82), (88, 100)), fill=(244, 242, 232), outline=(70, 60, 50))
    draw.text(scaled((52, 83))[0], "GARDEN", fill=(40, 36, 34), font_size=8 * SCALE)
    for y, end in ((94, 82), (97, 72)):
        draw.line(scaled((53, y), (end, y)), fill=(120, 110, 100), width=3)


def make_picture() -> Image.Image:
    """The whole scene, RGB, WIDTH x HEIGHT."""
    rng = np.random.default_rng(SEED)
    base = Image.fromarray(backdrop(rng).clip(0, 255).astype(np.uint8))
    canvas = base.resize((WIDTH * SCALE, HEIGHT * SCALE), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(canvas)
    draw.ellipse(scaled((160, 8), (176, 24)), fill=(250, 240, 200))
    draw_house(draw)
    draw_trees(draw, rng)
    draw_sign(draw)
    draw_flowers(draw, rng)
    small = canvas.resize((WIDTH, HEIGHT), Image.Resampling.LANCZOS)
    sharp = np.asarray(small.filter(ImageFilter.UnsharpMask(1, 40, 0)), dtype=np.float64)
    grain = rng.normal(0, 1.5, (HEIGHT, WIDTH, 1))
    return Image.fromarray((sharp + grain).round().clip(0, 255).astype(np.uint8))


if __name__ == "__main__":
    make_picture().save(Path(__file__).with_name("garden.png"), optimize=True)
