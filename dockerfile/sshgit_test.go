package dockerfile

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listen gives the address of a server that counts who connects, and answers nobody.
func listen(t testing.TB) (addr string, dialled func() int32) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	t.Cleanup(func() { l.Close() })
	var n atomic.Int32
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			n.Add(1)
			c.Close()
		}
	}()
	return l.Addr().String(), n.Load
}

type oneImage string

func (i oneImage) ResolveImageConfig(context.Context, string, string) ([]byte, bool, error) {
	return []byte(i), true, nil
}

// HOST is where the test listens.
var sshAdds = map[string]struct {
	dockerfile string
	args       map[string]string
	contexts   map[string]string
	image      string
	want       []string // the remotes
}{
	"plain":               {dockerfile: "FROM scratch\nADD ssh://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"upper case":          {dockerfile: "FROM scratch\nadd SSH://HOST/x.git#main:sub /d\n", want: []string{"ssh://HOST/x.git"}},
	"flags and query":     {dockerfile: "FROM scratch\nADD --keep-git-dir=true --link --chown=1:2 ssh://u:p@HOST/x?branch=b&subdir=s /d\n", want: []string{"ssh://u:p@HOST/x"}},
	"variable":            {dockerfile: "FROM scratch\nARG S=ss\nADD ${S}h://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"environment":         {dockerfile: "FROM scratch\nENV S=ss\nADD \"${S}h://HOST/x.git\" /d\n", want: []string{"ssh://HOST/x.git"}},
	"build argument":      {dockerfile: "ARG A\nFROM scratch\nARG A\nADD $A /d\n", args: map[string]string{"A": "ssh://HOST/x.git"}, want: []string{"ssh://HOST/x.git"}},
	"predefined":          {dockerfile: "FROM scratch\nARG TARGETOS\nADD ${TARGETOS#linu}${TARGETOS+ssh}://HOST/x.git ${TARGETOS:+ssh}://HOST/y.git /d/\n", want: []string{"ssh://HOST/y.git"}},
	"quotes":              {dockerfile: "FROM scratch\nADD s's'\"h\"://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"escapes":             {dockerfile: "FROM scratch\nADD \\s\\sh://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"json":                {dockerfile: "FROM scratch\nENV S=s\nADD [ \"s\\u0073h://HOST/x.git\", \"s${S}h://HOST/y y.git\",\"/d/\" ]\n", want: []string{"ssh://HOST/x.git", "ssh://HOST/y%20y.git"}},
	"several":             {dockerfile: "FROM scratch\nADD https://HOST/a.git ssh://HOST/b.git http://HOST/c ssh://HOST/d.git /d/\n", want: []string{"https://HOST/a.git", "ssh://HOST/b.git", "http://HOST/c", "ssh://HOST/d.git"}},
	"same as https":       {dockerfile: "FROM scratch\nADD https://HOST/a.git ssh://HOST/a.git /d/\n", want: []string{"https://HOST/a.git", "ssh://HOST/a.git"}},
	"lines":               {dockerfile: "FROM scratch\nADD \\\n # c\n\n  ss\\\n# c\nh://HOS\\\nT/x.git \\\n /d\n", want: []string{"ssh://HOST/x.git"}},
	"other escape":        {dockerfile: "# escape=`\r\nFROM scratch\r\nADD ss`\r\nh://HOST/x.git /d\r\n", want: []string{"ssh://HOST/x.git"}},
	"heredoc":             {dockerfile: "FROM scratch\nADD <<E ssh://HOST/x.git /d/\nADD ssh://HOST/text /d\nE\n", want: []string{"ssh://HOST/x.git"}},
	"trigger":             {dockerfile: "FROM scratch AS a\nENV S=ss\nONBUILD ADD ${S}h://HOST/x.git /d\nFROM a\nFROM a\n", want: []string{"ssh://HOST/x.git"}},
	"trigger of triggers": {dockerfile: "FROM scratch AS a\nONBUILD ARG S=ss\nONBUILD ADD [\"${S}h://HOST/x.git\", \"/d\"]\nFROM a\n", want: []string{"ssh://HOST/x.git"}},
	"inherited":           {dockerfile: "FROM scratch AS a\nARG S=ss\nFROM a AS b\nFROM b\nADD ${S}h://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"env again":           {dockerfile: "FROM scratch AS a\nENV S=ss\nARG S=x\nFROM a\nADD ${S}h://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"copied stage":        {dockerfile: "FROM scratch AS a\nADD ssh://HOST/x.git /d\nFROM scratch\nCOPY --from=a / /\n", want: []string{"ssh://HOST/x.git"}},
	"no variable":         {dockerfile: "FROM scratch\nARG BUILDKIT_SBOM_SCAN_STAGE=x\nADD ${BUILDKIT_SBOM_SCAN_STAGE:-ss}h://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"windows":             {dockerfile: "FROM --platform=windows/amd64 x\nADD ${PATH:-ssh}://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"date":                {dockerfile: "ARG SOURCE_DATE_EPOCH=e\nARG S=ss\nFROM scratch AS e\nADD ${S}h://HOST/x.git /d\nFROM scratch\nCOPY f /\n"},
	"no date":             {dockerfile: "ARG SOURCE_DATE_EPOCH=e\nFROM scratch AS e\nADD http://HOST/x /\nFROM scratch\nARG SOURCE_DATE_EPOCH\nADD ${SOURCE_DATE_EPOCH:-ss}h://HOST/x.git /d\n", want: []string{"ssh://HOST/x.git"}},
	"context":             {dockerfile: "FROM scratch\nCOPY --from=x f /\n", contexts: map[string]string{"x": "git@HOSTNAME:y.git"}, want: []string{"git@HOSTNAME:y.git"}},
	"context as base":     {dockerfile: "FROM x\n", contexts: map[string]string{"x": "git@HOSTNAME:y.git#b"}, want: []string{"git@HOSTNAME:y.git"}},
	"image's environment": {dockerfile: "FROM i\nADD ${S}h://HOST/x.git /d\n", image: `{"config":{"Env":["S=ss"]}}`, want: []string{"ssh://HOST/x.git"}},
	"image's trigger":     {dockerfile: "FROM i\n", image: `{"config":{"Env":["S=ss"],"OnBuild":["ADD ${S}h://HOST/x.git ssh://HOST/y.git /d/"]}}`, want: []string{"ssh://HOST/x.git", "ssh://HOST/y.git"}},
}

// Nobody is asked for the keys of a host, and what is shown is what was written.
func TestGitOverSSHIsNotDialled(t *testing.T) {
	for name, c := range sshAdds {
		t.Run(name, func(t *testing.T) {
			addr, dialled := listen(t)
			put := func(s string) string {
				// SSH has port 22 where none is given: nothing listens there, and nothing is asked either.
				return strings.NewReplacer("HOSTNAME", "127.0.0.1", "HOST", addr).Replace(strings.ReplaceAll(s, "HOS\\\nT", addr[:5]+"\\\n"+addr[5:]))
			}
			dir := t.TempDir()
			text := put(c.dockerfile)
			require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(text), 0o644))
			require.NoError(t, os.WriteFile(filepath.Join(dir, "f"), nil, 0o644))
			opt := Options{Context: dir, Platform: "linux/amd64", BuildArgs: map[string]string{}, BuildContexts: map[string]string{}}
			for k, v := range c.args {
				opt.BuildArgs[k] = put(v)
			}
			for k, v := range c.contexts {
				opt.BuildContexts[k] = put(v)
			}
			if c.image != "" {
				opt.Images = oneImage(put(c.image))
			}
			plan, err := Compile(t.Context(), opt)
			require.NoError(t, err)
			assert.Zero(t, dialled())
			assert.Equal(t, text, string(plan.Dockerfile.Data))
			var remotes []string
			for _, op := range plan.Ops {
				if op.Kind == OpRemote {
					remotes = append(remotes, op.Remote.URL)
				}
			}
			want := make([]string, len(c.want))
			for i, w := range c.want {
				want[i] = put(w)
			}
			assert.ElementsMatch(t, want, remotes)
			shown := fmt.Sprintf("%+v %+v %+v", plan.Assumptions, plan.Warnings, plan.Stages)
			for _, op := range plan.Ops {
				shown += fmt.Sprintf("%+v %+v %s", op.Location, op.Remote, op.Description)
			}
			assert.NotContains(t, shown, "ctxaudit-ssh")
		})
	}
}

func TestMainContextOverSSHIsNotDialled(t *testing.T) {
	addr, dialled := listen(t)
	dir := t.TempDir()
	require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte("FROM scratch\nCOPY a /\n"), 0o644))
	for _, ctx := range []string{"ssh://" + addr + "/x.git", "git@127.0.0.1:x.git"} {
		plan, err := Compile(t.Context(), Options{Context: ctx, Dockerfile: filepath.Join(dir, "Dockerfile")})
		require.NoError(t, err)
		assert.Equal(t, ctx, plan.RemoteContext)
		assert.Equal(t, ctx, plan.Ops[0].Remote.URL)
	}
	assert.Zero(t, dialled())
}

// What BuildKit refuses is refused in the words that were written.
func TestRefusedGitOverSSH(t *testing.T) {
	addr, dialled := listen(t)
	for text, want := range map[string]string{
		"FROM scratch\nADD --checksum=1 ssh://HOST/x.git#a ssh://HOST/y.git /d/\n":   "multiple sources",
		"FROM scratch\nADD --keep-git-dir=true ssh://HOST/x.git?keep-git-dir=0 /d\n": "inconsistent keep-git-dir",
		"FROM scratch\nADD ssh://HOST/x.git?a=b /d\n":                                "unexpected query",
		"FROM scratch\nCOPY ssh://HOST/x.git /d\n":                                   "source can't be a git ref for COPY",
	} {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), []byte(strings.ReplaceAll(text, "HOST", addr)), 0o644))
		_, err := Compile(t.Context(), Options{Context: dir})
		require.ErrorContains(t, err, want)
		assert.NotContains(t, err.Error(), "ctxaudit-ssh")
	}
	assert.Zero(t, dialled())
}

// guardedText is what BuildKit gets of a Dockerfile.
func guardedText(t testing.TB, text []byte) ([]byte, error) {
	req := &request{display: defaultName}
	c := &compilation{req: req, images: newImages(nil), src: newSource(defaultName, text)}
	c.outline, _ = parseOutline(c.src)
	return c.guarded(t.Context(), text)
}

// Whatever is written: a second look finds nothing over ssh, the lines are as many, and what is not touched stays.
func FuzzGuarded(f *testing.F) {
	for _, c := range sshAdds {
		f.Add([]byte(strings.ReplaceAll(c.dockerfile, "HOST", "127.0.0.1:2")))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		dir := t.TempDir()
		require.NoError(t, os.WriteFile(filepath.Join(dir, "Dockerfile"), text, 0o644))
		if plan, err := Compile(t.Context(), Options{Context: dir, Platform: "linux/amd64"}); err == nil {
			for _, op := range plan.Ops {
				if op.Remote != nil {
					require.NotContains(t, op.Remote.Attrs, pb.AttrMountSSHSock, "BuildKit made a source over ssh")
				}
			}
		}
		given, err := guardedText(t, text)
		if err != nil {
			return
		}
		if bytes.Equal(given, text) {
			return
		}
		require.Equal(t, bytes.Count(text, []byte("\n")), bytes.Count(given, []byte("\n")))
		again, err := guardedText(t, given)
		require.NoError(t, err)
		require.Equal(t, string(given), string(again))
		before, err := parseOutline(newSource("", text))
		require.NoError(t, err)
		after, err := parseOutline(newSource("", given))
		require.NoError(t, err)
		require.Len(t, after.info, len(before.info))
		for i := range before.info {
			require.Len(t, after.info[i].Instructions, len(before.info[i].Instructions))
			for j, ins := range before.info[i].Instructions {
				require.Equal(t, ins.Location.Range.Start.Line, after.info[i].Instructions[j].Location.Range.Start.Line)
				require.Equal(t, ins.Location.Range.End.Line, after.info[i].Instructions[j].Location.Range.End.Line)
			}
		}
	})
}
