package dockerctx

import (
	"context"
	"net"
	"strings"
	"testing"

	"github.com/moby/buildkit/session/filesync"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/tonistiigi/fsutil"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/test/bufconn"
)

func TestNewErrors(t *testing.T) {
	for pattern, message := range map[string]string{
		"!":      `illegal exclusion pattern: "!"`,
		"!/":     `illegal exclusion pattern: "!"`,
		"[":      `malformed pattern "["`,
		`a\`:     `malformed pattern "a\\"`,
		"a\tb":   "control character",
		"a\rb":   "control character",
		"a\x7fb": "control character",
	} {
		t.Run(pattern, func(t *testing.T) {
			file, err := ParseIgnoreFile("x.dockerignore", []byte("# c\n\nb\n "+pattern+"\n"))
			require.NoError(t, err)
			_, err = New(newMemFS("a"), file)
			var ie *IgnoreError
			require.ErrorAs(t, err, &ie)
			assert.Equal(t, 4, ie.Line)
			assert.Equal(t, " "+pattern, ie.Text)
			assert.ErrorContains(t, err, "x.dockerignore:4: ")
			assert.Contains(t, ie.Message, message)
		})
	}
}

// TestNewErrorsOnlyWhereEvaluated has patterns that patternmatcher.New accepts.
func TestNewErrorsOnlyWhereEvaluated(t *testing.T) {
	for _, bad := range []string{"[b-a]", `\Make`} {
		t.Run(bad, func(t *testing.T) {
			c := mustContext(t, newMemFS("a", "b/c"), "a", bad)
			_, err := walkAll(c.Tree())
			var ie *IgnoreError
			require.ErrorAs(t, err, &ie)
			assert.Equal(t, 2, ie.Line)
			_, err = c.Explain("b/c")
			require.ErrorAs(t, err, &ie)

			trail, err := c.Explain("a")
			require.NoError(t, err, "an excluded path needs no second opinion")
			assert.False(t, trail.Included)

			c = mustContext(t, newMemFS("a", "b/c"), "!"+bad)
			_, err = walkAll(c.Tree())
			require.NoError(t, err, "nothing is excluded, so the negation is not asked")

			c = mustContext(t, newMemFS(), bad)
			_, err = walkAll(c.Tree())
			require.NoError(t, err, "there is nothing to ask about")
		})
	}
}

func TestNewWithoutIgnoreFile(t *testing.T) {
	for name, file := range map[string]*IgnoreFile{"none": nil, "empty": {}} {
		t.Run(name, func(t *testing.T) {
			c, err := New(newMemFS("a/b", "c"), file)
			require.NoError(t, err)
			entries, err := walkAll(c.Tree())
			require.NoError(t, err)
			assert.Equal(t, []string{"a", "a/b", "c"}, pathsOf(entries))
			trail, err := c.Explain("a/b")
			require.NoError(t, err)
			assert.True(t, trail.Included)
			require.NoError(t, c.WalkIgnored(true, func(IgnoredEntry) error { t.Fatal("nothing is ignored"); return nil }))
		})
	}
}

// caller is the session that filesync.FSSync talks to.
type caller struct{ conn *grpc.ClientConn }

func (c caller) Supports(string) bool                        { return true }
func (c caller) Conn() *grpc.ClientConn                      { return c.conn }
func (c caller) SharedKey() string                           { return "" }
func (c caller) Context(ctx context.Context) context.Context { return ctx }

// TestUnsendable transfers through BuildKit's session/filesync over gRPC.
func TestUnsendable(t *testing.T) {
	dir := t.TempDir()
	source, err := fsutil.NewFS(dir)
	require.NoError(t, err)
	listener := bufconn.Listen(1 << 20)
	server := grpc.NewServer()
	filesync.NewFSSyncProvider(filesync.StaticDirSource{"context": source}).Register(server)
	go server.Serve(listener)
	defer server.Stop()
	conn, err := grpc.NewClient("passthrough:///session", grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) { return listener.Dial() }))
	require.NoError(t, err)
	defer conn.Close()

	for _, patterns := range [][]string{
		{"a"}, {"a\tb"}, {"a\rb"}, {"a\x00b"}, {"a\x7f"}, {"a\x1fb", "c"}, {"a\tb", "é"}, {"é\t"}, {" a"}, {"%zz"}, {"a+b c%20"},
	} {
		t.Run(strings.Join(patterns, ","), func(t *testing.T) {
			err := filesync.FSSync(t.Context(), caller{conn}, filesync.FSSendRequestOpt{
				Name: "context", DestDir: t.TempDir(), ExcludePatterns: append([]string(nil), patterns...),
			})
			assert.Equal(t, err != nil, unsendable(patterns) >= 0, "BuildKit: %v", err)
		})
	}
}
