"""Makes habits.tar: a folder of images as ten people leave them, and a table of a spreadsheet in German
settings. What each habit is, stands beside it.

    python3 make_habits.py

NumPy and Pillow (../../requirements.txt).
"""
import io
import tarfile
import unicodedata
from pathlib import Path

import numpy as np
from PIL import Image

rng = np.random.default_rng(5)


def picture(height, width, mode="RGB"):
    y, x = np.mgrid[:height, :width]
    waves = [127 + 100 * np.sin(x * rng.uniform(0.1, 0.6) + y * rng.uniform(0.1, 0.6)) for _ in range(4)]
    image = Image.fromarray(np.stack(waves, -1).astype(np.uint8), "RGBA")
    return image if mode == "RGBA" else image.convert("RGB").convert(mode)


def saved(image, form, **options):
    file = io.BytesIO()
    image.save(file, form, **options)
    return file.getvalue()


def table():
    """Semicolons, decimal commas, Windows-1252, labels as words in the last column."""
    rows = [";".join(["Nr"] + [f"Bild{i}" for i in range(16)] + ["Klasse"])]
    for number in range(12):
        pixels = [f"{v:.3f}".replace(".", ",") for v in rng.random(16)]
        rows.append(";".join([str(number + 1)] + pixels + [["Äpfel", "Birnen", "Nüsse"][number % 3]]))
    return ("\r\n".join(rows) + "\r\n").encode("cp1252")


def files():
    turned = Image.Exif()
    turned[0x0112] = 6
    frames = [picture(12, 16) for _ in range(3)]
    whole = saved(picture(30, 40), "JPEG")
    composed, decomposed = (unicodedata.normalize(form, "Äpfel") for form in ("NFC", "NFD"))
    yield f"{composed}/IMG_0001.JPG", saved(picture(24, 32), "JPEG", exif=turned)  # held upright
    yield f"{composed}/IMG_0002.Jpeg", saved(picture(24, 32, "CMYK"), "JPEG")  # from a printer's office
    yield f"{composed}/download.jfif", saved(picture(18, 25), "JPEG")  # from a browser
    yield f"{composed}/web.webp", saved(picture(20, 20, "RGBA"), "WEBP")
    yield f"{composed}/scan.TIF", saved(frames[0], "TIFF", save_all=True, append_images=frames[1:])
    yield f"{composed}/fax.tiff", saved(picture(33, 21, "1"), "TIFF", compression="group4")
    yield f"{decomposed}/mac.png", saved(picture(16, 16), "PNG")  # copied from a Mac
    yield "Birnen/2020/Urlaub/strand.jpg", whole  # sorted by year and occasion
    yield "Birnen/2020/garten.jpg", saved(picture(22, 30), "JPEG")
    yield "Birnen/thumbs/garten_thumb.jpg", saved(picture(6, 8), "JPEG")  # a gallery's thumbnails
    yield "Birnen/.thumbnails/strand.png", saved(picture(6, 8), "PNG")
    yield "Birnen/Thumbs.db", b"\xd0\xcf\x11\xe0"
    yield "Birnen/.DS_Store", b"\0\0\0\1Bud1"
    yield "Birnen/._garten.jpg", b"\0\5\x16\7"
    yield "Birnen/paint.BMP", saved(picture(9, 13), "BMP")
    yield "Birnen/phone.HEIC", b"\0\0\0\x18ftypheic"
    yield "Birnen/notes.txt", "die grüne ist unreif\n".encode()
    yield "Birnen/kaputt.jpg", whole[:len(whole) // 2]  # a card that was pulled out
    yield "Birnen/leer.png", b""  # a download that never began
    yield "Nüsse/animiert.gif", saved(
        frames[0].quantize(16), "GIF", save_all=True, append_images=[f.quantize(16) for f in frames[1:]])
    yield "Nüsse/grau.png", saved(picture(14, 14, "L"), "PNG")
    yield "Nüsse/palette.png", saved(picture(14, 14).quantize(8), "PNG")
    yield "Nüsse/ohne endung", saved(picture(14, 14), "PNG")
    yield "Nüsse/falsch.png", saved(picture(14, 14), "JPEG")  # renamed, not converted
    yield "Nüsse/Walnuß.png", saved(picture(14, 14, "RGBA"), "PNG")
    yield b"N\xc3\xbcsse/Paran\xfc\xdfe.png", saved(picture(14, 14), "PNG")  # unpacked from an old zip
    yield "Quitten/", None  # a class that is still to be photographed
    yield "labels.csv", b"file,label\n"


def main():
    path = Path(__file__).parent / "habits.tar"
    with tarfile.open(path, "w", format=tarfile.GNU_FORMAT, encoding="utf-8",
                      errors="surrogateescape") as archive:
        def add(name, content):
            member = tarfile.TarInfo(name)
            if content is None:
                member.type, member.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(member)
            else:
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))
        for name, content in files():
            if isinstance(name, bytes):
                name = name.decode("utf-8", "surrogateescape")
            add("photos/" + name, content)
        add("Obst.CSV", table())


main()
