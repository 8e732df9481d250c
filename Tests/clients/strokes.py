"""The ten digits as people draw them: lines of points in a square from 0 to 1, y downwards."""

import math


def arc(x, y, width, height, start, end, steps=24):
    """Part of an ellipse; angles in degrees, 0 to the right, growing clockwise."""
    angles = [math.radians(start + (end - start) * i / steps) for i in range(steps + 1)]
    return [(x + width * math.cos(a), y + height * math.sin(a)) for a in angles]


DIGITS = [
    [arc(0.5, 0.5, 0.19, 0.29, -90, 270)],
    [[(0.42, 0.3), (0.53, 0.2), (0.53, 0.8)]],
    [arc(0.5, 0.37, 0.18, 0.16, 180, 385) + [(0.32, 0.78), (0.72, 0.78)]],
    [arc(0.48, 0.35, 0.17, 0.15, 200, 450), arc(0.48, 0.65, 0.19, 0.16, 270, 520)],
    [[(0.38, 0.2), (0.32, 0.55), (0.7, 0.55)], [(0.62, 0.2), (0.6, 0.82)]],
    [[(0.68, 0.22), (0.38, 0.22), (0.36, 0.46)] + arc(0.48, 0.62, 0.19, 0.18, 230, 510)],
    [[(0.6, 0.18), (0.45, 0.34), (0.36, 0.55)] + arc(0.5, 0.65, 0.16, 0.16, 180, 540)],
    [[(0.3, 0.22), (0.68, 0.22), (0.45, 0.82)]],
    [
        arc(0.5, 0.35, 0.14, 0.14, 90, -270) + arc(0.5, 0.65, 0.17, 0.16, -90, 270),
    ],
    [arc(0.48, 0.36, 0.15, 0.15, 0, -360) + [(0.62, 0.36), (0.6, 0.6), (0.55, 0.82)]],
]
