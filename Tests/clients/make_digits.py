"""Writes ten drawn digits, 28 by 28 grey pixels, as PNG files."""

import sys

from PIL import Image, ImageDraw, ImageFilter

import strokes

for digit, lines in enumerate(strokes.DIGITS):
    image = Image.new("L", (112, 112))
    pen = ImageDraw.Draw(image)
    for line in lines:
        points = [(x * 112, y * 112) for x, y in line]
        pen.line(points, fill=255, width=9, joint="curve")
    image = image.filter(ImageFilter.GaussianBlur(1.5)).resize((28, 28), Image.Resampling.BOX)
    image.save(f"{sys.argv[1]}/{digit}.png")
