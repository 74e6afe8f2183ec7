"""Whether the documents hold the answer: decided by figures that are calibrated, not by a model.

- ``words``: the question's terms, and the sort of thing that it asks for
- ``retrieved``, ``answered``, ``admission``: what a search and an answer tell
- ``logistic``, ``calibration``: weights and thresholds; ``shipped.json`` those that ship, made by
  ``python -m assistant.evaluate calibrate``
- ``verdict``: the decision, before the chat model is asked and after it
"""

from assistant.answerability.calibration import Calibration, CalibrationError, load_calibration
from assistant.answerability.verdict import Verdict, after, before

__all__ = ["Calibration", "CalibrationError", "Verdict", "after", "before", "load_calibration"]
