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
-- .github/workflows/ci.yml --
jobs:
  a:
    steps:
      - run: |
          docker compose --project-name ${{ github.job }} --file compose.dev.yaml \
            -f compose.test.yaml up
-- package.json --
{"scripts": {"up": "cd docker && docker-compose -f more.yaml -f base.yaml up"}}
-- Makefile --
FILES := -f compose.test.yaml -f compose.dev.yaml
# docker compose -f docker/more.yaml -f compose.yaml up
up:
	docker compose $(FILES) up
	docker compose -f docker/base.yaml -f docker/more.yaml --project-directory . up
	docker compose -f compose.yaml --file=compose.test.yaml config
	docker compose -f $(FILE) -f compose.yaml up
	docker compose -f compose.yaml up
-- docker/run.sh --
docker-compose -f base.yaml -f more.yaml up
`)
	r.Scripts = []string{"Makefile", "docker/run.sh", ".github/workflows/ci.yml", "package.json"}
	got := r.joins([]string{"compose.yaml", "compose.dev.yaml", "compose.test.yaml", "docker/base.yaml", "docker/more.yaml"})
	assert.Equal(t, []joinedFiles{
		{[]string{"compose.yaml", "compose.dev.yaml"}, "."},
		{[]string{"compose.yaml", "compose.test.yaml"}, "."},
		{[]string{"compose.test.yaml", "compose.dev.yaml"}, "."},
		{[]string{"docker/base.yaml", "docker/more.yaml"}, "."},
		{[]string{"docker/base.yaml", "docker/more.yaml"}, "docker"},
		{[]string{"compose.dev.yaml", "compose.test.yaml"}, "."},
		{[]string{"docker/more.yaml", "docker/base.yaml"}, "docker"},
	}, got)
}

func TestMayMake(t *testing.T) {
	r, _ := reading(t, `
-- a.sh --
# cp x web
docker build -t web web
cat web/README
docker-compose up web
echo "made by: cp x web"
-- clone.sh --
git clone https://example.com/x "$DIR/web"
-- copy.mk --
all:
	cp -r template web
-- write.sh --
mkdir -p gen
echo FROM scratch > gen/web
-- .github/workflows/ci.yml --
jobs:
  a:
    steps:
      - run: ./generate.sh web
`)
	made := map[string]bool{}
	for _, f := range []string{"a.sh", "clone.sh", "copy.mk", "write.sh", ".github/workflows/ci.yml"} {
		made[f] = r.MayMake(f, "web")
	}
	assert.Equal(t, map[string]bool{"a.sh": false, "clone.sh": true, "copy.mk": true, "write.sh": true, ".github/workflows/ci.yml": true}, made)
}
