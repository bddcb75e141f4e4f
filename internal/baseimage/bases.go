package baseimage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"

	"github.com/ctxaudit/ctxaudit/internal/bases"
	"github.com/ctxaudit/ctxaudit/internal/rootfs"
)

// Bases are the images that are at hand for those that builds name: those that a person gave, then those of the cache. It is
// safe for concurrent use.
type Bases struct {
	given map[string]string // files by reference
	ask   func(ctx context.Context, ref, platform string) (*Index, error)

	mu     sync.Mutex
	loaded map[string]*base // by reference and platform
	used   map[string]bool  // given references that a build asked for
	list   []Pulled
	cache  *Cache
	looked bool // for the cache
}

// base is an image that was looked for. The index is nil if there is none.
type base struct {
	once  sync.Once
	index *Index
	about string
	given string // the reference under which a person gave it
	err   error
}

// NewBases gives images by their references, with the layout or archive of each; the cache has the others.
func NewBases(given map[string]string) (*Bases, error) {
	b := &Bases{given: map[string]string{}, loaded: map[string]*base{}, used: map[string]bool{}}
	for ref, file := range given {
		name, err := Normalize(ref)
		if err != nil {
			return nil, err
		}
		b.given[name] = file
	}
	return b, nil
}

// Ask names who is asked for images that no person gave: it gives nil for one that it does not have.
func (b *Bases) Ask(ask func(ctx context.Context, ref, platform string) (*Index, error)) { b.ask = ask }

// Normalize gives the reference by which BuildKit asks for an image.
func Normalize(ref string) (string, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return "", fmt.Errorf("image %q: %w", ref, err)
	}
	return reference.TagNameOnly(named).String(), nil
}

// Load reads the images that a person gave, so that what is wrong with them is told before anything else.
func (b *Bases) Load(ctx context.Context, platform string) error {
	for ref := range b.given {
		var other *PlatformError
		if _, err := b.find(ctx, ref, platform); err != nil && !errors.As(err, &other) {
			return err
		}
	}
	return nil
}

// Unused gives the references of given images that no build has asked for.
func (b *Bases) Unused() (out []string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ref := range b.given {
		if !b.used[ref] {
			out = append(out, ref)
		}
	}
	return out
}

// Close gives up what was opened.
func (b *Bases) Close() error {
	if b == nil || b.cache == nil {
		return nil
	}
	return b.cache.Close()
}

// ResolveImageConfig implements dockerfile.ImageResolver. Of an image that is not at hand the table of official images may have some
// settings.
func (b *Bases) ResolveImageConfig(ctx context.Context, ref, platform string) (config []byte, known bool, err error) {
	found, err := b.known(ctx, ref, platform)
	if err != nil {
		return nil, false, err
	}
	if found == nil {
		return bases.Config(ref), false, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used[found.given] = true
	return found.index.Config, true, nil
}

// BaseTree gives the files of an image, nil if it is not at hand, and says which image that is: its digest, and where it is from.
func (b *Bases) BaseTree(ref, platform string) (tree *rootfs.Tree, about string, err error) {
	found, err := b.known(context.Background(), ref, platform) // whoever asked for the configuration waited for it
	if found == nil || err != nil {
		return nil, "", err
	}
	return found.index.Tree, found.about, nil
}

// known is find for which an image of another platform is none.
func (b *Bases) known(ctx context.Context, ref, platform string) (*base, error) {
	found, err := b.find(ctx, ref, platform)
	var other *PlatformError
	if errors.As(err, &other) {
		return nil, nil
	}
	if err != nil || found.index == nil {
		return nil, err
	}
	return found, nil
}

func (b *Bases) find(ctx context.Context, ref, platform string) (*base, error) {
	b.mu.Lock()
	key := ref + " " + platform
	one := b.loaded[key]
	if one == nil {
		one = &base{}
		b.loaded[key] = one
	}
	b.mu.Unlock()
	one.once.Do(func() {
		if file, ok := b.given[ref]; ok {
			one.given = ref
			if one.index, one.err = Open(ctx, file, ref, platform); one.err == nil {
				one.about = fmt.Sprintf("%s, given as %s", one.index.Digest, file)
			}
			return
		}
		if same := b.pinned(ctx, ref, platform); same != nil {
			one.index, one.about, one.given = same.index, same.about, same.given
			return
		}
		if b.ask != nil {
			one.index, one.err = b.ask(ctx, ref, platform)
			if one.index != nil {
				one.about = one.index.Digest + ", of the docker daemon"
			}
			if one.index != nil || one.err != nil {
				return
			}
		}
		one.index, one.about, one.err = b.pulled(ref, platform)
	})
	return one, one.err
}

// pinned gives the image that a person gave by its name where a build asks for the same by name and digest; nil if there is none.
func (b *Bases) pinned(ctx context.Context, ref, platform string) *base {
	name, digest, ok := strings.Cut(ref, "@")
	if !ok {
		return nil
	}
	if _, given := b.given[name]; !given {
		return nil
	}
	found, err := b.known(ctx, name, platform)
	if err != nil || found == nil || found.index.Digest != digest && found.index.Listed != digest {
		return nil
	}
	return found
}

// pulled looks an image up in the cache.
func (b *Bases) pulled(ref, platform string) (*Index, string, error) {
	list, err := b.pulledList()
	if err != nil || len(list) == 0 {
		return nil, "", err
	}
	want, err := platforms.Parse(platform)
	if err != nil {
		return nil, "", nil // BuildKit says what is wrong with it
	}
	p, ok := find(list, ref, platforms.Only(want))
	if !ok {
		return nil, "", nil
	}
	x, err := b.cache.Index(p)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("reading the pulled image %s: %w; 'ctxaudit base rm %s' removes it", ref, err, strings.TrimPrefix(ref, "docker.io/library/"))
	}
	return x, fmt.Sprintf("%s, pulled %s", p.Digest, p.Time.Format("2006-01-02")), nil
}

func (b *Bases) pulledList() ([]Pulled, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.looked {
		return b.list, nil
	}
	b.looked = true
	c, err := OpenCache(false)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	b.cache = c
	b.list, err = c.List()
	return b.list, err
}
