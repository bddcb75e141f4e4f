package conformance

import (
	"archive/tar"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/containerd/containerd/v2/core/content"
	"github.com/containerd/containerd/v2/plugins/content/local"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/exporter/containerimage/exptypes"
	gateway "github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/identity"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/tonistiigi/fsutil"

	"github.com/ctxaudit/ctxaudit/dockerctx"
)

// stepLimits bounds what a RUN step may take, in seconds of processor time and in bytes of one file: a random one need not end.
const stepLimits = "cpu=30:30,fsize=67108864:67108864"

// A Request is one build, as the flags of docker build describe it.
type Request struct {
	Context       string // directory
	Dockerfile    string // path of the file; "" is Dockerfile in the context
	Target        string
	BuildArgs     map[string]string
	BuildContexts map[string]string // name to directory, or to a source with a scheme
	Platform      string            // "" is the daemon's own
	Git           string            // the directory of Context's repository that is fetched as the context; "" to send Context
	Bases         map[string]string // base images: layouts by name
	// Open opens directories for a prediction, see dockerfile.Options; nil is the disk.
	Open func(dir string) (dockerctx.FS, error)
}

// A Result is what a build gives: an image, or a Failure.
type Result struct {
	Listing Listing
	Config  Config
	Failure *Failure
}

// A Failure is a refused build. Two failures agree when their lines do:
// the wording is each builder's own.
type Failure struct {
	Line    int // of the Dockerfile; 0 where the error names none
	Message string
}

// Build has the daemon build a request. An error says that there is no
// answer; that the build fails is an answer.
func (d *Daemon) Build(ctx context.Context, r Request) (*Result, error) {
	var tarball bytes.Buffer
	opt, err := solveOpt(r, &tarball)
	if err != nil {
		return nil, err
	}
	if r.Git != "" {
		url, stop, err := serveGit(r.Context)
		if err != nil {
			return nil, err
		}
		defer stop()
		opt.FrontendAttrs["context"] = url + "#main:" + r.Git
		if r.Dockerfile != "" {
			name, err := filepath.Rel(filepath.Join(r.Context, r.Git), r.Dockerfile)
			if err != nil {
				return nil, err
			}
			opt.FrontendAttrs["filename"] = filepath.ToSlash(name)
		}
		delete(opt.LocalMounts, "context")
		delete(opt.LocalMounts, "dockerfile")
	}
	var config []byte
	// The tar exporter alone would lose the configuration. Calling the front
	// end through a gateway, as buildx does, gives both from one build.
	_, err = d.client.Build(ctx, *opt, "ctxaudit", func(ctx context.Context, c gateway.Client) (*gateway.Result, error) {
		res, err := c.Solve(ctx, gateway.SolveRequest{Frontend: "dockerfile.v0", FrontendOpt: opt.FrontendAttrs})
		if err != nil {
			return nil, err
		}
		config = res.Metadata[exptypes.ExporterImageConfigKey]
		return res, nil
	}, nil)
	if ctx.Err() != nil {
		return nil, fmt.Errorf("building: %w", ctx.Err())
	}
	if err != nil {
		return &Result{Failure: failureOf(err)}, nil
	}
	listing, err := ReadListing(&tarball)
	if err != nil {
		return nil, err
	}
	result := &Result{Listing: listing}
	if err := json.Unmarshal(config, &struct {
		Config *Config `json:"config"`
	}{&result.Config}); err != nil {
		return nil, fmt.Errorf("reading the image configuration: %w", err)
	}
	result.Config.normalize()
	return result, nil
}

// Archive has the daemon build a request that succeeds, and writes the image as an archive with an OCI layout.
func (d *Daemon) Archive(ctx context.Context, r Request, w io.Writer) error {
	opt, err := solveOpt(r, w)
	if err != nil {
		return err
	}
	opt.Frontend, opt.Exports[0].Type = "dockerfile.v0", client.ExporterOCI
	_, err = d.client.Solve(ctx, nil, *opt, nil)
	return err
}

// solveOpt translates a request into the attributes that buildx would send
// (its build/opt.go).
func solveOpt(r Request, output io.Writer) (*client.SolveOpt, error) {
	dockerfile := r.Dockerfile
	if dockerfile == "" {
		dockerfile = defaultDockerfile(r.Context)
	}
	locals := map[string]string{"context": r.Context, "dockerfile": filepath.Dir(dockerfile)}
	// Without no-cache a build can take a result from one before it, whose
	// content was another: the cache key of a copy covers neither the files
	// that --exclude leaves out, which a wildcard names nevertheless, nor the
	// parents of a wildcard that matches nothing.
	attrs := map[string]string{"filename": filepath.Base(dockerfile), "no-cache": ""}
	attrs["ulimit"] = stepLimits
	if r.Target != "" {
		attrs["target"] = r.Target
	}
	if r.Platform != "" {
		attrs["platform"] = r.Platform
	}
	for name, value := range r.BuildArgs {
		attrs["build-arg:"+name] = value
	}
	for name, source := range r.BuildContexts {
		if strings.Contains(source, "://") {
			attrs["context:"+name] = source
			continue
		}
		local := name
		if local == "context" || local == "dockerfile" {
			local = "_" + local
		}
		locals[local] = source
		attrs["context:"+name] = "local:" + local
	}
	stores := map[string]content.Store{}
	for name, dir := range r.Bases {
		store, err := local.NewStore(dir)
		if err != nil {
			return nil, fmt.Errorf("opening the base image %s: %w", name, err)
		}
		digest, err := layoutDigest(dir)
		if err != nil {
			return nil, fmt.Errorf("reading the base image %s: %w", name, err)
		}
		stores[name] = store
		attrs["context:"+name] = "oci-layout://" + name + "@" + digest
	}
	mounts := make(map[string]fsutil.FS, len(locals))
	for name, dir := range locals {
		mount, err := fsutil.NewFS(dir)
		if err != nil {
			return nil, fmt.Errorf("opening %s: %w", dir, err)
		}
		mounts[name] = mount
	}
	return &client.SolveOpt{
		FrontendAttrs: attrs,
		LocalMounts:   mounts,
		OCIStores:     stores,
		// A key of its own makes every transfer a whole one. With a shared
		// key BuildKit compares with the transfer before, by size and time,
		// and takes one case's file for another's.
		SharedKey: identity.NewID(),
		Exports: []client.ExportEntry{{
			Type:   client.ExporterTar,
			Output: func(map[string]string) (io.WriteCloser, error) { return nopCloser{output}, nil },
		}},
	}, nil
}

// layoutDigest gives the digest of the only image of a layout.
func layoutDigest(dir string) (string, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return "", err
	}
	m, err := index.IndexManifest()
	if err != nil {
		return "", err
	}
	return m.Manifests[0].Digest.String(), nil
}

// defaultDockerfile is the file that buildx takes when none is named
// (handleLowercaseDockerfile in its build package). The front end has the same
// fallback, but would look for the ignore file of the name in upper case.
func defaultDockerfile(dir string) string {
	for _, name := range []string{"Dockerfile", "dockerfile"} {
		if path := filepath.Join(dir, name); exists(path) {
			return path
		}
	}
	return filepath.Join(dir, "Dockerfile")
}

func exists(path string) bool {
	_, err := os.Lstat(path)
	return err == nil
}

type nopCloser struct{ io.Writer }

func (nopCloser) Close() error { return nil }

// failureOf finds the line of the Dockerfile that BuildKit blames. Of several
// sources the innermost comes first and is the precise one.
func failureOf(err error) *Failure {
	f := &Failure{Message: err.Error()}
	for _, source := range errdefs.Sources(err) {
		for _, r := range source.Ranges {
			if r.Start != nil && r.Start.Line > 0 {
				f.Line = int(r.Start.Line)
				return f
			}
		}
	}
	return f
}

// ReadListing lists the root file system in a tar stream as the tar exporter
// writes it: the whole final tree, without layers.
func ReadListing(r io.Reader) (Listing, error) {
	var listing Listing
	sizes := make(map[string]int64)
	for tr := tar.NewReader(r); ; {
		h, err := tr.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("reading the exported tar: %w", err)
		}
		e, err := entryOf(h)
		if err != nil {
			return nil, err
		}
		if h.Typeflag == tar.TypeLink {
			// Further names of one inode: a listing shows a file for each.
			e.Size = sizes["/"+h.Linkname]
		}
		sizes[e.Path] = e.Size
		listing = append(listing, e)
	}
	listing.sort()
	return listing, nil
}

func entryOf(h *tar.Header) (Entry, error) {
	e := Entry{
		Path: "/" + strings.TrimSuffix(h.Name, "/"),
		Mode: fmt.Sprintf("%04o", h.Mode&0o7777),
		UID:  h.Uid,
		GID:  h.Gid,
	}
	switch h.Typeflag {
	case tar.TypeReg, tar.TypeLink:
		e.Type, e.Size = TypeFile, h.Size
	case tar.TypeDir:
		e.Type = TypeDir
	case tar.TypeSymlink:
		e.Type, e.Link = TypeSymlink, h.Linkname
		e.Mode = "0777" // no system uses another, and Linux knows no other
	case tar.TypeFifo:
		e.Type = TypeFIFO
	case tar.TypeChar:
		e.Type = TypeChar
	case tar.TypeBlock:
		e.Type = TypeBlock
	default:
		return Entry{}, fmt.Errorf("reading the exported tar: %s has the unknown type %q", h.Name, h.Typeflag)
	}
	return e, nil
}
