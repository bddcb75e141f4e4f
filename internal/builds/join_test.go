package builds

import (
	"testing"

	"github.com/stretchr/testify/assert"
)

func TestJoins(t *testing.T) {
	r, _ := reading(t, `
-- compose.yaml --
-- compose.dev.yaml --
-- compose.test.yaml --
-- docker/base.yaml --
-- docker/more.yaml --
-- .env --
COMPOSE_FILE=compose.yaml:compose.test.yaml
-- .devcontainer/devcontainer.json --
{
  // with a comment
  "dockerComposeFile": ["../compose.yaml", "../compose.dev.yaml"],
}
-- Makefile --
up:
	docker compose -f docker/base.yaml -f docker/more.yaml --project-directory . up
	docker compose -f compose.yaml --file=compose.test.yaml config
	docker compose -f $(FILE) -f compose.yaml up
	docker compose -f compose.yaml up
-- docker/run.sh --
docker-compose -f base.yaml -f more.yaml up
`)
	r.Scripts = []string{"Makefile", "docker/run.sh"}
	got := r.joins([]string{"compose.yaml", "compose.dev.yaml", "compose.test.yaml", "docker/base.yaml", "docker/more.yaml"})
	assert.Equal(t, []joinedFiles{
		{[]string{"compose.yaml", "compose.dev.yaml"}, "."},
		{[]string{"compose.yaml", "compose.test.yaml"}, "."},
		{[]string{"docker/base.yaml", "docker/more.yaml"}, "."},
		{[]string{"docker/base.yaml", "docker/more.yaml"}, "docker"},
	}, got)
}
