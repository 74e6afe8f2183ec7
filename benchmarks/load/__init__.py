"""What the web app adds to a chat model's own time, with many people asking at once.

    python -m benchmarks.load                       1, 20, 100 and 300 streams, both ways
    python -m benchmarks.load --questions 10000     memory over that many questions

A fast local endpoint (:mod:`endpoint`, a process of its own) streams every answer at a fixed pace,
so that the app is measured and not a model. ``python app.py`` runs over it, with one short document
in its knowledge base, and is asked in two ways over real HTTP (:mod:`asking`): ``openai``, by
``/v1/chat/completions``; ``page``, by the protocol that the page in a browser speaks with Gradio's
queue. (Gradio's Python client starts three threads a page and may not call the page's handlers: a
few hundred of it would measure themselves.)

Each of N askers asks one question after the other; they begin one by one, spread over the time that
an answer takes. Time to the first token is from sending the question until the first word of the
answer is read. ``added`` is what it takes beyond the endpoint's own, which is measured first by as
many askers without the app. Everything runs on this machine: askers and endpoint take their share
of its cores.
"""
