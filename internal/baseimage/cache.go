package baseimage

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"

	"github.com/containerd/platforms"

	"github.com/ctxaudit/ctxaudit/internal/files"
)

// Cache are the indexes of images that a person fetched, by their digests, and a list of what they are called.
type Cache struct{ dir *files.Dir }

// Pulled is an image of the cache.
type Pulled struct {
	Ref      string    `json:"ref"` // normalized, with its tag or digest
	Platform string    `json:"platform"`
	Digest   string    `json:"digest"`
	Listed   string    `json:"listed,omitempty"` // digest of the list of platforms
	Time     time.Time `json:"pulled"`
	Entries  int       `json:"entries"`
	Size     int64     `json:"size"` // bytes of the index
}

const (
	cacheName = "bases"
	listName  = "bases.json"
	maxList   = 4 << 20
)

// OpenCache opens the cache below the user's own, which create makes; [fs.ErrNotExist] if there is none.
func OpenCache(create bool) (*Cache, error) {
	dir, err := files.Cache(cacheName, create)
	if err != nil {
		return nil, err
	}
	return &Cache{dir}, nil
}

// Close gives it up.
func (c *Cache) Close() error { return c.dir.Close() }

// List gives what is there, sorted by name and platform.
func (c *Cache) List() ([]Pulled, error) {
	data, err := c.dir.Read(listName, maxList)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var list []Pulled
	if err == nil {
		err = unmarshal(data, &list)
	}
	if err != nil {
		return nil, fmt.Errorf("reading the list of pulled images (%s/%s): %w", c.dir.Name(), listName, err)
	}
	return list, nil
}

// Add stores an index under a name.
func (c *Cache) Add(x *Index, ref string, now time.Time) (Pulled, error) {
	list, err := c.List()
	if err != nil {
		return Pulled{}, err
	}
	var b bytes.Buffer
	if err := x.Encode(&b); err != nil {
		return Pulled{}, err
	}
	p := Pulled{Ref: ref, Platform: x.Platform(), Digest: x.Digest, Listed: x.Listed, Time: now.UTC().Truncate(time.Second), Entries: x.Entries, Size: int64(b.Len())}
	if err := c.dir.Write(indexName(p.Digest), b.Bytes()); err != nil {
		return p, err
	}
	return p, c.write(append(slices.DeleteFunc(list, func(q Pulled) bool { return q.Ref == p.Ref && q.Platform == p.Platform }), p))
}

// Remove takes the images of a name away, and tells how many.
func (c *Cache) Remove(ref string) (int, error) {
	list, err := c.List()
	if err != nil {
		return 0, err
	}
	left := slices.DeleteFunc(slices.Clone(list), func(p Pulled) bool { return p.Ref == ref })
	return len(list) - len(left), c.write(left)
}

// write stores the list, and takes away indexes that it had and that are in it no more.
func (c *Cache) write(list []Pulled) error {
	before, err := c.List()
	if err != nil {
		return err
	}
	slices.SortFunc(list, func(a, b Pulled) int { return strings.Compare(a.Ref+"\x00"+a.Platform, b.Ref+"\x00"+b.Platform) })
	data, err := json.MarshalIndent(list, "", "  ")
	if err == nil {
		err = c.dir.Write(listName, append(data, '\n'))
	}
	for _, p := range before {
		if !slices.ContainsFunc(list, func(q Pulled) bool { return q.Digest == p.Digest }) {
			err = errors.Join(err, c.dir.Remove(indexName(p.Digest)))
		}
	}
	return err
}

// Index reads the index of an image.
func (c *Cache) Index(p Pulled) (*Index, error) {
	f, err := c.dir.Open(indexName(p.Digest))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return Decode(f)
}

// find gives the image that a build for a platform takes for a reference; ok is false if it is not there. A reference with a digest
// is that image, whatever it is called.
func find(list []Pulled, ref string, platform platforms.MatchComparer) (found Pulled, ok bool) {
	_, pinned, _ := strings.Cut(ref, "@")
	for _, p := range list {
		named := p.Ref == ref || pinned != "" && (p.Digest == pinned || p.Listed == pinned)
		made, err := platforms.Parse(p.Platform)
		if named && err == nil && platform.Match(made) && (!ok || platform.Less(made, platforms.MustParse(found.Platform))) {
			found, ok = p, true
		}
	}
	return found, ok
}

// indexName is the name of a file, which a digest with its colon need not be everywhere.
func indexName(digest string) string { return strings.ReplaceAll(digest, ":", "-") + ".idx" }
