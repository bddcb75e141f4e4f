package command

import (
	"path"
	"slices"
)

// pythonTools are modules that python -m runs and that make no sources of a project.
var pythonTools = []string{
	"pip", "venv", "virtualenv", "compileall", "ensurepip", "site", "manage", "pytest", "unittest", "nltk.downloader", "spacy", "playwright",
	"uv", "poetry", "pipenv", "json.tool", "http.server", "celery", "django", "flask", "alembic", "zipfile", "tarfile", "black", "ruff", "mypy",
}

// MakesSources reports whether the program may make sources of a project, or put them elsewhere. What is kept out of the image cannot be
// moved.
func (c *Call) MakesSources(keptOut bool) bool {
	switch words := c.Args; {
	case Is(c.Base, NoModules):
		return false
	case Is(c.Base, Mover):
		return !keptOut
	case IsPython(c.Base):
		// One-liners and manage.py make no modules, and few of what -m runs does.
		switch {
		case len(words) == 0 || slices.Contains([]string{"-c", "-V", "--version"}, words[0].Text) || path.Base(words[0].Text) == "manage.py":
			return false
		case words[0].Text == "-m" && len(words) > 1:
			return words[1].Known() && !slices.Contains(pythonTools, words[1].Text)
		}
	}
	return true
}
