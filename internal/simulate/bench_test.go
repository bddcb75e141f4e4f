package simulate

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// BenchmarkBuild predicts a two-stage image of 50,000 files: lazily, with one file located in it, and listed whole.
func BenchmarkBuild(b *testing.B) {
	tree := map[string]string{
		"Dockerfile":    "FROM scratch AS a\nCOPY . /src/\nFROM scratch\nCOPY --from=a /src /app\n",
		".dockerignore": "**/*.log\n**/node_modules\n!**/keep/*.log\n",
	}
	for i := range 50_000 {
		tree[fmt.Sprintf("area%d/pkg%d/mod%d/file%d.%s", i/5000, i/250%20, i/25%10, i, []string{"js", "py", "log"}[i%3])] = ""
	}
	dir := files(b, tree)
	run := func(b *testing.B) *Image {
		m, err := Build(context.Background(), dockerfile.Options{Context: dir})
		require.NoError(b, err)
		return m
	}
	b.Run("nothing asked", func(b *testing.B) {
		for b.Loop() {
			run(b)
		}
	})
	b.Run("one file located", func(b *testing.B) {
		for b.Loop() {
			m := run(b)
			n := 0
			require.NoError(b, m.Locate(m.Tree, MainContext, "area0/pkg0/mod0/file0.js", func(Located) error { n++; return nil }))
			require.Equal(b, 1, n)
		}
	})
	b.Run("listed", func(b *testing.B) {
		for b.Loop() {
			m := run(b)
			n := 0
			require.NoError(b, m.Tree.Walk(func(string, *rootfs.Node) error { n++; return nil }))
			require.Greater(b, n, 30_000)
		}
	})
}

// BenchmarkCopy copies a context of 20,000 files where another copy of it lies already, whole and filtered, so that nothing
// can be shared.
func BenchmarkCopy(b *testing.B) {
	tree := map[string]string{"Dockerfile": "FROM scratch\nCOPY . /app/\nCOPY --chown=1:1 --exclude=**/*.log . /app/\nCOPY . /app/\n"}
	for i := range 20_000 {
		tree[fmt.Sprintf("pkg%d/mod%d/file%d.%s", i/500, i/25%20, i, []string{"js", "py", "log"}[i%3])] = ""
	}
	dir := files(b, tree)
	for b.Loop() {
		m, err := Build(context.Background(), dockerfile.Options{Context: dir})
		require.NoError(b, err)
		require.NotNil(b, m.Tree)
	}
}

// BenchmarkSteps follows the steps of an ordinary Dockerfile of two stages.
func BenchmarkSteps(b *testing.B) {
	tree := map[string]string{
		"Dockerfile": `FROM node:22 AS web
WORKDIR /web
COPY web/package.json ./
RUN npm ci --ignore-scripts && npm cache clean --force
COPY web .
RUN npm run build && rm -rf node_modules/.cache
FROM python:3.12-slim
RUN apt-get update && apt-get install -y --no-install-recommends curl git \
    && rm -rf /var/lib/apt/lists/* /tmp/*
RUN set -eux; groupadd -r app && useradd -r -g app -m app; mkdir -p /app/data /app/logs; chown -R app:app /app
WORKDIR /app
COPY requirements.txt .
RUN --mount=type=cache,target=/root/.cache pip install -r requirements.txt
COPY . .
COPY --from=web /web/dist static
RUN for f in scripts/*.sh; do chmod +x "$f"; done && sed -i 's/debug/info/' settings.ini && ln -sf /app/settings.ini /etc/app.ini \
    && if [ -f entry.sh ]; then mv entry.sh /usr/local/bin/entry && chmod 755 /usr/local/bin/entry; fi
USER app
CMD ["entry"]
`,
		"web/package.json": "{}", "requirements.txt": "flask\n", "settings.ini": "level = debug\n", "entry.sh": "#!/bin/sh\n",
	}
	for i := range 500 {
		tree[fmt.Sprintf("scripts/%d.sh", i%5)] = "#!/bin/sh\n"
		tree[fmt.Sprintf("pkg%d/file%d.py", i/50, i)] = ""
	}
	plan, err := dockerfile.Compile(context.Background(), dockerfile.Options{Context: files(b, tree)})
	require.NoError(b, err)
	for b.Loop() {
		_, err := Run(context.Background(), plan, Open(plan), nil)
		require.NoError(b, err)
	}
}
