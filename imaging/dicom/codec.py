"""Run as a script, in a process of its own: one coded frame on stdin, its pixels on stdout.

The C libraries behind JPEG Lossless and JPEG-LS crash and hang on damaged files; here that costs one small process.
It imports only what decodes, for a fresh Python that imported the application would take longer than the decoding.
"""

import json
import resource
import sys
from types import ModuleType
from typing import Any

UNAVAILABLE, UNDECODABLE = 3, 4
JPEG_LS = ("1.2.840.10008.1.2.4.80", "1.2.840.10008.1.2.4.81")


def main() -> int:
    limit_itself(memory=int(sys.argv[1]), seconds=int(sys.argv[2]))
    about, frame = json.loads(sys.stdin.buffer.readline()), sys.stdin.buffer.read()
    decode = decode_jpeg_ls if about["syntax"] in JPEG_LS else decode_jpeg
    try:
        pixels = decode(frame, about)
    except ImportError:
        return UNAVAILABLE
    except Exception as error:
        sys.stderr.write(str(error))
        return UNDECODABLE
    sys.stdout.buffer.write(pixels)
    return 0


def limit_itself(memory: int, seconds: int) -> None:
    for what, limit in {"RLIMIT_AS": memory, "RLIMIT_CPU": seconds, "RLIMIT_CORE": 0}.items():
        resource.setrlimit(getattr(resource, what), (limit, limit))


def decode_jpeg_ls(frame: bytes, about: dict) -> bytes:
    import jpeg_ls

    return bytes(jpeg_ls.decode_pixel_data(frame)[0])


def decode_jpeg(frame: bytes, about: dict) -> bytes:
    import gdcm

    image = gdcm.Image()
    image.SetNumberOfDimensions(2)
    image.SetDimensions((about["columns"], about["rows"], 1))
    image.SetDataElement(as_element(gdcm, frame))
    kind = gdcm.PhotometricInterpretation.GetPIType("MONOCHROME2")
    image.SetPhotometricInterpretation(gdcm.PhotometricInterpretation(kind))
    image.SetTransferSyntax(gdcm.TransferSyntax(gdcm.TransferSyntax.GetTSType(about["syntax"])))
    image.SetPixelFormat(gdcm.PixelFormat(1, about["allocated"], about["stored"], about["stored"] - 1, about["signed"]))
    # gdcm hands bytes on as text.
    return image.GetBuffer().encode("utf-8", "surrogateescape")


def as_element(gdcm: ModuleType, frame: bytes) -> Any:
    fragment = gdcm.Fragment()
    fragment.SetByteStringValue(frame)
    fragments = gdcm.SequenceOfFragments.New()
    fragments.AddFragment(fragment)
    element = gdcm.DataElement(gdcm.Tag(0x7FE0, 0x0010))
    element.SetValue(fragments.__ref__())
    return element


if __name__ == "__main__":
    sys.exit(main())
