"""DICOM bytes → grey pixels as a radiologist's screen would show them (PS3.3 C.11, PS3.14)."""

from imaging.dicom.door import decode, is_dicom, named, parse, read
from imaging.dicom.objections import RADIOGRAPHS

__all__ = ["RADIOGRAPHS", "decode", "is_dicom", "named", "parse", "read"]
