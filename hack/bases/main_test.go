package main

import (
	"testing"
	"testing/fstest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

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
		"o/tool/1.3/onbuild/Dockerfile":  "FROM tool:1.3\nWORKDIR /src\nONBUILD COPY . /src\n",
	} {
		sources[name] = &fstest.MapFile{Data: []byte(text)}
	}
	list := []image{
		{"docker.io/library/system", "o/system", ""}, {"docker.io/library/tool", "o/tool", numbered}, {"docker.io/library/other", "o/other", ""},
		{"docker.io/library/tool:onbuild", "o/tool", onbuild}, {"docker.io/library/elsewhere", "o/elsewhere", ""},
	}
	was := `# A comment.
docker.io/library/elsewhere env GREETING "a  b"
docker.io/library/elsewhere workdir "/there"
docker.io/library/elsewhere:1 cmd ["x"]
docker.io/library/tool:1.0 cmd ["gone"]
`
	got, kept, err := build(sources, list, []byte(was))
	require.NoError(t, err)
	assert.Equal(t, []string{"docker.io/library/elsewhere"}, kept)
	assert.Equal(t, `# What every tag of some images is configured with, or every tag of a version. Made by hack/bases; do not edit.
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
`, string(got))
}
