"""Image files of WebP, TIFF, GIF and BMP for make_images.py: what Pillow writes, and what is built here
byte by byte since no program at hand writes it. And how pictures are held (EXIF)."""
import io
import struct

import numpy as np
from PIL import Image


MODES = ["1", "L", "LA", "P", "RGB", "RGBA"]


def picture(rng, mode, height, width):
    """Smooth enough for lossy coders, noisy enough to tell pixels apart."""
    y, x = np.mgrid[:height, :width]
    planes = [
        127 + 100 * np.sin(x * rng.uniform(0.05, 0.6) + y * rng.uniform(0.05, 0.6)) for _ in range(4)]
    pixels = np.clip(np.stack(planes, -1) + rng.integers(-20, 20, (height, width, 4)), 0, 255)
    rgba = Image.fromarray(pixels.astype(np.uint8), "RGBA")
    if mode == "RGBA":
        return rgba
    image = rgba.convert("RGB")
    if mode == "P":
        return image.quantize(int(rng.choice([2, 5, 16, 37, 256])))
    if mode == "LA":
        alpha = rgba.getchannel("A")
        return Image.merge("LA", [image.convert("L"), alpha])
    return image.convert(mode)


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def exif(number):
    data = Image.Exif()
    data[0x0112] = number
    return data.tobytes()


def tiff_orientation(file, number):
    """A TIFF file of little-endian numbers with an orientation in its first directory's unused tag 266."""
    place = struct.unpack("<I", file[4:8])[0]
    count = struct.unpack("<H", file[place:place + 2])[0]
    file = bytearray(file)
    for entry in range(count):
        at = place + 2 + 12 * entry
        tag = struct.unpack("<H", file[at:at + 2])[0]
        if tag == 274:
            file[at + 8:at + 10] = struct.pack("<H", number)
            return bytes(file)
    raise ValueError("there is no orientation")


def tiff(rng, height, width, *, photometric, bits, samples, extra=None, planar=1, tile=None, big=False,
         fill=1):
    """An uncompressed TIFF file of random samples, in strips of a few rows or in tiles."""
    order = ">" if big else "<"
    sizes = (tile, tile) if tile else (min(5, height), width)
    blocks = []
    planes = samples if planar == 2 else 1
    per = 1 if planar == 2 else samples
    down, across = -(-height // sizes[0]), -(-width // sizes[1])
    for _ in range(planes):
        for block in range(down * across):
            rows = sizes[0] if tile else min(sizes[0], height - block * sizes[0])
            data = rng.integers(0, 256, rows * -(-sizes[1] * per * bits // 8), dtype=np.uint8)
            blocks.append(data.tobytes())
    entries, heap = {}, b""
    def put(tag, kind, values):
        entries[tag] = (kind, values)
    put(256, 4, [width])
    put(257, 4, [height])
    put(258, 3, [bits] * samples)
    put(259, 3, [1])
    put(262, 3, [photometric])
    put(277, 3, [samples])
    put(284, 3, [planar])
    if fill != 1:
        put(266, 3, [fill])
    if extra is not None:
        put(338, 3, extra)
    if photometric == 3:
        put(320, 3, [int(v) for v in rng.integers(0, 65536, 3 << bits)])
    if tile:
        put(322, 3, [tile])
        put(323, 3, [tile])
    else:
        put(278, 4, [sizes[0]])
    offsets_tag, counts_tag = (324, 325) if tile else (273, 279)
    put(offsets_tag, 4, [0] * len(blocks))
    put(counts_tag, 4, [len(b) for b in blocks])
    start = 8 + 2 + 12 * len(entries) + 4
    def encoded(kind, values):
        return struct.pack(f"{order}{len(values)}{'H' if kind == 3 else 'I'}", *values)
    size = sum(len(encoded(*e)) + 1 for e in entries.values() if len(encoded(*e)) > 4)
    place = start + size
    offsets = []
    for block in blocks:
        offsets.append(place)
        place += len(block)
    put(offsets_tag, 4, offsets)
    directory = b""
    at = start
    for tag in sorted(entries):
        kind, values = entries[tag]
        data = encoded(kind, values)
        if len(data) <= 4:
            value = data.ljust(4, b"\0")
        else:
            value = struct.pack(order + "I", at)
            data += b"\0" * (len(data) % 2)
            heap += data
            at += len(data)
        directory += struct.pack(order + "HHI", tag, kind, len(values)) + value
    head = (b"MM\0*" if big else b"II*\0") + struct.pack(order + "I", 8)
    body = head + struct.pack(order + "H", len(entries)) + directory + b"\0\0\0\0" + heap
    return body.ljust(start + size, b"\0") + b"".join(blocks)


def bmp(rng, height, width, bits, *, masks=None, top_down=False, colours=0, header=40, grey=False):
    """A BMP file of random bits, uncompressed."""
    stride = (width * bits + 31) // 32 * 4
    count = (colours or 1 << bits) if bits <= 8 else 0
    entry = 3 if header == 12 else 4
    if grey:
        palette = b"".join(bytes([v] * 3 + [0]) for v in ([0, 255] if count == 2 else range(count)))
    else:
        palette = rng.integers(0, 256, count * entry, dtype=np.uint8).tobytes()
    if bits == 8:
        rows = np.zeros((height, stride), np.uint8)
        rows[:, :width] = rng.integers(0, count, (height, width))
        pixels = rows.tobytes()
    else:
        pixels = rng.integers(0, 256, height * stride, dtype=np.uint8).tobytes()
    fields = b"" if masks is None else struct.pack(f"<{len(masks)}I", *masks)
    if header == 12:
        info = struct.pack("<IHHHH", 12, width, height, 1, bits)
    else:
        info = struct.pack(
            "<IiiHHIIiiII", header, width, -height if top_down else height, 1, bits,
            3 if masks else 0, 0, 0, 0, colours, 0)
        if header > 40:
            info = (info + fields).ljust(header, b"\0")
            fields = b""
    offset = 14 + len(info) + len(fields) + len(palette)
    return (b"BM" + struct.pack("<IHHI", offset + len(pixels), 0, 0, offset) + info + fields + palette
            + pixels)


def rle(rng, height, width, bits):
    """A BMP file of runs: equal pixels, pixels as they are, ends of rows, some early. Without jumps,
    and without odd numbers of pixels of 4 bits as they are, which Pillow 11.3 reads wrongly."""
    out = b""
    for y in range(height):
        x = 0
        while x < width - int(rng.integers(0, 3)):
            left = width - x
            if rng.integers(0, 2) == 0 or left < 4:
                n = int(rng.integers(1, left + 1))
                out += bytes([n, int(rng.integers(0, 256))])
            else:
                n = int(rng.integers(4, left + 1))
                n -= n % 2 if bits == 4 else 0
                size = n if bits == 8 else n // 2
                data = rng.integers(0, 256, size, dtype=np.uint8).tobytes()
                out += bytes([0, n]) + data + b"\0" * (size % 2)
            x += n
        out += b"\0\0"
    out += b"\0\1"
    palette = rng.integers(0, 256, 4 << bits, dtype=np.uint8).tobytes()
    info = struct.pack("<IiiHHIIiiII", 40, width, height, 1, bits, 1 if bits == 8 else 2, len(out), 0, 0,
                       0, 0)
    offset = 54 + len(palette)
    return b"BM" + struct.pack("<IHHI", offset + len(out), 0, 0, offset) + info + palette + out


def gif(screen, frame, palette, numbers, *, transparent=None, interlaced=False, more=b""):
    """A GIF file whose codes are as long as at the start, (width, height) and (left, top, width, height)."""
    bits = max(1, (len(palette) - 1).bit_length())
    out = b"GIF89a" + struct.pack("<HHBBB", *screen, 0x80 | bits - 1, 0, 0)
    out += b"".join(bytes(c) for c in palette) + b"\0" * 3 * ((1 << bits) - len(palette))
    if transparent is not None:
        out += b"\x21\xf9\x04\x01\0\0" + bytes([transparent]) + b"\0"
    out += b"," + struct.pack("<HHHHB", *frame, 0x40 if interlaced else 0) + b"\7"
    codes = []
    for place, number in enumerate(numbers):
        if place % 100 == 0:
            codes.append(128)
        codes.append(number)
    codes = bytes(codes + [129])
    for place in range(0, len(codes), 255):
        block = codes[place:place + 255]
        out += bytes([len(block)]) + block
    return out + b"\0" + more + b";"


def fixed(rng):
    """Name and bytes of files of each kind that there is, whatever their sizes."""
    def random(count, most):
        return [int(v) for v in rng.integers(0, most, count)]
    palette = [random(3, 256) for _ in range(4)]
    greys = [[v, v, v] for v in range(128)]
    files = {
        "tiled.tif": tiff(rng, 37, 21, photometric=2, bits=8, samples=3, tile=16),
        "tiled-apart.tif": tiff(rng, 21, 37, photometric=2, bits=8, samples=3, tile=16, planar=2),
        "apart.tif": tiff(rng, 9, 11, photometric=2, bits=8, samples=3, planar=2),
        "big-endian.tif": tiff(rng, 9, 11, photometric=2, bits=16, samples=3, big=True),
        "rgb16.tif": tiff(rng, 9, 11, photometric=2, bits=16, samples=3),
        "rgba16.tif": tiff(rng, 9, 11, photometric=2, bits=16, samples=4, extra=[2]),
        "rgba.tif": tiff(rng, 9, 11, photometric=2, bits=8, samples=4, extra=[2]),
        "rgbx.tif": tiff(rng, 9, 11, photometric=2, bits=8, samples=4, extra=[0]),
        "rgba-multiplied.tif": tiff(rng, 9, 11, photometric=2, bits=8, samples=4, extra=[1]),
        "grey16.tif": tiff(rng, 9, 11, photometric=1, bits=16, samples=1),
        "grey16-big-endian.tif": tiff(rng, 9, 11, photometric=1, bits=16, samples=1, big=True),
        "grey-alpha.tif": tiff(rng, 9, 11, photometric=1, bits=8, samples=2, extra=[2]),
        "cmyk.tif": tiff(rng, 9, 11, photometric=5, bits=8, samples=4),
        "cmyk16.tif": tiff(rng, 9, 11, photometric=5, bits=16, samples=4),
        "filled-from-below.tif": tiff(rng, 9, 11, photometric=1, bits=1, samples=1, fill=2),
        "black-and-white.bmp": bmp(rng, 9, 11, 1, grey=True),
        "two-colours.bmp": bmp(rng, 9, 11, 1),
        "four-bits.bmp": bmp(rng, 9, 11, 4),
        "few-colours.bmp": bmp(rng, 9, 11, 8, colours=9),
        "colours.bmp": bmp(rng, 9, 11, 8),
        "greys.bmp": bmp(rng, 9, 11, 8, grey=True),
        "old.bmp": bmp(rng, 9, 11, 8, header=12),
        "old-rgb.bmp": bmp(rng, 9, 11, 24, header=12),
        "top-down.bmp": bmp(rng, 9, 11, 24, top_down=True),
        "x1r5g5b5.bmp": bmp(rng, 9, 11, 16),
        "r5g6b5.bmp": bmp(rng, 9, 11, 16, masks=(0xF800, 0x7E0, 0x1F)),
        "x8r8g8b8.bmp": bmp(rng, 9, 11, 32),
        "masks.bmp": bmp(rng, 9, 11, 32, masks=(0xFF000000, 0xFF0000, 0xFF00), header=40),
        "masks-within.bmp": bmp(rng, 9, 11, 32, masks=(0xFF, 0xFF00, 0xFF0000, 0xFF000000), header=108),
        "runs8.bmp": rle(rng, 12, 17, 8),
        "runs4.bmp": rle(rng, 12, 17, 4),
        "smaller.gif": gif((9, 7), (2, 1, 5, 4), palette, random(20, 4)),
        "transparent.gif": gif((9, 7), (2, 1, 5, 4), palette, random(20, 4), transparent=2),
        "transparent-beyond.gif": gif(
            (9, 7), (2, 1, 5, 4), palette, random(19, 4) + [100], transparent=100),
        "larger.gif": gif((3, 3), (2, 1, 5, 4), palette, random(20, 4)),
        "interlaced.gif": gif((8, 21), (0, 0, 8, 21), palette, random(168, 4), interlaced=True),
        "greys.gif": gif((8, 21), (0, 0, 8, 21), greys, random(168, 128)),
    }
    for bits in (1, 2, 4, 8):
        for photometric, name in ((0, "white"), (1, "black"), (3, "palette")):
            files[f"{name}{bits}.tif"] = tiff(
                rng, 9, 11, photometric=photometric, bits=bits, samples=1)
    frames = [picture(rng, "RGB", 12, 10) for _ in range(3)]
    files["animated.webp"] = saved(frames[0], "WEBP", save_all=True, append_images=frames[1:])
    files["animated.gif"] = saved(
        frames[0].quantize(8), "GIF", save_all=True, append_images=[f.quantize(8) for f in frames[1:]])
    files["animated.png"] = saved(frames[0], "PNG", save_all=True, append_images=frames[1:])
    files["pages.tif"] = saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    for number in (3, 6):
        files[f"held-{number}.jpg"] = saved(frames[0], "JPEG", exif=exif(number))
    files["held-8.png"] = saved(frames[0], "PNG", exif=exif(8))
    files["held-5.webp"] = saved(frames[0], "WEBP", lossless=True, exif=exif(5))
    for number in range(2, 9):
        files[f"held-{number}.tif"] = saved(
            picture(rng, "RGB", 6, 9), "TIFF", tiffinfo={274: number})
    return files


def random_file(rng, number, height, width):
    """Ending and bytes of what Pillow writes."""
    form = ["webp", "tif", "gif", "bmp"][number % 4]
    mode = MODES[number // 4 % len(MODES)]
    if form == "webp" and mode not in ("RGB", "RGBA"):
        mode = "RGBA" if number % 8 else "RGB"
    if form == "bmp" and mode in ("LA", "RGBA"):
        mode = "RGB"
    image = picture(rng, mode, height, width)
    if form == "webp":
        return form, saved(
            image, "WEBP", lossless=bool(rng.integers(0, 2)), quality=int(rng.integers(0, 101)),
            exact=bool(rng.integers(0, 2)))
    if form == "tif":
        compressions = ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]
        if mode == "1":
            compressions += ["group3", "group4", "tiff_ccitt"]
        if mode in ("L", "RGB"):
            compressions += ["jpeg"]
        compression = compressions[rng.integers(0, len(compressions))]
        return form, saved(image, "TIFF", compression=compression)
    if form == "gif":
        return form, saved(image, "GIF", interlace=int(rng.integers(0, 2)))
    return form, saved(image, "BMP")


def refused(rng):
    """Name, bytes and a part of the message of files that are not read."""
    webp = saved(picture(rng, "RGB", 20, 20), "WEBP")
    flat = tiff(rng, 9, 11, photometric=2, bits=8, samples=3)
    many = gif((9, 7), (0, 0, 9, 7), [[0, 0, 0]] * 4, [i % 4 for i in range(63)])
    bitmap = bmp(rng, 9, 11, 24)
    number = Image.fromarray(rng.random((5, 6), dtype=np.float32), "F")
    return {
        "cut.webp": (webp[:-20], "libwebp finds no whole picture in it"),
        "cut.tif": (flat[:-100], "libtiff says: "),
        "cut.gif": (many[:-30], "giflib says: "),
        "cut.bmp": (bitmap[:-30], "it is truncated"),
        "float.tif": (saved(number, "TIFF"), "its pixels are no whole numbers of 32 bits"),
        "lab.tif": (tiff(rng, 9, 11, photometric=8, bits=8, samples=3), "its colours are of the kind 8"),
        "zstd.tif": (flat.replace(struct.pack("<HHIH", 259, 3, 1, 1), struct.pack(
            "<HHIH", 259, 3, 1, 50000)), "it is compressed by the method 50000"),
        "beyond.gif": (gif((9, 7), (0, 0, 9, 7), [[0, 0, 0]] * 4, [9] * 63), "is of colour 9; its palette has 4"),
        "beyond.bmp": (bmp(rng, 9, 11, 4, colours=3), "its palette has 3"),
        "png.bmp": (bitmap[:28] + struct.pack("<HI", 0, 5) + bitmap[34:], "by the method 5, which is not read"),
        "huge.bmp": (bitmap[:18] + struct.pack("<ii", 60000, 60000) + bitmap[26:], "it claims 60000x60000 pixels"),
        "huge.gif": (gif((60000, 60000), (0, 0, 1, 1), [[0, 0, 0]] * 4, [0]), "it claims 60000x60000 pixels"),
    }
