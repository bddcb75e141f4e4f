package registry

import (
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// listen answers as a docker daemon that has one image, and gives its host.
func listen(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "docker-") // the path of a socket must be short
	require.NoError(t, err)
	t.Cleanup(func() { os.RemoveAll(dir) })
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	require.NoError(t, err)
	s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Query().Get("names") {
		case "docker.io/library/x:1":
			_, _ = io.WriteString(w, "the archive for "+r.Header.Get("User-Agent"))
		case "localhost/z:1": // as Podman says it
			http.Error(w, `{"cause":"image not known","message":"localhost/z:1: image not known","response":500}`, http.StatusInternalServerError)
		case "broken":
			http.Error(w, `{"message":"no space left"}`, http.StatusInternalServerError)
		default:
			http.Error(w, `{"message":"reference does not exist"}`, http.StatusNotFound)
		}
	})}
	go func() { _ = s.Serve(l) }()
	t.Cleanup(func() { s.Close() })
	return "unix://" + l.Addr().String()
}

func TestDaemon(t *testing.T) {
	d, err := NewDaemon(listen(t), "me")
	require.NoError(t, err)
	r, err := d.Save(t.Context(), "docker.io/library/x:1")
	require.NoError(t, err)
	data, err := io.ReadAll(r)
	require.NoError(t, err)
	assert.Equal(t, "the archive for me", string(data))
	require.NoError(t, r.Close())

	_, err = d.Save(t.Context(), "docker.io/library/y:1")
	require.ErrorIs(t, err, ErrNotThere)
	_, err = d.Save(t.Context(), "localhost/z:1")
	require.ErrorIs(t, err, ErrNotThere)
	_, err = d.Save(t.Context(), "broken")
	require.ErrorContains(t, err, "answers 500 Internal Server Error no space left")

	d, err = NewDaemon("unix:///nowhere", "me")
	require.NoError(t, err)
	_, err = d.Save(t.Context(), "x")
	require.ErrorContains(t, err, "asking the docker daemon at /nowhere: dial unix /nowhere")
	assert.NotErrorIs(t, err, ErrNotThere)
}

func TestDaemonIsOfThisMachine(t *testing.T) {
	for _, host := range []string{"tcp://127.0.0.1:2375", "ssh://me@there", "unix://", "npipe:////./pipe/docker_engine"} {
		_, err := NewDaemon(host, "")
		assert.ErrorContains(t, err, "only a daemon of this machine is asked", host)
	}
	d, err := NewDaemon("", "")
	require.NoError(t, err)
	assert.Equal(t, "/var/run/docker.sock", d.path)
}
