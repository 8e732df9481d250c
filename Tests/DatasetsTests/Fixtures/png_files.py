"""Random sound PNG files of every kind that the specification (third edition) knows, many of which no
other program writes, and files with one thing wrong."""
import struct
import zlib

import numpy as np

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Colour type and bit depth, as IHDR has them.
KINDS = [(0, 1), (0, 2), (0, 4), (0, 8), (0, 16), (2, 8), (2, 16), (3, 1), (3, 2), (3, 4), (3, 8),
         (4, 8), (4, 16), (6, 8), (6, 16)]
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# First column and row, and the steps between them.
ADAM7 = [(0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
         (0, 1, 1, 2)]


def chunk(name, content):
    return (struct.pack(">I", len(content)) + name + content
            + struct.pack(">I", zlib.crc32(name + content)))


def chunks(file):
    """(name, content) of each."""
    place = 8
    while place < len(file):
        length, name = struct.unpack(">I4s", file[place:place + 8])
        yield name, file[place + 8:place + 8 + length]
        place += 12 + length


def picture(rng, height, width, channels, limit):
    """Samples (H, W, C) from 0 to limit: noise, waves, one value, few values or a slope."""
    shape = (height, width, channels)
    y, x = np.mgrid[0:height, 0:width][..., None]
    kind = rng.integers(5)
    if kind == 0:
        return rng.integers(0, limit + 1, shape)
    if kind == 1:
        phase = rng.uniform(1, 40, channels)
        wave = np.sin(x / phase) * np.cos(y / phase[::-1])
        return np.clip((wave * 0.55 + 0.5) * limit, 0, limit).astype(int)
    if kind == 2:
        return np.broadcast_to(rng.integers(0, limit + 1, channels), shape)
    if kind == 3:
        values = rng.integers(0, limit + 1, (int(rng.integers(2, 6)), channels))
        return values[rng.integers(0, len(values), shape[:2])]
    slope = rng.integers(-9, 10, (2, channels)) * max(1, limit // 255)
    return (y * slope[0] + x * slope[1]) % (limit + 1)


def packed_rows(samples, depth):
    """The bytes of each row."""
    height = samples.shape[0]
    flat = samples.reshape(height, -1)
    if depth == 16:
        return np.ascontiguousarray(flat, ">u2").view(np.uint8).reshape(height, -1)
    if depth == 8:
        return flat.astype(np.uint8)
    bits = flat[..., None] >> np.arange(depth - 1, -1, -1) & 1
    return np.packbits(bits.reshape(height, -1).astype(np.uint8), axis=1)


def filtered(rows, step, types):
    """Each row after its filter's type, and the type before it; step is the bytes of a pixel, at least 1."""
    raw = rows.astype(int)
    left, up, corner = np.zeros((3, *raw.shape), int)
    left[:, step:] = raw[:, :-step]
    up[1:] = raw[:-1]
    corner[1:, step:] = raw[:-1, :-step]
    guess = left + up - corner
    a, b, c = abs(guess - left), abs(guess - up), abs(guess - corner)
    paeth = np.where((a <= b) & (a <= c), left, np.where(b <= c, up, corner))
    predictions = np.stack([0 * raw, left, up, (left + up) // 2, paeth])
    chosen = raw - predictions[types, np.arange(len(raw))]
    return np.concatenate([types[:, None], chosen % 256], 1).astype(np.uint8).tobytes()


def image_data(rng, samples, depth, interlaced):
    step = max(1, samples.shape[2] * depth // 8)
    fixed = rng.integers(6)
    data = b""
    for x, y, dx, dy in ADAM7 if interlaced else [(0, 0, 1, 1)]:
        part = samples[y::dy, x::dx]
        if part.size:
            types = rng.integers(0, 5, len(part)) if fixed == 5 else np.full(len(part), fixed)
            data += filtered(packed_rows(part, depth), step, types)
    return data


def compressed(rng, data):
    packer = zlib.compressobj(
        int(rng.integers(0, 10)), zlib.DEFLATED, int(rng.integers(9, 16)), int(rng.integers(1, 10)),
        int(rng.integers(0, 5)))
    return packer.compress(data) + packer.flush()


def split(rng, data):
    """IDAT chunks: one, or several of any size, empty ones among them."""
    if rng.random() < 0.5:
        return chunk(b"IDAT", data)
    cuts = np.sort(rng.integers(0, len(data) + 1, int(rng.integers(1, 12))))
    ends = [0, *cuts.tolist(), len(data)]
    return b"".join(chunk(b"IDAT", data[a:b]) for a, b in zip(ends, ends[1:]))


def ancillary(rng, kind, depth, colours):
    """Chunks before the palette, between it and the pixels, and after these, some of each."""
    text = b"Comment\0"
    grey = struct.pack(">H", int(rng.integers(0, 2**min(depth, 15))))
    sample_bits = CHANNELS[kind] if kind != 3 else 3
    profile = bytes(rng.integers(0, 256, 200).tolist())
    first = [
        (b"gAMA", struct.pack(">I", int(rng.choice([45455, 100000, 22222])))),
        (b"cHRM", struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)),
        (b"sRGB", b"\1"), (b"iCCP", b"a profile\0\0" + zlib.compress(profile)),
        (b"sBIT", bytes([int(rng.integers(1, min(depth, 8) + 1))]) * sample_bits),
    ]
    middle = [
        (b"pHYs", struct.pack(">IIB", 2835, 1000, 1)), (b"sPLT", b"p\0\x08" + bytes(range(12))),
        (b"eXIf", b"MM\0*\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"),
        (b"tEXt", text + b"of a picture"), (b"zTXt", text + b"\0" + zlib.compress(b"packed")),
        (b"iTXt", text + b"\0\0en\0\0" + "größer".encode()), (b"prIv", bytes(7)),
    ]
    if kind == 3:
        middle += [(b"bKGD", b"\0"), (b"hIST", bytes(2 * colours)),
                   (b"tRNS", bytes(rng.integers(0, 256, int(rng.integers(1, colours + 1))).tolist()))]
    elif kind in (0, 4):
        middle += [(b"bKGD", grey)] + [(b"tRNS", grey)] * (kind == 0)
    else:
        middle += [(b"bKGD", grey * 3), (b"PLTE", bytes(range(30)))] + [(b"tRNS", grey * 3)] * (kind == 2)
    last = [(b"tIME", struct.pack(">HBBBBB", 2001, 2, 3, 4, 5, 6)), (b"tEXt", text + b"late")]

    def some(of):
        chosen = [chunk(*pair) for pair in of if rng.random() < 0.25]
        return b"".join(chosen)

    if rng.random() < 0.3:
        return b"", b"", b""
    return some(first), some(middle), some(last)


def random_file(rng, height, width, kind, depth, interlaced):
    channels = CHANNELS[kind]
    limit = 2**depth - 1
    palette, colours = b"", 0
    if kind == 3:
        colours = int(rng.integers(1, limit + 2))
        limit = colours - 1
        palette = chunk(b"PLTE", bytes(rng.integers(0, 256, 3 * colours).tolist()))
    samples = np.asarray(picture(rng, height, width, channels, limit))
    before, between, after = ancillary(rng, kind, depth, colours)
    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, interlaced)
    data = compressed(rng, image_data(rng, samples, depth, interlaced))
    return (SIGNATURE + chunk(b"IHDR", header) + before + palette + between + split(rng, data) + after
            + chunk(b"IEND", b""))


def spoiled(rng):
    """Files with one thing wrong, and what is said of each; the x files of PngSuite and more."""
    rows = bytes(5)

    def file(kind=0, depth=8, interlaced=0, data=rows * 4, before=b"", pixels=None):
        header = struct.pack(">IIBBBBB", 4, 4, depth, kind, 0, 0, interlaced)
        pixels = chunk(b"IDAT", zlib.compress(data)) if pixels is None else pixels
        return SIGNATURE + chunk(b"IHDR", header) + before + pixels + chunk(b"IEND", b"")

    sound, z = file(), zlib.compress(rows * 4)
    palette = chunk(b"PLTE", bytes(range(9)))
    return {
        "signature-bit": (b"\x09" + sound[1:], "its first bytes are those of no PNG"),
        "signature-letter": (sound[:1] + b"p" + sound[2:], "its first bytes are those of no PNG"),
        "signature-line-feed": (sound[:7] + b"\r" + sound[8:], "not a PNG file"),
        "line-feeds-added": (sound.replace(b"\r\n", b"\r\r\n"), "not a PNG file"),
        "line-feeds-lost": (sound.replace(b"\r\n", b"\n"), "not a PNG file"),
        "colour-type-1": (file(kind=1), "colo"), "colour-type-9": (file(kind=9), "colo"),
        "depth-0": (file(depth=0), "depth"), "depth-3": (file(depth=3), "depth"),
        "depth-99": (file(depth=99), "depth"), "palette-16": (file(3, 16, before=palette), "epth"),
        "interlace-2": (file(interlaced=2), "interlace"),
        "no-pixels": (file(pixels=b""), "it has no pixels (IDAT)"),
        "header-checksum": (sound[:29] + bytes([sound[29] ^ 1]) + sound[30:], "checksum (CRC)"),
        "pixels-checksum": (sound[:-13] + bytes([sound[-13] ^ 1]) + sound[-12:], "checksum (CRC)"),
        "pixels-adler": (
            file(pixels=chunk(b"IDAT", z[:-1] + bytes([z[-1] ^ 1]))), "incorrect data check"),
        "pixels-short": (file(data=rows * 3), "Not enough image data"),
        "pixels-cut": (file(pixels=chunk(b"IDAT", z[:-5])), "Not enough image data"),
        "pixels-apart": (
            file(pixels=chunk(b"IDAT", z[:5]) + chunk(b"tEXt", b"a\0b") + chunk(b"IDAT", z[5:])),
            "go on at byte"),
        "filter-5": (file(data=b"\5" + rows * 4), "filter"),
        "no-palette": (file(3), "PLTE"), "palette-7": (file(3, before=chunk(b"PLTE", bytes(7))), "PLTE"),
        "palette-late": (file(3)[:-12] + palette + chunk(b"IEND", b""), "PLTE"),
        "palette-twice": (file(3, before=palette + palette), "PLTE"),
        "palette-short": (
            file(3, before=palette, data=b"\0\0\0\0\0" + b"\0\0\0\3\0" + rows * 2),
            "pixel 2 of row 1 is of colour 3; its palette (PLTE) has 3"),
    }


def unusual(private=10):
    """What other readers take too: bytes after the pixels, a palette for nothing, frames of an animation, a
    compressed stream that understates its window, a long row, private bytes."""
    rows = bytes([0, 9, 8, 7, 6, 0, 1, 2, 3, 4])
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 4, 2, 8, 0, 0, 0, 0))

    def file(packed, before=b"", after=b""):
        return (SIGNATURE + header + before + chunk(b"IDAT", packed) + after + chunk(b"IEND", b""))

    packed = zlib.compress(rows)
    # What comes again after more bytes than the stream says that it looks back.
    noise = np.random.default_rng(2).integers(0, 256, 600).astype(np.uint8).tobytes()
    far = chunk(b"IHDR", struct.pack(">IIBBBBB", 600, 2, 8, 0, 0, 0, 0))
    small_window = b"\x18\x19" + zlib.compress((b"\0" + noise) * 2)[2:]
    wide = chunk(b"IHDR", struct.pack(">IIBBBBB", 1_100_000, 1, 1, 0, 0, 0, 0))
    wide_row = zlib.compress(b"\0" + b"\xaa" * 137_500)
    return {
        "small-window": (
            SIGNATURE + far + chunk(b"IDAT", small_window) + chunk(b"IEND", b"")),
        "wide": SIGNATURE + wide + chunk(b"IDAT", wide_row) + chunk(b"IEND", b""),
        "more-rows": file(zlib.compress(rows * 3)), "one-byte-more": file(zlib.compress(rows + b"\0")),
        "more-packed": file(packed + b"more"), "empty-pixels": file(packed, after=chunk(b"IDAT", b"")),
        "grey-with-palette": file(packed, before=chunk(b"PLTE", bytes(range(9)))),
        "after-the-end": file(packed) + b"more",
        "private-bytes": file(packed, before=chunk(b"prIv", bytes(private))),
        "animation": file(
            packed, chunk(b"acTL", struct.pack(">II", 2, 0)) + chunk(
                b"fcTL", struct.pack(">IIIIIHHBB", 0, 4, 2, 0, 0, 1, 10, 0, 0)),
            chunk(b"fcTL", struct.pack(">IIIIIHHBB", 1, 4, 2, 0, 0, 1, 10, 0, 0))
            + chunk(b"fdAT", struct.pack(">I", 2) + zlib.compress(bytes(10)))),
    }
