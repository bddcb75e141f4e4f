package project

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/audit"
	"github.com/ctxaudit/ctxaudit/internal/finding"
	"github.com/ctxaudit/ctxaudit/internal/policy"
)

func TestConcerned(t *testing.T) {
	subjects := []audit.Subject{
		{Name: "api", Options: dockerfile.Options{Context: "services/api", Dockerfile: "docker/api.Dockerfile"}},
		{Name: "web", Options: dockerfile.Options{
			Context: "services/web", BuildContexts: map[string]string{"lib": "lib", "base": "docker-image://alpine", "far": "https://x/y.git"},
		}, Sources: []finding.Source{{File: "deploy/web.yaml"}}},
		{Name: "job", Options: dockerfile.Options{Context: "jobs", Dockerfile: "-"}, PolicyFile: &policy.File{Name: "jobs/../.ctxaudit.yaml"}},
		{Name: "far", Options: dockerfile.Options{Context: "https://github.com/x/y.git", Dockerfile: "far.Dockerfile"}},
	}
	for file, want := range map[string][]string{
		"services/api/app/main.py":           {"api"},
		"./services/api/x":                   {"api"},
		"services/api2/x":                    nil,
		"docker/api.Dockerfile":              {"api"},
		"docker/api.Dockerfile.dockerignore": {"api"},
		"docker/other":                       nil,
		"lib/x.py":                           {"web"},
		"deploy/web.yaml":                    {"web"},
		"compose.override.yaml":              {"web"},
		".env.local":                         {"web"},
		".ctxaudit.yaml":                     {"job"},
		"far.Dockerfile":                     {"far"},
		"README.md":                          nil,
		"../elsewhere":                       nil,
	} {
		var got []string
		for _, s := range Concerned(subjects, []string{file}) {
			got = append(got, s.Name)
		}
		assert.Equal(t, want, got, file)
	}
	assert.Empty(t, Concerned(subjects, nil))
	assert.Len(t, Concerned(subjects, []string{"lib/x", "jobs/y"}), 2)
	assert.Len(t, subjects, 4)
}
