"""DICOM bytes → grey pixels as a radiologist's screen would show them (PS3.3 C.11, PS3.14)."""

from imaging.dicom.door import Film, decode, is_dicom, parse, read
from imaging.dicom.facts import facts_of, named
from imaging.dicom.objections import RADIOGRAPHS

__all__ = ["RADIOGRAPHS", "Film", "decode", "facts_of", "is_dicom", "named", "parse", "read"]
