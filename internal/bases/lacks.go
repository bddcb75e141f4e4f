package bases

import (
	"slices"
	"strings"
)

// lacking are images, without the name of the registry, and what of them surely has no program of some names: the images of a language have
// that of their language alone, those of Alpine no bash, and those without a distribution no shell.
var lacking = []struct{ images, tag, programs string }{
	{"library/alpine", "", "bash zsh python python3 node perl ruby php java"},
	{"library/python library/node library/golang library/nginx", "alpine", "bash zsh"},
	{"library/debian library/ubuntu", "", "zsh python node ruby php java"},
	{"library/python", "", "node ruby php java zsh"},
	{"library/python", "", "gunicorn uvicorn hypercorn daphne granian uwsgi waitress-serve flask django-admin fastapi streamlit celery dramatiq rq arq alembic pserve"},
	{"library/node", "slim", "python python3 ruby php java zsh"},
	{"library/node", "alpine", "python python3 perl ruby php java"},
	{"library/golang", "", "node ruby php java zsh"},
}

// Lacks reports whether an image, by its full reference, surely has no program of a name in any directory.
func Lacks(ref, program string) bool {
	if shellless(ref) && slices.Contains(strings.Fields("sh bash dash ash zsh"), program) {
		return true
	}
	name, tag := split(ref)
	if of, ok := strings.CutPrefix(name, "gcr.io/distroless/"); ok {
		return slices.Contains(strings.Fields("python python3 node java"), program) && (strings.HasPrefix(of, "static") || strings.HasPrefix(of, "base") || strings.HasPrefix(of, "cc"))
	}
	name, ok := strings.CutPrefix(name, "docker.io/")
	return ok && slices.ContainsFunc(lacking, func(l struct{ images, tag, programs string }) bool {
		return slices.Contains(strings.Fields(l.images), name) && strings.Contains(tag, l.tag) && slices.Contains(strings.Fields(l.programs), program)
	})
}

// ClosedHome reports whether nobody but root gets into /root of an image, by its full reference: all distributions close it.
func ClosedHome(ref string) bool { return strings.HasPrefix(ref, "docker.io/library/") }
