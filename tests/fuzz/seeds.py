"""Writes the first files of every fuzz target: small pictures of nothing by encoders that are not this program's.

Needs pillow, pillow-heif, pillow-jxl-plugin, imagecodecs and tifffile. `python seeds.py FOLDER REPOSITORY`
"""

import io
import json
import struct
import sys
import zipfile
import zlib
from pathlib import Path

import imagecodecs
import numpy
import pillow_heif
import pillow_jxl  # noqa: F401
import tifffile
from PIL import Image, ImageCms, PngImagePlugin

pillow_heif.register_heif_opener()
out, repository = Path(sys.argv[1]), Path(sys.argv[2])


def keep(target, name, data):
    folder = out / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"seed_{name}").write_bytes(data)


def encoded(picture, kind, **options):
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


noise = numpy.random.default_rng(5)
slope = numpy.add.outer(numpy.arange(20) * 5, numpy.arange(24) * 6)
colours = numpy.stack([slope, 255 - slope, slope // 2 + noise.integers(0, 60, (20, 24))], 2).astype(numpy.uint8)
rgb = Image.fromarray(colours)
rgba = rgb.copy()
rgba.putalpha(Image.fromarray(slope.astype(numpy.uint8)))
gray = rgb.convert("L")
wide = colours.astype(numpy.uint16) * 257

exif = Image.Exif()
exif[0x0112], exif[0x010F], exif[0x011A], exif[0x011B], exif[0x0128] = 6, "Maker", 300.0, 300.0, 2
exif.get_ifd(0x8769)[0xA002], exif.get_ifd(0x8769)[0xA001] = 24, 65535
exif.get_ifd(0x8769)[0xA005] = {1: "R03"}
exif.get_ifd(0x8825)[0x1D] = "1999:12:31"
block = exif.tobytes()
srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
xmp = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF/></x:xmpmeta>'
words = {"exif": block, "icc_profile": srgb}

# JPEG
keep("jpeg", "420", encoded(rgb, "JPEG", quality=70))
keep("jpeg", "444", encoded(rgb, "JPEG", quality=70, subsampling=0, **words, xmp=xmp))
keep("jpeg", "422", encoded(rgb, "JPEG", quality=70, subsampling=1, dpi=(300, 300), comment="words"))
keep("jpeg", "progressive", encoded(rgb, "JPEG", quality=70, progressive=True))
keep("jpeg", "gray", encoded(gray, "JPEG", quality=70))
keep("jpeg", "cmyk", encoded(rgb.convert("CMYK"), "JPEG", quality=70))
keep("jpeg", "restart", encoded(rgb, "JPEG", quality=70, restart_marker_blocks=1))
keep("jpeg", "mpo", encoded(rgb, "MPO", save_all=True, append_images=[gray.convert("RGB")]))
iptc = b"\x1c\x02\x05\x00\x05title"
resource = b"Photoshop 3.0\x008BIM\x04\x04\x00\x00" + struct.pack(">I", len(iptc)) + iptc
plain = encoded(rgb, "JPEG", quality=70)
keep("jpeg", "iptc", plain[:2] + b"\xff\xed" + struct.pack(">H", len(resource) + 2) + resource + plain[2:])
keep("jpeg", "arithmetic", (repository / "tests/fuzz/entries/colour.jpg").read_bytes().replace(b"\xff\xc0", b"\xff\xc9"))
for bits in (8, 12, 16):
    try:
        keep("jpeg", f"lossless_{bits}", imagecodecs.ljpeg_encode(wide[:, :, 0] >> (16 - bits)))
    except Exception as error:
        print("no lossless JPEG of", bits, "bits:", error)

# PNG
notes = PngImagePlugin.PngInfo()
notes.add_itxt("XML:com.adobe.xmp", xmp.decode())
notes.add_text("Comment", "words", zip=True)
keep("png", "rgb", encoded(rgb, "PNG", pnginfo=notes, **words, dpi=(300, 300)))
keep("png", "rgba", encoded(rgba, "PNG"))
keep("png", "gray", encoded(gray, "PNG"))
keep("png", "gray_alpha", encoded(rgba.convert("LA"), "PNG"))
keep("png", "palette", encoded(rgb.quantize(16), "PNG", transparency=3))
keep("png", "one_bit", encoded(rgb.convert("1"), "PNG"))
keep("png", "wide", encoded(Image.fromarray(wide[:, :, 0]), "PNG"))
keep("png", "animated", encoded(rgb, "PNG", save_all=True, append_images=[rgb.rotate(90)]))


def chunk(name, data):
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png(depth, colour, rows, *chunks, interlaced=0):
    header = struct.pack(">IIBBBBB", 4, 4, depth, colour, 0, 0, interlaced)
    stream = chunk(b"IDAT", zlib.compress(rows))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + stream + chunk(b"IEND", b"")


keep("png", "gamma", png(8, 2, b"\1" + b"abc" * 4 + (b"\4" + b"xyz" * 4) * 3, chunk(b"gAMA", struct.pack(">I", 100000))))
keep("png", "code_points", png(16, 6, (b"\2" + b"abcdefgh" * 4) * 4, chunk(b"cICP", b"\x09\x10\0\1")))
keep("png", "interlaced", png(8, 0, b"\0ab\0c\0de\0fg\0hi\0jk\0lmno\0pqrs", interlaced=1))
keep(
    "png",
    "apple",
    png(8, 2, (b"\0" + b"abc" * 4) * 4).replace(chunk(b"IEND", b""), chunk(b"CgBI", b"\x50\0\x20\6") + chunk(b"IEND", b"")),
)

# WebP
keep("webp", "lossy", encoded(rgb, "WEBP", quality=60, **words, xmp=xmp))
keep("webp", "lossless", encoded(rgb, "WEBP", lossless=True))
keep("webp", "alpha", encoded(rgba, "WEBP", quality=60))
keep("webp", "lossless_alpha", encoded(rgba, "WEBP", lossless=True))
keep("webp", "animated", encoded(rgb, "WEBP", save_all=True, append_images=[rgb.rotate(90)], duration=90))
keep("webp", "animated_alpha", encoded(rgba, "WEBP", save_all=True, append_images=[rgba.rotate(90)], duration=90))

# TIFF
for name, data, options in [
    ("rgb", colours, {}),
    ("big", colours, {"bigtiff": True}),
    ("motorola", colours, {"byteorder": ">"}),
    ("planar", colours.transpose(2, 0, 1), {"planarconfig": "separate", "photometric": "rgb"}),
    ("tiled", colours, {"tile": (16, 16)}),
    ("lzw", colours, {"compression": "lzw", "predictor": True}),
    ("deflate", wide, {"compression": "zlib", "photometric": "rgb"}),
    ("packbits", colours, {"compression": "packbits"}),
    ("jpeg", colours, {"compression": "jpeg"}),
    ("webp", colours, {"compression": "webp"}),
    ("float", colours.astype(numpy.float32) / 255, {"photometric": "rgb"}),
    ("half", colours.astype(numpy.float16) / 255, {"photometric": "rgb"}),
    ("gray", colours[:, :, 0], {}),
    ("white_is_zero", colours[:, :, 0], {"photometric": "miniswhite"}),
    ("bits", colours[:, :, 0] > 99, {}),
    ("words", wide[:, :, 0], {"iccprofile": srgb, "resolution": (300, 300), "description": "words"}),
    (
        "palette",
        colours[:, :, 0],
        {"photometric": "palette", "colormap": noise.integers(0, 65535, (3, 256)).astype(numpy.uint16)},
    ),
    ("zstd", colours, {"compression": "zstd"}),
]:
    options = {"photometric": "rgb", **options} if data.ndim == 3 else options
    buffer = io.BytesIO()
    tifffile.imwrite(buffer, data, metadata=None, **options)
    keep("tiff", name, buffer.getvalue())
keep("tiff", "g4", encoded(rgb.convert("1"), "TIFF", compression="group4"))
keep("tiff", "g3", encoded(rgb.convert("1"), "TIFF", compression="group3"))
keep("tiff", "cmyk", encoded(rgb.convert("CMYK"), "TIFF"))
keep("tiff", "lab", encoded(rgb.convert("LAB"), "TIFF"))
keep("tiff", "alpha", encoded(rgba, "TIFF", exif=block))
keep("tiff", "ycbcr", encoded(rgb.convert("YCbCr"), "TIFF"))

# HEIC
square = rgb.resize((64, 64))
for name, picture, options in [
    ("rgb", square, {"quality": 40, "exif": block}),
    ("alpha", rgba.resize((64, 64)), {"quality": 40}),
    ("gray", gray.resize((64, 64)), {"quality": 40}),
    ("444", square, {"quality": 40, "chroma": 444}),
    ("odd", rgb.resize((65, 33)), {"quality": 40}),
]:
    keep("heic", name, encoded(picture, "HEIF", **options))
ten = pillow_heif.from_bytes(mode="RGB;16", size=(64, 64), data=(numpy.array(square).astype(numpy.uint16) * 257).tobytes())
buffer = io.BytesIO()
ten.save(buffer, quality=40)
keep("heic", "ten_bits", buffer.getvalue())

# JPEG XL
for name, picture, options in [
    ("lossy", rgb, {"quality": 70, "exif": block}),
    ("lossless", rgb, {"lossless": True}),
    ("alpha", rgba, {"quality": 70}),
    ("gray", gray, {"lossless": True}),
    ("square", square, {"quality": 50}),
]:
    keep("jxl", name, encoded(picture, "JXL", **options))
keep("jxl", "of_jpeg", imagecodecs.jpegxl_encode_jpeg(encoded(rgb, "JPEG", quality=70)))
keep("jxl", "animated", imagecodecs.jpegxl_encode(numpy.stack([colours, colours[::-1]]), photometric="rgb", lossless=True))
keep("jxl", "wide", imagecodecs.jpegxl_encode(wide, lossless=True))

# Small ones
keep("bmp_gif", "gif", encoded(rgb, "GIF"))
keep("bmp_gif", "animated", encoded(rgb, "GIF", save_all=True, append_images=[rgb.rotate(90)]))
keep("bmp_gif", "transparent", encoded(rgb.quantize(8), "GIF", transparency=2, interlace=1))
keep("bmp_gif", "bmp", encoded(rgb, "BMP"))
keep("bmp_gif", "bmp_palette", encoded(rgb.quantize(16), "BMP"))
keep("bmp_gif", "bmp_alpha", encoded(rgba, "BMP"))
keep("bmp_gif", "bmp_one_bit", encoded(rgb.convert("1"), "BMP"))
runs = b"\x08\x01\x00\x00\x08\x02\x00\x01\x00\x02\x01\x00\x00\x04\x01\x02\x03\x04\x00\x01"
palette = bytes(range(16))
head = struct.pack("<IiiHHIIiiII", 40, 8, 4, 1, 8, 1, len(runs), 0, 0, 4, 0)
keep("bmp_gif", "bmp_runs", b"BM" + struct.pack("<IHHI", 70 + len(runs), 0, 0, 70) + head + palette + runs)
for name, start in [
    ("psd", b"8BPS\0\1"),
    ("icon", b"\0\0\1\0"),
    ("page", b"<!doctype html>"),
    ("text", b"words"),
    ("pnm", b"P6 "),
]:
    keep("bmp_gif", name, start + b"\0" * 8)

# EXIF
keep("exif", "pillow", block)
keep("exif", "motorola", b"MM\0\x2a\0\0\0\x08\0\1\x01\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0")

# Colours: an ICC profile of colours, one of grays, code points
keep("colours", "srgb", b"\0" + srgb)
keep("colours", "lab", b"\0" + lab)
keep("colours", "srgb_of_grays", b"\1" + srgb)
keep("colours", "table", b"\0" + lab[:16] + b"RGB " + lab[20:])
keep("colours", "gray", b"\1" + (srgb[:16] + b"GRAY" + srgb[20:]).replace(b"rTRC", b"kTRC"))
primaries = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
keep("colours", "gamma", b"\2\0" + struct.pack(">I", 100000) + primaries + bytes(4))
keep("colours", "pq", b"\2\0" + bytes(36) + b"\x09\x10\0\1")
keep("colours", "hlg_gray", b"\2\1" + struct.pack(">I", 45455) + bytes(32) + b"\x09\x12\0\1")

# Weights
for path in sorted((repository / "tests/cases/checkpoints").iterdir()):
    keep(
        "weights" if path.suffix == ".safetensors" else "torch",
        path.name,
        (b"" if path.suffix == ".safetensors" else b"\0") + path.read_bytes()[:20000],
    )
    if path.suffix == ".pt":
        with zipfile.ZipFile(path) as archive:
            for name in archive.namelist():
                if name.endswith("data.pkl"):
                    keep("torch", f"{path.name}_pickle", b"\1" + archive.read(name))
for fixture in ("f2_small_s64_l8", "f3_full_s64_l4"):
    with zipfile.ZipFile(repository / f"tests/fixtures/{fixture}.pt") as archive:
        keep("torch", f"{fixture}_pickle", b"\1" + archive.read(f"{fixture}/data.pkl"))
    legacy = (repository / f"tests/fixtures/{fixture}_legacy.pt").read_bytes()
    keep("torch", f"{fixture}_legacy", b"\0" + legacy[:60000])


def safetensors(tensors, metadata):
    header, body = {"__metadata__": metadata}, b""
    for name, (kind, shape, data) in tensors.items():
        header[name] = {"dtype": kind, "shape": shape, "data_offsets": [len(body), len(body) + len(data)]}
        body += data
    text = json.dumps(header).encode()
    return struct.pack("<Q", len(text)) + text + body


config = (repository / "tests/fuzz/entries/small_config.json").read_text()
ramp = numpy.linspace(-1, 1, 256).astype(numpy.float32).tobytes()
keep(
    "weights",
    "model",
    safetensors({"a": ("F32", [4, 8, 8], ramp), "b": ("BF16", [2], b"abcd")}, {"stylemap.config": config, "name": "m"}),
)
names = json.dumps([{"name": "Age", "range": [-1, 1]}])
keep("weights", "directions", safetensors({"Age": ("F32", [4, 8, 8], ramp)}, {"directions": names}))
network = (repository / "weights/yunet/face_detection_yunet_2026may.onnx").read_bytes()
keep("detector", "yunet", network)
keep("detector", "head", network[:4000])

# Masks
for name in ("gray", "palette", "labels_0_1", "onebit", "red_on_transparent", "tiny"):
    picture = Image.open(repository / f"tests/cases/masks/{name}.png").resize((24, 24))
    keep("mask", f"{name}.png", encoded(picture, "PNG"))
keep("mask", "one_bit.tif", encoded(rgb.convert("1"), "TIFF", compression="group4"))
keep("mask", "black.webp", encoded(rgba, "WEBP", lossless=True))

# Projects and settings
document = (repository / "tests/fuzz/entries/document.json").read_bytes()
mask = (repository / "tests/fuzz/entries/mask.png").read_bytes()
colour = (repository / "tests/fuzz/entries/colour.jpg").read_bytes()
portrait = (repository / "tests/fuzz/entries/portrait.png").read_bytes()
buffer = io.BytesIO()
with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
    for name, data in {
        "document.json": document,
        "masks/0.png": mask,
        "originals/0.jpg": colour,
        "portraits/0.png": portrait,
        "thumbnail.png": mask,
    }.items():
        archive.writestr(name, data)
keep("project", "whole", b"\0" + buffer.getvalue())
keep("project", "document", b"\1" + document)
keep("project", "mask", b"\2" + mask)
keep("project", "original", b"\3" + colour)
keep("project", "portrait", b"\4" + portrait)
keep("project", "thumbnail", b"\5" + mask)
keep(
    "settings",
    "some",
    json.dumps(
        {
            "theme": "light",
            "language": "korean",
            "open_sections": {"photos": False},
            "sizes": {"side_panel": 320.5, "window": [1200.5, 800]},
            "export": {"format": "jpeg", "jpeg_quality": 80, "metadata": "keep", "says_edited": True},
            "engine": {"device": "cpu", "cache_mib": 512},
            "keys": {"undo": ["Command+U"], "redo": []},
        }
    ).encode(),
)
keep("keys", "some", b"undo\tCommand+U\tF2\nredo\nexport\tCommand+Alt+Shift+Plus\nbrush\tB\tnothing")
keep(
    "presets",
    "some",
    json.dumps(
        {
            "brushes": [{"name": "Soft", "radius_px": 40, "hardness": 0.5, "strength": 0.7, "newer": 1}],
            "adjustments": [{"name": "Older", "directions": {"Age": 1.5}}, {"name": 5}],
            "unknown": [None],
        }
    ).encode(),
)
keep("presets", "recent", json.dumps({"projects": ["/a.stylebrush", "/b.stylebrush"], "photos": ["/c.jpg"]}).encode())
face = {"stylemap": ("F32", [4, 8, 8], ramp)}
keep("stylemaps", "plain", safetensors(face, {"stylemap.model_hash": "0123", "stylemap.model_name": "m"}))
keep("stylemaps", "of_one", safetensors({"stylemap": ("F32", [1, 4, 8, 8], ramp)}, {}))
residuals = {f"residuals.{i}": ("F16", [4, 4 << i, 4 << i], bytes(2 * 4 * (4 << i) ** 2)) for i in range(4)}
keep("stylemaps", "fine", safetensors(face | residuals, {"format": "stylemap"}))
