package baseimage

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/ctxaudit/ctxaudit/internal/budget"
)

// Source gives the parts of an image: its configuration, and its layers with the lowest first.
type Source struct {
	// Digest is that of the manifest or, where there is none, of the configuration.
	Digest string
	// Listed is the digest of the list of platforms that names the manifest, "" if none does.
	Listed string
	Config []byte
	Layers []func(ctx context.Context) (io.ReadCloser, error)
}

// finder looks for the image of a name and a platform.
type finder struct {
	store    store
	name     string // a normalized reference; "" for whatever there is
	platform ocispecs.Platform
}

// source finds an image.
func (f *finder) source() (*Source, error) {
	data, err := f.read("index.json")
	if errors.Is(err, fs.ErrNotExist) {
		data, err = f.read("manifest.json")
		if errors.Is(err, fs.ErrNotExist) {
			return nil, errNoImage
		}
		if err != nil {
			return nil, err
		}
		return f.saved(data)
	}
	if err != nil {
		return nil, err
	}
	var index ocispecs.Index
	if err := unmarshal(data, &index); err != nil {
		return nil, fmt.Errorf("index.json: %w", err)
	}
	named, err := f.named(index.Manifests)
	if err != nil {
		return nil, err
	}
	return f.ofPlatform(named, "", maxNesting)
}

// named gives the descriptors that have the name that is asked for, or all if there is one name at most.
func (f *finder) named(list []ocispecs.Descriptor) ([]ocispecs.Descriptor, error) {
	list = slices.DeleteFunc(slices.Clone(list), attests)
	var names []string
	var found []ocispecs.Descriptor
	for _, d := range list {
		name := nameOf(d)
		if name != "" && !slices.Contains(names, name) {
			names = append(names, name)
		}
		if called(name, f.name) {
			found = append(found, d)
		}
	}
	switch {
	case len(found) > 0:
		return found, nil
	case len(names) > 1:
		return nil, &NameError{Asked: f.name, Has: names}
	}
	return list, nil
}

// nameOf gives the name under which a layout has an image: containerd and BuildKit write the whole one, others a tag.
func nameOf(d ocispecs.Descriptor) string {
	if name := d.Annotations["io.containerd.image.name"]; name != "" {
		return name
	}
	return d.Annotations[ocispecs.AnnotationRefName]
}

// called reports whether a name of a layout or an archive is the one that is asked for.
func called(name, asked string) bool {
	if name == "" || asked == "" {
		return false
	}
	want, err := reference.ParseNormalizedNamed(asked)
	if err != nil {
		return false
	}
	if tagged, ok := want.(reference.Tagged); ok && tagged.Tag() == name {
		return true
	}
	have, err := reference.ParseNormalizedNamed(name)
	return err == nil && reference.TagNameOnly(have).String() == reference.TagNameOnly(want).String()
}

// attests reports whether a manifest is no image but says something about one.
func attests(d ocispecs.Descriptor) bool {
	return d.Annotations["vnd.docker.reference.type"] != "" || d.Platform != nil && d.Platform.OS == "unknown"
}

const (
	dockerManifest = "application/vnd.docker.distribution.manifest.v2+json"
	dockerList     = "application/vnd.docker.distribution.manifest.list.v2+json"
)

// ofPlatform finds the image of the platform among some.
func (f *finder) ofPlatform(list []ocispecs.Descriptor, listed string, nesting int) (*Source, error) {
	if nesting == 0 {
		return nil, errors.New("its indexes are nested too deep")
	}
	list = slices.DeleteFunc(slices.Clone(list), attests)
	chosen, err := choose(list, f.platform)
	if err != nil {
		return nil, err
	}
	data, err := f.blob(chosen.Digest)
	if err != nil {
		return nil, err
	}
	switch chosen.MediaType {
	case ocispecs.MediaTypeImageIndex, dockerList:
		var index ocispecs.Index
		if err := unmarshal(data, &index); err != nil {
			return nil, fmt.Errorf("index %s: %w", chosen.Digest, err)
		}
		return f.ofPlatform(index.Manifests, chosen.Digest.String(), nesting-1)
	case ocispecs.MediaTypeImageManifest, dockerManifest, "":
	default:
		return nil, fmt.Errorf("%s is no image but %s", chosen.Digest, chosen.MediaType)
	}
	return f.ofManifest(data, chosen.Digest, listed)
}

// choose gives the one of some images, or lists of images, that a build for a platform takes. One alone is taken as it is, as
// BuildKit does.
func choose(list []ocispecs.Descriptor, platform ocispecs.Platform) (ocispecs.Descriptor, error) {
	if len(list) == 0 {
		return ocispecs.Descriptor{}, errors.New("it has no image")
	}
	if len(list) == 1 {
		return list[0], nil
	}
	match := platforms.Only(platform)
	var best *ocispecs.Descriptor
	var has []string
	for i, d := range list {
		if d.Platform == nil {
			if best == nil {
				best = &list[i] // its own list, or its configuration, says more
			}
			continue
		}
		has = append(has, platforms.FormatAll(*d.Platform))
		if match.Match(*d.Platform) && (best == nil || best.Platform == nil || match.Less(*d.Platform, *best.Platform)) {
			best = &list[i]
		}
	}
	if best == nil {
		return ocispecs.Descriptor{}, &PlatformError{Asked: platforms.FormatAll(platform), Has: has}
	}
	return *best, nil
}

func (f *finder) ofManifest(data []byte, d digest.Digest, listed string) (*Source, error) {
	var m ocispecs.Manifest
	if err := unmarshal(data, &m); err != nil {
		return nil, fmt.Errorf("manifest %s: %w", d, err)
	}
	config, err := f.blob(m.Config.Digest)
	if err != nil {
		return nil, err
	}
	s := &Source{Digest: d.String(), Listed: listed, Config: config}
	for _, l := range m.Layers {
		if err := l.Digest.Validate(); err != nil {
			return nil, fmt.Errorf("manifest %s: layer %q: %w", d, l.Digest, err)
		}
		s.Layers = append(s.Layers, func(context.Context) (io.ReadCloser, error) { return f.store.open(blobName(l.Digest)) })
	}
	return s, nil
}

// saved finds an image in what docker save wrote before it wrote layouts.
func (f *finder) saved(data []byte) (*Source, error) {
	var list []struct {
		Config   string
		RepoTags []string
		Layers   []string
	}
	if err := unmarshal(data, &list); err != nil {
		return nil, fmt.Errorf("manifest.json: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("it has no image")
	}
	at := slices.IndexFunc(list, func(i struct {
		Config   string
		RepoTags []string
		Layers   []string
	}) bool {
		return slices.ContainsFunc(i.RepoTags, func(tag string) bool { return called(tag, f.name) })
	})
	if at < 0 && len(list) > 1 {
		e := &NameError{Asked: f.name}
		for _, i := range list {
			e.Has = append(e.Has, i.RepoTags...)
		}
		return nil, e
	}
	image := list[max(at, 0)]
	config, err := f.read(image.Config)
	if err != nil {
		return nil, fmt.Errorf("configuration %s: %w", image.Config, err)
	}
	s := &Source{Digest: digest.FromBytes(config).String(), Config: config}
	for _, name := range image.Layers {
		s.Layers = append(s.Layers, func(context.Context) (io.ReadCloser, error) { return f.store.open(name) })
	}
	return s, nil
}

func blobName(d digest.Digest) string { return "blobs/" + d.Algorithm().String() + "/" + d.Encoded() }

// blob reads a manifest or a configuration.
func (f *finder) blob(d digest.Digest) ([]byte, error) {
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("%q: %w", string(d), err)
	}
	data, err := f.read(blobName(d))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", d, err)
	}
	if d.Algorithm().FromBytes(data) != d {
		return nil, fmt.Errorf("%s is damaged: what is there is another one", d)
	}
	return data, nil
}

func (f *finder) read(name string) ([]byte, error) {
	r, err := f.store.open(name)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, maxMeta+1))
	if err == nil && len(data) > maxMeta {
		err = &budget.Exceeded{Kind: "bytes", Limit: maxMeta}
	}
	return data, err
}

func unmarshal(data []byte, to any) error {
	if err := budget.ShallowJSON(data, maxDepth); err != nil {
		return err
	}
	return json.Unmarshal(data, to)
}
