"""Colours and type of the pages. Only fonts that the reader's system has: nothing is fetched."""

from __future__ import annotations

from pathlib import Path

import gradio as gr
from gradio.themes.utils import colors, fonts, sizes

#: The style sheets of Gradio's part of the pages, in the order in which they are joined: what all
#: share, then each page's own. Around it are tokens.css and head.css, see shell.py.
STYLES = tuple(
    Path(__file__).with_name(f"{name}.css")
    for name in (
        *("base", "style", "code", "attached", "talks", "source_panel"),
        *("library", "memory", "status", "admin"),
    )
)

TEXT_FONTS = (
    "system-ui",
    "-apple-system",
    "Segoe UI",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans CJK SC",
    "Noto Sans SC",
    "sans-serif",
)
CODE_FONTS = ("ui-monospace", "SF Mono", "Cascadia Mono", "Noto Sans Mono", "monospace")


def theme() -> gr.themes.Base:
    base = gr.themes.Base(
        primary_hue=colors.teal,
        secondary_hue=colors.teal,
        neutral_hue=colors.slate,
        radius_size=sizes.radius_lg,
        font=[fonts.Font(name) for name in TEXT_FONTS],
        font_mono=[fonts.Font(name) for name in CODE_FONTS],
    )
    # White on the hue's own 500 is too pale to read.
    styled: gr.themes.Base = base.set(
        button_primary_background_fill="*primary_700",
        button_primary_background_fill_dark="*primary_700",
        button_primary_background_fill_hover="*primary_800",
        button_primary_background_fill_hover_dark="*primary_800",
        button_primary_text_color="white",
        button_primary_text_color_dark="white",
        slider_color="*primary_700",
        # Gradio's own greys are too pale on the page's background.
        body_text_color_subdued="*neutral_600",
        body_text_color_subdued_dark="*neutral_300",
        block_info_text_color="*neutral_600",
        block_info_text_color_dark="*neutral_300",
        block_label_text_color="*neutral_600",
        block_label_text_color_dark="*neutral_300",
        block_title_text_color="*neutral_600",
        block_title_text_color_dark="*neutral_300",
        input_placeholder_color="*neutral_500",
        input_placeholder_color_dark="*neutral_400",
    )
    return styled
