"""Reports: one `Summary` as JSON, as a page to look at, and as Markdown for Prefect; all in Japanese and English.

Lives here: `document` (JSON), `page` (HTML, with `charts`, `flow`, `svg`), `markdown`, verdict, lists, words (`words.toml`,
`phrases.toml`). Promises: what came from outside is escaped, keys are percent-encoded, nothing is fetched. Decides no
figure: those come from `relocation/rules`. May import: the core, jinja2, markupsafe.
"""
