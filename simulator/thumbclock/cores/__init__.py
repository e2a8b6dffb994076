"""Pipeline models: instruction sequences to cycles, one model per core family."""

from thumbclock.cores.cortex_m0 import CortexM0
from thumbclock.cores.cortex_m3 import CortexM3
from thumbclock.cores.cortex_m4 import CortexM4
from thumbclock.cores.cortex_m7 import CortexM7
from thumbclock.cores.cortex_m33 import CortexM33
from thumbclock.cores.model import Access, Edge, Issue, PipelineModel, PredictorSizes, State
from thumbclock.errors import UsageError
from thumbclock.profiles import CoreProfile

__all__ = [
    "Access",
    "CortexM0",
    "CortexM3",
    "CortexM4",
    "CortexM7",
    "CortexM33",
    "Edge",
    "Issue",
    "PipelineModel",
    "PredictorSizes",
    "State",
    "pipeline_model",
]

_MODELS: dict[str, type[PipelineModel]] = {
    "cortex-m0": CortexM0,
    "cortex-m0plus": CortexM0,
    "cortex-m3": CortexM3,
    "cortex-m4": CortexM4,
    "cortex-m7": CortexM7,
    "cortex-m33": CortexM33,
}


def pipeline_model(core: CoreProfile) -> PipelineModel:
    """Return the pipeline model of a core.

    Raises:
        UsageError: No model belongs to this core's name, or its profile lacks a number.
    """
    model = _MODELS.get(core.name)
    if model is None:
        known = ", ".join(sorted(_MODELS))
        raise UsageError(
            f"{core.path}: there is no pipeline model for core {core.name!r}; known are {known}"
        )
    return model(core)
