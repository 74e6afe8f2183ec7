"""Interfaces for programs: OpenAI's chat completions, a small REST, health and metrics.

- ``/v1``: :mod:`models_list` and :mod:`chat_completions`, as OpenAI has them;
- ``/api/v1``: :mod:`searching`, :mod:`library_routes`, :mod:`job_routes` and
  :mod:`conversation_routes`, described at ``/api/openapi.json``;
- ``/healthz``, ``/readyz`` and ``/metrics``: :mod:`health`.

:mod:`routes` joins them. Errors are told in OpenAI's shape everywhere (:mod:`faults`). Who asks is
what the gate in front of all routes found out.
"""
