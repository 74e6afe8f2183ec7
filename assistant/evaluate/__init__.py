"""Measures the product on public sets: ``python -m assistant.evaluate rewrite|memory``.

- ``dataset``: a set in BEIR layout, read and checked; ``metrics``: what is measured
- ``options``: the commands; ``report``: tables for people
- ``forms``: the forms of a question that are compared; ``legs``: the ways of searching
- ``journal``, ``replay``: what took long is kept, so that an interrupted run goes on
- ``rewriting``, ``memory``: one command each
"""
