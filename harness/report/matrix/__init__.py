"""The matrix of versions for people and programs: text, Markdown, JSON and a page. Nothing here decides anything."""
