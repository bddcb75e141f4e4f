package main

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"golang.org/x/tools/txtar"
)

// imagined are images that are not built from Dockerfiles.
const imagined = `-- r.io/one r.io/two:*-word --
# o/rules base.bzl: user = 7,
FROM nobody/knows
USER 7
-- r.io/absent --
# o/absent x: y
FROM nobody/knows
`

func TestBuild(t *testing.T) {
	sources := fstest.MapFS{}
	for name, text := range map[string]string{
		"o/system/a/Dockerfile":          "FROM scratch\nADD x /\nCMD [\"sh\"]\n",
		"o/tool@2020/1.2/a/Dockerfile":   "FROM system:1\nENV TOOL=/t VERSION=1.2.3\nENV PATH=$TOOL/bin:$PATH\nCMD [\"old\"]\n",
		"o/tool/1.2/b/Dockerfile":        "FROM tool:1.2-a\nENV VERSION=1.2.4\n",
		"o/tool/1.3/a/Dockerfile":        "FROM system:1\nENV TOOL=/t VERSION=1.3\nENV PATH=$TOOL/bin:$PATH\nWORKDIR /w\nCMD [\"new\"]\n",
		"o/tool/1.3/windows/Dockerfile":  "FROM nothing\n",
		"o/toolbox/1.3/Dockerfile":       "FROM nothing\n",
		"o/other/Dockerfile":             "FROM nobody/knows\nENV PATH=/o:$PATH\nUSER 7\n",
		"o/other/doc/Dockerfile.example": "FROM scratch\n",
		"o/other/1-slim.dockerfile":      "FROM tool:1.3\nENV PATH=/o:$PATH\nUSER 7\n",
		"o/words/1.0-thin/Dockerfile":    "FROM scratch\nUSER 9\nENV LEVEL=1 SUM=0123456789abcdef0123456789abcdef\n",
		"o/words/1.0/Dockerfile":         "FROM system\nENV LEVEL=1\n",
		"o/words/2.0/Dockerfile":         "FROM system\nENV LEVEL=2\n",
		"o/words/2.1/Dockerfile":         "FROM system\nENV LEVEL=2 VERSION=2.1\n",
		"o/rules/base.bzl":               "image(\n    user  = 7,\n)\n",
		"o/tool/1.3/onbuild/Dockerfile":  "FROM tool:1.3\nWORKDIR /src\nONBUILD COPY . /src\n",
	} {
		sources[name] = &fstest.MapFile{Data: []byte(text)}
	}
	list := []image{
		{"docker.io/library/system", "o/system", ""}, {"docker.io/library/tool", "o/tool", numbered}, {"docker.io/library/other", "o/other", ""},
		{"docker.io/library/tool:onbuild", "o/tool", onbuild}, {"docker.io/library/words", "o/words", `^(\d\.\d)(?:-(?P<word>thin))?/`}, {"docker.io/library/elsewhere", "o/elsewhere", ""},
	}
	was := `# A comment.
docker.io/library/elsewhere env GREETING "a  b"
docker.io/library/elsewhere workdir "/there"
docker.io/library/elsewhere:1 cmd ["x"]
docker.io/library/tool:1.0 cmd ["gone"]
`
	got, kept, err := build(sources, list, txtar.Parse([]byte(imagined)), []byte(was))
	require.NoError(t, err)
	assert.Equal(t, []string{"r.io/absent", "docker.io/library/elsewhere"}, kept)
	assert.Equal(t, `# What images are configured with. Made by hack/bases; do not edit.
docker.io/library/elsewhere env GREETING "a  b"
docker.io/library/elsewhere workdir "/there"
docker.io/library/elsewhere:1 cmd ["x"]
docker.io/library/other user "7"
docker.io/library/system cmd ["sh"]
docker.io/library/system entrypoint []
docker.io/library/system env PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
docker.io/library/system user ""
docker.io/library/system workdir "/"
docker.io/library/tool entrypoint []
docker.io/library/tool env PATH "/t/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
docker.io/library/tool env TOOL "/t"
docker.io/library/tool user ""
docker.io/library/tool:1.2 cmd ["old"]
docker.io/library/tool:1.2 workdir "/"
docker.io/library/tool:1.3 cmd ["new"]
docker.io/library/tool:1.3 workdir "/w"
docker.io/library/tool:onbuild cmd ["new"]
docker.io/library/tool:onbuild entrypoint []
docker.io/library/tool:onbuild env PATH "/t/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
docker.io/library/tool:onbuild env TOOL "/t"
docker.io/library/tool:onbuild onbuild ["COPY . /src"]
docker.io/library/tool:onbuild user ""
docker.io/library/tool:onbuild workdir "/src"
docker.io/library/words entrypoint []
docker.io/library/words env PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
docker.io/library/words workdir "/"
docker.io/library/words:* cmd ["sh"]
docker.io/library/words:* entrypoint []
docker.io/library/words:* env PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
docker.io/library/words:* user ""
docker.io/library/words:* workdir "/"
docker.io/library/words:*-thin cmd []
docker.io/library/words:*-thin entrypoint []
docker.io/library/words:*-thin env LEVEL "1"
docker.io/library/words:*-thin env PATH "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
docker.io/library/words:*-thin user "9"
docker.io/library/words:*-thin workdir "/"
docker.io/library/words:2.0 cmd ["sh"]
docker.io/library/words:2.0 env LEVEL "2"
docker.io/library/words:2.0 user ""
docker.io/library/words:2.1 cmd ["sh"]
docker.io/library/words:2.1 env LEVEL "2"
docker.io/library/words:2.1 user ""
r.io/one user "7"
r.io/two:*-word user "7"
`, string(got))
}

// A test reports what the sources no longer say.
func TestSaid(t *testing.T) {
	sources := fstest.MapFS{"o/rules/base.bzl": &fstest.MapFile{Data: []byte("user = 8")}}
	_, _, err := build(sources, nil, txtar.Parse([]byte(imagined)), nil)
	assert.EqualError(t, err, "r.io/one r.io/two:*-word: base.bzl does not say user = 7,\n")
}

// A test reports a Dockerfile that puts something where the table says that its image holds nothing.
func TestHeld(t *testing.T) {
	sources := fstest.MapFS{"o/redis/7/Dockerfile": &fstest.MapFile{Data: []byte("FROM debian\nCOPY x.conf /usr/local/etc/\nWORKDIR /work\nCOPY x.sh /data/in/\nCOPY y.sh /\n")}}
	_, _, err := build(sources, []image{{"docker.io/library/redis", "o/redis", numbered}}, &txtar.Archive{}, nil)
	assert.EqualError(t, err, "o/redis/7/Dockerfile: internal/bases says that docker.io/library/redis holds nothing at /y.sh")
}
