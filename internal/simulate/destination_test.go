package simulate

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/dockerfile"
)

func TestDirectoriesThatStepsMake(t *testing.T) {
	// Each step is followed by COPY f DEST: whether the file went into DEST.
	tests := []struct {
		name, step, dest string
		inside           bool
	}{
		{"mkdir", "RUN mkdir /d", "/d", true},
		{"several, with options", "RUN mkdir -p -m 755 /a/b /d", "/d", true},
		{"a parent", "RUN mkdir -p /d/e/g", "/d/e", true},
		{"relative to WORKDIR", "WORKDIR /w\nRUN mkdir d", "/w/d", true},
		{"relative to cd", "RUN cd /tmp && mkdir d", "/tmp/d", true},
		{"nowhere that is known", "RUN cd $(mktemp -d) && mkdir /e d", "/tmp/d", false},
		{"a subshell keeps its cd", "RUN (cd /tmp; true) && mkdir d", "/d", true},
		{"a variable of the Dockerfile", "ENV D=/d\nRUN mkdir -p $D/e", "/d/e", true},
		{"a variable of the shell", "RUN for d in a b; do mkdir /$d; done", "/a", true},
		{"a condition", "RUN if [ -e /etc/x ]; then mkdir /d; fi", "/d", false},
		{"tolerated", "RUN mkdir /d || true", "/d", true},
		{"an alternative", "RUN test -e /etc/x || mkdir /d", "/d", false},
		{"an alternative to what debian surely has not", "RUN test -e /x || mkdir /d", "/d", true},
		{"braces", "RUN mkdir -p /d/{a,b}", "/d/{a,b}", false},
		{"removed again", "RUN mkdir /d && rm -rf /d", "/d", false},
		{"the exec form", "RUN [\"mkdir\", \"/d\"]", "/d", true},
		{"install -d", "RUN install -d -m 0755 -o root /d", "/d", true},
		{"install of a file", "RUN install -m 0755 /x /d", "/d", false},
		{"useradd -m", "RUN useradd -ms /bin/bash app", "/home/app", true},
		{"useradd without", "RUN useradd app", "/home/app", false},
		{"useradd -d", "RUN useradd --create-home --home-dir /srv/app -u 1000 app", "/srv/app", true},
		{"adduser", "RUN adduser -D -u 1000 app", "/home/app", true},
		{"adduser -H", "RUN adduser -D -H app", "/home/app", false},
		{"a later step", "RUN mkdir /d\nRUN true", "/d", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m := build(t, files(t, map[string]string{"Dockerfile": "FROM debian\n" + tt.step + "\nCOPY f " + tt.dest + "\n", "f": "1"}))
			n, err := m.Tree.Lstat(tt.dest)
			require.NoError(t, err)
			assert.Equal(t, tt.inside, n.IsDir())
			assert.Empty(t, m.AsDirectories())
		})
	}
}

func TestStepDirectoriesAreListed(t *testing.T) {
	m := build(t, files(t, map[string]string{"Dockerfile": "FROM scratch\nRUN mkdir -p /d/e\nCOPY f /g/\n", "f": "1"}))
	assert.Equal(t, []string{"/d/", "/d/e/", "/dev/", "/g/", "/g/f", "/proc/", "/sys/"}, list(t, m.Tree))
}

// A build that only works if a destination is a directory is taken to work, as far as somebody may have made it.
func TestDestinationsTakenForDirectories(t *testing.T) {
	tests := []struct {
		name, dockerfile string
		taken            []string
		fails            string
	}{
		{"a base image", "FROM nginx\nCOPY f /etc/nginx/conf.d\nCOPY f /etc/nginx/conf.d/\n", []string{"/etc/nginx/conf.d"}, ""},
		{"WORKDIR", "FROM debian\nRUN make\nCOPY f /app\nWORKDIR /app\n", []string{"/app"}, ""},
		{"a directory onto it", "FROM base\nCOPY f /app/d\nCOPY . /app\n", []string{"/app/d"}, ""},
		{"two", "FROM base\nCOPY f /a\nCOPY f /b\nCOPY f /a/x\nCOPY f /b/x\n", []string{"/a", "/b"}, ""},
		{"one in the other", "FROM base\nCOPY f /a\nCOPY f /a/b\nCOPY f /a/b/c\n", []string{"/a", "/a/b"}, ""},
		{"no debian has it", "FROM debian\nCOPY f /app/d\nCOPY . /app\n", nil, "cannot copy to non-directory: /app/d"},
		{"no step makes it", "FROM debian\nRUN apt-get install -y x\nCOPY f /app\nCOPY f /app/x\n", nil, "/app: not a directory"},
		{"nobody can have made it", "FROM scratch\nCOPY f /app\nCOPY f /app/x\n", nil, "/app: not a directory"},
		{"the file is known to be inside", "FROM base\nCOPY f /a/\nCOPY f /a/f/x\n", nil, "/a/f: not a directory"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := files(t, map[string]string{"Dockerfile": tt.dockerfile, "f": "1", "d/x": ""})
			m, err := Build(t.Context(), dockerfile.Options{Context: dir})
			if tt.fails != "" {
				require.ErrorContains(t, err, tt.fails)
				return
			}
			require.NoError(t, err)
			var taken []string
			for _, d := range m.AsDirectories() {
				taken = append(taken, d.Path)
			}
			assert.Equal(t, tt.taken, taken)
		})
	}
}
