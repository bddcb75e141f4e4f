package registry

import (
	"encoding/base64"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/ctxaudit/ctxaudit/internal/baseimage"
	"github.com/ctxaudit/ctxaudit/internal/imagetest"
)

// serve starts a registry that wants a name and a password, if they are not empty, and gives its address.
func serve(t *testing.T, user string) string {
	t.Helper()
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if name, password, _ := r.BasicAuth(); user != "" && name+":"+password != user {
			w.Header().Set("WWW-Authenticate", `Basic realm="test"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	t.Cleanup(s.Close)
	return strings.TrimPrefix(s.URL, "http://")
}

func login(t *testing.T, host, user string) {
	t.Helper()
	dir := t.TempDir()
	t.Setenv("DOCKER_CONFIG", dir)
	config := fmt.Sprintf(`{"auths":{%q:{"auth":%q}}}`, host, base64.StdEncoding.EncodeToString([]byte(user)))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "config.json"), []byte(config), 0o600))
}

func TestFetch(t *testing.T) {
	const user = "me:secret"
	host := serve(t, user)
	login(t, host, user)
	amd, err := imagetest.Image("config {\"User\":\"a\"}\nlayer gzip\nfile amd 0644 0:0 1\nlayer zstd\nfile .wh.amd 0644 0:0\nfile two 0644 0:0 2\n")
	require.NoError(t, err)
	arm, err := imagetest.Image("architecture arm64\nlayer gzip\nfile arm 0644 0:0 1\n")
	require.NoError(t, err)
	list := mutate.AppendManifests(empty.Index,
		mutate.IndexAddendum{Add: amd, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "amd64"}}},
		mutate.IndexAddendum{Add: arm, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "arm64"}}})
	ref, err := name.ParseReference(host + "/team/app:1")
	require.NoError(t, err)
	auth := remote.WithAuthFromKeychain(authn.DefaultKeychain)
	require.NoError(t, remote.WriteIndex(ref, list, auth))
	single, err := name.ParseReference(host + "/team/single:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(single, arm, auth))

	for platform, want := range map[string]string{"linux/amd64": "/two", "linux/arm64": "/arm"} {
		s, err := Fetch(t.Context(), ref.String(), platform, "ctxaudit/test")
		require.NoError(t, err)
		x, err := baseimage.Read(t.Context(), s)
		require.NoError(t, err)
		assert.True(t, x.Tree.Exists(want))
		assert.Equal(t, 1, x.Entries)
		assert.Equal(t, platform, x.Platform())
		digest, err := list.Digest()
		require.NoError(t, err)
		assert.Equal(t, digest.String(), s.Listed)
	}
	s, err := Fetch(t.Context(), single.String(), "linux/arm64", "ctxaudit/test")
	require.NoError(t, err)
	assert.Empty(t, s.Listed)

	_, err = Fetch(t.Context(), host+"/team/none:1", "linux/amd64", "ctxaudit/test")
	assert.ErrorContains(t, err, "the registry has no such image")
	login(t, host, "me:wrong")
	_, err = Fetch(t.Context(), ref.String(), "linux/amd64", "ctxaudit/test")
	assert.ErrorContains(t, err, "docker login")
}

// What a registry gives instead of a layer is noticed.
func TestWrongLayer(t *testing.T) {
	inner := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	wrong := false
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if wrong && r.Method == http.MethodGet && strings.Contains(r.URL.Path, "/blobs/") {
			rec := httptest.NewRecorder()
			inner.ServeHTTP(rec, r)
			body := rec.Body.Bytes()
			if body[0] != '{' { // no configuration
				body[len(body)-1] ^= 1
			}
			_, _ = w.Write(body)
			return
		}
		inner.ServeHTTP(w, r)
	}))
	defer s.Close()
	image, err := imagetest.Image("layer gzip\nfile a 0644 0:0 1\n")
	require.NoError(t, err)
	ref, err := name.ParseReference(strings.TrimPrefix(s.URL, "http://") + "/app:1")
	require.NoError(t, err)
	require.NoError(t, remote.Write(ref, image))
	wrong = true
	src, err := Fetch(t.Context(), ref.String(), "linux/amd64", "ctxaudit/test")
	require.NoError(t, err)
	_, err = baseimage.Read(t.Context(), src)
	assert.Error(t, err)
}
