"""A result as one HTML file: tables, plots drawn here as SVG, the worst questions.

- ``plots``: bars, intervals and curves; ``words``: Chinese and English; ``style``: colours
- ``sections``: what is shown of which result; ``document``: the file
"""
