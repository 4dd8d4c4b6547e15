"""The difference between two runs, shown: as text, as data, as Markdown, as JUnit, and as GitHub's annotations."""
