"""The nursery whose children try weights and read checkpoints.

By itself: with torch in it, it would leave a picture's child little of the memory that it may take.
"""

from backoffice.files.apart import Nurse

nurse = Nurse()
KIND = "weights"
