"""The web app: pages built with Gradio, and the routes that open sources."""
