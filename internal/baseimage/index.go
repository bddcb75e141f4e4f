package baseimage

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"

	"github.com/containerd/platforms"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"

	"github.com/ctxaudit/ctxaudit/internal/budget"
	"github.com/ctxaudit/ctxaudit/internal/files"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Index is what is known of an image. It is not changed once it is made.
type Index struct {
	// Digest is that of the manifest or, where there is none, of the configuration; Listed that of the list of platforms.
	Digest, Listed string
	// Config is the configuration as the image has it: JSON.
	Config []byte
	Image  dockerspec.DockerOCIImage
	// Tree holds the files. The operation of an entry is the layer that put it there, counted from 0.
	Tree *rootfs.Tree
	// Entries counts what Tree holds.
	Entries int
}

// Legacy reports whether the builder of Docker that came before BuildKit made the image: only that one names its version.
func (x *Index) Legacy() bool {
	var config struct {
		Version string `json:"docker_version"`
	}
	return json.Unmarshal(x.Config, &config) == nil && config.Version != ""
}

// Platform gives the platform that the image is made for.
func (x *Index) Platform() string { return platforms.FormatAll(platforms.Normalize(x.Image.Platform)) }

// Open reads the image of a name and a platform out of a layout or an archive that a person named. A name, a normalized
// reference, only counts where there are several images; "" is none. A failure is an [*Error].
func Open(ctx context.Context, file, name, platform string) (*Index, error) {
	p, err := platforms.Parse(platform)
	if err != nil {
		return nil, err
	}
	x, err := open(ctx, file, &finder{name: name, platform: p})
	if err != nil {
		return nil, &Error{Source: file, Err: err}
	}
	return x, nil
}

// OpenStream is [Open] of an archive that a reader gives. It lies in a scratch directory while it is read.
func OpenStream(ctx context.Context, r io.Reader, source, name, platform string) (*Index, error) {
	dir, err := files.Scratch(".")
	if err != nil {
		return nil, err
	}
	defer dir.Close()
	if err := dir.Fill("image.tar", r, maxUnpacked); err != nil {
		return nil, &Error{Source: source, Err: err}
	}
	x, err := Open(ctx, filepath.Join(dir.Name(), "image.tar"), name, platform)
	var e *Error
	if errors.As(err, &e) {
		e.Source = source
	}
	return x, err
}

func open(ctx context.Context, file string, f *finder) (*Index, error) {
	s, err := openStore(ctx, file)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	f.store = s
	src, err := f.source()
	if err != nil {
		return nil, err
	}
	return Read(ctx, src)
}

// Read makes the index of an image.
func Read(ctx context.Context, src *Source) (*Index, error) {
	x := &Index{Digest: src.Digest, Listed: src.Listed, Config: src.Config}
	if err := unmarshal(src.Config, &x.Image); err != nil {
		return nil, fmt.Errorf("its configuration: %w", err)
	}
	switch ids := x.Image.RootFS.DiffIDs; {
	case len(src.Layers) > maxLayers:
		return nil, &budget.Exceeded{Kind: "steps", Limit: maxLayers}
	case len(ids) != len(src.Layers):
		return nil, fmt.Errorf("it has %d layers, and its configuration names %d", len(src.Layers), len(ids))
	}
	m := newMerger(x.Image.Config)
	for i, open := range src.Layers {
		if err := m.layer(ctx, i, open, x.Image.RootFS.DiffIDs[i]); err != nil {
			return nil, fmt.Errorf("layer %d: %w", i+1, err)
		}
	}
	x.Tree = m.tree
	return x, x.count()
}

func (x *Index) count() error {
	x.Tree.Freeze()
	return x.Tree.Walk(func(string, *rootfs.Node) error { x.Entries++; return nil })
}

// layer lays the next layer over what is there, and holds it against the digest that the configuration has for it.
func (m *merger) layer(ctx context.Context, number int, open func(context.Context) (io.ReadCloser, error), id digest.Digest) error {
	if err := id.Validate(); err != nil {
		return fmt.Errorf("%q: %w", string(id), err)
	}
	packed, err := open(ctx)
	if errors.Is(err, fs.ErrNotExist) {
		return errors.New("it does not exist")
	}
	if err != nil {
		return err
	}
	defer packed.Close()
	r, err := unpacked(packed, m.spent)
	if err != nil {
		return err
	}
	defer r.Close()
	verifier := id.Verifier()
	all := io.TeeReader(r, verifier)
	if err := m.apply(ctx, number, all); err != nil {
		return err
	}
	if _, err := io.Copy(io.Discard, all); err != nil { // what tar leaves unread
		return err
	}
	if !verifier.Verified() {
		return fmt.Errorf("it is damaged: it is not %s, which the configuration names", id)
	}
	return nil
}

// text is the content of a file that is kept.
type text []byte

func (t text) Open() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(t)), nil }

// unkept is the content of a file of which only the size is kept.
type unkept struct{}

func (unkept) Open() (io.ReadCloser, error) { return nil, fs.ErrInvalid }

// CreatedBy gives what the image says that a layer, counted from 0, was made by; "" if it says nothing.
func (x *Index) CreatedBy(layer int) string {
	for _, h := range x.Image.History {
		if h.EmptyLayer {
			continue
		}
		if layer == 0 {
			return h.CreatedBy
		}
		layer--
	}
	return ""
}
